"""Reading tables into cards and scores, on tables written by the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.catalog import reading
from zoo.errors import InvalidInput


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "poetry").mkdir()
    (tmp_path / "sources.csv").write_text(
        "key,title,url,version,license,date\na,A paper,https://a.example,,,2020-01-01\nb,B,https://b.example,1,MIT,\n"
    )
    header = "key,task,dataset,split,metric,higher_is_better,source\n"
    (tmp_path / "benchmarks.csv").write_text(header + "x/acc,text-classification,X,test,accuracy,yes,b\n")
    (tmp_path / "curated.benchmarks.csv").write_text(header + "y/wer,text-classification,Y,test,wer,no,\n")
    return tmp_path


def test_the_curated_table_decides_and_others_fill_its_gaps(tables: Path) -> None:
    (tables / "poetry" / "curated.models.csv").write_text("id,tasks,parameters,source\nhf:a/b,translation,7,a\n")
    (tables / "poetry" / "all.models.csv").write_text(
        "id,tasks,parameters,bytes,source\nhf:a/b,translation;text-generation,9,36,b\n"
    )
    [card] = reading.models("poetry", tables)
    assert (card.parameters, card.bytes) == (7, 36)
    assert card.tasks == ("translation", "text-generation")


def test_cells_become_lists_mappings_files_and_flags(tables: Path) -> None:
    (tables / "poetry" / "all.models.csv").write_text(
        "id,languages,input,files,gated,source\nhf:a/b,de;en,kind=text;size=512;scale=0.5,w.pt=ff;c.json=,yes,b\n"
    )
    [card] = reading.models("poetry", tables)
    assert card.languages == ("de", "en")
    assert card.input == {"kind": "text", "size": 512, "scale": 0.5}
    assert [(file.path, file.sha256) for file in card.files] == [("w.pt", "ff"), ("c.json", None)]
    assert card.gated


def test_a_matrix_gives_one_score_for_each_filled_cell(tables: Path) -> None:
    (tables / "poetry" / "all.matrix.csv").write_text("model,x/acc,y/wer\nhf:a/b,0.5,\nhf:a/c,,0.25\n")
    scores = reading.scores("poetry", tables)
    [first], [second] = scores["hf:a/b"], scores["hf:a/c"]
    assert (first.value, first.source, first.higher_is_better) == (0.5, "b", True)
    assert (second.value, second.dataset, second.higher_is_better) == (0.25, "Y", False)


def test_a_long_table_names_the_source_of_each_score(tables: Path) -> None:
    (tables / "poetry" / "curated.scores.csv").write_text("model,benchmark,value,source\nhf:a/b,y/wer,0.1,a\n")
    [score] = reading.scores("poetry", tables)["hf:a/b"]
    assert (score.source, score.date) == ("a", "2020-01-01")


def test_a_source_named_twice_is_refused(tables: Path) -> None:
    with (tables / "sources.csv").open("a") as stream:
        stream.write("a,Again,https://c.example,,,\n")
    with pytest.raises(InvalidInput, match="twice"):
        reading.citations(tables)
