"""The report: what is in it, that it is well formed, and that it needs nothing from elsewhere."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.answers import Argument, Candidate, Confirmation, Exclusion, Explanation, Recommendation
from zoo.cli.choose.recommend import show
from zoo.cli.output import Output
from zoo.data import read
from zoo.entities import Dataset, ModelCard
from zoo.errors import StorageError
from zoo.pages import plots
from zoo.plugins import plugins
from zoo.selection.prior.shipped import expect
from zoo.selection.rank.pareto import pareto_front
from zoo.selection.rank.unmeasured import rank_cards
from zoo.selection.report import check, page, write

VOID = {"meta", "link", "img", "br"}


class Tree(HTMLParser):
    """Elements with their attributes; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def candidate(rank: int, **fields) -> Candidate:
    score = 0.95 - rank / 50
    values = {
        "interval": (score - 0.02, score + 0.02),
        "parameters": rank * 3_000_000,
        "bytes": rank * 12_000_000,
        "license": "MIT",
        "measured": {"linear-probe": score, "logme": 0.1},
        "samples": 300,
        "layer": "pooled",
        "explanation": Explanation(
            (Argument(f"Reason <{rank}>.", score, "measured here"),), (), ("More samples.",), 0.5, "Half."
        ),
        **fields,
    }
    return Candidate(rank, f"pkg:model-{rank}", score, **values)


def answer(*candidates: Candidate, **fields) -> Recommendation:
    values = {
        "data": {"name": "photos & <more>", "fingerprint": "f" * 64, "samples": 300, "classes": 2},
        "excluded": (Exclusion("pkg:left", "licence GPL-3.0-only is not allowed"),),
        "warnings": ("The images are tiny.",),
        "analysis": {
            "guessed": True,
            "per_class": {"smallest": 100, "median": 150, "largest": 200},
            "profile": {"classes": {"cat": 200, "dog": 100}, "imbalance": 2.0},
            "advice": {"strategy": "full", "reason": "With 150 samples per class.", "data_need": "Enough."},
        },
        "provenance": {
            "seed": 0,
            "device": "cpu",
            "created": "2026-11-24",
            "versions": {"zoo": "0.1.0"},
            "revisions": {"pkg:model-1": "1.0"},
            "command": "zoo recommend photos",
        },
        **fields,
    }
    return Recommendation("image-classification", candidates=candidates or (candidate(1), candidate(2)), **values)


def test_the_page_is_well_formed_and_fetches_nothing():
    text = page(answer(), read("sklearn:digits:40"))
    tree = Tree(text)

    assert tree.all("script") == []
    assert {image["src"][:11] for image in tree.all("img")} == {"data:image/"}
    assert not re.search(r"""(?:src|href)=["'](?!data:)|url\(|@import""", text)


def test_the_selection_and_what_was_fine_tuned_are_shown():
    reached = Confirmation("run-1", "full", 4, "accuracy", 0.9375, 0.5, 60)
    best = replace(candidate(1), confirmed=reached, predicted=0.8125, predicted_interval=(0.7, 0.9))
    chosen = {"asked": ["pkg:model-1", "pkg:<2>"], "expected_regret": [0.04, 0.01], "finished": "it was good enough"}

    text = page(answer(best, candidate(2), selection=chosen))

    heads = [head for head in ("Fine-tuned", "Predicted (95 % interval)") if f">{head}</th>" in text]
    assert heads == ["Fine-tuned", "Predicted (95 % interval)"]
    assert "0.9375" in text
    assert "0.8125" in text
    assert "pkg:model-1, pkg:&lt;2&gt;. Then it stopped: it was good enough." in text
    assert "The selection" in text
    assert "The selection" not in page(answer())


def test_table_page_notebook_and_json_give_each_figure_its_own_interval(capsys):
    result = answer(
        candidate(1, predicted=0.91234, predicted_interval=(0.87654, 0.94321)),
        candidate(2, predicted=0.85, predicted_interval=(0.8, 0.9), interval=None),
        provenance={},
    )
    show(Output(), result, "photos/")
    texts = {
        "table": capsys.readouterr().out,
        "page": "\n".join(Tree(page(result)).text),
        "notebook": "\n".join(Tree(result._repr_html_()).text),
    }

    known = result.to_dict()["candidates"]
    for name, text in texts.items():
        heads = {"page": ("Cross-validated linear probe", "Predicted")}.get(name, ("linear-probe", "predicted"))
        for head in heads:
            assert f"{head} (95 % interval)" in text, name
        for figure, interval in (("score", "interval"), ("predicted", "predicted_interval")):
            for c in known:
                ends = f" ({c[interval][0]:#.4g} to {c[interval][1]:#.4g})" if c[interval] else ""
                assert f"{c[figure]:#.4g}{ends}" in text, (name, figure)
    assert "0.9123 (0.8765 to 0.9432)" in texts["table"]
    assert "predicted 0.9123 (95 % interval 0.8765 to 0.9432)" in " ".join(texts["page"].split())


def test_a_ranking_by_what_is_known_before_shows_95_percent_everywhere(registry, capsys):
    cards = [ModelCard(f"hf:WinKawaks/vit-{size}-patch16-224", "vision") for size in ("tiny", "small")]
    ranked = rank_cards(plugins().tasks["image-classification"], "", cards, registry).candidates
    result = answer(*ranked, ranked_by="prior", provenance={})
    deviation = expect(cards, "image-classification").deviation
    show(Output(), result, "photos/")

    best = ranked[0]
    own = deviation[[card.id for card in cards].index(best.id)]
    assert best.interval[1] - best.score == pytest.approx(1.959964 * own, abs=1e-3)
    assert "(95 % interval " in best.reasons[0]
    cell = f"{best.score:#.4g} ({best.interval[0]:#.4g} to {best.interval[1]:#.4g})"
    assert cell in capsys.readouterr().out
    assert cell in result._repr_html_()
    assert cell in page(result)


def test_everything_from_outside_is_escaped():
    text = page(answer())

    assert "<more>" not in text
    assert "photos &amp; &lt;more&gt;" in text
    assert "Reason &lt;1&gt;." in text


def test_tables_plots_and_images_can_be_read_aloud():
    tree = Tree(page(answer(), read("sklearn:digits:40")))

    assert all(head.get("scope") in {"col", "row"} for head in tree.all("th"))
    assert len(tree.all("caption")) >= 2
    assert all(image["alt"].startswith("Sample ") for image in tree.all("img"))
    assert all(drawing["role"] == "img" and drawing["aria-labelledby"] for drawing in tree.all("svg"))
    ids = [attributes["id"] for _, attributes in tree.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(name in ids for drawing in tree.all("svg") for name in drawing["aria-labelledby"].split())
    assert [tag for tag, _ in tree.elements if tag in {"h1", "main", "header", "footer"}] == [
        "header",
        "h1",
        "main",
        "footer",
    ]


def test_the_answer_the_reasons_what_was_left_out_and_how_to_repeat_it_are_there():
    words = " ".join("".join(Tree(page(answer())).text).split())

    for expected in (
        "Start from pkg:model-1: cross-validated linear-probe accuracy 0.93",
        "Start with full.",
        "zoo tune pkg:model-1 photos & <more> --strategy full",
        "The images are tiny.",
        "What would change its rank",
        "licence GPL-3.0-only is not allowed",
        "zoo recommend photos",
        "f" * 64,
        "100 to 200, median 150",
    ):
        assert expected in words


def test_learning_curves_are_there_only_after_a_race():
    raced = answer(candidate(1, curve=((100, 0.8), (200, 0.9))), candidate(2, curve=((100, 0.7),)))

    assert "The race" in page(raced)
    assert "The race" not in page(answer())


def test_without_measurements_there_are_no_plots_of_what_is_not_known():
    bare = [Candidate(rank, f"hf:a/{rank}", score) for rank, score in ((1, 0.7), (2, None))]

    tree = Tree(page(answer(*bare, analysis={}, provenance={}, warnings=(), excluded=())))

    assert len(tree.all("svg")) == 1


def test_a_single_candidate_makes_a_page():
    assert "Score against size" not in page(answer(candidate(1)))


def test_texts_are_shown_as_quotations():
    data = Dataset("poems", "text", ["a <b> rose", "the rain"], [0, 1], ("love", "weather"))

    assert "<q>a &lt;b&gt; rose</q> <strong>love</strong>" in page(answer(), data)


def test_a_page_is_written_atomically(tmp_path):
    target = write(answer(), tmp_path / "out.html")

    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["out.html"]


def test_a_place_that_cannot_be_written_is_reported_before(tmp_path):
    check(tmp_path / "fine.html")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match="no folder"):
        check(tmp_path / "missing" / "out.html")
    with pytest.raises(StorageError, match="is a folder"):
        check(tmp_path)


finite = st.floats(1e-3, 1e9)


@given(st.lists(st.tuples(finite, st.floats(-1, 1)), min_size=1, max_size=12))
def test_the_front_holds_what_no_model_beats(figures):
    costs, scores = zip(*figures, strict=True)
    front = pareto_front(costs, scores)

    assert any(front)
    for position, best in enumerate(front):
        beaten = any(
            c <= costs[position] and s >= scores[position] and (c, s) != (costs[position], scores[position])
            for c, s in figures
        )
        assert best is not beaten


@given(st.lists(st.tuples(finite, st.floats(-1e3, 1e3)), min_size=1, max_size=6))
def test_plots_are_well_formed_and_stay_inside(figures):
    points = [plots.Point(n, f"m<{n}>", x, y, y - 0.1, y + 0.1, n == 0) for n, (x, y) in enumerate(figures)]
    lines = [(p.rank, p.name, ((p.x, p.y), (p.x * 2, p.y))) for p in points]

    for drawing in (
        plots.scatter(points, "t", "x", "y"),
        plots.intervals(points, "t", "x"),
        plots.curves(lines, "t", "y"),
        plots.bars([(p.name, p.rank + 1) for p in points], "t"),
    ):
        root = ET.fromstring(drawing)
        width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
        for circle in root.iter("circle"):
            assert 0 <= float(circle.attrib["cx"]) <= width
            assert 0 <= float(circle.attrib["cy"]) <= height


def test_a_notebook_shows_the_ranking_without_pandas(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)

    tree = Tree(answer()._repr_html_())

    assert len(tree.all("td")) == 2 * len(tree.all("th"))
    assert "pkg:model-1" in tree.text
