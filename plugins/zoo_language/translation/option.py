"""The option ``languages``: source and target of a translation, named by the user or by the columns of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.contract.option import EVALUATE, PREDICT, Option
from zoo.errors import InvalidInput, MissingDependency

if TYPE_CHECKING:
    from zoo.entities import Dataset

TASK = "translation"


def pair(text: str) -> tuple[str, str]:
    """Parse two languages, such as ``en,de``; raises ``ValueError``."""
    return _two(text, [part.strip() for part in text.split(",")])


def with_languages(dataset: Dataset, task: str | None, named: str | Sequence[str] | None) -> Dataset:
    """Pairs of texts with their languages, from the option or from the names of the columns.

    Raises:
        InvalidInput: they are not two languages, or the data set is not pairs of texts.
    """
    pairs = (dataset.input_kind, dataset.target_kind) == ("text", "text")
    if named is not None:
        if not pairs:
            raise InvalidInput(
                f"--languages applies only to translation; '{dataset.name}' was not read as pairs of texts.",
                "Leave --languages out, or name the task: --task translation",
            )
        try:
            return replace(dataset, languages=pair(named) if isinstance(named, str) else _two(named, list(named)))
        except ValueError as error:
            raise InvalidInput(f"{error}.".capitalize()) from None
    columns = (dataset.columns.get("input", ""), dataset.columns.get("target", ""))
    if not pairs or task not in {None, TASK} or not all(columns) or not _are_languages(columns):
        return dataset
    return replace(dataset, languages=columns)


def _are_languages(names: Sequence[str]) -> bool:
    from zoo_language.translation.codes import is_language

    try:
        return all(map(is_language, names))
    except MissingDependency:  # without the table of languages, only models for one pair can be used
        return False


def _two(given: object, names: Sequence[str]) -> tuple[str, str]:
    if len(names) != 2 or not all(names):
        raise ValueError(f"'{given}' is not a pair of languages; name source and target, such as en,de")
    return names[0], names[1]


LANGUAGES = Option(
    "languages",
    frozenset({EVALUATE, PREDICT}),
    "Source and target language, such as en,de [default: the columns' names, or those of the model].",
    metavar="SOURCE,TARGET",
    convert=pair,
    kinds=frozenset({"text"}),
    applies_to="translation",
    apply=with_languages,
    task=TASK,
    labels=True,
    group="Translation",
)
