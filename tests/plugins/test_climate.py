"""Forecasts of real winds: the reader, the weighted metrics, and a small transformer trained here by ``zoo tune``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from system_packages import shared

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.metrics import metric
from zoo_scientific.weather.fields import HISTORY, Field, Forecast, History, climatology
from zoo_scientific.weather.forecaster import GridConfig, GridViT, save
from zoo_scientific.weather.kind import Grids, persistence

WINDS = shared("ferret-vis/data/monthly_navy_winds.cdf")
needs_winds = pytest.mark.system_packages("ferret-datasets")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def coarse(path: Path) -> Path:
    """The winds of 1982 to 1992 on every third latitude and longitude."""
    import xarray

    with xarray.open_dataset(WINDS, decode_times=False) as winds:
        winds.isel(FNOCY=slice(0, None, 3), FNOCX=slice(0, None, 3)).to_netcdf(path, engine="scipy")
    return path


@pytest.mark.slow
@needs_winds
def test_winds_are_forecast_better_than_by_the_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = zoo.read(str(coarse(tmp_path / "winds.nc")))
    variables, height, width = data.inputs[0].next_climatology.shape
    torch.manual_seed(0)
    save(GridViT(GridConfig(HISTORY, variables, height, width, patch=5, scale=2.0)), tmp_path / "vit")
    model, folder = f"file:{tmp_path / 'vit'}", str(tmp_path / "tuned")
    options = ["--strategy", "full", "--epochs", "12", "--learning-rate", "1e-3", "--batch-size", "8", "--json"]

    assert (
        run(["tune", model, str(tmp_path / "winds.nc"), "--task", "weather-forecasting", *options, "-o", folder]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    test = data.subset(range(round(len(data) * 0.8), len(data)))
    again = persistence(test.inputs)
    answers = [
        Grids().comparable(test.inputs[at], answer)
        for at, answer in enumerate(zoo.load(f"file:{folder}").predict(list(test.inputs)))
    ]

    error = found["metrics"]["latitude_weighted_rmse"]
    assert error == pytest.approx(metric("latitude_weighted_rmse").compute(test.targets, answers), rel=1e-3)
    assert error < 0.98 * found["baseline"]["latitude_weighted_rmse"]  # of the climatology
    assert error < 0.95 * metric("latitude_weighted_rmse").compute(test.targets, again)
    assert found["metrics"]["anomaly_correlation"] > 0.2
    assert found["baseline"]["anomaly_correlation"] == 0.0


@needs_winds
def test_winds_are_read_in_order_of_time() -> None:
    data = zoo.read(str(WINDS))
    assert (data.input_kind, data.target_kind, len(data)) == ("grid", "grid", 132 - HISTORY)
    assert data.inputs[5].names == ("UWND", "VWND")
    np.testing.assert_array_equal(data.inputs[5].fields[-1].values, data.targets[4].values)
    assert len(zoo.read(str(WINDS), target_column="UWND").targets[0].values) == 1
    with pytest.raises(DataError, match="no field 'RAIN'; its fields are: UWND, VWND"):
        zoo.read(str(WINDS), target_column="RAIN")


def field(values: np.ndarray, usual: np.ndarray | None = None) -> Field:
    usual = np.zeros_like(values) if usual is None else usual
    return Field(values, usual, np.linspace(-60, 60, values.shape[1]))


def test_errors_near_the_poles_weigh_less() -> None:
    actual, polar, tropical = (np.zeros((1, 3, 4), dtype=np.float32) for _ in range(3))
    polar[0, 0], tropical[0, 1] = 1, 1
    rmse = metric("latitude_weighted_rmse").compute
    assert rmse([field(actual)], [field(tropical)]) == pytest.approx((2 / 4) ** 0.5)
    assert rmse([field(actual)], [field(polar)]) == pytest.approx((1 / 4) ** 0.5)
    unknown = actual.copy()
    unknown[0, 1, 0] = np.nan
    assert rmse([field(unknown)], [field(unknown * 0)]) == 0 or np.isfinite(rmse([field(unknown)], [field(actual)]))
    with pytest.raises(DataError, match="not finite where the target is known"):
        rmse([field(actual)], [field(unknown)])


@given(st.integers(0, 1000), st.floats(0.1, 5))
def test_the_correlation_does_not_mind_how_strong_a_forecast_is(seed: int, strength: float) -> None:
    chance = np.random.default_rng(seed)
    actual, guess = chance.normal(size=(2, 2, 5, 6)).astype(np.float32)
    compute = metric("anomaly_correlation").compute
    value = compute([field(actual)], [field(guess)])
    assert -1 <= value <= 1
    assert compute([field(actual)], [field(strength * guess)]) == pytest.approx(value, abs=1e-5)
    assert compute([field(actual)], [field(-guess)]) == pytest.approx(-value, abs=1e-5)
    assert compute([field(actual)], [field(actual * 0)]) == 0.0


def test_the_climatology_is_of_the_early_years_alone() -> None:
    values = np.arange(40, dtype=np.float32).reshape(40, 1, 1, 1)
    usual = climatology(values, 4)
    assert usual[0, 0, 0, 0] == usual[36, 0, 0, 0] == np.mean([0, 4, 8, 12, 16, 20, 24])
    changed = values.copy()
    changed[30:] += 100
    np.testing.assert_array_equal(climatology(changed, 4), usual)


def test_before_training_the_forecast_is_the_climatology(tmp_path: Path) -> None:
    save(GridViT(GridConfig(HISTORY, 1, 6, 8, patch=4)), tmp_path / "vit")
    backbone = zoo.load(f"file:{tmp_path / 'vit'}").backbone
    usual = np.full((1, 6, 8), 3.0, dtype=np.float32)
    state = Field(usual + 1, usual, np.linspace(-75, 75, 6))
    history = History((state,) * 3, usual, ("t",))
    np.testing.assert_array_equal(backbone.answer("weather-forecasting", [history])[0].values, usual)
    batch = backbone.collate([backbone.preprocess(history)])
    assert backbone.features(batch, backbone.layers)["layer2.mean"].shape == (1, 64)
    with pytest.raises(DataError, match="fields of the shape"):
        backbone.preprocess(History((state,) * 2, usual, ("t",)))
    (tmp_path / "vit" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(zoo.ZooError):
        zoo.load(f"file:{tmp_path / 'vit'}")


def test_fingerprints_are_those_of_earlier_versions(tmp_path: Path) -> None:
    import xarray

    values = (np.arange(30 * 2 * 3) % 11).reshape(30, 2, 3).astype(np.float32)
    axes = {"time": ("time", 6.0 * np.arange(30), {"units": "hours since 2000-01-01"}), "lat": [-45.0, 45.0]}
    variables = {"t": (("time", "lat", "lon"), values, {"units": "K"})}
    file = xarray.Dataset(variables, coords={**axes, "lon": [0.0, 120.0, 240.0]})
    file.to_netcdf(tmp_path / "field.nc", engine="scipy")
    found = zoo.read(tmp_path / "field.nc").fingerprint
    assert found == "e8b8c075d8788a256f26d000644f0dbe8d63492d9398cd36a39a1abbbd086495"


def test_an_answer_is_printed_as_before() -> None:
    answer = Forecast(("t", "u"), np.arange(4.0).reshape(2, 1, 2))
    assert Grids().to_json(answer) == {"values": [[[0.0, 1.0]], [[2.0, 3.0]]], "names": ["t", "u"]}
    assert Grids().summary(answer) == [("t 0 to 1, u 2 to 3", "")]
    with pytest.raises(UnsupportedModel, match="does not predict fields"):
        Grids().comparable(None, {"values": answer.values})


def test_broken_netcdf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.nc").write_bytes(b"CDF\x01 and nothing")
    with pytest.raises(DataError, match="cannot be read as NetCDF"):
        zoo.read(str(tmp_path / "broken.nc"))
    with pytest.raises(DataError, match="There is no file"):
        zoo.read(str(tmp_path / "none.nc"))


@needs_winds
def test_a_model_of_texts_is_not_tuned_on_winds() -> None:
    with pytest.raises(UnsupportedModel):
        zoo.tune("pkg:wordllama/64", str(WINDS), strategy="full")
