"""Finds, loads, isolates and reports plugins."""

from __future__ import annotations

from zoo.plugins.manager import DEFAULTS, GROUP, OWN_DISTRIBUTION, Plugins, installed, plugins
from zoo.plugins.reports import PluginReport

__all__ = ["DEFAULTS", "GROUP", "OWN_DISTRIBUTION", "PluginReport", "Plugins", "installed", "plugins"]
