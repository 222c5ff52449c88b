"""The results of a test: intervals of metrics, predictions by sample, calibration, and comparisons of models."""
