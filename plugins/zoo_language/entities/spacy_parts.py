"""The components of spaCy's pipelines for entities, and the entities that they find."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from zoo_language.entities.spans import NamedEntities, NamedEntity

WHOLE, OWN = "tok2vec.mean", "ner.mean"
"""The layers: vectors of the shared network, and of the entity component's own network."""

_PIECE = 20_000
"""Characters processed at once; longer texts are split, since spaCy needs about 3 kB per character."""

_AT_ONCE = 32


def entities(pipeline: Any, texts: Iterable[str]) -> list[NamedEntities]:
    """The entities of each text; they have no score, since spaCy's parser decides step by step."""
    answers: list[list[NamedEntity]] = []

    def parts() -> Iterator[tuple[str, tuple[int, int]]]:
        for number, text in enumerate(texts):
            answers.append([])
            yield from ((piece, (number, start)) for start, piece in pieces(text))

    for document, (number, start) in pipeline.pipe(parts(), as_tuples=True, batch_size=_AT_ONCE):
        answers[number] += [
            NamedEntity(one.label_, one.text, start + one.start_char, start + one.end_char) for one in document.ents
        ]
    return [NamedEntities(tuple(found)) for found in answers]


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """A text in pieces of at most ``_PIECE`` characters, with their positions; split at line ends, else at spaces."""
    start = 0
    while len(text) - start > _PIECE:
        last = start + _PIECE
        cut = max(text.rfind("\n", start + _PIECE // 2, last), text.rfind(". ", start + _PIECE // 2, last)) + 1
        cut = cut or text.rfind(" ", start + 1, last) + 1 or last
        yield start, text[start:cut]
        start = cut
    yield start, text[start:]


def networks(pipeline: Any) -> Iterator[tuple[str, Any]]:
    """Each layer with the network that returns its vectors, one per token."""
    for network in of_factory(pipeline, "tok2vec"):
        yield WHOLE, pipeline.get_pipe(network).model
    if not listens(pipeline):
        yield OWN, _first(pipeline)


def listens(pipeline: Any) -> bool:
    """Whether the entity component uses the shared network, and has none of its own."""
    return str(_first(pipeline).name).endswith("-listener")


def _first(pipeline: Any) -> Any:
    """The layer of the entity component that returns a vector per token."""
    return finder(pipeline).model.get_ref("tok2vec").layers[0]


def finder(pipeline: Any) -> Any:
    """The entity component."""
    return pipeline.get_pipe(of_factory(pipeline, "ner")[0])


def of_factory(pipeline: Any, factory: str) -> list[str]:
    """Names of the components made by a factory."""
    return [name for name in pipeline.pipe_names if pipeline.get_pipe_meta(name).factory == factory]
