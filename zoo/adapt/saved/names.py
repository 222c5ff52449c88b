"""File names in the folder of a tuned model."""

from __future__ import annotations

MARKER = "zoo.json"
WEIGHTS = "model.safetensors"
FORMAT = 1
LIBRARY = "zoo"
"""The library on the cards of adapted models."""
