"""Search: queries, the models that match, and their order."""
