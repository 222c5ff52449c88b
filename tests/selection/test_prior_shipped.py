"""The prior that comes with zoo, and a team's own runs in addition."""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import pytest

from zoo import Selector
from zoo.entities import ModelCard, Run
from zoo.history.records import from_runs
from zoo.plugins import plugins
from zoo.registry import open_registry
from zoo.selection.prior import predict
from zoo.selection.prior.ranking import expected_of
from zoo.selection.prior.shipped import content, expect, tasks
from zoo.selection.rank.unmeasured import rank_cards

TASK = "image-classification"


def card(name: str, **fields: object) -> ModelCard:
    return ModelCard(name, "vision", (TASK,), **fields)  # type: ignore[arg-type]


def test_it_is_small_plain_text_that_names_its_sources() -> None:
    file = resources.files("zoo.selection.prior") / "shipped.json"
    assert len(file.read_bytes()) < 300_000
    for task in json.loads(file.read_text(encoding="utf-8"))["tasks"].values():
        assert all(entry["source"].startswith("github:") and entry["models"] > 50 for entry in task["sources"])


def test_what_was_published_of_a_model_is_known() -> None:
    found = expect([card("hf:facebook/convnext-xlarge-224-22k"), card("hf:WinKawaks/vit-tiny-patch16-224")], TASK)
    assert found is not None
    assert found.origin == ("results", "results")
    assert found.mean[0] > found.mean[1] + 1


def test_a_model_is_known_by_its_base() -> None:
    base = "hf:facebook/convnext-xlarge-224-22k"
    found = expect([card(base), card("hf:me/mine", base_model=base), card("hf:me/other")], TASK)
    assert found is not None
    assert found.origin == ("results", "base", "alike")
    assert found.mean[0] == found.mean[1]
    assert found.deviation[0] < found.deviation[1]


def test_a_model_without_results_is_known_by_those_like_it() -> None:
    large = card("hf:me/convnext-large-384-22k", parameters=200_000_000, architecture="ConvNeXt")
    tiny = card("hf:me/mobilenet-tiny-96", parameters=1_000_000, architecture="MobileNetV3")
    found = expect([large, tiny], TASK)
    assert found is not None
    assert found.mean[0] > found.mean[1] + 1


def test_one_at_a_time_or_all_at_once_is_the_same() -> None:
    cards = [card(name) for name in list(content()["tasks"][TASK]["known"])[:20]]
    cards += [card(f"hf:me/vit-{i}-base", architecture="ViT", released=f"202{i}-05") for i in range(5)]
    together = expect(cards, TASK)
    assert together is not None
    for at, one in enumerate(cards):
        alone = expect([one], TASK)
        assert alone is not None
        assert alone.mean[0] == pytest.approx(together.mean[at])


def test_a_task_without_published_results_is_not_guessed() -> None:
    assert expect([card("hf:a/b")], "poem-classification") is None
    assert expected_of([card("hf:a/b")], "poem-classification") is None


def test_own_runs_decide_over_what_is_published() -> None:
    names = list(content()["tasks"][TASK]["known"])[:12]
    cards = [card(name) for name in names]
    before = predict(cards, TASK)
    assert before is not None
    order = np.argsort(before.mean)
    runs = [
        Run(f"{d}-{rank}", names[at], TASK, f"ours-{d}", "", "full", {"accuracy": 0.9 - 0.02 * rank + 0.001 * d})
        for d in range(6)
        for rank, at in enumerate(order)
    ]

    after = predict(cards, TASK, "ours-new", from_runs(runs, cards))

    assert after is not None
    assert set(after.origin) == {"own"}
    assert np.corrcoef(after.mean, before.mean)[0, 1] < 0.3
    assert (after.deviation < before.deviation).all()


def test_one_own_data_set_alone_changes_nothing_that_cannot_be_learnt() -> None:
    cards = [card("hf:facebook/convnext-xlarge-224-22k")]
    runs = [Run("1", cards[0].id, TASK, "ours", "", "full", {"accuracy": 0.5})]
    before, after = predict(cards, TASK), predict(cards, TASK, "ours-new", from_runs(runs, cards))
    assert before is not None
    assert after is not None
    assert after.mean.tolist() == before.mean.tolist()


def test_the_selector_starts_from_it() -> None:
    cards = [card(name) for name in list(content()["tasks"][TASK]["known"])[:40]]
    expected = predict(cards, TASK)
    assert expected is not None
    places = dict(zip((c.id for c in cards), expected.mean, strict=True))
    assert places[str(Selector(cards, task=TASK).ask())] > np.quantile(expected.mean, 0.9)


def test_candidates_come_best_first_with_reasons_and_intervals(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    cards = [card("hf:WinKawaks/vit-tiny-patch16-224"), card("hf:facebook/convnext-xlarge-224-22k")]
    ranked = rank_cards(plugins().tasks[TASK], "", cards, open_registry()).candidates
    assert [c.rank for c in ranked] == [1, 2]
    assert ranked[0].id == "hf:facebook/convnext-xlarge-224-22k"
    assert ranked[0].interval is not None
    assert ranked[0].interval[0] < float(ranked[0].score or 0) < ranked[0].interval[1]
    assert "published results of this model (github:" in ranked[0].reasons[0]


def test_it_covers_the_tasks_that_it_was_learnt_for() -> None:
    assert {"image-classification", "text-classification", "sentence-similarity"} <= set(tasks())
