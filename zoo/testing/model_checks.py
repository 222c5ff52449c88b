"""Checks of a loaded model: what the core relies on when it batches, measures and trains."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.contract.backbone import Trainable
from zoo.entities import FeatureRequest
from zoo.errors import MissingDependency, UnsupportedModel, ZooError
from zoo.kinds.known import kind_of
from zoo.plugins import plugins
from zoo.testing.subject import ModelSubject, Skipped

SAME = 1e-4
"""Relative distance within which float32 features are considered equal."""

NEAR = 0.4
"""The same for bfloat16: deep convolutional networks lose up to a quarter, other features are at 1."""

ROUNDED = 0.3
"""The same for integer weights, whose activations are quantised by the range of the batch."""

HUGE = 70
"""Inputs in a batch that is larger than any default."""


def keeps_the_protocol(model: ModelSubject) -> None:
    """The backbone has a card, a kind of input, distinct layers, and the card's dimension."""
    backbone = model.backbone
    assert backbone.card.id == model.card.id, f"its card is '{backbone.card.id}'"
    assert isinstance(backbone.input_kind, str) and backbone.input_kind, "input_kind is empty"
    layers = tuple(backbone.layers)
    # A model that produces outputs only has no feature layers, and the dimension 0.
    assert layers or backbone.embedding_dimension == 0, "it has no layers, but a dimension"
    assert len(set(layers)) == len(layers), f"its layers are {layers}"
    known = model.card.embedding_dimension if layers else 0
    assert backbone.embedding_dimension == (known or backbone.embedding_dimension), (
        f"embedding_dimension is {backbone.embedding_dimension}, and the card says {known}"
    )


def gives_features(model: ModelSubject) -> None:
    """Every layer returns one finite row per input; the last has the promised dimension."""
    import numpy as np

    found = model.features(model.inputs, model.backbone.layers)
    assert set(found) == set(model.backbone.layers), f"layers came back as {sorted(found)}"
    for layer, values in found.items():
        assert values.ndim == 2 and len(values) == len(model.inputs), f"layer '{layer}' has the shape {values.shape}"
        assert np.isfinite(values).all(), f"layer '{layer}' is not finite"
    width = found[model.backbone.layers[-1]].shape[1]
    assert width == model.backbone.embedding_dimension, f"the last layer has {width} dimensions"
    rows = found[model.backbone.layers[-1]]
    assert np.abs(rows - rows[0]).max() > 0, "different inputs have the same features"


def is_deterministic(model: ModelSubject) -> None:
    """The same batch gets the same features, also after reloading."""
    first = model.default(model.inputs)
    _close(model, model.default(model.inputs), first, "a second pass")
    _close(model, model.default(model.inputs, model.load()), first, "the reloaded model")


def is_batch_invariant(model: ModelSubject) -> None:
    """A sample gets the same features alone, in any batch, and in any order."""
    import numpy as np

    together = model.default(model.inputs)
    alone = np.concatenate([model.default([item]) for item in model.inputs])
    _close(model, alone, together, "each input alone")
    _close(model, model.default(list(reversed(model.inputs)))[::-1], together, "the reversed batch")


def takes_huge_batches(model: ModelSubject) -> None:
    """A batch of 70 works, and returns the same features as small batches."""
    small = model.inputs[:2]
    many = [small[position % 2] for position in range(HUGE)]
    _close(model, model.default(many)[-2:], model.default(small), f"a batch of {HUGE}")


def is_extracted_by_the_core(model: ModelSubject) -> None:
    """The core's extraction returns the same features for any batch size, and rejects an empty data set."""
    model.must_have_features()
    found = model.extracted(model.inputs, FeatureRequest(batch_size=2))
    _close(model, found, model.default(model.inputs), "the core's extraction")
    try:
        model.extracted([], FeatureRequest())
    except ZooError:
        return
    raise AssertionError("an empty data set is not rejected")


def survives_extremes(model: ModelSubject) -> None:
    """Empty, tiny, huge and silent inputs get finite features, or raise a ``ZooError``."""
    import numpy as np

    model.must_have_features()
    extremes = kind_of(model.backbone.input_kind).extreme()
    if not extremes:
        raise Skipped(f"no extreme inputs are known for the kind '{model.backbone.input_kind}'")
    for name, item in extremes:
        try:
            values = model.default([item])
        except ZooError:
            continue
        except Skipped:
            raise
        except Exception as error:
            raise AssertionError(f"{name} raises {type(error).__name__}: {error}") from error
        assert np.isfinite(values).all(), f"{name} has features that are not finite"


def explains_wrong_inputs(model: ModelSubject) -> None:
    """An invalid input raises a one-line error that names the sample."""
    model.must_have_features()
    try:
        model.extracted([model.inputs[0], object()], FeatureRequest())
    except ZooError as error:
        assert "\n" not in error.message, "the error message has several lines"
        return
    raise AssertionError("an object() is accepted as an input")


def explains_damaged_files(model: ModelSubject) -> None:
    """Truncated weights raise a one-line error that names the model."""
    sized = [file for file in model.files.files if model.files.path(file.path).is_file()]
    if not sized:
        raise Skipped("the model names no files")
    largest = max(sized, key=lambda file: model.files.path(file.path).stat().st_size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in sized:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if file is largest:
                content = model.files.path(file.path).read_bytes()
                place.write_bytes(content[: len(content) // 2])
            else:
                shutil.copy(model.files.path(file.path), place)
        try:
            found = model.load(files=replace(model.files, root=folder))
        except ZooError as error:
            assert model.card.id in error.message, f"the error message does not name the model: {error.message}"
            return
    assert found is None, "truncated weights are loaded without an error"
    reason = next(report.error for report in plugins().reports if report.name == model.plugin)
    raise AssertionError(f"truncated weights raise no ZooError but {reason or 'nothing'}")


def keeps_its_precision(model: ModelSubject) -> None:
    """In bfloat16, features are nearly the same, or the model rejects it."""
    try:
        backbone = model.load(dtype="bfloat16")
    except ZooError as error:
        raise Skipped(f"it rejects bfloat16: {error.message}") from None
    assert backbone is not None, "zoo_load returns None in bfloat16"
    _close(model, model.default(model.inputs, backbone), model.default(model.inputs), "bfloat16", NEAR)


def moves_to_devices(model: ModelSubject) -> None:
    """On every available device, features are the same as on the CPU."""
    others = _devices()
    if not others:
        raise Skipped("the CPU is the only device")
    for device in others:
        backbone = model.load(device=device)
        assert backbone is not None, f"zoo_load returns None on {device}"
        _close(model, model.default(model.inputs, backbone), model.default(model.inputs), device, 10 * SAME)


def can_be_trained(model: ModelSubject) -> None:
    """A head returns one row of outputs per input, and its gradient reaches the pretrained weights."""
    if not isinstance(model.backbone, Trainable):
        raise Skipped("it has no torch module to train")
    backbone = model.load()
    assert isinstance(backbone, Trainable), "loaded again, it has no torch module to train"
    before = model.default(model.inputs, backbone)
    head = backbone.head(_task(model), 3)
    batch = backbone.collate([backbone.preprocess(item) for item in model.inputs])
    outputs = head(batch)
    assert tuple(outputs.shape) == (len(model.inputs), 3), f"the head returns the shape {tuple(outputs.shape)}"
    outputs.float().square().sum().backward()
    pretrained = [p for p in backbone.module.parameters() if p.requires_grad]
    reached = any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in pretrained)
    assert reached, "no gradient reaches the pretrained weights"
    _close(model, model.default(model.inputs, backbone), before, "features after head()")


def _task(model: ModelSubject) -> Any:
    kind = model.backbone.input_kind
    return next((task for task in plugins().tasks.values() if task.inputs == (kind,) and task.target == "class"), None)


def _close(model: ModelSubject, found: Any, expected: Any, what: str, tolerance: float = SAME) -> None:
    import numpy as np

    if "int8" in model.card.tags:
        tolerance = max(tolerance, ROUNDED)
    scale = np.maximum(np.linalg.norm(expected, axis=1), 1e-6)
    distance = float((np.linalg.norm(np.asarray(found) - expected, axis=1) / scale).max())
    assert distance <= tolerance, f"{what} has different features: relative distance {distance:.2g} > {tolerance:g}"


def _devices() -> Sequence[str]:
    if importlib.util.find_spec("torch") is None:
        return ()
    import torch

    found = ["cuda"] if torch.cuda.is_available() else []
    return [*found, *(["mps"] if torch.backends.mps.is_available() else [])]


CHECKS = (
    keeps_the_protocol,
    gives_features,
    is_deterministic,
    is_batch_invariant,
    takes_huge_batches,
    is_extracted_by_the_core,
    survives_extremes,
    explains_wrong_inputs,
    explains_damaged_files,
    keeps_its_precision,
    moves_to_devices,
    can_be_trained,
)

UNUSABLE = (MissingDependency, UnsupportedModel)
"""Errors of a model that cannot be used on this machine; its checks are skipped with that reason."""
