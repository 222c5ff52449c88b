"""Tests the advice on records of results: estimators, prior and selection against what fine-tuning reached."""
