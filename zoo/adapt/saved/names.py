"""Names of what a folder of a tuned model holds."""

from __future__ import annotations

MARKER = "zoo.json"
WEIGHTS = "model.safetensors"
FORMAT = 1
LIBRARY = "zoo"
"""What cards of adapted models name as their library."""
