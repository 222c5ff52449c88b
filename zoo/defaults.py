"""The core's own answers to the hooks, as an ordinary plugin that answers last."""

from __future__ import annotations
