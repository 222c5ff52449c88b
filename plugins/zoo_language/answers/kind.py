"""The kind of inputs that are questions about a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed
from zoo.kinds.inputs import read_each
from zoo_language.answers.questions import Question, parse, read_table

if TYPE_CHECKING:
    from zoo.contract.backbone import LoadedModel
    from zoo.contract.reader import ReadOptions, Table
    from zoo.entities import Dataset

_CONTEXT = "The king lives in Havana. His sister, who paints, lives in a tower by the sea."


class Questions(Kind):
    """Questions, each with the text that contains its answer; text models take them."""

    name = "question"
    asked_of = "text"
    folds_text = True

    def read_table(self, reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset:
        """A table with a column of questions, one of texts and one of answers."""
        return read_table(reference, table, options)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Questions, each followed by its text."""
        return read_each(texts, parse)

    def input_html(self, item: Question) -> str:
        """Nothing: the answer is shown in the text."""
        return ""

    def ordinary(self) -> Sequence[Question]:
        """Three questions about one text."""
        return [Question(asked, _CONTEXT) for asked in ("Who paints?", "Where does the king live?", "Who?")]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Question]]:
        """Without a text, without a question, and with a long text."""
        return [
            ("a question without a text", Question("Who?", "")),
            ("a text without a question", Question("", "A king.")),
            ("a text of 20,000 words", Question("Who?", "word " * 20_000)),
        ]
