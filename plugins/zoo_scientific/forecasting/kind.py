"""Time series as a kind of input, and their next values as a kind of target and answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.option import PREDICT, Option
from zoo.contract.reader import ReadOptions
from zoo.contract.values import Shown, Typed
from zoo.errors import UnsupportedModel
from zoo.pages import parts
from zoo_scientific.forecasting.horizon import NAME as HORIZON_NAME
from zoo_scientific.forecasting.metrics import METRICS, seasonal_naive
from zoo_scientific.forecasting.series import KIND, LEVELS, TASK, Forecast, Future, Series, season_scale

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel
    from zoo.contract.reader import Table
    from zoo.entities import Dataset


class TimeSeries(Kind):
    """Series of numbers at equal steps, up to some time."""

    name = KIND
    noun, nouns = "time series", "time series"
    needs_task = True

    def read_table(self, reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset | None:
        """The windows of a table's series."""
        from zoo_scientific.forecasting.tables import read_table

        return read_table(reference, table, options)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Names of tables or of packaged data sets, each with one series or several."""
        from zoo_scientific.forecasting.reading import all_series

        own = {name: options[name] for name in (HORIZON_NAME,) if options.get(name) is not None}
        wishes = ReadOptions(target_column=options.get("target_column"), task=TASK, options=own)
        found, names, problems = [], [], []
        for text in texts:
            read, left_out = all_series(text, wishes)
            found += read
            names += [f"{text}: {one.name}" for one in read]
            problems += left_out
        return Typed(tuple(names), found, tuple(problems))

    def input_html(self, item: Any) -> str:
        """The name and the length of the series."""
        return f"<p>{len(item.values):,} steps of {escape(item.name)}.</p>"

    def ordinary(self) -> Sequence[Any]:
        """Waves with a trend, of different length, one of them with a gap."""
        import numpy as np

        found = []
        for count in (40, 100, 75, 200):
            steps = np.arange(count + 12.0)
            values = 0.1 * steps + 5 * np.sin(steps / 3 + count)
            if count == 75:
                values[20:30] = np.nan
            found.append(Series(f"wave of {count} steps", values[:count], steps, 1, 12))
        return found

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """One value, no change, huge values, very many steps, and no value at all."""
        import numpy as np

        values: Mapping[str, Any] = {
            "a series of one value": [3.0],
            "a series that never changes": [7.0] * 50,
            "a series at 1e12": [1e12, 1e12 + 1] * 30,
            "a series of 20,000 steps": np.sin(np.arange(20_000) / 9),
            "a series without a value": [float("nan")] * 40,
        }
        return [
            (name, Series("x", np.asarray(found, dtype=np.float64), np.arange(len(found) + 5.0), 1, 5))
            for name, found in values.items()
        ]


class Forecasts(Kind):
    """The next values of a series: quantiles of each step."""

    name = "series"
    noun, nouns, per_sample = "forecast", "forecasts", "what follows"
    ordered = True
    baseline_title = "last season again"
    metrics = METRICS
    shows_input = True

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> Future:
        """Medians and quantiles; raises ``UnsupportedModel`` if the answer is of another kind."""
        if not isinstance(answer, Forecast):
            raise UnsupportedModel("The model does not predict forecasts, so it cannot be evaluated on them.")
        return Future(answer.median, season_scale(item.values, item.period), answer.quantiles)

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> list[Future]:
        """The last season again."""
        return [Future(seasonal_naive(inputs[at]), float("nan")) for at in range(len(inputs))]

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """The medians of the first and the last step."""
        return [(f"{answer.median[0]:.5g} at {answer.times[0]} to {answer.median[-1]:.5g} at {answer.times[-1]}", "")]

    def table(self, names: Sequence[str], answers: Sequence[Any]) -> Shown:
        """A row for each step: the median and the 80 % band."""
        rows = [
            [name if step == 0 else "", time, *(f"{value:.5g}" for value in values)]
            for name, answer in zip(names, answers, strict=True)
            for step, (time, values) in enumerate(zip(answer.times, _band(answer), strict=True))
        ]
        return Shown(("series", "time", "0.1", "median", "0.9"), rows, ("0.1", "median", "0.9"))

    def to_json(self, answer: Any) -> Mapping[str, Any]:
        """Series, times, median, and all quantiles by level."""
        return {
            "series": answer.series,
            "times": list(answer.times),
            "median": answer.median.tolist(),
            "quantiles": {f"{level:g}": answer.at(level).tolist() for level in LEVELS},
        }

    def html(self, item: Any, answer: Any) -> str:
        """The series with its forecast and the 80 % band, and the forecast as a table."""
        times, middle = answer.times, answer.median.tolist()
        words = (
            f"{item.name} and its forecast for {len(times)} steps, {times[0]} to {times[-1]}: the median goes from "
            f"{middle[0]:.4g} to {middle[-1]:.4g}, lowest {min(middle):.4g}, highest {max(middle):.4g}."
        )
        caption = (
            "Past values (thin), the median of the forecast (thick), and the band that should contain 8 in 10 values."
        )
        rows = [
            (time, *(f"{value:.4g}" for value in values)) for time, values in zip(times, _band(answer), strict=True)
        ]
        table = parts.table(
            ("Time", "0.1", "Median", "0.9"), rows[: parts.SHOWN], f"Quantiles of each step.{parts.rest(rows)}"
        )
        return parts.figure(self.draw(item, answer), words, caption) + table

    def draw(self, item: Any, answer: Any) -> Image:
        """The forecast after its series."""
        from zoo_scientific.forecasting.drawing import draw_forecast

        return draw_forecast(item, answer)

    def file_names(self, names: Sequence[str]) -> Sequence[str]:
        """The table and the column, numbered if two series have the same name."""
        found = []
        for number, name in enumerate(names, start=1):
            file, _, column = name.rpartition(": ")
            words = "-".join([Path(file.rpartition(":")[2]).stem, *re.findall(r"[^\W_]+", column.lower())[:5]])
            found.append(words if names.count(name) == 1 else f"{number:02d}-{words}")
        return found

    def ordinary(self) -> Sequence[Any]:
        """Twelve steps that rise, and as many that fall."""
        import numpy as np

        steps, times = np.arange(1.0, 13.0)[:, None], tuple(f"2024-{month:02d}-01" for month in range(1, 13))
        return [Forecast("sales", times, values + np.asarray(LEVELS)) for values in (steps, 20 - steps)]

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """One step without uncertainty, and values at 1e12."""
        import numpy as np

        levels = len(LEVELS)
        return [
            ("one step without uncertainty", Forecast("x", ("1",), np.full((1, levels), 7.0))),
            ("values at 1e12", Forecast("<x>", ("1", "2"), np.full((2, levels), 1e12))),
        ]


def _band(answer: Forecast) -> Sequence[tuple[float, float, float]]:
    """Quantile 0.1, median and quantile 0.9 of each step."""
    return list(zip(answer.at(0.1).tolist(), answer.median.tolist(), answer.at(0.9).tolist(), strict=True))


COLUMNS = Option(
    "target_column",
    frozenset({PREDICT}),
    "Comma-separated columns of a table of time series, or variables of a NetCDF file of weather [default: all "
    "numeric columns, or all variables with the unit of the first].",
    "NAMES",
    kinds=frozenset({KIND, "grid"}),
    applies_to="time series and weather",
    group="Forecasting",
)
