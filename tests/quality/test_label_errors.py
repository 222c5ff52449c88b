"""Planted label errors, contradicting copies and outliers are found, listed, and left out of training."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from subprocess import CompletedProcess

import commands
import numpy as np
import pytest

import zoo
from zoo.contract.backbone import SilentProgress
from zoo.data.dropping import item_name, listed
from zoo.errors import DataError, InvalidInput
from zoo.quality.confident import confident_errors, contradicting, margins
from zoo.quality.neighbours import distances, far_out
from zoo.quality.probabilities import out_of_fold

MODEL = "pkg:wordllama/64"
WORDS = {
    "food": ["soup", "bread", "cheese", "apple", "dinner", "butter", "pepper", "cake", "salad", "spoon"],
    "music": ["violin", "concert", "melody", "guitar", "song", "rhythm", "opera", "drum", "chorus", "piano"],
}
WRONG = 12
"""Number of labels that are flipped."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)


def command(home: Path, *arguments: str) -> CompletedProcess[str]:
    return commands.zoo(*arguments, home=home)


@pytest.fixture
def notes(tmp_path: Path) -> tuple[str, set[str]]:
    """120 short texts in two classes, the first ones with the wrong label; and the places of these."""
    chance = random.Random(3)
    lines, wrong = ["text,label"], set()
    for number in range(120):
        label = sorted(WORDS)[number % 2]
        words = " ".join(chance.sample(WORDS[label], 5))
        if number < WRONG:
            label = sorted(WORDS)[1 - number % 2]
            wrong.add(f"line {number + 2}")
        lines.append(f"{words} {number},{label}")
    path = tmp_path / "notes.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path), wrong


def blobs(samples: int = 300, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = np.arange(samples) % classes
    return 4.0 * np.eye(classes, 8)[targets] + generator.normal(size=(samples, 8)), targets


def test_planted_errors_in_separable_classes_are_found_and_nothing_else() -> None:
    features, targets = blobs()
    noisy = targets.copy()
    noisy[:20] = (noisy[:20] + 1) % 3

    found = out_of_fold(features, noisy, np.arange(300), folds=5, seed=0, progress=SilentProgress())

    assert np.allclose(found.values.sum(axis=1), 1)
    wrong = confident_errors(noisy, found.values)
    assert wrong[:20].mean() >= 0.9
    assert wrong[20:].sum() <= 6
    assert set(np.argsort(margins(noisy, found.values))[:20]) >= set(np.flatnonzero(wrong[:20]))


def test_copies_of_a_sample_do_not_vouch_for_its_wrong_label() -> None:
    features, targets = blobs()
    copied = np.concatenate([features, np.repeat(features[:1], 30, axis=0)])
    noisy = np.concatenate([targets, np.full(30, 1)])
    noisy[0] = 1  # truly 0
    units = np.concatenate([np.arange(300), np.zeros(30, dtype=int)])

    apart = out_of_fold(copied, noisy, units, folds=5, seed=0, progress=SilentProgress()).values
    leaking = out_of_fold(copied, noisy, np.arange(330), folds=5, seed=0, progress=SilentProgress()).values

    assert apart[0, 1] < 0.1 < leaking[0, 1]


def test_of_copies_with_several_labels_the_minority_is_suspicious() -> None:
    targets, units = np.array([0, 0, 1, 2, 2, 1]), np.array([5, 5, 5, 7, 7, 7])

    found = contradicting(targets, units)

    assert [(one.position, one.majority) for one in found] == [(2, 0), (5, 2)]
    assert [one.position for one in contradicting(np.array([0, 1]), np.zeros(2, dtype=int))] == [0, 1]


def test_a_sample_far_from_all_others_is_an_outlier_even_if_repeated() -> None:
    generator = np.random.default_rng(0)
    features = np.concatenate([generator.normal(5, 1, size=(200, 6)), np.full((2, 6), 30.0)])
    units = np.concatenate([np.arange(200), [200, 200]])

    values = distances(features, units)

    assert values is not None
    assert set(far_out(values).tolist()) == {200, 201}


def test_the_list_names_the_wrong_rows_and_tune_leaves_them_out(notes: tuple[str, set[str]], tmp_path: Path) -> None:
    path, wrong = notes
    suspicious = tmp_path / "suspicious.csv"

    found = zoo.label_errors(path, MODEL)
    found.write(suspicious)
    run = zoo.tune(MODEL, path, drop=str(suspicious))

    named = {" ".join(one.item.split()[:2]) for one in found.suspects}
    assert len(named & wrong) >= 0.8 * WRONG
    assert len(named - wrong) <= 3
    assert all(one.suggested != one.label for one in found.suspects)
    assert run.plan["drop"] == str(suspicious)
    assert sum(run.plan["dropped"].values()) == len(found.suspects)
    assert run.plan["test_samples"] == zoo.tune(MODEL, path).plan["test_samples"]


def test_a_list_follows_the_content_when_rows_move(notes: tuple[str, set[str]], tmp_path: Path) -> None:
    path, _ = notes
    suspicious = tmp_path / "suspicious.csv"
    found = zoo.label_errors(path, MODEL)
    found.write(suspicious)
    header, *rows = Path(path).read_text(encoding="utf-8").splitlines()
    moved = tmp_path / "moved.csv"
    moved.write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")

    data = zoo.read(path)
    after = zoo.read(moved)

    assert listed(suspicious, data) == tuple(sorted(one.position for one in found.suspects))
    assert {after.inputs[at] for at in listed(suspicious, after)} == {data.inputs[s.position] for s in found.suspects}


@pytest.mark.parametrize(
    ("content", "positions"),
    [("item\nline 4\n", (2,)), ("position\n7\n0\n", (0, 7)), ("digest,item\n,line 2\n", (0,))],
)
def test_a_list_by_hand_names_rows_or_positions(
    notes: tuple[str, set[str]], tmp_path: Path, content: str, positions: tuple[int, ...]
) -> None:
    (tmp_path / "list.csv").write_text(content, encoding="utf-8")
    assert listed(tmp_path / "list.csv", zoo.read(notes[0])) == positions


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("item\nline 999\n", r"names samples that .* does not have: line 2 \(line 999\)"),
        ("row\n1\n", "no column that names samples; its columns are row"),
    ],
)
def test_a_list_that_does_not_fit_is_an_error(
    notes: tuple[str, set[str]], tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "list.csv").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        zoo.tune(MODEL, notes[0], drop=str(tmp_path / "list.csv"))


def test_contradicting_copies_come_first(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = [[" ".join(chance.sample(WORDS[label], 6)), label] for label in sorted(WORDS) * 40]
    rows += [["the same words in every row", "food"]] * 3 + [["The same  words in every row", "music"]]
    with (tmp_path / "notes.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text", "label"], *rows])

    first = zoo.label_errors(str(tmp_path / "notes.csv"), MODEL).suspects[0]

    assert (first.position, first.reason, first.label, first.suggested) == (83, "duplicate", "music", "food")
    assert len(first.others) == 3


def test_the_command_writes_the_list_and_the_page(notes: tuple[str, set[str]], tmp_path: Path) -> None:
    path, _ = notes
    written, page = tmp_path / "s.csv", tmp_path / "s.html"

    result = command(
        tmp_path, "profile", path, "--label-errors", MODEL, "-o", str(written), "--report", str(page), "--json"
    )

    document = json.loads(result.stdout)
    with written.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["position"]) for row in rows] == [one["position"] for one in document["suspects"]]
    first = document["suspects"][0]
    assert f"{first['label']} \u2192 {first['suggested']}?" in page.read_text(encoding="utf-8")
    text = command(tmp_path, "profile", path, "--label-errors", MODEL).stdout
    assert "labels are probably wrong" in text
    assert first["item"].split(" \u201c")[0] in text


def test_folds_do_not_separate_a_group(tmp_path: Path) -> None:
    things = [*WORDS["food"], *WORDS["music"]]
    lines = [f"{things[n % 20]} {n} {things[n % 20]},{sorted(WORDS)[n % 20 % 3 % 2]},{n % 20}" for n in range(120)]
    table = tmp_path / "mixed.csv"
    table.write_text("\n".join(["text,label,visit", *lines]) + "\n", encoding="utf-8")

    found = [
        json.loads(command(tmp_path, "profile", str(table), "--label-errors", MODEL, "--json", *more).stdout)[
            "accuracy"
        ]
        for more in ((), ("--group-column", "visit"))
    ]

    assert found[0] > 0.95  # words of the group give its label away
    assert found[1] < 0.8


def test_options_and_data_without_effect_are_refused(notes: tuple[str, set[str]], tmp_path: Path) -> None:
    path, _ = notes
    refused = command(tmp_path, "profile", path, "-o", "s.csv")
    assert refused.returncode == 2
    assert "-o has no effect without --label-errors" in refused.stderr
    refused = command(tmp_path, "profile", path, "--group-column", "label")
    assert (refused.returncode, "--group-column has no effect" in refused.stderr) == (2, True)
    (tmp_path / "numbers.csv").write_text("text,label\n" + "".join(f"word {n},{n}.5\n" for n in range(40)))
    with pytest.raises(DataError, match="does not have one class for each sample"):
        zoo.label_errors(str(tmp_path / "numbers.csv"), MODEL)
    with pytest.raises(InvalidInput, match="at least 2 folds"):
        zoo.label_errors(path, MODEL, folds=1)


def test_a_row_is_named_by_its_line(notes: tuple[str, set[str]]) -> None:
    data = zoo.read(notes[0])
    assert item_name(data, 0).startswith("line 2 \u201c")
    assert item_name(data.subset([5, 9]), 1).startswith("line 11 ")
