"""SavedModels of TensorFlow as backbones: small ones made here, and the one that basic-pitch ships."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.entities import Dataset, LocalFiles, ModelCard, ModelFile
from zoo.errors import MissingExtra, UnsupportedModel
from zoo.features import saved_model
from zoo.kinds.audio import Recording
from zoo.plugins import plugins


def files_of(folder: Path) -> LocalFiles:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return LocalFiles(folder, tuple(ModelFile(path.relative_to(folder).as_posix()) for path in paths))


def card(**more: object) -> ModelCard:
    return ModelCard(id="kaggle:team/model/tensorFlow2/tiny", domain="other", library="tensorflow", **more)  # type: ignore[arg-type]


def test_a_folder_without_a_saved_model_raises_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"holds no files called saved_model\.pb"):
        saved_model.load(card(), files_of(tmp_path))


def test_without_tensorflow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtra, match="tensorflow"):
        saved_model.load(card(), files_of(tmp_path))


class TestWithTensorFlow:
    @pytest.fixture(autouse=True)
    def tensorflow(self) -> None:
        pytest.importorskip("tensorflow", reason="the extra 'tensorflow' is not installed")

    def test_images(self, tmp_path: Path) -> None:
        import tensorflow as tf
        from PIL import Image

        class Brightness(tf.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weights = tf.Variable(np.eye(3, 4, dtype=np.float32))

            @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32)])
            def __call__(self, images):
                means = tf.reduce_mean(images, axis=(1, 2))
                return {"default": means @ self.weights, "places": images}

        tf.saved_model.save(Brightness(), str(tmp_path))
        backbone = plugins().first("zoo_load", card=card(), files=files_of(tmp_path), device="cpu", dtype="float32")
        assert (backbone.input_kind, backbone.layers, backbone.embedding_dimension) == (
            "image",
            ("places", "default"),
            4,
        )
        images = [Image.new("RGB", (20, 10), color) for color in ("red", "white")]
        data = Dataset("images", "image", images, [0, 1], ("a", "b"))
        features = zoo.features.Model(card(), backbone).extract(data)
        np.testing.assert_allclose(features.values, [[1, 0, 0, 0], [1, 1, 1, 0]], atol=1e-6)

    def test_texts(self, tmp_path: Path) -> None:
        import tensorflow as tf

        class Lengths(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
            def __call__(self, texts):
                return tf.cast(tf.strings.length(texts), tf.float32)[:, None]

        tf.saved_model.save(Lengths(), str(tmp_path))
        backbone = saved_model.load(card(), files_of(tmp_path))
        data = Dataset("words", "text", ["a", "four", ""])
        assert zoo.features.Model(card(), backbone).extract(data).values.tolist() == [[1], [4], [0]]

    def test_a_signature_of_another_form_is_refused(self, tmp_path: Path) -> None:
        import tensorflow as tf

        class Sum(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
            def __call__(self, numbers):
                return numbers

        tf.saved_model.save(Sum(), str(tmp_path))
        with pytest.raises(UnsupportedModel):
            saved_model.load(card(), files_of(tmp_path))

    def test_a_damaged_one_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "saved_model.pb").write_bytes(b"no graph")
        with pytest.raises(UnsupportedModel, match="cannot be read"):
            saved_model.load(card(), files_of(tmp_path))

    def test_a_published_one_hears_notes(self) -> None:
        try:
            package = metadata.distribution("basic-pitch")
        except metadata.PackageNotFoundError:
            pytest.skip("basic-pitch is not installed")
        folder = Path(str(package.locate_file("basic_pitch/saved_models/icassp_2022/nmp")))
        backbone = saved_model.load(card(input={"kind": "audio", "sampling_rate": 22050}), files_of(folder))
        assert (backbone.input_kind, backbone.layers) == ("audio", ("contour", "note", "onset"))
        time = np.arange(2 * 22050) / 22050
        a4, silence = (
            Recording((level * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 22050) for level in (0.5, 0)
        )
        batch = backbone.collate([backbone.preprocess(a4), backbone.preprocess(silence)])
        heard = backbone.features(batch, ("note",))["note"]
        assert heard.shape == (2, 88)
        assert int(heard[0].argmax()) == 69 - 21
        assert heard[0].max() > 0.5 > heard[1].max()
