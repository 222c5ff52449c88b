"""Quality of a data set: labels that are probably wrong, outliers, and classes that are suspiciously easy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.keywords import explains_keywords
from zoo.quality.findings import Confusion, EasyClass, LabelErrors, Outlier, Suspect

if TYPE_CHECKING:
    import numpy as np

    from zoo.contract.backbone import Progress
    from zoo.contract.reader import ReadOptions
    from zoo.entities import Dataset
    from zoo.features import Model

__all__ = ["Confusion", "EasyClass", "LabelErrors", "Outlier", "Suspect", "label_errors"]

FOLDS = 5


@explains_keywords
def label_errors(
    data: str | Dataset,
    model: str | Model,
    *,
    task: str | None = None,
    folds: int = FOLDS,
    seed: int = 0,
    device: str | None = None,
    progress: Progress | None = None,
    input_column: str | None = None,
    target_column: str | None = None,
    group_column: str | None = None,
    on_problem: str = "skip",
    options: Mapping[str, Any] | None = None,
    read: ReadOptions | None = None,
) -> LabelErrors:
    """Samples whose label is probably wrong, the most suspicious first; outliers and easy classes.

    First come samples whose copies or near copies have another label, then those whose label contradicts a linear probe
    on the model's features (confident learning). The probe is cross-validated: copies and groups are in one fold.

    Args:
        data: a data set with one class for each sample, or what names one.
        model: model id, or a loaded model; its features decide what can be found, so take one that suits the data.
        folds: number of folds.
        seed: seed for the folds.
        device: where to run; None takes the best available.
        group_column: column of a table whose equal values mark samples of one origin, such as a patient.
        task, input_column, target_column, on_problem, options, read: as in ``zoo.read``.

    Raises:
        DataError: the data do not have one class for each sample, or too few samples.
        InvalidInput: fewer than 2 folds.
        MissingExtra: a package is missing; with the command that installs it.
    """
    from zoo.contract.backbone import SilentProgress
    from zoo.data import read_with
    from zoo.data.arguments import read_options
    from zoo.errors import InvalidInput
    from zoo.features import model_for
    from zoo.quality.inspecting import inspect

    if folds < 2:
        raise InvalidInput(f"Cross-validation needs at least 2 folds, not {folds}.")
    given = read_options(
        "label_errors",
        data,
        read,
        input_column,
        target_column,
        on_problem,
        task,
        options,
        group_column=group_column,
    )
    started = time.perf_counter()
    progress = progress or SilentProgress()
    dataset = read_with(data, given) if isinstance(data, str) else data
    targets = _classes(dataset)
    loaded = model_for(model, "features", device, progress)
    features = loaded.extract(dataset, (), progress=progress)
    found = inspect(dataset, targets, features.values.astype("float64"), folds=folds, seed=seed, progress=progress)
    return LabelErrors(
        dataset=dataset.name,
        data=dataset.fingerprint,
        model=loaded.card.id,
        layer=features.layer,
        samples=len(dataset),
        seed=seed,
        seconds=round(time.perf_counter() - started, 3),
        revision=loaded.revision,
        versions=features.provenance.get("versions", {}),
        **found,
    )


def _classes(dataset: Dataset) -> np.ndarray:
    """The class indices, n; raises ``DataError`` if there is not one class for each sample, or no second class."""
    from zoo.errors import DataError
    from zoo.kinds.known import kind_of

    kind = kind_of(dataset.target_kind)
    if dataset.targets is None or not (dataset.classes and kind.estimable):
        raise DataError(
            f"'{dataset.name}' does not have one class for each sample, so its labels cannot be checked.",
            "Name the column of the classes with --target-column.",
        )
    targets = kind.array(dataset.targets)
    if targets.ndim != 1 or targets.dtype.kind != "i":
        raise DataError(
            f"'{dataset.name}' does not have one class for each sample, so its labels cannot be checked.",
            "Check each label in a table of its own.",
        )
    if len(set(targets.tolist())) < 2:
        raise DataError(f"All samples of '{dataset.name}' have the same class, so no label contradicts another.")
    return targets
