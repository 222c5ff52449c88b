"""Scaffold splits: no part shares a scaffold with another, sizes come out, and the seed decides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.data import group_split, split_as
from zoo.entities import Dataset
from zoo.errors import DataError, InvalidInput
from zoo_scientific.molecules.scaffolds import scaffold

MOLECULES = [f"{'C' * n}{ring}" for ring in ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CC1", "c1ccsc1") for n in range(9)]


def data(molecules: list[str]) -> Dataset:
    return Dataset("drugs", "molecule", molecules, [float(len(m)) for m in molecules], (), "x", "number")


def test_a_scaffold_is_the_rings_and_what_joins_them() -> None:
    assert scaffold("CCc1ccccc1C(=O)O") == "c1ccccc1"
    assert scaffold("CCO") == ""
    assert scaffold("c1ccccc1Br>>CCO") == "c1ccccc1"


@given(st.lists(st.sampled_from(MOLECULES), min_size=30, max_size=45, unique=True), st.integers(0, 99))
def test_no_scaffold_lies_in_two_parts(molecules: list[str], seed: int) -> None:
    whole = data(molecules)
    try:
        parts = split_as(whole, "scaffold", (0.6, 0.2, 0.2), seed)
    except DataError:
        assert len({scaffold(molecule) for molecule in molecules}) < 5
        return
    seen = [{scaffold(molecule) for molecule in part.inputs} for part in parts]
    assert sum(len(scaffolds) for scaffolds in seen) == len(set().union(*seen))
    assert sorted(m for part in parts for m in part.inputs) == sorted(molecules)
    again = split_as(whole, "scaffold", (0.6, 0.2, 0.2), seed)
    assert [part.fingerprint for part in parts] == [part.fingerprint for part in again]


@given(st.lists(st.integers(0, 12), min_size=20, max_size=60), st.integers(0, 9))
def test_no_group_lies_in_two_parts(keys: list[int], seed: int) -> None:
    whole = Dataset("letters", "text", [f"text {place}" for place in range(len(keys))])
    try:
        parts = group_split(whole, keys, (0.5, 0.3, 0.2), seed)
    except DataError:
        assert len(set(keys)) < 6
        return
    places = [[int(text.split()[1]) for text in part.inputs] for part in parts]
    assert sorted(place for part in places for place in part) == list(range(len(keys)))
    groups = [{keys[place] for place in part} for part in places]
    assert sum(map(len, groups)) == len(set(keys))


def test_real_molecules_are_split_in_the_asked_sizes() -> None:
    whole = zoo.read("rdkit:activities")
    train, validation, test = split_as(whole, "scaffold", (0.65, 0.15, 0.2))
    assert len(train) == pytest.approx(0.65 * len(whole), rel=0.1)
    assert len(test) == pytest.approx(0.2 * len(whole), rel=0.1)
    assert len(validation) > 0


def test_what_cannot_be_split() -> None:
    with pytest.raises(InvalidInput, match="holds texts, which cannot be split by 'scaffold'") as refused:
        split_as(Dataset("t", "text", ["a", "b"]), "scaffold", (0.5, 0.5))
    assert refused.value.hint == "Use --split random."
    with pytest.raises(InvalidInput, match="cannot be split by 'scafold'") as refused:
        split_as(data(MOLECULES), "scafold", (0.5, 0.5))
    assert refused.value.hint == "Use --split random or --split scaffold."
    with pytest.raises(DataError, match="too few to fill 3 parts"):
        split_as(data(["CCO", "CCC", "CCN"]), "scaffold", (0.6, 0.2, 0.2))
    with pytest.raises(InvalidInput, match="fractions"):
        split_as(data(MOLECULES), "scaffold", (0.6, 0.6))
