"""The forecast horizon, as an option of commands."""

from __future__ import annotations

from zoo.contract.option import PREDICT, READ, Option
from zoo.contract.reader import ReadOptions
from zoo_scientific.forecasting.series import KIND

NAME = "horizon"


def horizon_of(options: ReadOptions) -> int | None:
    """The requested steps; None takes the usual horizon for a series' step."""
    horizon: int | None = options.options.get(NAME)
    return horizon


def _steps(text: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise ValueError(f"'{text}' is not a number of steps; write 1 or more.")
    return int(text)


HORIZON = Option(
    NAME,
    frozenset({READ, PREDICT}),
    "Steps to forecast [default: the usual horizon for the data's step, such as 18 months].",
    "STEPS",
    _steps,
    frozenset({KIND}),
    applies_to="time series",
    group="Forecasting",
)
