# ruff: noqa
# mypy: ignore-errors
"""Kinds that have no home of their own yet."""

from __future__ import annotations

from zoo.contract.kind import Kind
from zoo.kinds.inputs import read_each


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
        from zoo.kinds.image import Images

        return Images().input_html(item.image)

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
    from zoo.adapt.structured import captions

    return [
        Input("image-question", asked_of="image", folds_text=True, metrics=captions.METRICS),
    ]
