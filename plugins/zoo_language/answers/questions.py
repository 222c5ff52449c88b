"""Questions about a text, with spans of it as answers: SQuAD's JSON, and tables with three columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.contract.reader import ReadOptions, Table, settle
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, suggest
from zoo.kinds.answers import known_answers
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.items import text_digest
from zoo.kinds.text import read_text
from zoo.untrusted import parse_json

TASK = "question-answering"
_MARK = '"paragraphs"'
_ANSWERS = ("answer", "answers", "answer_text", "target")


@dataclass(frozen=True)
class Question:
    """A question, and the text that contains its answer."""

    question: str
    context: str

    def tobytes(self) -> bytes:
        """Both as bytes, for a digest."""
        return json.dumps([self.question, self.context]).encode()


class QuestionReader:
    """JSON files in the format of SQuAD 1.1 and 2.0; questions without an answer in the text are left out."""

    name = "questions (SQuAD JSON)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A JSON file with paragraphs."""
        path = Path(reference).expanduser()
        try:
            return path.suffix.lower() == ".json" and path.is_file() and _MARK in read_text(path)
        except OSError:
            return False

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The questions with their known answers.

        Raises:
            DataError: the file is not in this format, or none of its questions can be used.
        """
        try:
            document = parse_json(read_text(Path(reference).expanduser()), finite=False)
            rows = list(_squad(document))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"'{reference}' is not in SQuAD's format: {' '.join(str(error).split())}.",
                'Write {"data": [{"paragraphs": [{"context": "", "qas": []}]}]}.',
            ) from error
        return _dataset(reference, rows, options)


def parse(text: str) -> Question:
    """A typed question: up to its question mark, then the text that contains the answer.

    Raises:
        DataError: there is no question mark, or nothing after it.
    """
    question, mark, context = text.partition("?")
    if not mark or not question.strip() or not context.strip():
        raise DataError(
            f"'{text[:60]}' is not a question followed by a text.", 'Write "Who lives here? The king lives here."'
        )
    return Question(f"{question.strip()}?", context.strip())


def read_table(reference: str, table: Table, options: ReadOptions) -> Dataset:
    """The questions of a table with the columns ``question``, ``context`` and ``answer`` (or ``answers``).

    Raises:
        DataError: a column is missing, or nothing can be used.
    """
    wanted = options.target_column or next((name for name in _ANSWERS if name in table.columns), "answer")
    for name in ("question", "context", wanted):
        if name not in table.columns:
            raise DataError(f"'{reference}' has no column '{name}', which {TASK} needs.", suggest(name, table.columns))
    places = [table.columns.index(name) for name in ("question", "context", wanted)]
    rows: list[tuple[str, Any, Any, Any]] = []
    for row in table.rows():
        values = row.values or [None] * len(table.columns)
        rows.append((f"{table.unit} {row.number}", *(values[place] for place in places)))
    return _dataset(reference, rows, options)


def _squad(document: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                yield (
                    f"question {question.get('id', '?')}",
                    question["question"],
                    paragraph["context"],
                    question["answers"],
                )


def _dataset(name: str, rows: Sequence[tuple[str, Any, Any, Any]], options: ReadOptions) -> Dataset:
    questions: list[Question] = []
    targets: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for place, question, context, answers in rows:
        known = known_answers(answers)
        if not str(question or "").strip() or not str(context or "").strip():
            problems.append(Problem(place, "has no question or no text"))
        elif not (inside := tuple(answer for answer in known if answer in str(context))):
            problems.append(Problem(place, "has no answer that is part of its text"))
        else:
            questions.append(Question(str(question).strip(), str(context)))
            targets.append(inside)
    settle(name, len(questions), problems, options)
    digests = (text_digest(question.tobytes().decode()) for question in questions)
    return Dataset(
        name,
        "question",
        questions,
        targets,
        (),
        fingerprint("question", digests, [json.dumps(known) for known in targets]),
        "answers",
        {"target": "answers"},
        tuple(problems),
    )
