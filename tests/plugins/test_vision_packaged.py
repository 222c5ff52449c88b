"""The packaged cards match their files, and the weights see what is in a photograph."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from zoo.entities import BenchmarkScore, LocalFiles, ModelCard
from zoo.errors import UnsupportedModel
from zoo.plugins import plugins
from zoo.sources.local.package import PackageSource
from zoo_vision.cards import CARDS, EFFICIENTNET_LITE0, MOBILENET_V2, NUDE_CLASSIFIER, packaged

CLASSIFIERS = [card for card in CARDS if card is not NUDE_CLASSIFIER]


@cache
def load(card_id: str):
    card = next(card for card in CARDS if card.id == card_id)
    files = PackageSource().locate(card)
    assert files is not None
    return plugins().first("zoo_load", card=card, files=files, device="cpu", dtype="float32")


def photographs() -> list[Image.Image]:
    return [Image.fromarray(load_sample_image(name)) for name in ("flower.jpg", "china.jpg")]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_cards_match_their_files(card: ModelCard) -> None:
    files = PackageSource().locate(card)
    assert files is not None
    for file in card.files:
        content = files.path(file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
    backbone = load(card.id)
    parameters = sum(parameter.numel() for parameter in backbone.module.parameters())

    assert card.bytes == sum(file.bytes or 0 for file in card.files)
    assert card.parameters == parameters
    assert card.embedding_dimension == backbone.embedding_dimension
    assert card.revision == files.revision
    assert card.license
    prepared = backbone.preprocess(photographs()[0])
    assert prepared.shape == (*card.input["size"], 3)


@pytest.mark.parametrize("card", CLASSIFIERS, ids=lambda card: card.id)
def test_probabilities_are_those_of_the_classifier_from_the_same_pass(card: ModelCard) -> None:
    backbone = load(card.id)
    batch = backbone.collate([backbone.preprocess(image) for image in photographs()])
    with torch.inference_mode():
        expected = backbone.module.logits(backbone._pixels(batch)).softmax(dim=1)

    found = backbone.features(batch, ("stage1", "probabilities"))

    assert backbone.source_classes == 1000
    assert list(found) == ["stage1", "probabilities"]
    torch.testing.assert_close(found["probabilities"], expected, rtol=1e-4, atol=1e-6)


def test_a_model_without_a_classifier_has_no_source_classes() -> None:
    backbone = load(NUDE_CLASSIFIER.id)

    assert backbone.source_classes == 0
    assert "probabilities" not in backbone.layers


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_layer_gives_its_own_features(card: ModelCard) -> None:
    backbone = load(card.id)
    batch = backbone.collate([backbone.preprocess(image) for image in photographs()])

    found = backbone.features(batch, backbone.layers)

    assert list(found) == [*(f"stage{n}" for n in range(1, 6)), "pooled"]
    assert found["pooled"].shape == (2, 1280)
    assert all(values.dtype == torch.float32 and values.isfinite().all() for values in found.values())
    assert len({values.shape[1] for values in found.values()}) >= 5
    for layer in ("stage3", "pooled"):
        torch.testing.assert_close(backbone.features(batch, [layer])[layer], found[layer])


@pytest.mark.parametrize("card", CLASSIFIERS, ids=lambda card: card.id)
def test_photographs_are_recognised(card: ModelCard) -> None:
    flower, china = plugins().first(
        "zoo_predict", backbone=load(card.id), inputs=photographs(), task="image-classification", labels=()
    )

    assert {"palace", "monastery", "bell cote"} & {answer.label for answer in china[:2]}
    assert [answer.score for answer in flower] == sorted((a.score for a in flower), reverse=True)
    assert len(flower) == len(china) == 5


def test_lite0_sees_the_daisy() -> None:
    (answers,) = load(EFFICIENTNET_LITE0.id).answer("image-classification", photographs()[:1])

    assert answers[0].label == "daisy"


def test_mobilenet_is_torchvisions_own_network() -> None:
    from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

    files = PackageSource().locate(MOBILENET_V2)
    network = mobilenet_v2().eval()
    network.load_state_dict(torch.load(files.path(MOBILENET_V2.files[0].path), weights_only=True))
    transform = MobileNet_V2_Weights.IMAGENET1K_V1.transforms()
    backbone = load(MOBILENET_V2.id)
    pixels = torch.stack([transform(image) for image in photographs()])
    with torch.inference_mode():
        maps = network.features(pixels)
        expected = maps.mean(dim=(2, 3))
        logits = network(pixels)

    batch = backbone.collate([backbone.preprocess(image) for image in photographs()])

    torch.testing.assert_close(backbone.features(batch, ["pooled"])["pooled"], expected, rtol=1e-3, atol=1e-3)
    own = backbone.answer("image-classification", photographs())
    assert [row[0].score for row in own] == pytest.approx(logits.softmax(1).amax(1).tolist(), abs=1e-3)


def test_features_do_not_depend_on_the_batch() -> None:
    backbone = load(MOBILENET_V2.id)
    pixels = np.random.default_rng(0).integers(0, 255, (7, 40, 30, 3), dtype=np.uint8)
    items = [backbone.preprocess(Image.fromarray(p)) for p in pixels]
    whole = backbone.features(backbone.collate(items), ["pooled"])["pooled"]

    for size in (1, 2, 3):
        parts = [
            backbone.features(backbone.collate(items[start : start + size]), ["pooled"])["pooled"]
            for start in range(0, 7, size)
        ]
        torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-4, atol=1e-4)


def test_scores_follow_their_cards_and_are_fractions() -> None:
    items = list(packaged())
    known: set[str] = set()
    for item in items:
        if isinstance(item, BenchmarkScore):
            assert item.model in known
            assert 0.5 < item.value < 1
            assert item.source
        else:
            known.add(item.id)
    assert known == {card.id for card in CARDS}


def test_a_model_without_classes_has_no_answer() -> None:
    answer = plugins().first(
        "zoo_predict", backbone=load(NUDE_CLASSIFIER.id), inputs=photographs(), task="image-classification", labels=()
    )

    assert answer is None


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_images_of_every_mode(mode: str) -> None:
    image = Image.new("RGB", (50, 20), (200, 10, 10)).convert(mode)

    assert load(MOBILENET_V2.id).preprocess(image).shape == (224, 224, 3)


def test_weights_of_another_architecture_are_refused(tmp_path) -> None:
    import dataclasses

    files = PackageSource().locate(EFFICIENTNET_LITE0)
    wrong = dataclasses.replace(
        EFFICIENTNET_LITE0, loader={**EFFICIENTNET_LITE0.loader, "architecture": "tf_efficientnet_lite1"}
    )

    with pytest.raises(UnsupportedModel, match="has 296 tensors, but its architecture has 386"):
        plugins().first("zoo_load", card=wrong, files=files, device="cpu", dtype="float32")
    assert isinstance(files, LocalFiles)
