"""The kind of targets and answers that are named entities in a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.errors import UnsupportedModel
from zoo_language.entities.metrics import METRICS, OUTSIDE
from zoo_language.entities.spans import NamedEntities, NamedEntity, tags_of

if TYPE_CHECKING:
    from zoo.contract.reader import ReadOptions, Table
    from zoo.entities import Dataset


class Spans(Kind):
    """Named entities: as targets a tag for each word, as answers the start and end of each entity."""

    name = "spans"
    noun, nouns, per_sample = "entity", "entities", "tagged words"
    numbered = True
    shows_input = True
    metrics = METRICS

    def read_table(self, reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset | None:
        """A table with a column of lists of words and one of lists of tags; None if it has none."""
        from zoo_language.entities.files import read_table

        return read_table(reference, table, options)

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> tuple[str, ...]:
        """The tag of each word; raises ``UnsupportedModel`` if the answer is not entities."""
        if not isinstance(answer, NamedEntities):
            raise UnsupportedModel("The model does not predict entities, so it cannot be evaluated on tags.")
        return tags_of(item, answer)

    def labels(self, answer: NamedEntities) -> Sequence[str]:
        """The types of the entities."""
        return [one.label for one in answer]

    def relabelled(
        self, answer: NamedEntities, names: Mapping[str, str | None], classes: Sequence[str]
    ) -> NamedEntities:
        """The entities with the data's names of their types; a type that the data do not have keeps its own."""
        return NamedEntities(tuple(one.renamed(names[one.label] or one.label) for one in answer))

    def class_names(self, classes: Sequence[str]) -> Sequence[str]:
        """The types of entities, of tags such as ``B-PER``."""
        return sorted({name for _, _, name in (tag.partition("-") for tag in classes) if name})

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> list[tuple[str, ...]]:
        """No entities."""
        return [(OUTSIDE,) * len(inputs[index].split()) for index in range(len(inputs))]

    def summary(self, answer: NamedEntities) -> Sequence[tuple[str, str]]:
        """The words of each entity with its type and score."""
        return [(f"{one.word} ({one.label})", "" if one.score is None else f"{one.score:.3f}") for one in answer]

    def to_json(self, answer: NamedEntities) -> list[dict[str, Any]]:
        """A list of entities; those of models without scores have none."""
        return [{name: value for name, value in asdict(one).items() if value is not None} for one in answer]

    def html(self, item: Any, answer: NamedEntities) -> str:
        """The text with its entities marked, and a table of them."""
        from zoo_language.entities.showing import marked

        return marked(str(item), answer)

    def ordinary(self) -> Sequence[NamedEntities]:
        """Two entities, and none."""
        found = (NamedEntity("PER", "Nils Smith", 0, 10, 0.9), NamedEntity("LOC", "Havana", 20, 26, 0.8))
        return (NamedEntities(found), NamedEntities(()))

    def extreme(self, task: str = "") -> Sequence[tuple[str, NamedEntities]]:
        """Markup, and entities without a score."""
        return [
            ("markup", NamedEntities((NamedEntity("<b>", "&", 0, 1, 1.0),))),
            ("no score", NamedEntities((NamedEntity("PER", "A", 0, 1),))),
        ]
