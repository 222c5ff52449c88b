"""The demo ranks networks that people know, and only those."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from zoo_vision.cards import CARDS

ROOT = Path(__file__).parents[2]


def test_its_weights_are_those_of_well_known_networks() -> None:
    lines = (ROOT / "requirements" / "demo-weights.txt").read_text(encoding="utf-8").splitlines()
    packages = {line.partition("==")[0] for line in lines if line and not line.startswith("#")}
    by_package = {package: card for card in CARDS for package in card.requires}

    assert {by_package[package].architecture for package in packages} == {"EfficientNet-Lite", "MobileNetV2"}
    assert all(by_package[package].proposed for package in packages)
    # The other packaged weights hold models of special purpose, and the demo installs none of them.
    assert {card.id for package, card in by_package.items() if package not in packages} == {
        card.id for card in CARDS if not card.proposed
    }


def test_it_names_no_candidates_so_that_it_shows_the_default_ones() -> None:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "tools" / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    assert demo.COMMAND[:2] == ("recommend", "sklearn:digits")
    assert "--candidates" not in demo.COMMAND
