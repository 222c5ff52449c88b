"""Groups stay together, the latest samples are tested, and a class that this leaves empty is named."""

from __future__ import annotations

import datetime
import itertools
import random
from pathlib import Path

import numpy as np
import pytest
from commands import zoo as command
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.adapt.parts import in_time
from zoo.contract.reader import ReadOptions
from zoo.data import split, units
from zoo.data.times import moment_of
from zoo.entities import Plan
from zoo.errors import DataError, InvalidInput

MODEL = "pkg:wordllama/64"
WORDS = [
    "river",
    "stone",
    "cloud",
    "bread",
    "candle",
    "window",
    "garden",
    "winter",
    "letter",
    "engine",
    "violin",
    "harbour",
]

NAMES = [
    "almond",
    "badger",
    "carpet",
    "dollar",
    "eagle",
    "ferry",
    "ginger",
    "hammer",
    "island",
    "jacket",
    "kettle",
    "lemon",
    "magnet",
    "needle",
    "orchid",
    "pepper",
    "quartz",
    "rabbit",
    "saddle",
    "tiger",
    "umbrella",
    "velvet",
    "walnut",
    "yacht",
    "zebra",
    "anchor",
    "bamboo",
    "camera",
    "dragon",
    "emerald",
    "falcon",
    "glacier",
    "honey",
    "ivory",
    "jungle",
    "kitten",
]


def patients(path: Path, *, one_each: bool = False) -> Path:
    """20 patients with 6 reports each; the class belongs to the report, or with ``one_each`` to the patient."""
    chance = random.Random(0)
    lines = ["report,label,patient,seen"]
    for number in range(120):
        patient = number % 20
        label = "ab"[patient % 2 if one_each else chance.random() < 0.5]
        day = datetime.date(2026, 1, 1) + datetime.timedelta(days=number)
        lines.append(f"{' '.join(chance.choices(WORDS, k=12))},{label},p{patient},{day.isoformat()}")
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path, **columns: str) -> zoo.Dataset:
    return zoo.read(str(path), read=ReadOptions(**columns))


def test_groups_are_never_divided(tmp_path: Path) -> None:
    data = read(patients(tmp_path / "reports.csv"), group_column="patient")
    assert data.columns == {"input": "report", "target": "label", "group": "patient"}
    found = units(data)
    assert found is not None
    assert found.max() == 19
    parts = split(data, (0.6, 0.2, 0.2), seed=3)
    groups = [set(part.groups) for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 20


def test_the_fingerprint_depends_on_the_groups(tmp_path: Path) -> None:
    path = patients(tmp_path / "reports.csv")
    assert read(path).fingerprint != read(path, group_column="patient").fingerprint


def test_a_run_counts_the_groups_it_tested(tmp_path: Path) -> None:
    run = zoo.tune(MODEL, str(patients(tmp_path / "r.csv")), group_column="patient", save_run=False)
    assert (run.plan["group_column"], run.plan["test_groups"]) == ("patient", 4)
    assert run.plan["copies"] == 0


def test_folds_of_a_recommendation_keep_groups_together(tmp_path: Path) -> None:
    """A word that only names the patient predicts the class if patients are divided, and nothing if they are not."""
    chance = random.Random(1)
    lines = ["report,label,patient"]
    for patient in range(30):
        names, label = chance.sample(NAMES, 3), "ab"[chance.random() < 0.5]
        lines += [
            f"{' '.join(chance.sample([*names, *chance.sample(WORDS, 3)], 6))},{label},{patient}" for _ in range(6)
        ]
    path = tmp_path / "names.csv"
    path.write_text("\n".join(lines) + "\n")
    found = {
        column: zoo.recommend(str(path), candidates=MODEL, estimator="linear-probe", group_column=column)
        for column in (None, "patient")
    }
    divided, together = (found[column].candidates[0].measured["linear-probe"] for column in (None, "patient"))
    assert divided > 0.85
    assert together < 0.7


def test_the_latest_samples_are_tested(tmp_path: Path) -> None:
    path = patients(tmp_path / "reports.csv")
    header, *rows = path.read_text().splitlines()
    random.Random(5).shuffle(rows)
    path.write_text("\n".join([header, *rows]) + "\n")
    run = zoo.tune(MODEL, str(path), time_column="seen", save_run=False)
    assert run.plan["time_column"] == "seen"
    assert run.plan["test_samples"] == 24
    assert run.plan["left_out_repeats"] == 0


def test_a_later_copy_is_not_tested_on(tmp_path: Path) -> None:
    path = patients(tmp_path / "reports.csv")
    header, *rows = path.read_text().splitlines()
    rows[-1] = rows[0].rpartition(",")[0] + "," + rows[-1].rpartition(",")[2]
    path.write_text("\n".join([header, *rows]) + "\n")
    run = zoo.tune(MODEL, str(path), time_column="seen", save_run=False)
    assert (run.plan["left_out_repeats"], run.plan["test_samples"]) == (1, 23)


@given(st.lists(st.integers(0, 20), min_size=3, max_size=60))
def test_parts_in_time_are_ordered_and_whole(times: list[int]) -> None:
    parts = in_time(np.array(times, dtype=float), Plan(validation=0.2, test=0.2))
    assert sorted(position for part in parts for position in part) == list(range(len(times)))
    for earlier, later in itertools.pairwise(parts):
        if earlier and later:
            assert max(times[at] for at in earlier) < min(times[at] for at in later)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12.0),
        (" -1.5e3 ", -1500.0),
        ("1970-01-02", 86400.0),
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01 01:00:00+01:00", 0.0),
        (datetime.date(1970, 1, 2), 86400.0),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        ("nan", None),
        ("inf", None),
        ("0001-01-01", -62135596800.0),
    ],
)
def test_times(value: object, number: float | None) -> None:
    assert moment_of(value) == number


def test_groups_that_are_the_classes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    lines = [f"{' '.join(random.Random(n).choices(WORDS, k=8))},{'ab'[n % 2]},{'ab'[n % 2]}x" for n in range(60)]
    path.write_text("\n".join(["text,label,site", *lines]) + "\n")
    with pytest.raises(
        DataError, match=r"groups of column 'site' leave the .* part without a sample of the class '[ab]'"
    ):
        zoo.tune(MODEL, str(path), group_column="site", save_run=False)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"group_column": "ward"}, "no column 'ward'"),
        ({"group_column": "report"}, "the group"),
        ({"group_column": "label", "target_column": "label"}, "both the label and the group"),
        ({"time_column": "report"}, "has no time in column 'report'"),
    ],
)
def test_columns_that_cannot_be(columns: dict[str, str], message: str, tmp_path: Path) -> None:
    path = patients(tmp_path / "reports.csv")
    chosen = {"input_column": "report", **columns} if columns.get("group_column") == "report" else columns
    with pytest.raises(DataError, match=message):
        read(path, **chosen)


def test_rows_without_a_group_or_a_time_are_named(tmp_path: Path) -> None:
    path = patients(tmp_path / "reports.csv")
    lines = path.read_text().splitlines()
    lines[3] = ",".join([*lines[3].split(",")[:2], "", "2026-01-03"])
    lines[5] = ",".join([*lines[5].split(",")[:3], "soon"])
    path.write_text("\n".join(lines) + "\n")
    data = read(path, group_column="patient", time_column="seen")
    assert [(one.item, one.reason) for one in data.problems] == [
        ("line 4", "has no group in column 'patient'"),
        ("line 6", "has no time in column 'seen', but 'soon'"),
    ]
    assert len(data) == len(data.groups) == len(data.times) == 118


def test_columns_of_data_without_a_table_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not read as a table with one sample a row, so it has no column 'patient'"):
        zoo.tune(MODEL, "sklearn:digits", group_column="patient", save_run=False)


def test_the_commands_take_the_columns(tmp_path: Path) -> None:
    path, home = str(patients(tmp_path / "reports.csv")), tmp_path / "home"
    for option, column in (("--group-column", "patient"), ("--time-column", "seen")):
        result = command("tune", MODEL, path, option, column, "--no-save-run", "--json", home=home)
        assert f'"{option.removeprefix("--").replace("-", "_")}": "{column}"' in result.stdout, result.stderr
    result = command("recommend", path, "--candidates", MODEL, "--group-column", "patient", "--json", home=home)
    assert result.returncode == 0, result.stderr


def test_a_recommendation_refuses_groups_that_equal_the_classes(tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    rows = [f"{WORDS[i % len(WORDS)]} {NAMES[i % len(NAMES)]} {i},{'ab'[i % 2]},{'xy'[i % 2]}" for i in range(40)]
    path.write_text("\n".join(["report,label,ward", *rows]) + "\n")
    with pytest.raises(DataError, match=r"2 of the 2 classes .* one group in column 'ward'.*: 'a' and 1 more"):
        zoo.recommend(str(path), candidates=MODEL, estimator="linear-probe", group_column="ward")
