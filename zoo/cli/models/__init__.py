"""Commands that download, run, train and evaluate models."""
