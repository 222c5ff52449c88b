"""Time series and the models that forecast them."""
