"""No sample is scored that a model was trained on: copies in the split, digests next to the weights, evaluation."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rdkit import Chem

import zoo
from zoo.adapt.experiment import prepare
from zoo.adapt.saved.names import MARKER
from zoo.adapt.saved.seen import FILE, Seen, keep_apart, seen_by, trained_on
from zoo.cli import run
from zoo.entities import Dataset, ModelCard, Plan
from zoo.errors import DataError, IntegrityError

STATIC = "pkg:wordllama/64"
BASE = ModelCard("pkg:some", "language")


def write(path: Path, rows: list[tuple[str, str]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    return str(path)


def by_chance(copies: int = 5) -> list[tuple[str, str]]:
    """60 texts with labels drawn at random, so that only a copy can tell one, each several times, spelled differently."""
    chance = random.Random(1)
    words = [f"word{n}" for n in range(400)]
    rows = []
    for _ in range(60):
        text, label = " ".join(chance.sample(words, 6)), chance.choice("ab")
        rows += [(f"{' ' * (copy % 2)}{text.upper() if copy == 2 else text}", label) for copy in range(copies)]
    return rows


@pytest.mark.parametrize(("strategy", "options"), [("linear-probe", {}), ("full", {"epochs": 3})])
def test_labels_drawn_at_random_are_not_learned_from_copies(
    tmp_path: Path, strategy: str, options: dict[str, int]
) -> None:
    data = write(tmp_path / "chance.csv", by_chance())

    found = zoo.tune(STATIC, data, strategy=strategy, **options)

    assert found.metrics["accuracy"] < 0.8
    assert found.plan["copies"] == 240
    assert zoo.open_registry().run(found.id).plan["copies"] == 240  # type: ignore[union-attr]


def test_the_command_says_how_many_samples_are_copies(
    tmp_path: Path, reviews: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tune", STATIC, write(tmp_path / "chance.csv", by_chance())]) == 0
    assert "240 samples are duplicates" in capsys.readouterr().err
    assert run(["tune", STATIC, reviews]) == 0
    assert "copies" not in capsys.readouterr().err


def test_structured_targets_are_split_with_copies_together() -> None:
    inputs = [f"word {n // 3}" for n in range(60)]
    data = Dataset("tagged", "text", inputs, [["O", "O"]] * 60, ("O",), "f", "spans")

    parts = prepare(data, Plan(task="token-classification"))

    sides = [set(parts.part(positions).inputs) for positions in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, sides)) == 20
    assert parts.copies == 40
    assert parts.learned_from == (*parts.train, *parts.validation)


@pytest.mark.parametrize("split", ["random", "scaffold"])
def test_spellings_of_a_molecule_lie_in_one_part(split: str) -> None:
    spelled = [f"{'C' * n}{ring}" for ring in ("c1ccccc1", "C1CC1", "c1ccsc1", "C1CCC1") for n in range(1, 6)]
    smiles = [
        *spelled,
        *(Chem.MolToSmiles(Chem.MolFromSmiles(one), canonical=False, rootedAtAtom=2) for one in spelled),
    ]
    data = Dataset("drugs", "molecule", [*smiles, "OCC", "CCO"], [float(n % 20) for n in range(42)], (), "f", "number")

    found = prepare(data, Plan(task="molecular-property-prediction", split=split))

    parts = [{at % 20 if at < 40 else "ethanol" for at in part} for part in (found.train, found.validation, found.test)]
    assert sum(map(len, parts)) == 21
    assert found.copies == 21


def test_an_image_in_two_formats_lies_in_one_part(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for number in range(30):
        folder = tmp_path / "ab"[number % 2]
        folder.mkdir(exist_ok=True)
        image = Image.fromarray(chance.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        image.save(folder / f"{number}.png")
        image.save(folder / f"{number}.bmp")
    data = zoo.read(str(tmp_path))

    found = prepare(data, Plan(task="image-classification"))

    names = [path.stem for path in data.inputs.paths]  # type: ignore[attr-defined]
    parts = [{names[at] for at in part} for part in (found.train, found.validation, found.test)]
    assert sum(map(len, parts)) == 30
    assert found.copies == 30
    seen = trained_on(data, found.learned_from, BASE)
    converted = Dataset("held", "image", [data.inputs[at] for at in (found.train[0], found.test[0])])
    assert seen.holds(converted).tolist() == [True, False]  # type: ignore[union-attr]


def test_too_few_distinct_samples_are_refused_with_their_number(tmp_path: Path) -> None:
    data = write(tmp_path / "two.csv", [("one day", "a"), ("one night", "b")] * 30)
    with pytest.raises(DataError, match="has 60 samples, 2 of them distinct"):
        zoo.tune(STATIC, data)


@pytest.fixture
def tuned(reviews: str, tmp_path: Path) -> str:
    folder = tmp_path / "tuned"
    zoo.tune(STATIC, reviews, output=str(folder))
    return f"file:{folder}"


def test_an_evaluation_scores_what_the_model_was_not_trained_on(tuned: str, reviews: str, tmp_path: Path) -> None:
    held_out = zoo.evaluate(tuned, reviews)

    assert (held_out.samples, held_out.left_out) == (24, 96)
    kept = json.loads((tmp_path / "tuned" / MARKER).read_text())["metrics"]
    assert held_out.metrics == pytest.approx(kept)
    with (Path(reviews)).open(newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)][1:]
    more = write(
        tmp_path / "more.csv",
        [
            *((f" {text.upper()}", label) for text, label in rows),
            *((f"{text} indeed", label) for text, label in rows[:10]),
        ],
    )
    found = zoo.evaluate(tuned, more)
    assert (found.samples, found.left_out) == (34, 96)
    assert found.to_dict()["left_out"] == 96


def test_the_commands_say_how_many_were_left_out(tuned: str, reviews: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["evaluate", tuned, reviews]) == 0
    assert "Left out, because the model was trained on them: 96 of 120 samples." in capsys.readouterr().err
    assert run(["evaluate", tuned, reviews, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == 96


def test_a_model_that_was_trained_on_everything_is_not_scored(tuned: str, reviews: str, tmp_path: Path) -> None:
    data = zoo.read(reviews)
    known = seen_by(zoo.load(tuned).card).holds(data)  # type: ignore[union-attr]
    trained = data.subset(np.flatnonzero(known).tolist(), name="trained")

    with pytest.raises(DataError, match=r"was trained on all 96 samples of 'trained'.*Use samples"):
        zoo.evaluate(tuned, trained)


def test_a_folder_without_a_record_opens_and_says_that_nothing_is_known(
    tuned: str, reviews: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tuned" / FILE).unlink()

    found = zoo.evaluate(tuned, reviews)

    assert (found.samples, found.left_out) == (120, None)
    assert "has no record of its training samples" in found.warnings[0]
    again = zoo.tune(tuned, reviews, output=str(tmp_path / "again"))
    assert again.metrics["accuracy"] > 0.8
    capsys.readouterr()
    assert run(["evaluate", tuned, reviews]) == 0
    assert "Warning: " in capsys.readouterr().err


def test_other_models_are_not_warned_of(reviews: str) -> None:
    assert len(seen_by(BASE).digests) == 0  # type: ignore[union-attr]


def test_a_damaged_record_is_named(tuned: str, reviews: str, tmp_path: Path) -> None:
    path = tmp_path / "tuned" / FILE
    whole = path.read_bytes()
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    for broken in (whole[:-3], flipped, b"", b"[]\n", b"\xff\n", whole.replace(b'"format": 1', b'"format": 9')):
        path.write_bytes(broken)
        with pytest.raises(IntegrityError, match=r"samples\.digests is damaged"):
            zoo.evaluate(tuned, reviews)


def test_a_record_comes_back_and_is_small(tmp_path: Path) -> None:
    digests = np.unique(np.random.default_rng(0).integers(0, 2**63, 1000, dtype=np.uint64))
    Seen(digests, complete=False).write(tmp_path / FILE)

    found = Seen.read(tmp_path / FILE)

    assert found is not None
    assert found.digests.tolist() == digests.tolist()
    assert not found.complete
    assert (tmp_path / FILE).stat().st_size < 8 * 1000 + 200
    assert Seen.read(tmp_path / "nothing") is None


def test_a_run_records_what_it_was_trained_on(tuned: str, tmp_path: Path) -> None:
    plan = json.loads((tmp_path / "tuned" / MARKER).read_text())["run"]["plan"]
    assert plan["trained_on"] == Seen.read(tmp_path / "tuned" / FILE).fingerprint  # type: ignore[union-attr]


def texts(*names: str) -> Dataset:
    return Dataset("some", "text", list(names), [0] * len(names), ("a",), "f")


def card_of(folder: Path, weights: str, base: ModelCard = BASE) -> ModelCard:
    folder.mkdir()
    (folder / MARKER).write_text(json.dumps({"weights": weights, "base": {"card": base.to_dict()}}))
    return ModelCard(f"file:{folder}", "language", library="zoo")


def test_a_model_that_is_tuned_again_was_trained_on_the_samples_of_both(tmp_path: Path) -> None:
    first = card_of(tmp_path / "first", "module")
    trained_on(texts("one", "two"), [0, 1], BASE).write(tmp_path / "first" / FILE)  # type: ignore[union-attr]

    found = trained_on(texts("three", "four"), [0], first)

    assert found.holds(texts("ONE", "two", "three", "four")).tolist() == [True, True, True, False]  # type: ignore[union-attr]
    assert found.complete  # type: ignore[union-attr]
    (tmp_path / "first" / FILE).unlink()
    assert not trained_on(texts("three"), [0], first).complete  # type: ignore[union-attr]


def test_a_probe_on_features_of_a_probe_has_seen_its_own_samples_alone(tmp_path: Path) -> None:
    head = card_of(tmp_path / "head", "head")
    trained_on(texts("one"), [0], BASE).write(tmp_path / "head" / FILE)  # type: ignore[union-attr]

    found = trained_on(texts("two"), [0], head)

    assert found.holds(texts("one", "two")).tolist() == [False, True]  # type: ignore[union-attr]


def test_what_the_base_was_trained_on_is_not_held_out(tmp_path: Path) -> None:
    data = Dataset("some", "text", [f"text {n}" for n in range(100)], [0, 1] * 50, ("a", "b"), "f")
    base = card_of(tmp_path / "base", "module")
    trained_on(data, range(0, 100, 3), BASE).write(tmp_path / "base" / FILE)  # type: ignore[union-attr]
    plan = Plan(task="text-classification")

    plain, found = prepare(data, plan), prepare(data, plan, base)

    held_out = {*found.validation, *found.test}
    assert held_out == {at for at in (*plain.validation, *plain.test) if at % 3}
    assert {*found.train, *held_out} == set(range(100))
    assert keep_apart(data, [range(60), range(60, 80), range(80, 100)], base, move=False)[0] == tuple(range(60))


def test_a_base_that_knows_everything_leaves_nothing_to_test_on(tmp_path: Path) -> None:
    data = Dataset("some", "text", [f"text {n}" for n in range(100)], [0, 1] * 50, ("a", "b"), "f")
    base = card_of(tmp_path / "base", "module")
    trained_on(data, range(100), BASE).write(tmp_path / "base" / FILE)  # type: ignore[union-attr]

    with pytest.raises(DataError, match="was trained on all samples of 'some' that would be held out"):
        prepare(data, Plan(task="text-classification"), base)


def test_a_model_that_is_tuned_again_on_the_same_data_has_the_same_parts(tmp_path: Path) -> None:
    data = Dataset("some", "text", [f"text {n}" for n in range(100)], [0, 1] * 50, ("a", "b"), "f")
    base, plan = card_of(tmp_path / "base", "module"), Plan(task="text-classification")
    plain = prepare(data, plan)
    trained_on(data, plain.learned_from, BASE).write(tmp_path / "base" / FILE)  # type: ignore[union-attr]

    again = prepare(data, plan, base)

    assert (again.train, again.validation, again.test) == (plain.train, plain.validation, plain.test)


def test_an_evaluation_says_which_samples_are_new_and_what_training_samples_score(
    tuned: str, reviews: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = zoo.evaluate(tuned, reviews, include_training=True)
    assert (found.samples, found.left_out) == (24, 96)
    assert "24 of the samples are those that the model was tested on when it was tuned; none is new." in found.warnings
    assert found.with_training["accuracy"] != found.metrics["accuracy"]
    low, high = found.intervals["accuracy"]
    assert low < found.metrics["accuracy"] <= high

    assert run(["evaluate", tuned, reviews, "--include-training"]) == 0
    shown = capsys.readouterr().out
    for words in ("95 % interval", "with training samples", "By class", "Calibration error"):
        assert words in shown
    assert run(["evaluate", tuned, reviews]) == 0
    assert "with training samples" not in capsys.readouterr().out
