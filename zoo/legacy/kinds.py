# ruff: noqa
# mypy: ignore-errors
"""Kinds of targets that have no home of their own yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Unusable
from zoo.kinds.inputs import read_each
from zoo.legacy import showing


@dataclass(frozen=True)
class TargetKind:
    """A kind of structured target.

    Attributes:
        name: as data sets and tasks name it.
        guess: function of n inputs, of the targets that are known, and of the task's name, that gives n answers
            without a model.
        answer: function of an input and of what ``zoo_predict`` gives for it, that gives a target.
        in_time: whether samples follow each other in time, so that the last ones are held out.
        by_loss: whether epochs are told apart by the validation loss alone, where answers take too long for each.
        judged_by: function that gives what the metrics depend on beside targets and answers, for the records.
    """

    name: str
    guess: Callable[[Sequence[Any], Sequence[Any], str], Sequence[Any]]
    answer: Callable[[Any, Any], Any]
    in_time: bool = False
    by_loss: bool = False
    judged_by: Callable[[], Mapping[str, str]] = dict


class Wrapped(Kind):
    """A kind of target by its functions."""

    shows_input = True

    def __init__(self, kind: TargetKind, metrics: Sequence[Any], per_sample: str) -> None:
        super().__init__(kind.name)
        self._kind, self.metrics, self.per_sample = kind, metrics, per_sample
        self.ordered, self.select_by_loss = kind.in_time, kind.by_loss

    def comparable(self, item, answer, classes=()):
        return self._kind.answer(item, answer)

    def baseline(self, inputs, targets, task):
        return self._kind.guess(inputs, targets, task)

    def evaluated_with(self, task=""):
        return self._kind.judged_by()

    def summary(self, answer):
        labels = answer if isinstance(answer, list) else [answer]
        return [showing.summary(label) for label in labels]

    def html(self, item, answer):
        return showing.shown(item, answer)

    def draw(self, item, answer):
        return showing.draw(item, answer)

    def to_json(self, answer):
        return showing.plain(answer)


class Sound(Wrapped):
    """Recordings that were generated."""

    typed_as = "utterance"
    output_note = "Recordings are kept by -o FOLDER, and played by -o page.html."
    noun, nouns = "recording", "recordings"
    most_evaluated = 2

    def identity(self, item, target):
        return [item, target.recording]

    def read_table(self, reference, path, table, options):
        from zoo.data import utterances

        return utterances.read_table(reference, path, table, options)

    def evaluated_with(self, task=""):
        from zoo.adapt import metric_models
        from zoo.adapt.structured import recordings

        metric_models.check(recordings.JUDGES.get(task, ()))
        return {}

    def save(self, answer, folder, name):
        from zoo.kinds.audio import save

        return [save(answer, folder, name)]

    def file_names(self, names):
        return [numbered(name, number) for number, name in enumerate(names, start=1)]


def numbered(name: str, number: int) -> str:
    words = "-".join(re.findall(r"[^\W_]+", name.lower())[:5])[:40]
    return f"{number:02d}-{words}"


class Input(Kind):
    """A kind of input by its functions."""

    def __init__(self, name, nouns="", **settings):
        super().__init__(name)
        self.nouns = nouns or f"{name}s"
        self.per_sample = f"a {name}"
        for key, value in settings.items():
            setattr(self, key, value)

    def read_table(self, reference, path, table, options):
        from zoo.data import visual_questions

        if self.name == "image-question":
            return visual_questions.read_table(reference, path, table, options)
        return None

    def input_html(self, item):
        return showing._input(item.image) if self.name == "image-question" else super().input_html(item)

    def read_typed(self, texts, options, model):
        from zoo.data.single import read_input

        return read_each(texts, lambda text: read_input(text, self.name))

    def ordinary(self):
        from zoo.legacy import samples

        return samples.ordinary(self.name)

    def extreme(self, task=""):
        from zoo.legacy import samples

        return samples.extreme(self.name)


def wrapped() -> list[Kind]:
    """Those of all modules."""
    from zoo.adapt.structured import captions, recordings

    return [
        Input("image-question", asked_of="image", folds_text=True, metrics=captions.METRICS),
        Input("utterance", asked_of="text"),
        Sound(recordings.KIND, recordings.METRICS, "a recording"),
    ]
