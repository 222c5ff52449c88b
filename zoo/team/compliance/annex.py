"""Facts for Annex XII of Regulation (EU) 2024/1689: what a provider of a general-purpose AI model gives to others.

Annex XII lists the information for providers of AI systems that integrate the model (Article 53(1)(b)); its text is at
https://eur-lex.europa.eu/eli/reg/2024/1689/oj. Every fact has its source; what is not published is reported as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.entities import Entity, ModelCard, Run
from zoo.team.compliance.bill import is_known
from zoo.team.compliance.modification import modification
from zoo.team.compliance.subject import Subject, subject_of

NOT_PUBLISHED = "not published"
NO_ADVICE = "This is not legal advice."
CARD, BASE_CARD, FOLDER_CARD = "registry card", "registry card of the base model", "card in the model's folder"
DERIVED = "the model's id"


@dataclass(frozen=True)
class Fact(Entity):
    """One fact.

    Attributes:
        point: of Annex XII, such as ``1(f)``; empty for facts that it does not ask for.
        value: in words; None if it is not published.
        source: where it is from; empty if it is not published.
    """

    point: str
    name: str
    value: str | None = None
    source: str = ""


@dataclass(frozen=True)
class Annex(Entity):
    """The facts of one model.

    Attributes:
        modification: facts on the own training of an adapted model, and thresholds of the Commission's guidelines;
            empty for other models.
        notes: what a reader has to know.
    """

    model: str
    facts: tuple[Fact, ...]
    modification: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()


def annex_of(model: str, folder: Path) -> Annex:
    """The facts of a model.

    Args:
        folder: of the project, in which the nearest lock is looked for.

    Raises:
        UnknownModel: there is no such model.
        LockError: the lock cannot be read.
    """
    found = subject_of(model, folder)
    sources = _Sources(found)
    facts = (*_general(sources), *_technical(sources))
    own = () if found.run is None else tuple(Fact("", *one) for one in modification(found.run))
    notes = [NO_ADVICE, "The text of Annex XII must be read at its source: Regulation (EU) 2024/1689."]
    if not is_known(found.card):
        notes.append("The registry has no card of this model: what is not in the lock is not known here.")
    if found.run is not None:
        notes.append("The guidelines C(2025) 7719 must be read at their source; the thresholds are as they state them.")
    return Annex(found.card.id, facts, own, tuple(notes))


class _Sources:
    """Facts of a model's card, else of its base model's, with their source."""

    def __init__(self, found: Subject) -> None:
        self.card, self.locked, self.run = found.card, found.locked, found.run
        self.adapted = found.base is not None
        self.base = found.base or ModelCard(found.card.id, found.card.domain)
        self.of_card = FOLDER_CARD if found.card.source == "file" else CARD

    def known(self, point: str, name: str, field: str, text: Callable[[Any], str | None] = str) -> Fact:
        """A field in words."""
        for card, source in ((self.card, self.of_card), (self.base, BASE_CARD)):
            value = getattr(card, field)
            if value and (shown := text(value)):
                return Fact(point, name, shown, source)
        return Fact(point, name)


def _general(found: _Sources) -> Iterator[Fact]:
    """Points 1(a) to 1(e), after what names the model."""
    card, base, locked, run, of_card = found.card, found.base, found.locked, found.run, found.of_card
    yield Fact("", "Model", card.id, DERIVED)
    if locked is not None and locked.revision:
        yield Fact("", "Revision", locked.revision, "zoo.lock")
    else:
        yield _fact("", "Revision", card.revision, of_card)
    yield _fact("", "Base model", base.id if found.adapted else card.base_model, of_card)
    yield _fact("1(a)", "Tasks that the model is intended to perform", ", ".join(card.tasks), of_card)
    yield Fact("1(a)", "Type and nature of AI systems into which it can be integrated")
    terms = "Access is gated: the platform asks to accept terms." if card.gated else None
    yield _fact("1(b)", "Acceptable use policies", terms, of_card)
    if run is None:
        yield _fact("1(c)", "Date of release", card.released, of_card)
    else:
        yield Fact("1(c)", "Date of the adaptation", run.created[:10], _of(run))
    yield _fact("1(c)", "Methods of distribution", _distribution(card), DERIVED)
    size = f"The files take {card.bytes:,} bytes." if card.bytes else None
    yield _fact("1(d)", "Interaction with hardware or software", size, of_card)
    requires, source = (locked.requires, "zoo.lock") if locked else (card.requires or base.requires, of_card)
    yield _fact("1(e)", "Versions of relevant software", ", ".join(requires), source)
    if run is not None:
        used = ", ".join(f"{name} {version}" for name, version in run.versions.items())
        yield _fact("1(e)", "Versions used for the adaptation", used, _of(run))


def _technical(found: _Sources) -> Iterator[Fact]:
    """Points 1(f) to 2(c)."""
    card, base, locked, run, of_card = found.card, found.base, found.locked, found.run, found.of_card
    known = found.known
    yield known("1(f)", "Architecture", "architecture")
    own = "Number of parameters in the files of the adaptation" if found.adapted else "Number of parameters"
    yield known("1(f)", own, "parameters", _number)
    if found.adapted:
        yield _fact("1(f)", "Number of parameters of the base model", _number(base.parameters), BASE_CARD)
    yield known("1(g), 2(b)", "Modality and format of inputs", "input", _inputs)
    yield _fact("1(g), 2(b)", "Modality and format of outputs", _outputs(card), "zoo's definition of the task")
    yield known("2(b)", "Maximum size of inputs", "input", _size)
    if card.license or locked is None:
        yield _fact("1(h)", "Licence", card.license, of_card)
    else:
        yield _fact("1(h)", "Licence", locked.license, "zoo.lock")
    if found.adapted:
        yield _fact("1(h)", "Licence of the base model", base.license, BASE_CARD)
    yield known("2(a)", "Instructions for use", "url")
    library = base.library or card.library
    yield _fact("2(a)", "Infrastructure and tools", library, BASE_CARD if base.library else of_card)
    yield known("2(c)", "Training data: provenance", "pretraining", ", ".join)
    yield Fact("2(c)", "Training data: type")
    yield Fact("2(c)", "Training data: curation methodologies")
    if run is not None:
        yield Fact("2(c)", "Data of the adaptation", f"{run.dataset}, {run.samples:,} samples", _of(run))
        yield _fact("2(c)", "Fingerprint of these data", run.data, _of(run))


def _fact(point: str, name: str, value: str | None, source: str) -> Fact:
    return Fact(point, name, value, source) if value else Fact(point, name)


def _of(run: Run) -> str:
    return f"measured here: zoo runs show {run.id}"


def _number(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _distribution(card: ModelCard) -> str | None:
    name = card.name
    places = {"hf": f"Hugging Face Hub: {name}", "file": f"a folder: {name}"}
    if card.source == "pkg":
        return f"Python package: {card.requires[0]}" if card.requires else "Python package"
    return places.get(card.source, card.id)


def _inputs(known: Mapping[str, Any]) -> str | None:
    kind = known.get("kind")
    return str(kind) if kind else None


def _size(known: Mapping[str, Any]) -> str | None:
    if tokens := known.get("max_tokens"):
        return f"{tokens} tokens"
    size = known.get("size")
    if isinstance(size, (list, tuple)):
        return " x ".join(map(str, size)) + " pixels; larger images are scaled"
    return f"{size} pixels; larger images are scaled" if isinstance(size, int) else None


def _outputs(card: ModelCard) -> str | None:
    from zoo.plugins import plugins

    task = plugins().tasks.get(card.tasks[0]) if card.tasks else None
    return f"{task.target} ({task.name})" if task is not None and task.target else None
