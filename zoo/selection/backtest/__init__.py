"""Evaluates estimators, prior and selection on records of results: how well they predict fine-tuned scores."""
