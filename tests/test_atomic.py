"""A file is replaced once its content is complete; else the old one stays, and nothing else is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.atomic import replacing
from zoo.errors import StorageError


def test_the_new_content_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old", encoding="utf-8")
    with replacing(target) as place:
        place.write_text("new", encoding="utf-8")
        assert target.read_text(encoding="utf-8") == "old"
    assert target.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_after_a_failure_the_old_content_stays(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError), replacing(target) as place, place.open("w", encoding="ascii") as file:
        file.writelines(["half", "é"])
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"), replacing(tmp_path / "typo" / "x.csv") as place:
        place.write_text("x", encoding="utf-8")
    assert not (tmp_path / "typo").exists()
