"""Without measuring, evidence decides: a model of which less is known never stands above one of which more is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import BOXES, IMAGES, SOUNDS, SPEECH, card, image_model, score

import zoo
from zoo.answers import Candidate, Recommendation
from zoo.entities import ModelCard, Run
from zoo.errors import InvalidInput, UnknownModel, UnsupportedModel
from zoo.registry import open_registry
from zoo.registry.registry import Registry
from zoo.selection.explain.next_step import next_command
from zoo.selection.prior.shipped import content
from zoo.selection.rank.evidence import Evidence, Knowledge
from zoo.selection.rank.full_registry import ENOUGH, rank_registry
from zoo.selection.rank.published_scores import published_results
from zoo.selection.rank.unmeasured import candidates, rank_cards
from zoo.selection.request.constraints import Limits

KNOWN = content()["tasks"][IMAGES.name]["known"]
WORST, MIDDLE = min(KNOWN, key=lambda id: KNOWN[id][0]), sorted(KNOWN, key=lambda id: KNOWN[id][0])[len(KNOWN) // 2]


def test_a_score_of_another_task_never_outranks_one_of_the_task(registry: Registry) -> None:
    weak, weaker, other = card("weak"), card("weaker"), card("other", SPEECH.name)
    more = [card(f"more-{n}", SPEECH.name) for n in range(5)]
    scores = [score(weak, SOUNDS.name, 0.2), score(weaker, SOUNDS.name, 0.1), score(other, SPEECH.name, 0.99, "Talk")]
    scores += [score(one, SPEECH.name, 0.01 * n, "Talk") for n, one in enumerate(more)]
    registry.add([weak, weaker, other, *more, *scores])

    found = rank_cards(SOUNDS, "", [other, weaker, weak], registry).candidates

    assert [c.id for c in found] == [weak.id, weaker.id, other.id]
    assert found[2].score is None
    assert (
        found[2].reasons[0].startswith("No published score for this task. For automatic-speech-recognition, with the")
    )


def test_a_named_model_without_evidence_comes_last_and_is_reported(registry: Registry) -> None:
    low, high, bare, text = card("low"), card("high"), card("bare"), card("voice", kind="text")
    registry.add([low, high, bare, text, score(low, SOUNDS.name, 0.1), score(high, SOUNDS.name, 0.9)])

    found = rank_cards(SOUNDS, "", [text, bare, low, high], registry).candidates

    assert [c.id for c in found] == [high.id, low.id, bare.id, text.id]
    assert found[2].reasons[0].startswith("No published score for this task")
    assert found[3].reasons[0] == "No published score for this task; it takes inputs of the kind text, not audio."


@pytest.mark.parametrize("scored", [0, 1], ids=["nothing", "one benchmark of one model"])
def test_where_nothing_can_be_compared_one_sentence_is_reported(registry: Registry, scored: int) -> None:
    cards = [card("a"), card("b")]
    registry.add([*cards, *(score(one, SOUNDS.name, 0.5) for one in cards[:scored])])

    with pytest.raises(UnsupportedModel, match="audio-classification, so there is nothing to rank them by") as raised:
        rank_cards(SOUNDS, "", cards, registry)
    assert "--no-measure" in str(raised.value.hint)


def test_a_score_that_no_other_model_reports_ranks_behind_those_that_can_be_compared(registry: Registry) -> None:
    low, high, alone = card("low"), card("high"), card("alone")
    scores = [score(low, SOUNDS.name, 0.1), score(high, SOUNDS.name, 0.2), score(alone, SOUNDS.name, 0.99, "Own")]
    registry.add([low, high, alone, *scores])

    found = rank_cards(SOUNDS, "", [alone, low, high], registry).candidates

    assert [c.id for c in found] == [high.id, low.id, alone.id]
    assert "Own, which no other model reports" in found[2].reasons[0]


def test_a_data_set_counts_once_whatever_metrics_and_splits_it_has(registry: Registry) -> None:
    wide, narrow = card("wide", SPEECH.name), card("narrow", SPEECH.name)
    scores = [score(wide, SPEECH.name, 0.1, "A"), score(narrow, SPEECH.name, 0.2, "A")]
    for metric, split in (("word_error_rate", "clean"), ("word_error_rate", "other"), ("cer", "clean")):
        fields = {"metric": metric, "split": split, "higher_is_better": False}
        scores += [score(wide, SPEECH.name, 0.1, "B", **fields), score(narrow, SPEECH.name, 0.3, "B", **fields)]
    registry.add([wide, narrow, *scores])

    found = published_results(registry, [SPEECH.name])

    # On A narrow is one deviation ahead, on B, whose metrics are errors, wide is: once each, not three to one.
    assert found[wide.id].value == pytest.approx(0.0)
    assert found[narrow.id].value == pytest.approx(0.0)
    assert found[wide.id].data_sets == ("A", "B")


def test_splits_of_a_benchmark_are_not_mixed_up(registry: Registry) -> None:
    one, two = card("one", SPEECH.name), card("two", SPEECH.name)
    registry.add(
        [
            one,
            two,
            score(one, SPEECH.name, 0.9, split="easy"),
            score(one, SPEECH.name, 0.4, split="hard"),
            score(two, SPEECH.name, 0.8, split="easy"),
            score(two, SPEECH.name, 0.3, split="hard"),
        ]
    )

    assert [c.id for c in rank_cards(SPEECH, "", [two, one], registry).candidates] == [one.id, two.id]


def test_equal_scores_are_an_average_place_not_a_missing_one(registry: Registry) -> None:
    cards = [card("a"), card("b")]
    registry.add([*cards, *(score(one, SOUNDS.name, 0.5) for one in cards)])

    assert [c.score for c in rank_cards(SOUNDS, "", cards, registry).candidates] == [0.0, 0.0]


def test_models_that_were_never_compared_are_pointed_out(registry: Registry) -> None:
    cards = [card(name) for name in ("a", "b", "c", "d")]
    scores = [score(one, SOUNDS.name, n / 10, "X" if n < 2 else "Y") for n, one in enumerate(cards)]
    registry.add([*cards, *scores])

    [caution] = rank_cards(SOUNDS, "", cards, registry).warnings
    assert "2 groups of data sets that share no model" in caution
    registry.add([score(cards[0], SOUNDS.name, 0.3, "Y")])
    assert rank_cards(SOUNDS, "", cards, registry).warnings == []


def test_published_results_come_before_what_a_name_predicts(registry: Registry) -> None:
    promising = image_model("eva02_large_patch14_448.mim_m38m_ft_in22k", architecture="EVA", parameters=305_000_000)
    scored, derived = image_model(WORST), image_model("fine-tune", base_model=MIDDLE)

    found = rank_cards(IMAGES, "", [promising, derived, scored], registry)

    assert [c.id for c in found.candidates] == [scored.id, derived.id, promising.id]
    assert [c.score is None for c in found.candidates] == [False, True, True]
    assert "its base model" in found.candidates[1].reasons[0]
    assert "models with similar names" in found.candidates[2].reasons[0]
    assert all(c.reasons[0].startswith("No published score for this task. ") for c in found.candidates[1:])


def test_a_name_alone_is_weak_evidence_and_no_other_kind_of_model_gets_any(registry: Registry) -> None:
    alike = image_model("vit_base_patch16_224", architecture="ViT")
    detector, text = image_model("resnet-detector", BOXES.name), card("bert", "text-classification", kind="text")

    found = rank_cards(IMAGES, "", [text, detector, alike], registry)

    assert found.candidates[0].id == alike.id
    assert found.candidates[0].interval is not None
    assert {c.score for c in found.candidates[1:]} == {None}
    assert "No candidate has a published score for image-classification of its own" in found.warnings[0]
    with pytest.raises(UnsupportedModel, match="No candidate has a published score"):
        rank_cards(IMAGES, "", [detector, text], registry)


def test_a_published_score_counts_for_a_model_that_the_records_do_not_know(registry: Registry) -> None:
    cards = [image_model(f"vit-{n}", architecture="ViT") for n in range(12)]
    recorded = [image_model(id) for id in sorted(KNOWN, key=lambda id: KNOWN[id][0])[::100]]
    scores = [score(one, IMAGES.name, 0.4 + KNOWN[one.id][0] / 10) for one in recorded]
    registry.add([*cards, *recorded, *scores, *(score(one, IMAGES.name, 0.3 + n / 40) for n, one in enumerate(cards))])

    found = rank_cards(IMAGES, "", [*cards, *recorded], registry).candidates

    # On one scale with what the records say: both orders are that of the published score.
    assert [c.id for c in found if c.id not in KNOWN] == [one.id for one in reversed(cards)]
    published = {one.model: one.value for one in scores} | {one.id: 0.3 + n / 40 for n, one in enumerate(cards)}
    values = [published[c.id] for c in found]
    assert values == sorted(values, reverse=True)
    assert "by its published scores for this task" in next(c for c in found if c.id not in KNOWN).reasons[0]


def test_own_runs_of_the_task_come_before_models_without_any(registry: Registry) -> None:
    run = [card(f"run-{n}") for n in range(4)]
    runs = [
        Run(f"{data}-{n}", one.id, SOUNDS.name, f"ours-{data}", "", "full", {"accuracy": 0.1 + 0.05 * n + 0.01 * data})
        for data in range(4)
        for n, one in enumerate(run)
    ]
    open_registry().add([*run, *runs])

    found = rank_cards(SOUNDS, "ours-0", [card("bare", parameters=1), *run], registry).candidates

    assert found[-1].id == "hf:me/bare"
    assert found[-1].reasons[0].startswith("No published score for this task")
    assert [c.id for c in found[:-1]] == [one.id for one in reversed(run)]


@given(st.lists(st.tuples(st.sampled_from(list(Evidence)), st.floats(-3, 3)), min_size=1, max_size=12))
def test_evidence_falls_with_the_rank_and_only_the_best_kind_is_scored(kinds: list[tuple[Evidence, float]]) -> None:
    cards = [card(f"m{n}") for n in range(len(kinds))]
    evidence, value = np.array([kind for kind, _ in kinds]), np.array([value for _, value in kinds])
    results = {
        c.id: zoo.selection.rank.published_scores.PublishedResult(0.0, ("Bench",), (SPEECH.name,), 3) for c in cards
    }
    known = Knowledge(evidence, value, np.full(len(kinds), 0.5), ["alike"] * len(kinds), results, results, True)
    if known.best in {Evidence.NONE, Evidence.ALONE}:
        with pytest.raises(UnsupportedModel):
            candidates(cards, known, SOUNDS)
        return

    found = candidates(cards, known, SOUNDS)

    by_id = dict(zip((c.id for c in cards), evidence, strict=True))
    assert [by_id[c.id] for c in found] == sorted(evidence)
    assert all((c.score is not None) == (by_id[c.id] == known.best) for c in found)
    scores = [c.score for c in found if c.score is not None]
    assert scores == sorted(scores, reverse=True)


def crowd(registry: Registry, make: Callable[..., ModelCard] = card, task: str = SOUNDS.name) -> list[ModelCard]:
    """150 large models with high scores, two small ones with low scores, and a small one without any."""
    large = [make(f"large-{n}", task, parameters=10**8 + n, downloads=1000, license="MIT") for n in range(150)]
    small = [make(f"small-{n}", task, parameters=10**6 + n, downloads=1, license="Apache-2.0") for n in range(2)]
    scores = [score(one, task, 0.9 + n / 10**4) for n, one in enumerate(large)]
    registry.add([*large, *small, make("bare", task, parameters=5), *scores, *(score(one, task, 0.1) for one in small)])
    return small


@pytest.mark.parametrize("limits", [Limits(max_parameters=2_000_000), Limits(licenses=("Apache-2.0",))])
def test_limits_hold_before_the_list_is_cut(registry: Registry, limits: Limits) -> None:
    small = crowd(registry)

    found = rank_registry(SOUNDS, "", limits, registry)

    assert {c.id for c in found.candidates} == {one.id for one in small}
    assert "without a published score: 1 more model made for audio-classification." in found.warnings[-1]
    assert len(rank_registry(SOUNDS, "", Limits(), registry).candidates) == ENOUGH


def test_limits_that_leave_only_models_without_scores_are_named(registry: Registry) -> None:
    crowd(registry)

    with pytest.raises(InvalidInput, match="all 152 considered break at least one") as caught:
        rank_registry(SOUNDS, "", Limits(max_parameters=10), registry)
    assert "--max-parameters 1M would admit hf:me/small-0" in caught.value.hint


def test_a_model_that_zoo_does_not_pull_is_reported_and_is_not_the_next_thing_to_tune(registry: Registry) -> None:
    cards = [ModelCard(f"{name}/m", "audio", (SOUNDS.name,)) for name in ("github:me", "gitee:me", "hf:me")]
    registry.add([*cards, *(score(one, SOUNDS.name, 0.9 - n / 10) for n, one in enumerate(cards))])

    found = rank_cards(SOUNDS, "", cards, registry).candidates

    said = ["which zoo does not pull" in " ".join(c.reasons) for c in found]
    assert ([c.id for c in found], said) == ([one.id for one in cards], [True, True, False])
    following = [next_command(recommendation(SOUNDS.name, c), "sounds") for c in found]
    assert following == ["zoo show github:me/m", "zoo show gitee:me/m", "zoo tune hf:me/m sounds"]


def recommendation(task: str, *found: Candidate) -> Recommendation:
    return Recommendation(task, {}, found, (), 1.0)


def test_the_whole_registry_is_ranked_for_tasks_without_a_prior_too(registry: Registry) -> None:
    crowd(registry)
    found = rank_registry(SOUNDS, "", Limits(), registry)
    assert (found.candidates[0].id, found.by) == ("hf:me/large-149", "reported")


def test_where_features_count_related_tasks_fill_up_behind_the_task_itself(registry: Registry) -> None:
    small = crowd(registry)
    speech = [card(f"speech-{n}", SPEECH.name, parameters=7) for n in range(3)]
    registry.add([*speech, *(score(one, SPEECH.name, 0.1 * n, "Talk") for n, one in enumerate(speech))])

    limits = Limits(max_parameters=2_000_000)
    assert [c.id for c in rank_registry(SOUNDS, "", limits, registry).candidates[2:]] == [
        one.id for one in speech[::-1]
    ]
    assert len(small) == 2
    # What a speech model writes comes from its head, of which scores of classifiers say nothing.
    recognised = rank_registry(SPEECH, "", Limits(), registry)
    assert {c.id for c in recognised.candidates} == {one.id for one in speech}


def test_without_a_model_for_the_task_no_other_is_taken_instead(registry: Registry) -> None:
    registry.add([card("speech", SPEECH.name)])
    with pytest.raises(UnknownModel, match="The registry has no model for object-detection"):
        rank_registry(BOXES, "", Limits(), registry)


def test_a_larger_model_with_smaller_images_may_fit_where_another_did_not(registry: Registry) -> None:
    def net(name: str, parameters: int, size: int) -> ModelCard:
        recipe = {"kind": "image", "size": (size, size)}
        return ModelCard(
            f"hf:me/{name}", "vision", (IMAGES.name,), architecture="Net", parameters=parameters, input=recipe
        )

    # More of those with large images than are read at a time.
    cards = [*(net(f"tall-{n}", 10_000_000, 1024) for n in range(260)), net("wide", 20_000_000, 224)]
    registry.add([*cards, *(score(one, IMAGES.name, 0.9 - n / 500) for n, one in enumerate(cards))])

    found = rank_registry(IMAGES, "", Limits(memory=1_500_000_000), registry)

    assert [c.id for c in found.candidates] == ["hf:me/wide"]
    assert len(found.excluded) == 260
    assert "of the same architecture, which does not fit into memory" in found.excluded[-1].reason
