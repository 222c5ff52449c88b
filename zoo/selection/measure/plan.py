"""What is measured, the same for every candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from zoo.contract.reader import ReadOptions
from zoo.entities import Dataset, ModelCard
from zoo.errors import DataError
from zoo.kinds.known import kind_of
from zoo.tasks import Task

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class MeasurementPlan:
    """What is measured, the same for every candidate.

    Attributes:
        dataset: the data set, all of it.
        samples: number of its samples to measure on: a stratified sample, or all.
        estimators: names; the first one decides the ranking.
        device: where the forward passes run.
        seed: seed of the sampling and of the folds.
        fresh: measure again, ignoring saved figures.
        reference: name or path of the data set, for workers that read it themselves; None if it has none.
        read: how the data set is read.
        dtype: precision of the forward passes, or ``auto``, as in ``zoo.load``.
    """

    task: Task
    dataset: Dataset
    samples: int
    estimators: tuple[str, ...]
    device: str = "cpu"
    seed: int = 0
    fresh: bool = False
    reference: str | None = None
    dtype: str = "float32"
    read: ReadOptions = field(default_factory=ReadOptions)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Positions in ``dataset`` of the samples to measure on; every prefix is a stratified sample."""
        from zoo.data import stratified_order

        return tuple(stratified_order(self.dataset, self.seed)[: self.samples])

    @cached_property
    def units(self) -> np.ndarray | None:
        """A number for each sample of ``dataset``, equal for identical measured samples; None if all differ.

        Raises:
            DataError: all samples are identical, a class has only one group, or a file can no longer be read.
        """
        import numpy as np

        from zoo.data import units

        _check_groups(self.dataset)
        at = sorted(self.order)
        found = units(self.dataset.subset(at))
        if found is None:
            return None
        if found.max() == 0:
            raise DataError(
                f"All {len(at):,} samples of '{self.dataset.name}' are the same, so none can be held out.",
                "Check the input column; name it with --input-column.",
            )
        numbers = np.zeros(len(self.dataset), dtype=np.int64)
        numbers[at] = found
        return numbers

    @property
    def copies(self) -> int:
        """Number of samples to measure on that are copies of an earlier one."""
        from zoo.data import copies, units

        return 0 if self.units is None else copies(units(self.dataset.subset(sorted(self.order)), grouped=False))

    def part(self, count: int) -> Dataset:
        """The first ``count`` samples of the order as a data set, in the data's own order."""
        from zoo.data import sample

        return sample(self.dataset, count, self.seed)

    @property
    def sampled(self) -> Dataset:
        """All the samples to measure on."""
        return self.part(self.samples)

    def precision(self, card: ModelCard) -> str:
        """The precision that ``dtype`` means for a model on the device.

        Raises:
            InvalidInput: there is no such precision.
        """
        from zoo.features import precision

        return precision(self.dtype, self.device, card)


def _check_groups(dataset: Dataset) -> None:
    """Check that each class has several groups, so that it can be held out and still be trained on.

    Raises:
        DataError: a class has one; names it.
    """
    known = dataset.targets if dataset.classes else None
    strata = None if known is None else kind_of(dataset.target_kind).strata(known)
    if strata is None or not dataset.groups:
        return
    groups_of: dict[int, set[str]] = {}
    for label, group in zip(strata.tolist(), dataset.groups, strict=True):
        groups_of.setdefault(label, set()).add(group)
    single = [dataset.classes[label] for label, groups in sorted(groups_of.items()) if len(groups) < 2]
    if single:
        more = f" and {len(single) - 1:,} more" if len(single) > 1 else ""
        raise DataError(
            f"{len(single):,} of the {len(groups_of):,} classes of '{dataset.name}' have only one group in column "
            f"'{dataset.columns.get('group', '')}', which cannot be used for both training and evaluation: "
            f"'{single[0]}'{more}.",
            "Name a column in which each class has several groups, or leave out --group-column.",
        )


def sample_count(dataset: Dataset, samples: int) -> int:
    """Number of samples of a data set to measure if ``samples`` are requested; all if that is 0 or less."""
    return len(dataset) if samples <= 0 else min(samples, len(dataset))
