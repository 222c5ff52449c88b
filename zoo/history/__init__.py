"""Records of past runs, the user's own and published ones, and how similar models and data sets are."""
