"""A configuration that transformers refuses is one clear error, not a broken plugin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from zoo.errors import UnsupportedModel
from zoo.loading.transformers import load_config


@pytest.mark.parametrize(
    "field", [{"num_hidden_layers": 1e308}, {"hidden_size": "wide"}, {"model_type": "no-such-type"}]
)
def test_an_invalid_field_is_named(field: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", **field}))
    with pytest.raises(
        UnsupportedModel, match=r"transformers cannot read the config\.json in .*(layers|hidden_size|no-such-type)"
    ):
        load_config(tmp_path)
