"""Answers found in a text: exact match and F1 of words, as SQuAD judges them (Rajpurkar et al., 2016)."""

from __future__ import annotations

import re
import statistics
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PEOPLE = 3
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(answer: str) -> str:
    """Lower case, without punctuation, articles and surplus space."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def exact_match(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Share of the questions whose answer is one of those that are known; 0 to 1."""
    return _best("exact_match", targets, predictions, lambda truth, found: float(truth == found))


def answer_f1(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Mean over the questions of the F1 of words with the known answer that fits best; 0 to 1."""
    return _best("answer_f1", targets, predictions, _words_f1)


def vqa_accuracy(targets: Sequence[Sequence[str]], predictions: Sequence[Sequence[str]]) -> float:
    """Share of the answers that people gave too, 0 to 1 (Antol et al., "VQA: visual question answering", 2015).

    Where more than three people answered, an answer is right that three of the others gave, averaged over leaving each
    out, and right in part that fewer gave; of three or fewer, all have to agree.
    """
    return _mean("vqa_accuracy", targets, predictions, _agreement)


METRICS = (
    Metric("vqa_accuracy", vqa_accuracy, True, "Share of the answers that three people gave too; 0 to 1."),
    Metric("exact_match", exact_match, True, "Share of the answers that are right word for word; 0 to 1."),
    Metric("answer_f1", answer_f1, True, "Mean F1 of an answer's words with the best known answer; 0 to 1."),
)


def _words_f1(truth: str, found: str) -> float:
    expected, given = Counter(truth.split()), Counter(found.split())
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
    return _mean(name, targets, predictions, lambda known, found: max(compare(truth, found) for truth in known))


def _mean(
    name: str, targets: Sequence[Any], predictions: Sequence[Any], judge: Callable[[Sequence[str], str], float]
) -> float:
    pairs = list(zip(targets, predictions, strict=True))
    if not pairs or not all(isinstance(side, (tuple, list)) for pair in pairs for side in pair):
        raise DataError(f"'{name}' compares answers with those that are known, one or more for each question.")
    judged = (judge([normalised(truth) for truth in known], normalised(found[0])) for known, found in pairs)
    return sum(judged) / len(pairs)


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[tuple[str]]:
    """As many of the text's first words as answers usually have; of a picture the commonest answer."""
    if task == "visual-question-answering":
        return [(Counter(answer for answers in known for answer in answers).most_common(1)[0][0],)] * len(inputs)
    words = round(statistics.median(len(answers[0].split()) for answers in known))
    return [(" ".join(inputs[index].context.split()[: max(1, words)]),) for index in range(len(inputs))]


KIND = TargetKind("answers", _guess, lambda item, answer: (str(answer["answer"]),))
