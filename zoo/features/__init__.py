"""Loads models by their ids, and extracts features of data sets."""

from __future__ import annotations

import functools

from zoo.contract.backbone import Backbone, Progress, SilentProgress
from zoo.entities import LocalFiles, ModelCard
from zoo.errors import InvalidInput, UnsupportedModel, UnsupportedPrecision, suggest
from zoo.features.cache import known_facts, remember_facts
from zoo.features.cache.identity import Settings, identify, loading_settings, remember_identity
from zoo.features.collecting import extract
from zoo.features.files import read_features, write_features
from zoo.features.model import Model
from zoo.features.permission import Permission
from zoo.keywords import explains_keywords

__all__ = ["Model", "extract", "files_of", "load", "precision", "read_features", "write_features"]

DTYPES = ("float32", "float16", "bfloat16")
"""Precisions that weights can be loaded in."""

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
SMALL = 50_000_000
"""Maximum bytes of weights for which free memory is not checked."""

AUTO = "auto"
"""The fastest precision on the device."""


@explains_keywords
def load(
    reference: str | ModelCard,
    *,
    device: str | None = None,
    dtype: str = "float32",
    action: str = "load",
    task: str | None = None,
    progress: Progress | None = None,
) -> Model:
    """Load a model, downloading its files first if they are missing.

    The weights of a model that was loaded before, by the same code and versions, are read when a forward pass needs
    them.

    Args:
        reference: a model id such as ``pkg:efficientnet-lite0``, or a card.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``; None takes the best available.
        dtype: one of ``DTYPES``, or ``auto`` for the fastest on the device, for features only and not for training.
        action: what the model is loaded for, which policies decide on: one of ``zoo.contract.deciding.ACTIONS``. With
            ``load``, each use of the model is decided on when it happens.
        task: name of the task that it is loaded for, which policies decide on as well; None if it is not known.

    Raises:
        PolicyRefusal: a policy denies it, or requires an approval.
        ZooError: the model is unknown, its files cannot be downloaded or verified, or no plugin can load it.
    """
    from zoo.features.device import best_device

    device = best_device(device)
    card = _resolve(reference) if isinstance(reference, str) else reference
    files, permission = _permitted_files(card, progress, action, reference, task)
    try:
        return _model(card, files, device, precision(dtype, device, card), permission)
    except UnsupportedPrecision:
        if dtype != AUTO:
            raise
        return _model(card, files, device, DTYPES[0], permission)


def model_for(
    model: str | Model, action: str, device: str | None, progress: Progress | None, task: str | None = None
) -> Model:
    """A model for one purpose, and for a task if it is known: loaded, or the loaded one that was given.

    Raises:
        ZooError: as ``load``.
    """
    return (
        load(model, device=device, action=action, task=task, progress=progress)
        if isinstance(model, str)
        else model.used_for(action, task)
    )


def files_of(
    reference: str | ModelCard, progress: Progress | None = None, action: str = "load", task: str | None = None
) -> LocalFiles:
    """The files of a model, downloaded if they are missing.

    Args:
        action, task: as in ``load``.

    Raises:
        PolicyRefusal: a policy denies it, or requires an approval.
        UnsupportedModel: no plugin downloads models of its platform.
        ZooError: the model is unknown, or its files cannot be downloaded.
    """
    card = _resolve(reference) if isinstance(reference, str) else reference
    return _permitted_files(card, progress, action, reference, task)[0]


def _permitted_files(
    card: ModelCard, progress: Progress | None, action: str, asked: str | ModelCard, task: str | None
) -> tuple[LocalFiles, Permission]:
    from zoo.config import settings
    from zoo.plugins import plugins
    from zoo.sources.permitting import permit_files, permit_use

    known = permit_use(card, action, asked if isinstance(asked, str) else "", task=task)
    files: LocalFiles | None = plugins().first(
        "zoo_download", card=card, store=settings().models, progress=progress or SilentProgress()
    )
    if files is None:
        raise UnsupportedModel(
            f"No plugin downloads models of the platform '{card.source}' ('{card.id}').", "See 'zoo plugins'."
        )
    return files, Permission(action, permit_files(known, action, files))


def _model(card: ModelCard, files: LocalFiles, device: str, dtype: str, permission: Permission) -> Model:
    loading = loading_settings(card, files, device, dtype)
    known = None if loading is None else known_facts(card, loading)
    open_backbone = functools.partial(_open, card, files, device, dtype, loading)
    revision = files.revision or card.revision
    return Model(
        card,
        open_backbone if known else open_backbone(),
        revision,
        device=device,
        dtype=dtype,
        known=known,
        permission=permission,
    )


def precision(dtype: str, device: str, card: ModelCard) -> str:
    """The precision that ``dtype`` means for a model on a device: itself, or for ``auto`` the fastest.

    Raises:
        InvalidInput: there is no such precision.
    """
    from zoo.features.device import best_precision

    if dtype not in {*DTYPES, AUTO}:
        raise InvalidInput(
            f"'{dtype}' is not a precision.", suggest(dtype, DTYPES) or f"Choose one of: {', '.join(DTYPES)}, {AUTO}."
        )
    return best_precision(device, card.domain) if dtype == AUTO else dtype


def _open(card: ModelCard, files: LocalFiles, device: str, dtype: str, loading: Settings | None) -> Backbone:
    """The backbone; its identity is recorded for the feature cache."""
    from zoo.plugins import plugins

    _check_room(card, device, dtype)
    backbone: Backbone | None = plugins().first("zoo_load", card=card, files=files, device=device, dtype=dtype)
    if backbone is None:
        raise _unsupported(card)
    identity = None if loading is None else identify(backbone, loading)
    if identity is not None:
        remember_identity(backbone, identity)
        remember_facts(backbone, identity)
    return backbone


def _check_room(card: ModelCard, device: str, dtype: str) -> None:
    """Reject weights that do not fit into free memory, before the system kills the process.

    Raises:
        UnsupportedModel: they do not fit; the message has both sizes.
    """
    from zoo.features.device import free_memory

    weights = card.bytes if card.library == "onnx" else (card.parameters or 0) * BYTES[dtype]
    free = free_memory(device) if weights and weights > SMALL else None
    if free is not None and weights and weights > free:
        raise UnsupportedModel(
            f"The weights of '{card.id}' take {weights / 1e9:,.1f} GB of memory in {dtype}, and {device} has "
            f"{max(free, 0) / 1e9:,.1f} GB free.",
            "Choose a smaller model (zoo search --fits), another --device, or half the size: --dtype bfloat16",
        )


def _resolve(reference: str) -> ModelCard:
    from zoo.sources import resolve

    return resolve(reference)


def _unsupported(card: ModelCard) -> UnsupportedModel:
    from zoo.plugins import plugins

    library = f"for the library '{card.library}'" if card.library else "of an unknown library"
    sentence = f"No plugin can load '{card.id}': it is a model of the domain '{card.domain}', {library}."
    known = {report.name: report for report in plugins().reports}
    report = known.get(card.domain)
    if report is None:
        return UnsupportedModel(sentence, f"Install a plugin for '{card.domain}'; 'zoo plugins' shows those here.")
    if not report.healthy:
        return UnsupportedModel(sentence, f"The plugin '{report.name}' is broken: {report.error}")
    return UnsupportedModel(
        sentence,
        f"The plugin '{report.name}' {report.version} does not load it; look for another with: "
        f"zoo search --domain {card.domain}",
    )
