"""Runs the checks of the conformance suite that concern models; the plugins' own are in ``testing/test_own_plugins.py``."""

from __future__ import annotations

from zoo.testing import Outcome, checks


def outcomes_of_models(plugin: str, *models: str) -> list[Outcome]:
    """The results of all checks of these models, or without any of the plugin's smallest local ones."""
    return [check.outcome() for check in checks(plugin, models) if check.model]
