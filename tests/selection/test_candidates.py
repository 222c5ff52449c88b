"""Which models are candidates: by default, through a search, and by their id alone."""

from __future__ import annotations

import pytest
from made_up import IMAGES, SOUNDS, SPEECH, card, score

import zoo
from zoo.errors import InvalidInput, UnknownModel
from zoo.plugins import plugins
from zoo.registry import open_registry
from zoo.registry.registry import Registry
from zoo.selection.rank.full_registry import rank_registry
from zoo.selection.request.candidates import SEARCH_LIMIT, choose, takes, within
from zoo.selection.request.constraints import Limits


@pytest.mark.parametrize("tag", ["special-purpose", "reference-only", "not-for-all-audiences"])
def test_a_model_that_is_not_to_be_proposed_is_a_candidate_by_its_id_alone(registry: Registry, tag: str) -> None:
    plain, withheld = card("moderator-plain"), card("moderator-nsfw", tags=(tag,))
    registry.add([plain, withheld, score(plain, SOUNDS.name, 0.5), score(withheld, SOUNDS.name, 0.9)])
    open_registry().add([plain, withheld])

    assert [c.id for c in rank_registry(SOUNDS, "", Limits(), registry).candidates] == [plain.id]
    assert [choice.card.id for choice in choose(SOUNDS, "moderator")] == [plain.id]
    assert [choice.card.id for choice in choose(SOUNDS, withheld.id)] == [withheld.id]
    with pytest.raises(UnknownModel, match="'nsfw' matches only models that are not proposed"):
        choose(SOUNDS, "nsfw")


def test_the_packaged_content_filter_is_never_a_default_candidate(registry: Registry) -> None:
    from zoo_vision.cards import CARDS, NUDE_CLASSIFIER

    open_registry().add(CARDS)

    local = {choice.card.id for choice in choose(IMAGES)}
    assert {one.id for one in CARDS} - local == {NUDE_CLASSIFIER.id}
    assert NUDE_CLASSIFIER.id not in {choice.card.id for choice in choose(IMAGES, "efficientnet")}
    assert [choice.card.id for choice in choose(IMAGES, NUDE_CLASSIFIER.id)] == [NUDE_CLASSIFIER.id]
    photos = zoo.read("sklearn:digits:60")
    ranked = zoo.recommend(photos, task=IMAGES.name, measure=False, max_parameters=4_100_000)
    assert NUDE_CLASSIFIER.id not in {c.id for c in ranked.candidates}


def test_a_search_gives_models_within_the_limits_and_those_for_the_task_first(registry: Registry) -> None:
    large = [card(f"wibble-{n}", parameters=10**8, downloads=10**6) for n in range(2 * SEARCH_LIMIT)]
    others = [card(f"wibble-talk-{n}", SPEECH.name, parameters=9, downloads=10**5) for n in range(SEARCH_LIMIT)]
    small = [card(f"wibble-small-{n}", parameters=9, downloads=1) for n in range(3)]
    open_registry().add([*large, *others, *small])
    limits = Limits(max_parameters=10)

    kept, excluded = within(choose(SOUNDS, "wibble", limits=limits), limits)

    assert len(kept) == SEARCH_LIMIT
    assert {choice.card.id for choice in kept[:3]} == {one.id for one in small}
    assert {gone.id for gone in excluded} == {one.id for one in large}
    with pytest.raises(InvalidInput, match="No candidate is within the limits"):
        within(choose(SOUNDS, "wibble", limits=Limits(max_parameters=1)), Limits(max_parameters=1))


def test_default_candidates_take_the_datas_kind_of_input() -> None:
    tasks = plugins().tasks
    expected = {
        ("image-classification", "image"): True,
        ("image-classification", "text"): False,
        ("audio-classification", "text"): False,
        ("text-to-speech", "text"): True,
        ("question-answering", "text"): True,
        ("visual-question-answering", "image"): True,
        ("text-to-image", "image"): False,
        ("text-to-image", "prompt"): True,
        ("molecular-property-prediction", "crystal"): False,
        ("image-classification", None): True,
    }
    assert {(task, kind): takes(kind, tasks[task]) for task, kind in expected} == expected
