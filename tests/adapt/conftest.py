"""A home of its own, and texts that a model can tell apart but not by one word alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

WORDS = {
    "good": ["great", "lovely", "happy", "wonderful", "bright", "charming", "superb"],
    "bad": ["awful", "sad", "terrible", "poor", "broken", "dreadful", "boring"],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"


@pytest.fixture
def reviews(tmp_path: Path) -> str:
    """120 short reviews in two classes."""
    chance = random.Random(0)
    lines = ["text,label"]
    for number in range(120):
        label = chance.choice(sorted(WORDS))
        thing = chance.choice(["film", "meal", "day", "trip"])
        lines.append(f"The {thing} number {number} was {chance.choice(WORDS[label])},{label}")
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
