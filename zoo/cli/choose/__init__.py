"""Commands that look at data and choose a model for them."""
