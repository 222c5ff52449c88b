"""File names in the folder of a tuned model."""

from __future__ import annotations

MARKER = "zoo.json"
WEIGHTS = "model.safetensors"
FAMILIARITY = "familiarity.safetensors"
ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
"""The files of an adapter, as peft names them."""

FORMAT = 1
ADAPTER_FORMAT = 2
"""Folders with an adapter, which versions of zoo before them cannot read."""

LIBRARY = "zoo"
"""The library on the cards of adapted models."""
