"""Cards from configurations, valid or not."""

from __future__ import annotations

import operator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zoo.entities import ModelFile
from zoo.errors import InvalidInput, ModelNotFound
from zoo.sources.files.config_card import card_from_config

KEYS = (
    "architectures",
    "model_type",
    "architecture",
    "input_kind",
    "auto_map",
    "pretrained_cfg",
    "vision_config",
    "max_position_embeddings",
    "image_size",
    "num_channels",
    "num_features",
    "hidden_size",
    "hidden_sizes",
    "embed_dim",
)
USUAL = ("bert", "esm", "vit", "blip", ["BertModel"], ["BlipForConditionalGeneration"], {"input_size": 3})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


VALUE = st.sampled_from(USUAL) | JSON
NAMED = st.fixed_dictionaries({"model_type": VALUE, "architectures": st.just(["BertModel"]) | VALUE})


@given(st.builds(operator.or_, st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=3), NAMED | st.just({})))
def test_any_configuration_gives_a_card_or_a_sentence(config: dict[str, Any]) -> None:
    try:
        card = card_from_config("file:x", config, (ModelFile("model.safetensors", 1, None),), 1)
    except (InvalidInput, ModelNotFound):
        return
    assert card.id == "file:x"
