"""A kind of sample, target or answer: the one object that knows how to read, compare, evaluate and show it.

A plugin adds kinds with the hook ``zoo_kinds()``. Everything else asks the kind and never switches on its name. Each
method has a default, so a kind overrides only what differs; a kind only of targets needs ``baseline``, ``metrics`` and
methods that show its answers, a kind only of inputs those that read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.contract.augmenting import Augments
from zoo.contract.showing import Shows
from zoo.contract.targets import HasTargets
from zoo.contract.values import Examples, Shown, Typed, Unusable, Values
from zoo.errors import UnsupportedModel

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import LoadedModel, Progress
    from zoo.contract.metric import Metric
    from zoo.contract.reader import ReadOptions, Table
    from zoo.entities import Dataset, Outcomes, Problem
    from zoo.tasks import Task


LONGEST_CELL = 1000
"""Maximum characters of a cell that may be a path."""


class Kind(Shows, HasTargets, Examples, Augments):
    """A kind of sample, target or answer.

    Attributes:
        name: its name in data sets, tasks and cards: ``image``, ``boxes``.
        noun, nouns: singular and plural for messages; by default the name, and the name with an s.
        per_sample: what a task that predicts it needs with each sample: ``a mask``.
        suffixes: of files that hold samples of this kind, in lower case, with the dot; a folder of class folders may
            consist of such files.
        describes_others: whether such files often describe samples of other kinds, as texts do; if a folder holds as
            many of both, they are not its samples.
        needs_task: whether files are read as this kind only if a task requires it, and as another kind otherwise.
        column_names: names of table columns that usually hold it, the most likely first; empty for kinds that are never
            one column.
        cells: what such a column contains, in words: ``paths of images``.
        written: whether cells contain the value itself as text, not the name of a file. Targets of such kinds, and of
            those with ``column_names``, are read by ``read_cells`` too.
        asked_of: the kind that models take, if this kind extends it: questions go to text models.
        typed_as: for a kind that models generate: the kind of its typed input, such as a prompt.
        folds_text: whether texts in inputs are natural language, so that case and white space are ignored in
            comparisons.
        ordered: whether samples follow each other in time, so that the last ones are held out.
        groupings: ways to split that keep groups of samples together, by name: functions from n inputs to n keys.
        estimable: whether targets are arrays that transferability can be estimated from, see ``array``.
        metrics: metrics that evaluate answers of this kind; tasks name those that they use.
        baseline_title: what the baseline is, in a table: ``most frequent class``.
        numbered: whether labels without a name (``LABEL_3``) mean the data's classes by number.
        select_by_loss: whether epochs are compared by validation loss alone, because predicting takes too long.
        batch_sizes: default samples per batch on a ``cpu`` and on an ``accelerator``; on a CPU, large batches only push
            the activations out of the caches.
        batch_tokens: of inputs with a length: padded tokens per batch on each, in place of a number of samples.
        block_rows: rows of features that are computed and saved together, which an interruption loses; samples are
            sorted by length within them.
        most_evaluated: maximum number of targets for checking whether a metric applies; None for all.
        libraries: distributions that values, their comparison or their metrics depend on; runs record their versions.
    """

    name: ClassVar[str] = ""
    noun: ClassVar[str] = ""
    nouns: ClassVar[str] = ""
    per_sample: ClassVar[str] = ""
    suffixes: ClassVar[Collection[str]] = frozenset()
    describes_others: ClassVar[bool] = False
    needs_task: ClassVar[bool] = False
    column_names: ClassVar[Sequence[str]] = ()
    cells: ClassVar[str] = ""
    written: ClassVar[bool] = False
    asked_of: ClassVar[str] = ""
    typed_as: ClassVar[str] = ""
    folds_text: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    groupings: ClassVar[Mapping[str, Callable[[Sequence[Any]], Sequence[Hashable]]]] = {}
    estimable: ClassVar[bool] = False
    metrics: ClassVar[Sequence[Metric]] = ()
    baseline_title: ClassVar[str] = "baseline"
    numbered: ClassVar[bool] = False
    select_by_loss: ClassVar[bool] = False
    batch_sizes: ClassVar[Mapping[str, int]] = {"cpu": 32, "accelerator": 64}
    batch_tokens: ClassVar[Mapping[str, int]] = {}
    block_rows: ClassVar[int] = 256
    most_evaluated: ClassVar[int | None] = None
    libraries: ClassVar[Sequence[str]] = ()

    def __init__(self, name: str = "") -> None:
        if name:
            self.name = name  # type: ignore[misc]
        self.noun = self.noun or self.name.replace("-", " ")  # type: ignore[misc]
        self.nouns = self.nouns or f"{self.noun}s"  # type: ignore[misc]
        self.per_sample = self.per_sample or f"a {self.noun}"  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<Kind {self.name}>"

    def recipe(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a model's card says of its input of this kind, by its ``config.json``: shape and preprocessing."""
        return {"kind": self.name}

    # Reading

    def is_cell(self, value: str, column: str) -> bool:
        """Whether a cell of a table looks like this kind; by default a path with one of the suffixes.

        Args:
            column: the column's name in lower case, with underscores between words.
        """
        if not self.suffixes or len(value) > LONGEST_CELL or "\n" in value or "\0" in value:
            return False
        return PurePosixPath(value.strip()).suffix.lower() in self.suffixes

    def is_encoded(self, content: bytes) -> bool:
        """Whether the bytes in a cell are a file of this kind."""
        return False

    def read_cell(self, value: Any) -> Any:
        """A table's cell as a value; raises ``Unusable``.

        Kinds whose cells name files override ``read_cells`` instead, which knows the folder of the table.
        """
        return str(value)

    def read_cells(self, cells: Sequence[Any], folder: Path) -> Values:
        """Many cells of one column, none of them empty, or all bytes of files; paths are relative to ``folder``."""
        items: list[Any] = []
        kept: list[int] = []
        problems: dict[int, str] = {}
        for position, cell in enumerate(cells):
            try:
                items.append(self.read_cell(cell))
                kept.append(position)
            except Unusable as error:
                problems[position] = str(error)
        return Values(items, kept, [self.digest(item) for item in items], problems)

    def is_file(self, path: Path) -> bool:
        """Whether a file in a folder holds samples of this kind, by its name or its first bytes."""
        return path.suffix.lower() in self.suffixes

    def read_files(self, paths: Sequence[Path], root: Path) -> Values:
        """Files below the folder ``root`` that hold one sample each."""
        return self.read_cells([str(path.absolute()) for path in paths], root.absolute())

    def read_folder(
        self,
        reference: str,
        root: Path,
        files: Sequence[tuple[Path, str | None]],
        options: ReadOptions,
        problems: Sequence[Problem],
    ) -> Dataset | None:
        """A whole folder of files that hold several samples each; None to read one sample of each by ``read_files``.

        Args:
            files: each with its class folder, or None if it is in none.
            problems: files and folders that cannot be used, found so far.
        """
        return None

    def read_table(self, reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset | None:
        """A whole table with this kind's own columns; None to read one column of inputs and one of targets.

        Called for the kinds of a task's target and inputs if the task was named.
        """
        return None

    def from_dataset(self, dataset: Dataset, task: Task) -> Dataset | None:
        """A data set of another kind, converted to this kind for a task; None if that is impossible."""
        return None

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Inputs given on a command line: values, names of files, or files with several values.

        Args:
            options: the user's values of the kind's own options (``zoo_options``), by name, and the ``task``.

        Raises:
            DataError, InvalidInput: none can be used.
            UnsupportedModel: inputs of this kind cannot be typed.
        """
        raise UnsupportedModel(f"Inputs of the kind '{self.name}' cannot be given on the command line.")

    # Comparing

    def digest(self, item: Any) -> bytes:
        """SHA-256 of the content of one value: a text, else its ``tobytes()`` if it has one, else its ``repr``.

        Values whose ``repr`` does not say what they hold need one of the two methods: this one, or ``tobytes``.
        """
        if isinstance(item, str):
            return hashlib.sha256(item.encode("utf-8", "surrogatepass")).digest()
        return hashlib.sha256(item.tobytes() if hasattr(item, "tobytes") else repr(item).encode()).digest()

    def canonical(self, item: Any) -> Any:
        """A value that is equal for inputs that are the same sample; None to compare inputs by content."""
        return None

    def near(self, inputs: Sequence[Any]) -> Iterable[tuple[int, int]]:
        """Pairs of positions of different inputs that are nearly the same, such as a text and its edited copy."""
        return ()

    def identity(self, item: Any, target: Any) -> Any:
        """A value that is equal for identical samples with a target of this kind; None to compare only the input."""
        return None

    # Evaluating

    def array(self, targets: Sequence[Any]) -> np.ndarray:
        """n targets, also of none, for estimators and losses: int64 indices of classes, float64, or see ``several``."""
        raise NotImplementedError(f"targets of the kind '{self.name}' are not an array")

    def strata(self, targets: Sequence[Any]) -> np.ndarray | None:
        """n integers to stratify splits by, such as classes; None to split at random."""
        return None

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> Any:
        """A model's answer to an input, converted to a target for metrics; ``classes`` are the data's."""
        return answer

    def ordinary_targets(self, inputs: Sequence[Any]) -> Sequence[Any]:
        """A target for each of n inputs; by default ``ordinary_answers`` as metrics compare them."""
        answers = self.ordinary_answers()
        return [self.comparable(item, answers[at % len(answers)]) for at, item in enumerate(inputs)]

    def confidence(self, answer: Any) -> float | None:
        """The probability that a model gives its answer, 0 to 1; None if it gives none."""
        return None

    def labels(self, answer: Any) -> Sequence[str]:
        """The class names in an answer; empty for kinds without."""
        return ()

    def check(self, dataset: Dataset) -> None:
        """Raise ``DataError`` if targets of this kind cannot be learned: a single class, or a class of one sample."""

    def relabelled(self, answer: Any, names: Mapping[str, str | None], classes: Sequence[str]) -> Any:
        """The answer in the classes of the data.

        Args:
            names: for each of the answer's labels the data's name of that class, None if it has none.
            classes: the data's names, as ``class_names`` gives them.
        """
        return answer

    def class_names(self, classes: Sequence[str]) -> Sequence[str]:
        """The names of a data set's classes in answers; tags such as ``B-PER`` become ``PER``."""
        return classes

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> Any:
        """Answers to n inputs without a model, from known targets only: the most frequent class, the mean."""
        return [targets[0]] * len(inputs)

    def vocabulary(self, targets: Sequence[Any], task: str) -> Sequence[str]:
        """The classes of a learner for targets without classes, such as the characters of transcripts."""
        return ()

    def evaluate(
        self, model: LoadedModel, dataset: Dataset, task: Task, progress: Progress
    ) -> tuple[dict[str, float], dict[str, float]] | None:
        """Metrics of a model and of the baseline; None to compare answers with targets by the task's metrics."""
        return None

    def evaluated_with(self, task: str = "") -> Mapping[str, str]:
        """Models and versions that the metrics depend on, for records.

        Raises:
            ZooError: a model that the user named for a metric of the task cannot be loaded.
        """
        return {}

    # Describing

    def breakdown(self, outcomes: Outcomes) -> Mapping[str, Shown]:
        """Tables of where predictions are right and wrong, by caption, such as one of precision and recall by class."""
        return {}

    def profile(self, inputs: Sequence[Any]) -> Mapping[str, Any]:
        """Facts about n samples for ``zoo profile``: JSON values by name."""
        return {}

    def profile_targets(self, targets: Sequence[Any], classes: Sequence[str]) -> Mapping[str, Any]:
        """Facts about n targets of this kind for ``zoo profile``: JSON values by name."""
        return {}

    def raw_features(self, inputs: Sequence[Any]) -> tuple[np.ndarray, str] | None:
        """Features without a pretrained model, n x d, with a description: a baseline for models; or None."""
        return None
