"""What a configuration and a listing say of a model, by the domains of the plugins."""

from __future__ import annotations

from typing import Any

import pytest

from zoo.sources.files.describing import describe


def config(model_type: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"model_type": model_type, "architectures": [name] if name else [], **more}


@pytest.mark.parametrize(
    ("given", "domain", "task", "architecture", "kind"),
    [
        (config("bert", "BertModel"), "language", "feature-extraction", "BERT", "text"),
        (config("unheard-of"), "language", "feature-extraction", "unheard-of", "text"),
        (config("bert", "BertForSequenceClassification"), "language", "text-classification", "BERT", "text"),
        (config("wav2vec2", "Wav2Vec2ForSequenceClassification"), "audio", "audio-classification", None, "audio"),
        (config("vits", "VitsModel"), "audio", "text-to-speech", "VITS", "text"),
        (config("vit", "ViTModel"), "vision", None, "ViT", "image"),
        (config("blip", "BlipForQuestionAnswering"), "multimodal", "visual-question-answering", None, "image"),
        (config("esm", "EsmForMaskedLM"), "scientific", "protein-property-prediction", "ESM", "protein"),
        (config("esm", "EsmForProteinFolding"), "scientific", "protein-structure-prediction", "ESM", "protein"),
        (config("own", "OwnForWeatherForecasting"), "scientific", "weather-forecasting", "own", "grid"),
        (
            config("roberta", "RobertaForMaskedLM", input_kind="molecule"),
            "scientific",
            "molecular-property-prediction",
            "RoBERTa",
            "molecule",
        ),
        (config("roberta", "RobertaForMaskedLM", input_kind="unheard-of"), "language", "fill-mask", "RoBERTa", "text"),
    ],
)
def test_a_configuration(
    given: dict[str, Any], domain: str, task: str | None, architecture: str | None, kind: str
) -> None:
    found = describe(given)
    assert (found.domain, found.tasks, found.input["kind"]) == (domain, (task,) if task else (), kind)
    assert architecture is None or found.architecture == architecture


@pytest.mark.parametrize(
    ("given", "task", "library", "domain", "kind"),
    [
        (config("llama", "LlamaForCausalLM"), "text-to-speech", "transformers", "audio", "text"),
        (config("esm", "EsmForMaskedLM"), "fill-mask", "transformers", "scientific", "protein"),
        ({}, "feature-extraction", "timm", "vision", "image"),
        ({}, "feature-extraction", "sentence-transformers", "language", "text"),
        ({}, "depth-estimation", None, "vision", "image"),
        ({}, "text-to-image", "diffusers", "vision", "text"),
        ({}, None, None, "other", None),
    ],
)
def test_an_entry_of_a_listing(
    given: dict[str, Any], task: str | None, library: str | None, domain: str, kind: str | None
) -> None:
    found = describe(given, task, library)
    assert (found.domain, found.tasks, found.input.get("kind")) == (domain, (task,) if task else (), kind)


@pytest.mark.parametrize(
    ("given", "dimension"),
    [
        (config("bert", "BertModel", hidden_size=32), 32),
        (config("clip", "CLIPModel", hidden_size=32, projection_dim=16), 16),
        (config("blip", "BlipForConditionalGeneration", projection_dim=8, vision_config={"hidden_size": 24}), 24),
        (config("blip", "BlipForConditionalGeneration", vision_config={"hidden_size": True}), None),
        (config("mask2former", "Mask2FormerForUniversalSegmentation", hidden_dim=256), None),
        (config("swin", "SwinModel", hidden_sizes=[8, 16]), 16),
        (config("swin", "SwinModel", hidden_sizes=["8"]), None),
        (config("bert", "BertModel", hidden_size=-1, d_model=4), 4),
    ],
)
def test_the_number_of_features(given: dict[str, Any], dimension: int | None) -> None:
    assert describe(given).dimension == dimension
