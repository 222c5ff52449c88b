"""Fine-tuned scores, the ground truth for estimators; kept in a file because they are expensive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.atomic import replacing
from zoo.entities import Dataset, Entity
from zoo.errors import DataError, UnsupportedModel, storage_errors
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zoo.contract.backbone import Progress

FORMAT = "zoo-fine-tuned-1"


@dataclass(frozen=True)
class Recipe(Entity):
    """How every model is fine-tuned, so that the scores are comparable.

    Attributes:
        strategy: adaptation strategy.
        epochs: upper limit; early stopping may end sooner.
        validation, test: fractions of the samples held out; a large test part makes the score exact, a small
            training part keeps it cheap.
        head: initialisation of the new head, see ``zoo.entities.Plan``.
        seeds: runs with the seeds 0, 1, ... are averaged.
    """

    strategy: str = "full"
    epochs: int = 6
    batch_size: int = 16
    validation: float = 0.1
    test: float = 0.6
    head: str = "auto"
    seeds: int = 1


@dataclass(frozen=True)
class FineTuned(Entity):
    """One fine-tuning run, and its score on held-out samples.

    Attributes:
        data: fingerprint of the data set.
        metric: name of the task's primary metric; ``value`` has the sign that makes higher better.
        value: None if the model cannot be fine-tuned; ``reason`` says why.
    """

    model: str
    revision: str | None
    task: str
    dataset: str
    data: str
    samples: int
    strategy: str
    epochs: int
    validation: float
    test: float
    seed: int
    metric: str = ""
    value: float | None = None
    reason: str = ""
    seconds: float = 0.0
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = 32
    head: str = "random"

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for runs with the same result."""
        return (
            self.data,
            self.task,
            self.model,
            self.revision,
            self.strategy,
            self.epochs,
            self.validation,
            self.test,
            self.batch_size,
            self.head,
            self.seed,
        )


class GroundTruthFile:
    """Fine-tuning runs in a JSON file, which is rewritten after each new one.

    Args:
        path: the file, or None to keep the runs in memory only.

    Raises:
        DataError: the file does not contain fine-tuning runs.
        StorageError: it cannot be read.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._runs = {run.key: run for run in _read(path)} if path and path.exists() else {}

    def __len__(self) -> int:
        return len(self._runs)

    def find(self, key: tuple[Any, ...]) -> FineTuned | None:
        """The run with this key, or None."""
        return self._runs.get(key)

    def add(self, run: FineTuned) -> None:
        """Save a run.

        Raises:
            StorageError: the file cannot be written; the run stays in memory.
        """
        self._runs[run.key] = run
        if self.path is None:
            return
        runs = [run.to_dict() for run in self._runs.values()]
        with replacing(self.path) as place:
            place.write_text(json.dumps({"format": FORMAT, "runs": runs}, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class FineTuning:
    """Fine-tunes models on one data set with one recipe; saved runs are not repeated.

    Attributes:
        kept: file of the saved runs.
        device: where to run; None takes the best available.
    """

    dataset: Dataset
    task: str
    recipe: Recipe
    kept: GroundTruthFile
    device: str | None = None
    progress: Progress | None = None

    def reached(self, model: str) -> FineTuned:
        """The score of ``model``, averaged over the recipe's seeds; its value is None if it cannot be trained.

        Raises:
            ZooError: the model cannot be downloaded, or the training failed.
        """
        runs = [self._run(model, seed) for seed in range(self.recipe.seeds)]
        values = [run.value for run in runs if run.value is not None]
        if len(values) < len(runs):
            return next(run for run in runs if run.value is None)
        return replace(runs[0], value=sum(values) / len(values))

    def known(self, model: str) -> FineTuned | None:
        """The same from saved runs only; None if one is missing."""
        kept = [self.kept.find(self._planned(model, seed).key) for seed in range(self.recipe.seeds)]
        return self.reached(model) if all(kept) else None

    def _planned(self, model: str, seed: int) -> FineTuned:
        from zoo.provenance import revision_of
        from zoo.sources import resolve

        recipe, data = self.recipe, self.dataset
        return FineTuned(
            model,
            revision_of(resolve(model)),
            self.task,
            data.name,
            data.fingerprint,
            len(data),
            recipe.strategy,
            recipe.epochs,
            recipe.validation,
            recipe.test,
            seed,
            batch_size=recipe.batch_size,
            head=recipe.head,
        )

    def _run(self, model: str, seed: int) -> FineTuned:
        planned = self._planned(model, seed)
        known = self.kept.find(planned.key)
        if known is None:
            known = self._carry_out(planned)
            self.kept.add(known)
        return known

    def _carry_out(self, planned: FineTuned) -> FineTuned:
        from zoo.adapt import tune
        from zoo.kinds.metrics import metric
        from zoo.provenance import versions

        try:
            run = tune(
                planned.model,
                self.dataset,
                task=self.task,
                strategy=planned.strategy,
                epochs=planned.epochs,
                batch_size=planned.batch_size,
                validation=planned.validation,
                test=planned.test,
                head=planned.head,
                keep="fine-tuned",
                seed=planned.seed,
                device=self.device,
                save_run=False,
                progress=self.progress,
            )
        except UnsupportedModel as error:
            return replace(planned, reason=error.message, versions=versions())
        name, value = next(iter(run.metrics.items()))
        return replace(
            planned,
            metric=name,
            value=value if metric(name).higher_is_better else -value,
            seconds=run.seconds,
            device=run.device,
            versions=dict(run.versions),
        )


def _read(path: Path) -> Iterator[FineTuned]:
    with storage_errors(path, "read"):
        text = path.read_text(encoding="utf-8", errors="replace")
    try:
        document = parse_json(text, finite=False)
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}.", "Name another file with --ground-truth.") from error
    runs: Sequence[Any] = document.get("runs", ()) if isinstance(document, dict) else ()
    if not isinstance(document, dict) or document.get("format") != FORMAT or not isinstance(runs, list):
        raise DataError(f"{path} does not hold fine-tuning runs.", "Name another file with --ground-truth.")
    for run in runs:
        if not isinstance(run, dict):
            raise DataError(f"{path} is damaged: a run is not an object.", "Name another file with --ground-truth.")
        yield FineTuned.from_dict(run)
