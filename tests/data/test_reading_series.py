"""Tables of time series: which column is what, equal steps, gaps, and windows that never see what they forecast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.contract.reader import ReadOptions
from zoo.errors import DataError, InvalidInput, UnsupportedModel
from zoo.kinds.metrics import metric
from zoo_scientific.forecasting.horizon import HORIZON
from zoo_scientific.forecasting.kind import Forecasts
from zoo_scientific.forecasting.metrics import seasonal_naive
from zoo_scientific.forecasting.reading import all_series
from zoo_scientific.forecasting.series import LEVELS, Forecast, Future, Series
from zoo_scientific.forecasting.steps import label, parsed, regular

TASK = "time-series-forecasting"


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def days(count: int, start: str = "2024-01-01") -> list[str]:
    return [str(np.datetime64(start) + step) for step in range(count)]


def series(values: list[float] | np.ndarray, horizon: int = 2, period: int = 1) -> Series:
    found = np.asarray(values, dtype=np.float64)
    return Series("x", found, np.arange(len(found) + horizon, dtype=np.float64), period, horizon)


def test_each_column_of_numbers_is_a_series(tmp_path: Path) -> None:
    rows = [f"{day},{step},{2 * step},note" for step, day in enumerate(days(80))]
    data = zoo.read(write(tmp_path / "a.csv", "date,sold,kept,remark", *rows), task=TASK, options={"horizon": 5})
    assert (data.input_kind, data.target_kind) == ("time-series", "series")
    assert {item.name for item in data.inputs} == {"sold", "kept"}
    only = zoo.read(str(tmp_path / "a.csv"), task=TASK, target_column="kept", options={"horizon": 5})
    assert {item.name for item in only.inputs} == {"kept"}
    assert only.inputs[0].period == 7
    with pytest.raises(DataError, match="no column 'sald'"):
        zoo.read(str(tmp_path / "a.csv"), task=TASK, target_column="sald")


def test_an_id_tells_series_apart_that_stand_below_each_other(tmp_path: Path) -> None:
    rows = [f"{shop},{day},{step + 100 * (shop == 'b')}" for shop in "ab" for step, day in enumerate(days(60))]
    path = write(tmp_path / "long.csv", "item_id,timestamp,target", *rows)
    found, _ = all_series(path, ReadOptions(task=TASK))
    assert [one.name for one in found] == ["a", "b"]
    np.testing.assert_array_equal(found[1].values, 100 + np.arange(60.0))


def test_windows_do_not_see_what_they_forecast_and_come_in_order_of_time(tmp_path: Path) -> None:
    rows = [f"{day},{step},{-step}" for step, day in enumerate(days(70))]
    data = zoo.read(write(tmp_path / "a.csv", "date,up,down", *rows), task=TASK, options={"horizon": 4})
    ends = [item.times[len(item.values)] for item in data.inputs]
    assert ends == sorted(ends)
    seen: list[float] = []
    for item, target in zip(data.inputs, data.targets, strict=True):
        sign = 1 if item.name == "up" else -1
        assert (sign * item.values).max() + 1 == sign * target.values[0]
        assert len(item.times) == len(item.values) + item.horizon
        seen += (sign * target.values).tolist() if sign > 0 else []
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("times", "period", "horizon", "after"),
    [
        ([f"{2000 + month // 12}-{month % 12 + 1:02d}-15" for month in range(60)], 12, 18, "2005-01-15"),
        ([str(np.datetime64("2000-02") + m - np.timedelta64(1, "D")) for m in range(60)], 12, 18, "2005-01-31"),
        ([f"{2000 + q // 4}Q{q % 4 + 1}" for q in range(30)], 4, 8, "2007-07-01"),
        ([f"2024-03-{1 + h // 24:02d} {h % 24:02d}:00" for h in range(96)], 24, 48, "2024-03-05"),
        ([day for day in days(40) if np.is_busday(day)], 5, 14, "2024-02-12"),
        ([str(year) for year in range(1700, 1740)], 1, 6, "1740"),
        (
            ["20240101", "20240108", "20240115"] + [str(np.datetime64("2024-01-22") + 7 * w) for w in range(120)],
            52,
            13,
            None,
        ),
    ],
    ids=["mid-month", "month-end", "quarters", "hours", "business days", "years", "weeks"],
)
def test_steps_of_calendars(times: list[str], period: int, horizon: int, after: str | None) -> None:

    if times[0] == "20240101":
        times = [time.replace("-", "") for time in times]
    found = regular("x", parsed(times), None)
    assert (found.period, found.horizon) == (period, horizon)
    assert len(found.times) == len(times) + horizon
    assert after is None or label(found.times[len(times)]) == after


def test_gaps_are_unknown_values(tmp_path: Path) -> None:
    rows = [f"{day},{step if step % 9 else ''}" for step, day in enumerate(days(60)) if step not in {5, 6, 20}]
    [found], _ = all_series(write(tmp_path / "a.csv", "day,x", *rows), ReadOptions(task=TASK))
    assert len(found.values) == 60
    assert np.flatnonzero(np.isnan(found.values)).tolist() == sorted({*range(0, 60, 9), 5, 6, 20})


def test_one_series_without_equal_steps_is_left_out_of_several(tmp_path: Path) -> None:
    rows = [f"a,{day},{step}" for step, day in enumerate(days(80))]
    rows += ["b,2024-01-01,1", "b,2024-01-02,1", "b,2024-03-11,2", "c,2024-01-01,4", "a,tomorrow,5"]
    data = zoo.read(write(tmp_path / "long.csv", "id,date,x", *rows), task=TASK)
    assert {item.name for item in data.inputs} == {"a"}
    reasons = {problem.item: problem.reason for problem in data.problems}
    assert "equal steps" in reasons["series 'b'"]
    assert "fewer than 3 times" in reasons["series 'c'"]
    assert "no time that can be read" in reasons["line 86"]


def test_parquet_and_json_lines_are_read_alike(tmp_path: Path) -> None:
    import pandas as pd

    table = pd.DataFrame({"ds": pd.date_range("2024-03-01", periods=60, freq="D", tz="Europe/Berlin"), "y": range(60)})
    table.to_parquet(tmp_path / "a.parquet")
    table.assign(ds=table["ds"].astype(str)).to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for name in ("a.parquet", "a.jsonl"):
        [one], _ = all_series(str(tmp_path / name), ReadOptions(task=TASK))
        np.testing.assert_array_equal(one.values, np.arange(60.0))


def test_what_cannot_be_a_series_raises_a_clear_error(tmp_path: Path) -> None:
    def read(*lines: str, **options: object) -> None:
        zoo.read(write(tmp_path / "bad.csv", *lines), task=TASK, **options)  # type: ignore[arg-type]

    uneven = np.cumsum(np.random.default_rng(0).integers(1, 400, 50))
    with pytest.raises(DataError, match="are not at equal steps"):
        read("date,x", *(f"{np.datetime64('2024-01-01') + int(day)},1" for day in uneven))
    with pytest.raises(DataError, match="has no column of times; it has a, b"):
        read("a,b", *(f"word {at},{at}" for at in range(30)))
    with pytest.raises(DataError, match="no column of numbers besides the times in 'date'"):
        read("date,x", *(f"{day},red" for day in days(30)))
    with pytest.raises(DataError, match="more than one value of 'x' at 2024-01-05"):
        read("date,x", *(f"{day},1" for day in [*days(30), "2024-01-05"]))
    with pytest.raises(DataError, match="has 20 steps; forecasts of 14 steps need 56 with values"):
        read("date,x", *(f"{day},1" for day in days(20)))
    with pytest.raises(DataError, match="does not contain times"):
        read("date,x", *(f"{day},a{day}" for day in days(30)), input_column="x")
    with pytest.raises(InvalidInput, match="--horizon is not valid: '0' is not a number of steps"):
        zoo.read("statsmodels:nile", options={"horizon": 0})
    with pytest.raises(
        InvalidInput, match="--horizon applies only to time series; 'sklearn:digits' was read as images"
    ):
        zoo.read("sklearn:digits", options={"horizon": 3})


def test_packaged_series() -> None:
    data = zoo.read("statsmodels:sunspots")
    assert len(data) == 48
    assert data.inputs[-1].times[-1] == 2008
    gappy = zoo.read("statsmodels:co2", options={"horizon": 13})
    assert any(np.isnan(item.values).any() for item in gappy.inputs)
    assert len({item.name for item in zoo.read("statsmodels:economy").inputs}) == 12
    with pytest.raises(DataError, match="no series 'gold'"):
        zoo.read("statsmodels:economy", target_column="gold")


def test_mase_counts_in_errors_of_the_season_before() -> None:
    past = series([1, 10, 2, 12, 3, 14], period=2)
    actual = Future(np.array([4.0, 16.0]), (1 + 2 + 1 + 2) / 4)
    forecast = Future(np.array([5.0, 14.0]), float("nan"))
    assert metric("mase").compute([actual], [forecast]) == pytest.approx(1.5 / 1.5)
    again = Forecasts().baseline([past], [], TASK)
    np.testing.assert_array_equal(again[0].values, [3, 14])
    assert metric("mase").compute([actual], again) == pytest.approx(1.0)
    with pytest.raises(DataError, match="do not change"):
        metric("mase").compute([Future(np.ones(2), 0.0)], [Future(np.ones(2), 0.0)])


def test_the_quantile_loss_rewards_a_band_that_fits() -> None:
    compute = metric("weighted_quantile_loss").compute
    values = np.random.default_rng(0).normal(10, 1, 4000)
    actual = Future(values, 1.0)
    exact = np.quantile(values, LEVELS)[None].repeat(len(values), axis=0)
    middle = np.full(len(values), np.median(values))
    good = compute([actual], [Future(middle, 1.0, exact)])
    assert good < compute([actual], [Future(middle, 1.0)])
    assert good < compute([actual], [Future(middle, 1.0, 10 + 3 * (exact - 10))])
    assert compute([Future(np.array([2.0]), 1.0)], [Future(np.array([1.0]), 1.0)]) == pytest.approx(0.5)


def test_the_seasonal_forecast_passes_over_gaps() -> None:
    past = series([1, 2, 3, 4, np.nan, 6, 7, np.nan], horizon=5, period=4)
    np.testing.assert_array_equal(seasonal_naive(past), [1, 6, 7, 4, 1])
    np.testing.assert_array_equal(seasonal_naive(series([5, 8, np.nan], horizon=2)), [8, 8])


def test_fingerprints_are_those_of_earlier_versions(tmp_path: Path) -> None:
    rows = [f"{day},{step % 7}" for step, day in enumerate(days(28))]
    rows += [f"{day},{step}" for step, day in enumerate(days(3, "2024-01-29"))]
    data = zoo.read(write(tmp_path / "s.csv", "date,x", *rows), task=TASK, target_column="x", options={"horizon": 2})
    assert data.fingerprint == "05f2a8c07076edfc16403b7f557c4c3c1c99e60795ad1fc1228ccb277271e3af"


def test_a_forecast_is_printed_as_before() -> None:
    quantiles = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8, 9], [2.0, 3, 4, 5, 6, 7, 8, 9, 10]])
    answer, kind = Forecast("sales", ("2024-01-01", "2024-01-02"), quantiles), Forecasts()
    shown = kind.table(["a.csv: sales"], [answer])
    assert shown.rows == [["a.csv: sales", "2024-01-01", "1", "5", "9"], ["", "2024-01-02", "2", "6", "10"]]
    plain = kind.to_json(answer)
    assert list(plain) == ["series", "times", "median", "quantiles"]
    assert (plain["median"], plain["quantiles"]["0.9"]) == ([5.0, 6.0], [9.0, 10.0])
    assert list(plain["quantiles"]) == [f"0.{level}" for level in range(1, 10)]
    assert kind.file_names(["a.csv: sales", "b.csv: sales"]) == ["a-sales", "b-sales"]
    with pytest.raises(UnsupportedModel, match="does not predict forecasts"):
        kind.comparable(series([1, 2]), [5.0, 6.0])


def test_the_horizon_is_a_number_of_steps() -> None:
    assert HORIZON.convert(" 12 ") == 12
    for text in ("0", "-1", "soon", "1.5"):
        with pytest.raises(ValueError, match="is not a number of steps"):
            HORIZON.convert(text)
