"""Measures candidates on the data: features, estimators, races."""
