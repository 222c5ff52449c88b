"""Answers to questions that are asked of a text or of an image, compared with the known answers of each question.

Exact match and F1 of words are those of Rajpurkar et al., 2016.
"""

from __future__ import annotations

import re
import statistics
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol, runtime_checkable

from zoo.contract.kind import Kind
from zoo.contract.metric import Metric
from zoo.errors import DataError, UnsupportedModel

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PEOPLE = 3
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@runtime_checkable
class Asked(Protocol):
    """An input with a question."""

    @property
    def question(self) -> str:
        """The question."""
        ...


@runtime_checkable
class AskedOfText(Asked, Protocol):
    """A question whose answer is a part of a text."""

    @property
    def context(self) -> str:
        """The text."""
        ...


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    Attributes:
        answer: its words; empty if the model found none.
        score: its probability, if the model returns one.
        start, end: its first character in the text, and the one after its last; None without a text.
    """

    answer: str
    score: float | None = None
    start: int | None = None
    end: int | None = None


def known_answers(cell: Any) -> list[str]:
    """The answers in a cell: one, a list, a list of objects with a ``text``, or the columns of ``datasets``."""
    if isinstance(cell, dict):
        cell = cell.get("text", [])
    if not isinstance(cell, (list, tuple)):
        cell = [cell]
    texts = [answer.get("text", "") if isinstance(answer, dict) else answer for answer in cell]
    return [str(text) for text in texts if text is not None and str(text).strip()]


def normalised(answer: str) -> str:
    """Lower case, without punctuation, articles and extra spaces."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Share of the questions whose answer is one of the known ones; 0 to 1."""
    return _best("exact_match", targets, predictions, lambda known, found: float(known == found))


def answer_f1(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Mean over the questions of the word F1 with the best matching known answer; 0 to 1."""
    return _best("answer_f1", targets, predictions, _words_f1)


def vqa_accuracy(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Agreement with the annotators' answers, 0 to 1 (Antol et al., "VQA: visual question answering", 2015).

    With more than three annotators, an answer is right if three of the others gave it, averaged over leaving each out,
    and partly right if fewer did; with three or fewer, all have to agree.
    """
    return _mean("vqa_accuracy", targets, predictions, _agreement)


METRICS = (
    Metric("vqa_accuracy", vqa_accuracy, True, "Agreement with at least three annotators; 0 to 1.", bounds=(0, 1)),
    Metric(
        "exact_match",
        exact_match,
        True,
        "Share of the answers that match a known answer exactly; 0 to 1.",
        bounds=(0, 1),
    ),
    Metric(
        "answer_f1", answer_f1, True, "Mean F1 of an answer's words with the best known answer; 0 to 1.", bounds=(0, 1)
    ),
)


class Answers(Kind):
    """The known answers of a question, as a tuple of texts, and a model's own."""

    name = "answers"
    noun, nouns, per_sample = "answer", "answers", "answers"
    metrics = METRICS

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> tuple[str]:
        """The answer's words alone; raises ``UnsupportedModel`` where it is not an answer."""
        if not isinstance(answer, Answer):
            raise UnsupportedModel("The model does not answer questions, so it cannot be evaluated on answers.")
        return (answer.answer,)

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> list[tuple[str]]:
        """The first words of the text, as many as answers usually have; without a text the most frequent answer."""
        commonest = Counter(answer for answers in targets for answer in answers).most_common(1)
        words = max(1, round(statistics.median(len(answers[0].split()) for answers in targets))) if targets else 1
        guesses = []
        for index in range(len(inputs)):
            item = inputs[index]
            if isinstance(item, AskedOfText):
                guesses.append((" ".join(item.context.split()[:words]),))
            else:
                guesses.append((commonest[0][0],))
        return guesses

    def summary(self, answer: Answer) -> Sequence[tuple[str, str]]:
        """The answer with its score."""
        return [(answer.answer, "" if answer.score is None else f"{answer.score:.3f}")]

    def to_json(self, answer: Answer) -> Mapping[str, Any]:
        """The answer with all of its fields."""
        return {name: value for name, value in super().to_json(answer).items() if value is not None}

    def html(self, item: Any, answer: Answer) -> str:
        """The question, the answer, and its text, with the answer marked in it."""
        score = "" if answer.score is None else f' <span class="soft">score {answer.score:.3f}</span>'
        question = f"<h3>{escape(item.question)}</h3>" if isinstance(item, Asked) else ""
        text = f"<blockquote>{_marked(item.context, answer)}</blockquote>" if isinstance(item, AskedOfText) else ""
        return f'{question}<p class="lead">{escape(answer.answer) or "No answer."}{score}</p>{text}'

    def ordinary(self) -> Sequence[Any]:
        """An answer out of a text, and one without."""
        return (Answer("Havana", 0.9, 18, 24), Answer("red"))

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """No answer, and markup."""
        return [("no answer", Answer("", 0.0, 0, 0)), ("markup", Answer("<b>&", 1.0))]


def _marked(context: str, answer: Answer) -> str:
    """A text in HTML, with the answer marked."""
    words = answer.answer
    start = context.find(words) if answer.start is None else answer.start
    end = start + len(words)
    if not words or start < 0 or context[start:end] != words:
        return escape(context)
    return f"{escape(context[:start])}<mark>{escape(words)}</mark>{escape(context[end:])}"


def _words_f1(known: str, found: str) -> float:
    expected, given = Counter(known.split()), Counter(found.split())
    shared = (expected & given).total()
    if not expected or not given:
        return float(expected == given)
    return 2 * shared / (expected.total() + given.total())


def _agreement(known: Sequence[str], found: str) -> float:
    same = [_NUMBERS.get(answer, answer) == _NUMBERS.get(found, found) for answer in known]
    if len(same) <= _PEOPLE:
        return sum(same) / len(same)
    return sum(min(1.0, (sum(same) - left) / _PEOPLE) for left in same) / len(same)


def _best(name: str, targets: Sequence[Any], predictions: Sequence[Any], compare: Callable[[str, str], float]) -> float:
    return _mean(name, targets, predictions, lambda known, found: max(compare(one, found) for one in known))


def _mean(
    name: str, targets: Sequence[Any], predictions: Sequence[Any], compare: Callable[[Sequence[str], str], float]
) -> float:
    pairs = list(zip(targets, predictions, strict=True))
    if not pairs or not all(isinstance(side, (tuple, list)) for pair in pairs for side in pair):
        raise DataError(f"'{name}' compares answers with the known ones, one or more for each question.")
    values = (compare([normalised(answer) for answer in known], normalised(found[0])) for known, found in pairs)
    return sum(values) / len(pairs)
