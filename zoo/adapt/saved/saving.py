"""Writes an adapted model to a folder atomically: weights, ``zoo.json``, and a README for people."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.adapt.results.decision import Decision
from zoo.adapt.saved.model_card import readme
from zoo.adapt.saved.names import ADAPTER, ADAPTER_CONFIG, ADAPTER_FORMAT, FAMILIARITY, FORMAT, LIBRARY, MARKER, WEIGHTS
from zoo.entities import Dataset, ModelCard, Run
from zoo.errors import InvalidInput, StorageError, storage_errors
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.adapt.linear_head import LinearHead
    from zoo.adapt.results.familiarity import Familiarity
    from zoo.adapt.saved.seen import Seen
    from zoo.adapt.training.methods import Adapter


@dataclass(frozen=True)
class Adapted:
    """An adapted model.

    Attributes:
        base: card of the model that it was made from.
        module: the tuned ``torch.nn.Module``, head included; or None for a linear probe.
        head: the linear probe's head; or None.
        adapter: what is saved of ``module`` instead of all its weights; or None.
        layer: the layer whose features the head takes.
        centre, scale: outputs * scale + centre are in the unit of the targets, where those are numbers.
        decision: how its logits become probabilities and classes.
        familiarity: where the features of its training data are; None if that is not recorded.
    """

    base: ModelCard
    dataset: Dataset
    module: Any = None
    head: LinearHead | None = None
    adapter: Adapter | None = None
    layer: str | None = None
    centre: float = 0.0
    scale: float = 1.0
    decision: Decision = field(default_factory=Decision)
    familiarity: Familiarity | None = None


def check_output(output: str | None, model: str) -> None:
    """Reject a folder that cannot be used for the adapted model, before any work is done.

    Raises:
        InvalidInput: it is a file, contains other files, or is the base model itself.
    """
    if output is None:
        return
    folder = Path(output).expanduser()
    if model.startswith("file:") and Path(model.removeprefix("file:")).expanduser().resolve() == folder.resolve():
        raise InvalidInput(f"{output} is the base model itself, which the tuned model needs.", "Choose another folder.")
    with storage_errors(output, "use"):
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{output} is a file; the tuned model needs a folder.", "Choose another name.")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
            raise InvalidInput(f"The folder {output} contains other files.", "Choose an empty or new folder.")


def check_room(output: str | None, parameters: int) -> None:
    """Reject a folder whose disk has no space for ``parameters`` weights in float32, before hours of training.

    Raises:
        StorageError: the disk is too full.
    """
    if output is None:
        return
    folder = Path(output).expanduser().absolute()
    existing = next(place for place in (folder, *folder.parents) if place.is_dir())
    needed, free = 4 * parameters, shutil.disk_usage(existing).free
    if free < needed:
        raise StorageError(
            f"The tuned model needs {needed / 1e6:,.0f} MB, but the disk of {output} has {free / 1e6:,.0f} MB free.",
            "Free some space, or choose another folder with -o.",
        )


def save(run: Run, adapted: Adapted, seen: Seen | None) -> Run:
    """Write the folder and return the run with its path; an earlier tuned model is replaced once all is written.

    Args:
        seen: its training samples, saved with the weights; None if samples cannot be identified.

    Raises:
        InvalidInput: see ``check_output``.
        StorageError: the folder cannot be written.
    """
    from zoo.adapt.saved.seen import FILE

    check_output(str(run.plan["output"]), adapted.base.id)
    folder = Path(str(run.plan["output"])).expanduser().absolute()
    run = replace(run, path=str(folder))
    if seen is not None:
        run = replace(run, plan={**run.plan, "trained_on": seen.fingerprint})
    document = describe(run, adapted, folder)
    with storage_errors(folder), _replacing(folder) as place:
        (place / MARKER).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written = _write_weights(adapted, run.revision, place)
        if seen is not None:
            seen.write(place / FILE)
        if adapted.familiarity is not None:
            adapted.familiarity.write(place / FAMILIARITY)
            shutil.copymode(place / MARKER, place / FAMILIARITY)
        # safetensors makes its files readable by the owner alone, whatever the umask is.
        for name in written:
            shutil.copymode(place / MARKER, place / name)
        (place / "README.md").write_text(readme(document), encoding="utf-8")
    return _recorded(run, folder)


def _recorded(run: Run, folder: Path) -> Run:
    """The run with the revision of what it wrote, by which policies recognise the folder; unchanged without one."""
    from zoo.plugins.deciding import active
    from zoo.sources import source
    from zoo.sources.making import OUTPUT

    if not active():
        return run
    return replace(run, plan={**run.plan, OUTPUT: source("file").describe(str(folder)).revision})


def describe(run: Run, adapted: Adapted, folder: Path) -> dict[str, Any]:
    """The content of ``zoo.json``: card, base model, task, classes, preprocessing, metrics and run."""
    base, dataset = adapted.base, adapted.dataset
    card = replace(
        base,
        id=f"file:{folder}",
        tasks=(run.task,),
        library=LIBRARY,
        description=f"{base.id} adapted to {dataset.name} by {run.strategy}.",
        parameters=_parameters(adapted),
        bytes=None,
        released=run.created[:10],
        downloads=None,
        likes=None,
        base_model=base.id,
        gated=False,
        revision=None,
        url=None,
        tags=("tuned", run.strategy),
        files=(),
        loader={"strategy": run.strategy},
        requires=(),
    )
    return {
        "format": FORMAT if adapted.adapter is None else ADAPTER_FORMAT,
        "card": card.to_dict(),
        "base": {"id": base.id, "revision": run.revision, "card": base.to_dict()},
        "task": run.task,
        "strategy": run.strategy,
        "weights": "head" if adapted.head is not None else "module" if adapted.adapter is None else "adapter",
        "layer": adapted.layer,
        "input_kind": dataset.input_kind,
        "target_kind": dataset.target_kind,
        "classes": list(dataset.classes),
        "outputs": len(dataset.classes) if dataset.classes and kind_of(dataset.target_kind).estimable else 1,
        **_thresholds(adapted),
        "centre": adapted.centre,
        "scale": adapted.scale,
        "decision": {
            "temperature": adapted.decision.temperature,
            "rare": adapted.decision.rare,
            "threshold": adapted.decision.threshold,
        },
        "preprocessing": dict(base.to_dict()["input"]),
        "metrics": dict(run.metrics),
        "run": run.to_dict(),
    }


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A temporary folder that replaces ``folder`` at the end of the block, or is deleted if the block fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    place, aside = (folder.with_name(f".{folder.name}.{mark}.{kind}") for kind in ("new", "old"))
    place.mkdir()
    try:
        yield place
        if folder.exists():
            folder.rename(aside)
        place.rename(folder)
    except BaseException:
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def _write_weights(adapted: Adapted, revision: str | None, folder: Path) -> tuple[str, ...]:
    """Write the weights; returns the names of the files."""
    import numpy as np
    from safetensors import SafetensorError

    try:
        if adapted.head is not None:
            from safetensors.numpy import save_file

            tensors = {name: np.ascontiguousarray(getattr(adapted.head, name)) for name in ("weight", "bias")}
            save_file(tensors, folder / WEIGHTS)
        elif adapted.adapter is not None:
            from zoo.adapt.saved import adapter

            adapter.write(adapted.adapter, adapted.base, revision, folder)
            return WEIGHTS, ADAPTER, ADAPTER_CONFIG
        else:
            from safetensors.torch import save_model

            save_model(adapted.module, str(folder / WEIGHTS))
    except SafetensorError as error:
        # The library reports a full disk as an error of its own.
        raise OSError(" ".join(str(error).split()).rstrip(".")) from error
    return (WEIGHTS,)


def _thresholds(adapted: Adapted) -> dict[str, list[float]]:
    """The threshold of each label, as probabilities; empty for other targets."""
    import numpy as np

    from zoo.adapt.multi_label import probabilities

    found = adapted.decision.thresholds
    return {"thresholds": probabilities(np.asarray(found)).tolist()} if found else {}


def _parameters(adapted: Adapted) -> int | None:
    if adapted.head is not None:
        known = adapted.base.parameters
        return None if known is None else known + adapted.head.weight.size + adapted.head.bias.size
    return sum(parameter.numel() for parameter in adapted.module.parameters())
