"""Models that metrics use, such as an ASR model for word error rates: named by settings, loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from zoo.config import setting
from zoo.errors import DataError

if TYPE_CHECKING:
    import numpy as np

    from zoo.features.model import Model

OFF = "off"
"""The value of a setting that switches its metrics off."""


@dataclass(frozen=True)
class MetricModel:
    """A model that metrics use.

    Attributes:
        setting: name of the setting that chooses the model, such as ``asr_model``.
        default: id of the model where the setting is not set; empty for none.
        former: earlier environment variable of the setting, which is still read.
    """

    setting: str
    default: str = ""
    former: str = ""

    @property
    def id(self) -> str:
        """Id of the chosen model.

        Raises:
            DataError: the setting is off, or is not set and has no default.
        """
        found = self._chosen() or self.default or OFF
        if found == OFF:
            variable = f"ZOO_{self.setting.upper()}"
            raise DataError(f"The metric needs a model, and {variable} names none.", f"Run: export {variable}=MODEL")
        return found

    def load(self) -> Model:
        """The chosen model.

        Raises:
            DataError: as ``id``.
            ZooError: the model is unknown, or cannot be downloaded or loaded.
        """
        found = _loaded(self.id)
        found.permission.check(found.card, "predict")
        return found

    def embed(self, items: Sequence[Any]) -> np.ndarray:
        """Features of inputs from the model's default layer: float64, n x d; one input at a time.

        Raises:
            ZooError: as ``load``.
        """
        import numpy as np

        backbone = self.load().backbone
        layer = backbone.layers[-1]
        rows = []
        for item in items:
            features: Any = backbone.features(backbone.collate([backbone.preprocess(item)]), (layer,))[layer]
            rows.append(np.asarray(features.cpu() if hasattr(features, "cpu") else features, dtype=np.float64)[0])
        return np.stack(rows)

    def _chosen(self) -> str:
        return str(setting(self.setting, "", former=self.former)).strip()


def check(models: Iterable[MetricModel]) -> None:
    """Load the models that the user chose, so that a misspelt one raises an error instead of skipping the metric.

    Raises:
        ZooError: one of them is unknown, or cannot be downloaded or loaded.
    """
    for model in models:
        if model._chosen() not in {"", OFF}:
            model.load()


@lru_cache(maxsize=8)
def _loaded(reference: str) -> Model:
    from zoo.features import load

    return load(reference)
