"""Predictions for every row of a table, or every file of a folder, as a table; resumable."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.atomic import locked
from zoo.config import configured
from zoo.contract.backbone import SilentProgress
from zoo.entities import Entity, LeftOut, Problem
from zoo.errors import Interrupted, InvalidInput
from zoo.features import model_for
from zoo.features.bulk import formats
from zoo.features.bulk.answering import PROBLEM, BlockPredictor
from zoo.features.bulk.partial import Partial
from zoo.features.bulk.rows import rows_of
from zoo.features.predicting import Question, question
from zoo.features.thresholds import with_threshold
from zoo.keywords import explains_keywords
from zoo.plugins.options import settings_of
from zoo.provenance import revision_of

if TYPE_CHECKING:
    from zoo.contract.backbone import Progress
    from zoo.features.bulk.rows import Block, Rows
    from zoo.features.model import Model

__all__ = ["Predicted", "predict_table"]

BLOCK = 256
"""Rows that are predicted and saved together, which a crash loses."""


@dataclass(frozen=True)
class Predicted(Entity):
    """A table of predictions.

    Attributes:
        output: the file.
        rows: number of its rows: one for each row of the table, or each file of the folder.
        answered: rows with a prediction.
        problems: the other rows, with the reason, which is in their column ``problem`` too.
        resumed: rows that an interrupted run had finished.
        columns: of the file: those of the table, the prediction, and ``problem``.
        passed_over: files of a folder that hold other kinds of samples, by suffix.
    """

    model: str
    output: str
    rows: int
    answered: int
    problems: tuple[Problem, ...]
    resumed: int
    columns: tuple[str, ...]
    passed_over: tuple[LeftOut, ...] = ()


@explains_keywords
def predict_table(
    model: str | Model,
    table: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    task: str | None = None,
    labels: str | Sequence[str] = (),
    threshold: float | None = None,
    input_column: str | None = None,
    device: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Predicted:
    """Predict every row of a table, in its order, and write its columns and the predictions.

    After each block, the finished rows are appended to a hidden file next to the output, from which a call with the
    same model, table and options continues; any other starts from the first row. Rows whose files were replaced
    meanwhile, by their size and time of change, are predicted again. The output is replaced once all is done; one
    process at a time can write it.

    A classifier that ``zoo tune`` made gives the probability of every class or label in a column each (up to 50),
    others the most likely classes. Predicted sets of labels are joined by ``|``. Answers that are neither classes nor
    numbers nor texts are JSON. Rows that cannot be read are kept, with the reason in the column ``problem``.

    Args:
        model: model id, or a loaded model.
        table: CSV, TSV, JSONL or Parquet file, or a folder of files.
        output: CSV, TSV, JSONL or Parquet file to write.
        task, labels, threshold, device, options: as in ``zoo.predict``.
        input_column: column of the inputs; guessed if it is None.

    Raises:
        DataError: the table cannot be read.
        InvalidInput: the output cannot be written, is the table itself, is being written by another process, or would
            have two columns of one name.
        Interrupted: Ctrl-C; the finished rows are kept.
    """
    target, source = Path(output).expanduser(), Path(table).expanduser()
    formats.check(target)
    if target.resolve() == source.resolve():
        raise InvalidInput(f"'{target}' is the table itself.", "Choose another name for the predictions.")
    with configured(settings_of("predict", options, "" if isinstance(model, str) else model.card.id)):
        loaded = model_for(model, "predict", device, progress, task)
        loaded = with_threshold(loaded, threshold)
        asked = question(loaded, task, labels, options or {})
        rows = rows_of(os.fspath(table), asked.inputs, input_column)
        with _locked(target):
            return _predict(loaded, asked, rows, target, threshold=threshold, progress=progress or SilentProgress())


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    path = target.with_name(f".{target.name}.lock")
    busy = InvalidInput(
        f"Another process is writing predictions to '{target}'.", "Wait until it ends, or choose another name."
    )
    with locked(path, busy):
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _predict(
    model: Model,
    asked: Question,
    rows: Rows,
    target: Path,
    *,
    threshold: float | None,
    progress: Progress,
) -> Predicted:
    predictor = BlockPredictor(model, asked)
    columns = (*rows.columns, *predictor.columns, PROBLEM)
    if repeated := sorted(set(rows.columns) & {*predictor.columns, PROBLEM}):
        raise InvalidInput(
            f"'{rows.name}' has a column '{repeated[0]}', which the predictions would have too.", "Rename it."
        )
    partial = Partial.of(target, {**_key(model, rows, asked, columns), "threshold": threshold})
    done = partial.resume()
    try:
        with progress.step("Predicting", rows.count) as step:
            resumed = done - _refresh(partial, rows, predictor)
            step.advance(done)
            for block in rows.blocks(BLOCK, done):
                partial.add(_block(block, predictor, len(rows.columns)))
                done += len(block.places)
                step.advance(len(block.places))
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted after {done:,} of {rows.count:,} rows; run the same command again to continue."
        ) from None
    # A row in the partial file starts with its place and its stamp.
    formats.write(target, columns, lambda: (row[2:] for row in partial.rows()))
    problems = tuple(Problem(str(row[0]), str(row[-1])) for row in partial.rows() if row[-1])
    partial.remove()
    return Predicted(
        model.card.id,
        str(target),
        done,
        done - len(problems),
        problems,
        resumed,
        columns,
        rows.passed_over,
    )


def _refresh(partial: Partial, rows: Rows, predictor: BlockPredictor) -> int:
    """Predict those of the finished rows again whose files have changed since; returns their number."""
    pairs = zip(partial.rows(), rows.stamps(), strict=False)  # more rows may be left to predict
    changed = [number for number, (row, stamp) in enumerate(pairs) if row[1] != stamp]
    if changed:
        blocks = rows.blocks(BLOCK, only=frozenset(changed))
        found = [row for block in blocks for row in _block(block, predictor, len(rows.columns))]
        partial.replace(dict(zip(changed, found, strict=True)))
    return len(changed)


def _key(model: Model, rows: Rows, asked: Question, columns: Sequence[str]) -> Mapping[str, Any]:
    """What the predictions depend on, as JSON values."""
    return {
        "model": model.card.id,
        "revision": revision_of(model.card) or model.revision,
        "versions": dict(model.versions),
        "table": rows.fingerprint,
        "input": rows.input,
        "task": asked.name,
        "labels": list(asked.labels),
        "options": {name: str(value) for name, value in asked.options.items()},
        "columns": list(columns),
    }


def _block(block: Block, predictor: BlockPredictor, own: int) -> list[list[Any]]:
    """The rows of a block: place, stamp, own cells, answer, problem."""
    answers: dict[int, tuple[list[Any], str]] = dict(zip(block.kept, predictor.answer(block.items), strict=True))
    found = []
    for at, place in enumerate(block.places):
        cells, problem = answers.get(at, ([], block.reasons.get(at, "")))
        blank: list[Any] = [None] * len(predictor.columns)
        own_cells = [_plain(cell) for cell in block.cells[at]] or [None] * own
        found.append([place, block.stamps[at], *own_cells, *(cells or blank), problem or None])
    return found


def _plain(value: Any) -> Any:
    """A cell as a JSON value; encoded files become None, dates and other objects text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return None if isinstance(value.get("bytes"), bytes) else {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, bytes) else value.isoformat() if hasattr(value, "isoformat") else str(value)
