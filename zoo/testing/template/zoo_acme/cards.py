"""The task of the domain acme, and the cards of its models."""

from __future__ import annotations

from collections.abc import Iterator

from zoo import ModelCard, Task
from zoo.entities import ModelFile
from zoo.tasks import TaskMetric

TASK = Task(
    "acme-classification",
    "acme",
    "Tell texts of one kind from another.",
    ("text",),
    "class",
    (TaskMetric("accuracy"), TaskMetric("macro_f1")),
    "linear",
    use_case=False,
)


def cards() -> Iterator[ModelCard]:
    """The models of the domain."""
    yield ModelCard(
        "acme:trigrams",
        "acme",
        (TASK.name,),
        architecture="hashed trigrams",
        library="acme",
        description="Counts trigrams of letters in a hashed table; no training, and quick.",
        license="MIT",
        input={"kind": "text"},
        embedding_dimension=256,
        revision="1",
        files=(ModelFile("weights.json"),),
    )
