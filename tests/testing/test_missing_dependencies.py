"""A program or package that is not installed skips the checks that need it, with the command that installs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conformance import outcomes_of_models
from test_answers import CHECKS

from zoo.cli import run as command_line

LACKING = """
import numpy as np
from zoo import ModelCard, hookimpl
from zoo.entities import LocalFiles
from zoo.errors import DataError, MissingExtra

WHERE = {WHERE}


def lack(where):
    if where == WHERE:
        raise MissingExtra("The package 'lacking' is not installed.", "Run: pip install 'foundation-zoo[lacking]'")


class Lacking:
    input_kind, layers, embedding_dimension = "text", ("length",), 2

    def __init__(self, card):
        self.card = card

    def preprocess(self, item):
        lack("preprocess")
        if not isinstance(item, str):
            raise DataError("The model reads texts.")
        return item

    def collate(self, items):
        return list(items)

    def features(self, batch, layers):
        lack("features")
        return {"length": np.array([[len(text), 1] for text in batch], dtype=np.float32)}


@hookimpl
def zoo_cards():
    yield ModelCard("lacking:model", "language", ("word-counting",))


@hookimpl
def zoo_download(card, store, progress):
    return LocalFiles(store) if card.source == "lacking" else None


@hookimpl
def zoo_load(card, files, device, dtype):
    if card.source == "lacking":
        lack("zoo_load")
        return Lacking(card)


@hookimpl
def zoo_predict(backbone, inputs, task):
    if backbone.card.source == "lacking":
        lack("zoo_predict")
"""
"""A model that needs a package which is missing, in one of the four places where the suite calls it."""


def test_a_program_that_is_missing_skips_what_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path))

    outcomes = {one.check: one for one in outcomes_of_models("audio", "pkg:piper-joe-medium")}

    assert {name for name, one in outcomes.items() if one.status == "failed"} == set()
    assert outcomes["keeps-the-protocol"].status == "passed"
    for name in CHECKS:
        assert outcomes[name].status == "skipped"
        assert outcomes[name].detail.startswith("The program 'espeak-ng' is needed to turn texts into phonemes")
        assert "Run: apt-get install espeak-ng" in outcomes[name].detail
    assert command_line(["plugins", "check", "audio", "--model", "pkg:piper-joe-medium"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("skipped: The program 'espeak-ng'") == 1
    [skipped] = re.findall(r"pkg:piper-joe-medium: ([a-z, -]+) skipped: The program", shown)
    assert set(skipped.split(", ")) >= set(CHECKS)


@pytest.mark.parametrize("where", ["zoo_load", "preprocess", "features", "zoo_predict"])
def test_a_package_that_is_missing_skips_what_needs_it(where: str, install: Callable[[str, str], None]) -> None:
    install("lacking", LACKING.replace("{WHERE}", repr(where)))

    outcomes = outcomes_of_models("lacking")

    assert [f"{one.check}: {one.detail}" for one in outcomes if one.status == "failed"] == []
    skipped = {one.check for one in outcomes if "Run: pip install 'foundation-zoo[lacking]'" in one.detail}
    of_features = {"gives-features", "is-extracted-by-the-core", "survives-extremes"}
    assert skipped >= (set(CHECKS) if where in {"zoo_load", "zoo_predict"} else of_features)
    assert ("explains-wrong-inputs" in skipped) == (where in {"zoo_load", "preprocess"})
