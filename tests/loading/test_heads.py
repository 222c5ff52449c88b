"""A new linear head on a pretrained module, and precisions by name."""

from typing import Any

import pytest
import torch
from torch import nn

from zoo.entities import ModelCard
from zoo.errors import InvalidInput, UnsupportedModel, UnsupportedPrecision
from zoo.loading.dtypes import float_dtype, require_float32
from zoo.loading.heads import with_head

CARD = ModelCard(id="file:m", domain="language")


def head(outputs: int = 2, **options: Any) -> nn.Module:
    return with_head(nn.Linear(4, 3), 3, outputs, task="sorting", device="cpu", **options)


def test_a_head_gives_outputs_of_what_the_pretrained_part_returns() -> None:
    module = head()
    batch = torch.randn(5, 4)
    assert torch.equal(module(batch), module.linear(module.encoder(batch)))


def test_its_weights_are_saved_by_the_names_asked_for() -> None:
    assert list(head().state_dict()) == ["encoder.weight", "encoder.bias", "linear.weight", "linear.bias"]
    assert list(head(names=("0", "1")).state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_features_may_be_taken_in_another_way() -> None:
    module = head(features=lambda pretrained, batch: pretrained(batch["x"]).relu())
    batch = torch.randn(5, 4)
    assert torch.equal(module({"x": batch}), module.linear(module.encoder(batch).relu()))


def test_dropout_acts_in_training_only() -> None:
    module, batch = head(dropout=0.5), torch.randn(64, 4)
    assert not torch.equal(module.train()(batch), module(batch))
    assert torch.equal(module.eval()(batch), module(batch))


def test_no_outputs_are_refused() -> None:
    with pytest.raises(InvalidInput, match="A head for 'sorting' needs at least one output, not 0"):
        head(0)


def test_precisions_by_name() -> None:
    assert float_dtype("bfloat16") is torch.bfloat16
    for name in ("int8", "float31", "nn"):
        with pytest.raises(UnsupportedModel, match=f"no precision called '{name}'"):
            float_dtype(name)


def test_a_model_that_runs_in_float32_refuses_others() -> None:
    require_float32(CARD, "float32")
    with pytest.raises(UnsupportedPrecision, match="'file:m' folds in float32, not in float16"):
        require_float32(CARD, "float16", "folds")
