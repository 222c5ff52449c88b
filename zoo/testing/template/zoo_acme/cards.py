"""The task of the domain acme, and its model cards."""

from __future__ import annotations

from collections.abc import Iterator

from zoo import ModelCard, Task
from zoo.entities import ModelFile
from zoo.tasks import TaskMetric

TASK = Task(
    "acme-classification",
    "acme",
    "Text classification",
    ("text",),
    "class",
    (TaskMetric("accuracy"), TaskMetric("macro_f1")),
    "linear",
)


def cards() -> Iterator[ModelCard]:
    """The model cards of the domain."""
    yield ModelCard(
        "acme:trigrams",
        "acme",
        (TASK.name,),
        architecture="hashed trigrams",
        library="acme",
        description="Counts of character trigrams in a hash table; fast, and needs no training.",
        license="MIT",
        input={"kind": "text"},
        embedding_dimension=256,
        revision="1",
        files=(ModelFile("weights.json"),),
    )
