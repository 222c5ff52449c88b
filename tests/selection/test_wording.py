"""Estimators in words: every one has a name for sentences, a unit or none, and a range."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zoo.contract.estimator import Estimator
from zoo.selection.rank.wording import described, estimator_name, estimator_title, legend
from zoo.transfer.scores.builtin import ESTIMATORS

DOCS = Path(__file__).parents[2] / "docs" / "estimators.md"
UNITS = {"accuracy", "R²", "probability", "nats", "nats per sample", ""}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.name)
@pytest.mark.parametrize("kind", ["class", "classes", "number"])
def test_every_estimator_says_what_its_number_is(estimator: Estimator, kind: str):
    words = estimator_name(estimator.name, kind)

    assert words != estimator.name or estimator.title == estimator.name
    assert "{" not in words
    assert estimator.unit_for(kind) in UNITS
    assert estimator.range
    assert re.search(r"(19|20)\d\d", estimator.reference)
    assert estimator_title(estimator.name) == estimator.title


def test_what_is_an_accuracy_for_classes_is_a_share_of_variance_for_numbers():
    assert estimator_name("linear-probe", "class") == "cross-validated linear-probe accuracy"
    assert estimator_name("linear-probe", "number") == "cross-validated linear-probe R²"
    assert estimator_name("logistic-probe", "classes") == "cross-validated logistic-probe accuracy"


def test_an_estimator_of_a_plugin_uses_its_title():
    assert Estimator("spread", "Variance of the features", max).in_words("class") == "Variance of the features"
    assert estimator_name("no_model-brings-it", "class") == "no_model-brings-it"


def test_the_legend_has_a_line_with_unit_and_range_for_each():
    lines = legend(described(["linear-probe", "logme", "hscore"], "class"))

    assert lines == [
        "linear-probe: cross-validated linear-probe accuracy; 0 to 1 for classes; at most 1 for numbers and labels.",
        "logme: LogME, in nats per sample; any real number; comparable between models on the same targets only.",
        "hscore: shrinkage H-score; 0 to about the number of classes less one.",
    ]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.name)
def test_the_table_in_the_guide_has_the_same_unit(estimator: Estimator):
    [row] = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{estimator.name}` | ")][:1]
    unit = row.split("|")[4].strip()
    units = dict.fromkeys(estimator.unit_for(kind) for kind in ("class", "number") if kind in estimator.target_kinds)

    assert unit == ("; ".join(units) or "none")
