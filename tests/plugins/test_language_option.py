"""The option ``languages``: named by the user, or by the columns of pairs of texts."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo
from zoo.entities import Dataset
from zoo.errors import InvalidInput
from zoo_language.translation.option import pair, with_languages


def pairs(folder: Path, columns: str) -> str:
    (folder / "pairs.csv").write_text(f"{columns}\nthe house,das Haus\na dog,ein Hund\n")
    return str(folder / "pairs.csv")


def test_columns_that_are_languages_name_them(tmp_path: Path) -> None:
    columns = {"input_column": "en", "target_column": "german"}
    found = zoo.read(pairs(tmp_path, "en,german"), task="translation", **columns)
    assert found.languages == ("en", "german")
    columns = {"input_column": "source", "target_column": "target"}
    assert zoo.read(pairs(tmp_path, "source,target"), task="translation", **columns).languages == ()


@pytest.mark.parametrize("named", ["en,de", ("en", "de"), ["en", "de"]])
def test_the_user_names_them_in_text_or_as_a_pair(tmp_path: Path, named: object) -> None:
    found = zoo.read(pairs(tmp_path, "source,target"), task="translation", options={"languages": named})
    assert found.languages == ("en", "de")


def test_what_is_not_two_languages_or_not_pairs_of_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'en' is not a pair of languages"):
        pair("en")
    with pytest.raises(InvalidInput, match="is not a pair of languages"):
        zoo.read(pairs(tmp_path, "en,de"), task="translation", options={"languages": ("en", "de", "fr")})
    (tmp_path / "classes.csv").write_text("text,label\na,x\nb,y\nc,x\nd,y\n")
    with pytest.raises(InvalidInput, match=r"applies only to translation; '.*' was not read as pairs of texts"):
        zoo.read(str(tmp_path / "classes.csv"), options={"languages": "en,de"})
    with pytest.raises(InvalidInput, match="applies only to translation; 'sklearn:digits:20' was read as images"):
        zoo.read("sklearn:digits:20", options={"languages": "en,de"})


def test_other_tasks_of_texts_have_no_languages() -> None:
    data = Dataset("x", "text", ["a"], ["b"], (), "", "text", {"input": "en", "target": "de"})
    assert with_languages(data, "summarization", None).languages == ()
    assert with_languages(data, None, None).languages == ("en", "de")
