"""Records of past runs, ours and published ones, and how similar models and data sets are."""
