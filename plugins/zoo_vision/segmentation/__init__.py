"""Segmentation: masks, and models that predict them."""
