"""Models in local folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard
from zoo.errors import IntegrityError, InvalidInput, ModelNotFound, SourceError
from zoo.sources.local.folder import FileSource

VIT = {"architectures": ["ViTForImageClassification"], "model_type": "vit", "hidden_size": 8, "image_size": 32}
TIMM = {
    "architecture": "resnet18",
    "num_features": 512,
    "pretrained_cfg": {"input_size": [3, 224, 224], "mean": [0.5, 0.5, 0.5], "license": "apache-2.0"},
}


def make(folder: Path, config: object = VIT, weights: str = "model.safetensors") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    if weights.endswith(".safetensors"):
        save_file({"a": np.ones((4, 8), np.float32), "b": np.ones(8, np.float16)}, folder / weights)
    elif weights:
        (folder / weights).write_bytes(bytes(50))
    return folder


def describe(folder: Path) -> ModelCard:
    return FileSource().describe(str(folder))


def test_a_transformers_folder_describes_itself(tmp_path: Path) -> None:
    card = describe(make(tmp_path / "vit"))
    assert (card.library, card.architecture, card.domain, card.tasks) == (
        "transformers",
        "ViT",
        "vision",
        ("image-classification",),
    )
    assert (card.parameters, card.embedding_dimension) == (40, 8)
    assert card.input == {"kind": "image", "input_size": [3, 32, 32]}
    assert card.loader == {"weights": "model.safetensors", "format": "safetensors"}
    assert [file.path for file in card.files] == ["config.json", "model.safetensors"]
    assert all(len(file.sha256 or "") == 64 for file in card.files)
    assert card.id == f"file:{(tmp_path / 'vit').resolve()}"


def test_a_timm_folder_describes_itself(tmp_path: Path) -> None:
    card = describe(make(tmp_path / "timm", TIMM, "pytorch_model.bin"))
    assert (card.library, card.architecture, card.license) == ("timm", "resnet18", "Apache-2.0")
    assert (card.parameters, card.embedding_dimension) == (None, 512)
    assert card.input["input_size"] == [3, 224, 224]
    assert card.loader["format"] == "pytorch"


def test_safetensors_are_preferred_over_pickled_weights(tmp_path: Path) -> None:
    folder = make(tmp_path / "both")
    (folder / "pytorch_model.bin").write_bytes(bytes(50))
    assert describe(folder).loader["weights"] == "model.safetensors"


def test_the_revision_follows_the_content(tmp_path: Path) -> None:
    first = describe(make(tmp_path / "one"))
    assert describe(make(tmp_path / "two")).revision == first.revision
    (tmp_path / "two" / "config.json").write_text(json.dumps({**VIT, "hidden_size": 9}))
    assert describe(tmp_path / "two").revision != first.revision


def test_remote_code_is_noted(tmp_path: Path) -> None:
    card = describe(make(tmp_path / "code", {**VIT, "auto_map": {"AutoModel": "evil.Model"}}))
    assert card.loader["remote_code"] is True


def test_a_tuned_folder_says_what_it_is(tmp_path: Path) -> None:
    folder = make(tmp_path / "tuned", VIT, "head.safetensors")
    base = ModelCard(id="pkg:wordllama", domain="language", tasks=("text-classification",), loader={"root": "x"})
    (folder / "zoo.json").write_text(json.dumps({"card": base.to_dict(), "run": {}}))
    card = describe(folder)
    assert (card.id, card.base_model, card.domain) == (f"file:{folder.resolve()}", "pkg:wordllama", "language")
    assert {file.path for file in card.files} == {"config.json", "head.safetensors", "zoo.json"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{not json", "is not JSON"),
        ("[1]", "not a list"),
        ("[" * 100_000, "is not JSON"),
        ('{"some": "thing"}', "names neither"),
        ('{"model_type": [], "architectures": ["BertModel"]}', "a list under 'model_type'"),
        ('{"model_type": "bert", "architectures": "BertModel"}', "a str under 'architectures'"),
        ('{"model_type": "bert", "architectures": [{}]}', "'architectures' that are not names"),
        ('{"model_type": "vit", "vision_config": 3}', "a int under 'vision_config'"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "is not JSON"),
    ],
)
def test_a_configuration_that_is_none(config: str, message: str, tmp_path: Path) -> None:
    with pytest.raises((InvalidInput, ModelNotFound), match=message):
        describe(make(tmp_path / "bad", config))


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no folder"):
        describe(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFound, match="is empty"):
        describe(tmp_path / "empty")
    with pytest.raises(ModelNotFound, match="no weights"):
        describe(make(tmp_path / "bare", weights=""))
    folder = make(tmp_path / "no-config")
    (folder / "config.json").unlink()
    with pytest.raises(ModelNotFound, match=r"has no config\.json"):
        describe(folder)
    with pytest.raises(ModelNotFound, match="is a file"):
        describe(folder / "model.safetensors")


def test_malformed_weights_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="tensors need 144 bytes and 143"):
        describe(folder)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = make(tmp_path / "shards", weights="model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(IntegrityError, match="lacks model-00002-of-00002"):
        describe(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "deep"])
def test_a_link_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = make(tmp_path / "links")
    (folder / name).symlink_to(outside)
    with pytest.raises(IntegrityError, match="leaves the folder"):
        describe(folder)


def test_a_link_inside_the_folder_is_fine(tmp_path: Path) -> None:
    folder = make(tmp_path / "links")
    (folder / "copy.json").symlink_to("config.json")
    assert "copy.json" in {file.path for file in describe(folder).files}


def test_a_change_after_the_card_was_made_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "vit")
    card = describe(folder)
    assert FileSource().fetch(card, tmp_path, SilentProgress()).root == folder.resolve()
    (folder / "config.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"config\.json has 2 bytes"):
        FileSource().fetch(card, tmp_path, SilentProgress())
    assert [p.item for p in FileSource().verify(card, SilentProgress())] == ["config.json"]


def test_the_users_folder_is_never_deleted(tmp_path: Path) -> None:
    folder = make(tmp_path / "vit")
    with pytest.raises(SourceError, match="your own"):
        FileSource().remove(describe(folder))
    assert (folder / "model.safetensors").is_file()


def test_tuned_models_in_the_home_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    folder = make(tmp_path / "models" / "mine")
    base = ModelCard(id="pkg:wordllama", domain="language")
    (folder / "zoo.json").write_text(json.dumps({"card": base.to_dict()}))
    assert [model.id for model in FileSource().models()] == [f"file:{folder.resolve()}"]
