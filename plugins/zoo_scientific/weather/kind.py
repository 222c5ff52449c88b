"""Fields on a grid as a kind: a history of them as input, the next one as target and answer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from zoo.contract.kind import Kind
from zoo.contract.values import Typed
from zoo.errors import UnsupportedModel
from zoo.kinds.inputs import read_each, typed_file
from zoo.kinds.known import pretrained
from zoo_scientific.weather.fields import HISTORY, Field, Forecast, History
from zoo_scientific.weather.metrics import METRICS

if TYPE_CHECKING:
    from zoo.contract.backbone import LoadedModel


@runtime_checkable
class NeedsTimes(Protocol):
    """A forecaster with its own minimum number of times, since it uses no climatology."""

    @property
    def least_times(self) -> int:
        """The least number of times."""
        ...


class Grids(Kind):
    """Fields on a grid: a history of them as input, the next one as target and answer."""

    name = "grid"
    libraries = ("xarray",)
    noun, nouns = "map", "maps"
    ordered = True
    baseline_title = "climatology or last field"
    metrics = METRICS
    shows_input = True

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Names of NetCDF files, of which the last states are taken; ``target_column`` names variables."""
        from zoo_scientific.weather.files import LEAST_TIMES, latest

        variables = [part.strip() for part in (options.get("target_column") or "").split(",") if part.strip()]
        backbone = pretrained(model.backbone)
        least = backbone.least_times if isinstance(backbone, NeedsTimes) else LEAST_TIMES
        return read_each(texts, lambda text: latest(typed_file(text, "NetCDF"), variables, least))

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> Field:
        """The forecast as a field; raises ``UnsupportedModel`` if the answer is of another kind."""
        if not isinstance(answer, Forecast):
            raise UnsupportedModel("The model does not predict fields, so it cannot be evaluated on them.")
        return replace(item.fields[-1], values=answer.values, climatology=item.next_climatology)

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> list[Field]:
        """The climatology or the last field, whichever has the lower error from one known field to the next."""
        import numpy as np

        steps = list(itertools.pairwise(targets))
        again = np.nanmean([np.nanmean((after.values - before.values) ** 2) for before, after in steps])
        mean = np.nanmean([np.nanmean((after.values - after.climatology) ** 2) for _, after in steps])
        return persistence(inputs) if again < mean else usual(inputs)

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """The range of each variable."""
        pairs = zip(answer.names, answer.values, strict=True)
        return [(", ".join(f"{name} {field.min():.3g} to {field.max():.3g}" for name, field in pairs), "")]

    def to_json(self, answer: Any) -> Mapping[str, Any]:
        """Values, variables x latitudes x longitudes, and names."""
        return {"values": answer.values.tolist(), "names": list(answer.names)}

    def html(self, item: Any, answer: Any) -> str:
        """A map of each variable, and of its departure from the climatology."""
        from zoo_scientific.weather.showing import maps

        return maps(item, answer)

    def ordinary(self) -> Sequence[Any]:
        """Waves that move eastward over a coarse grid, starting at two times."""
        return [_waves(start) for start in (0, 1)]

    def ordinary_answers(self) -> Sequence[Any]:
        """The same waves a step later."""
        return [Forecast(item.names, item.fields[-1].values) for item in map(_waves, (1, 2))]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """A single cell, and fields without known values."""
        import numpy as np

        usual = _waves(0)
        unknown = tuple(replace(field, values=np.full_like(field.values, np.nan)) for field in usual.fields)
        one = np.zeros((2, 1, 1), dtype=np.float32)
        cell = (Field(one, one, np.zeros(1)),) * HISTORY
        return [
            ("a grid of one cell", replace(usual, fields=cell, next_climatology=one)),
            ("unknown fields", replace(usual, fields=unknown)),
        ]

    def input_html(self, item: Any) -> str:
        """The variables, and the size of the grid."""
        height, width = item.fields[-1].values.shape[1:]
        return f"<p>{escape(', '.join(item.names))}: {height} latitudes, {width} longitudes.</p>"


def _waves(start: int) -> History:
    """Two variables on 6 latitudes and 12 longitudes."""
    import numpy as np

    latitudes, across = np.linspace(-75, 75, 6), np.linspace(0, 2 * np.pi, 12, endpoint=False)
    usual = np.zeros((2, 6, 12), dtype=np.float32)
    height = np.cos(np.deg2rad(latitudes))[:, None] * np.array([5.0, 50.0])[:, None, None]
    fields = (height * np.sin(across + step) for step in range(start, start + HISTORY))
    known = tuple(Field(field.astype(np.float32), usual, latitudes) for field in fields)
    return History(known, usual, ("t_850", "z_500"))


def persistence(inputs: Sequence[Any]) -> list[Field]:
    """The last field that was seen, again."""
    return [replace(inputs[at].fields[-1], climatology=inputs[at].next_climatology) for at in range(len(inputs))]


def usual(inputs: Sequence[Any]) -> list[Field]:
    """The climatology of the time to forecast."""
    return [
        replace(inputs[at].fields[-1], values=inputs[at].next_climatology, climatology=inputs[at].next_climatology)
        for at in range(len(inputs))
    ]
