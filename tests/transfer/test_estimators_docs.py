"""The Python examples of docs/estimators.md run, in order, in one session."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "estimators.md"


def test_examples_run():
    session = {}
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, session)
    assert session["layers"].score().keys() == {"layer1", "layer2", "mean of layers"}
    assert session["logme"](session["first"]) == pytest.approx(
        session["score"]("logme", session["features"], session["targets"]), abs=1e-9
    )


def test_every_builtin_estimator_is_described():
    from zoo.transfer import builtin_estimators

    for estimator in builtin_estimators():
        assert f"| `{estimator.name}` |" in DOCS.read_text()
        assert f"## {estimator.title}" in DOCS.read_text()
