"""The diagram and the tables of the architecture page are made from the source."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from repository import ROOT, this_repository

sys.path.insert(0, str(ROOT / "tools"))

import write_architecture
from architecture import Code

FILES = {
    "zoo/errors.py": '"""Errors that users see."""\n',
    "zoo/entities.py": '"""Dataclasses, ``ModelCard`` first."""\nimport zoo.errors\n',
    "zoo/contract/__init__.py": '"""The contract & its types."""\n',
    "zoo/contract/hooks.py": '"""Hooks."""\nimport zoo.entities\ndef zoo_cards():\n    """Cards of ``ModelCard``.\n\n    Streamed.\n    """\n',
    "zoo/data/__init__.py": '"""Reads data."""\nimport zoo.contract\nimport zoo.entities\n',
    "zoo/cli.py": '"""Commands."""\nimport zoo.data\n',
    "plugins/zoo_art/__init__.py": '"""The art domain."""\nfrom zoo.contract import hooks\n',
}


@pytest.fixture
def code(tmp_path: Path) -> Code:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Code(tmp_path)


def test_arrows_are_imports_that_no_others_imply(code: Code) -> None:
    assert write_architecture.arrows(code) == {("contract", "entities"), ("data", "contract"), ("cli", "data")}


def test_the_diagram_has_a_title_a_description_and_every_package(code: Code) -> None:
    drawing = ElementTree.fromstring(write_architecture.diagram(code))
    texts = {element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")}

    assert [element.tag.partition("}")[2] for element in drawing][:2] == ["title", "desc"]
    assert {"errors", "entities", "contract", "data", "cli", "zoo_art", "The contract & its types."} <= texts


def test_the_same_source_gives_the_same_diagram(code: Code) -> None:
    assert write_architecture.diagram(code) == write_architecture.diagram(Code(code.root))


def test_boxes_of_a_row_do_not_overlap() -> None:
    drawing = write_architecture.diagram(this_repository().code)
    boxes = re.findall(r'<rect class="box[^"]*" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', drawing)
    rows: dict[str, list[tuple[float, float]]] = {}
    for x, y, width in boxes:
        rows.setdefault(y, []).append((float(x), float(x) + float(width)))

    for row in rows.values():
        row.sort()
        assert all(left[1] < right[0] for left, right in itertools.pairwise(row))
        assert row[0][0] > 0
        assert row[-1][1] < 1200


def test_the_tables_hold_the_first_lines_of_docstrings(code: Code) -> None:
    assert "| 2 | `zoo.entities` | Dataclasses, `ModelCard` first. |" in write_architecture.packages_table(code)
    assert "| `zoo_cards` | Cards of `ModelCard`. |" in write_architecture.hooks_table(code)


def test_stale_files_are_named_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = tmp_path / "architecture.svg"
    drawing.write_text("something older")
    monkeypatch.setattr(write_architecture, "DRAWING", drawing)
    monkeypatch.setattr(write_architecture, "Code", lambda: this_repository().code)
    monkeypatch.setattr(sys, "argv", ["write_architecture.py", "--check"])

    assert write_architecture.main() == 1
    assert f"{drawing} is out of date; run: make docs" in capsys.readouterr().err
    assert drawing.read_text() == "something older"
