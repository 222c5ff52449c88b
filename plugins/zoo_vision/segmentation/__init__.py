"""Semantic segmentation: a class for each pixel, its files, metrics and drawings, and torchvision's models."""
