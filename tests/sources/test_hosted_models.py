"""Platforms whose models are hosted on another platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.contract.backbone import SilentProgress
from zoo.contract.source import HostedModels
from zoo.entities import ModelCard
from zoo.errors import MissingExtra
from zoo.sources import source
from zoo.sources.hosted_models import HostedSource


def _not_installed(name: str) -> str:
    raise MissingExtra("The package 'names' is needed.", "Run: pip install names")


def test_without_the_package_that_knows_the_names_nothing_is_here_and_pulling_says_why(tmp_path: Path) -> None:
    platform = HostedSource(HostedModels("alias", "Alias", "hf", _not_installed, lambda name, card: card), source)
    card = ModelCard("alias:one", "vision")

    assert platform.locate(card) is None
    with pytest.raises(MissingExtra, match="'names' is needed"):
        platform.fetch(card, tmp_path, SilentProgress())
