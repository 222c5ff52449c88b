"""Searches a registry: what can be asked, which models match, and in which order."""
