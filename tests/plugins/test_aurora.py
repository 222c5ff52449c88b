"""Aurora, of its library's own class: a small one trained here forecasts real winds; published files load safely."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from system_packages import shared

import zoo
from zoo.cli import run
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.metrics import metric
from zoo_scientific.weather.aurora import PUBLISHED, build, save
from zoo_scientific.weather.aurora_states import back, centred, own_name, turned
from zoo_scientific.weather.fields import Field, Grid, History
from zoo_scientific.weather.files import latest
from zoo_scientific.weather.kind import persistence

sys.path.append(str(Path(__file__).parents[1] / "sources"))
from hub_server import HubServer

WINDS = shared("ferret-vis/data/monthly_navy_winds.cdf")
GROUND = shared("ferret-vis/data/etopo60.cdf")
needs_winds = pytest.mark.system_packages("ferret-datasets")
MONTH = 730.5
SETTINGS: dict[str, Any] = {
    "surf_vars": ["10u", "10v"],
    "static_vars": ["lsm"],
    "atmos_vars": ["u", "v"],
    "window_size": [2, 3, 6],
    "encoder_depths": [2, 2],
    "encoder_num_heads": [2, 4],
    "decoder_depths": [2, 2],
    "decoder_num_heads": [4, 2],
    "latent_levels": 2,
    "patch_size": 4,
    "embed_dim": 32,
    "num_heads": 2,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def untrained(folder: Path) -> Path:
    torch.manual_seed(0)
    save(build(SETTINGS, MONTH), folder, SETTINGS, MONTH)
    return folder


def coarse(path: Path) -> str:
    """The winds of 1982 to 1992 on every third latitude and longitude, with land and sea from the topography.

    They are winds near the sea; Aurora wants some on a level of pressure too, and gets the same at 1000 hPa.
    """
    import xarray

    with (
        xarray.open_dataset(WINDS, decode_times=False) as file,
        xarray.open_dataset(GROUND, decode_times=False) as ground,
    ):
        winds = file.isel(FNOCY=slice(0, None, 3), FNOCX=slice(0, None, 3)).load()
        height = ground[next(iter(ground.data_vars))].load()
    rows, columns = height.dims
    east = np.abs((height[columns].values[:, None] - winds["FNOCX"].values + 180) % 360 - 180).argmin(axis=0)
    north = np.abs(height[rows].values[:, None] - winds["FNOCY"].values).argmin(axis=0)
    land = (height.values[north][:, east] > 0).astype(np.float32)
    surface, unit = ("TIME", "FNOCY", "FNOCX"), {"units": "m/s"}
    variables = {"lsm": (surface[1:], land)}
    for name, column in (("u", "UWND"), ("v", "VWND")):
        variables[f"{name}10"] = (surface, winds[column].values, unit)  # type: ignore[assignment]
        variables[name] = (("TIME", "level", *surface[1:]), winds[column].values[:, None], unit)  # type: ignore[assignment]
    axes = {axis: winds[axis] for axis in surface}
    xarray.Dataset(variables, coords={**axes, "level": ("level", [1000.0])}).to_netcdf(path, engine="scipy")
    return str(path)


@pytest.mark.slow
@needs_winds
def test_winds_are_forecast_better_than_by_the_last_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    winds, folder = coarse(tmp_path / "winds.nc"), str(tmp_path / "tuned")
    model = f"file:{untrained(tmp_path / 'aurora')}"
    data = zoo.read(winds)
    assert sorted(data.inputs[0].names) == ["u10", "u_1000", "v10", "v_1000"]
    assert 0.2 < data.inputs[0].grid.static["lsm"].mean() < 0.5
    options = ["--strategy", "full", "--epochs", "24", "--learning-rate", "3e-3", "--batch-size", "8"]

    assert run(["tune", model, winds, *options, "--patience", "10", "--json", "-o", folder]) == 0
    found = json.loads(capsys.readouterr().out)
    test = data.subset(range(round(len(data) * 0.8), len(data)))
    error = found["metrics"]["latitude_weighted_rmse"]
    assert error < 0.95 * metric("latitude_weighted_rmse").compute(test.targets, persistence(test.inputs))
    assert error < found["baseline"]["latitude_weighted_rmse"]  # of the climatology
    assert found["metrics"]["anomaly_correlation"] > 0.25
    assert zoo.evaluate(f"file:{folder}", test).metrics["latitude_weighted_rmse"] == pytest.approx(error, rel=1e-3)

    assert run(["predict", f"file:{folder}", winds, "-o", str(tmp_path / "page.html")]) == 0
    assert "Forecast of u10: from" in (tmp_path / "page.html").read_text(encoding="utf-8")
    import xarray

    with xarray.open_dataset(winds, decode_times=False) as whole:
        whole.isel(TIME=slice(-3, None)).to_netcdf(tmp_path / "three.nc", engine="scipy")
    found = []
    for name in ("winds.nc", "three.nc"):  # the last states are all that it sees
        capsys.readouterr()
        assert run(["predict", f"file:{folder}", str(tmp_path / name), "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["predictions"][0]["output"]["values"])
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)
    assert run(["predict", f"file:{folder}", winds, "--target-column", "u10,v10"]) == 1
    assert "needs 10u, 10v, u, v, lsm; these fields lack u, v." in capsys.readouterr().err


@needs_winds
def test_data_of_another_step_or_without_variables_are_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save(build(SETTINGS, 6.0), tmp_path / "six", SETTINGS, 6.0)
    model = zoo.load(f"file:{tmp_path / 'six'}")
    with pytest.raises(DataError, match=r"needs states 6 hours apart, but these are 730"):
        model.predict([latest(Path(coarse(tmp_path / "winds.nc")))])
    with pytest.raises(DataError, match=r"lack 10u, 10v, u, v, lsm \(unchanging\)"):
        model.predict([latest(WINDS)])


def test_fields_are_turned_and_turned_back(tmp_path: Path) -> None:
    backbone = zoo.load(f"file:{untrained(tmp_path / 'aurora')}").backbone
    item = backbone.examples()[0]
    values = item.fields[-1].values
    there = turned(values, item.fields[-1].latitudes, item.grid.longitudes).numpy()
    np.testing.assert_array_equal(back(there, item), values)
    np.testing.assert_array_equal(back(there[:, :-1] + 1, item)[:, -1], values[:, -1])
    assert own_name("z_500") == ("z", 500.0)
    assert own_name("t2m") == ("2t", None)
    assert own_name("2m_temperature") == ("2t", None)


@pytest.mark.parametrize("up", [1, -1])
def test_a_grid_that_is_symmetric_about_the_equator_is_forecast(up: int, tmp_path: Path) -> None:
    """Of 15 rows of patches the middle one lies on the equator, where rounding leaves a mean of 1e-7 degrees."""
    backbone = zoo.load(f"file:{untrained(tmp_path / 'aurora')}").backbone
    first = backbone.examples()[0]
    latitudes = up * np.linspace(-89, 89, 60)
    values = np.resize(first.fields[0].values, (len(first.names), 60, 64))
    static = {name: np.zeros((60, 64)) for name in first.grid.static}
    fields = tuple(Field(values, values, latitudes, field.hours) for field in first.fields)
    grid = Grid(first.grid.longitudes, static, first.grid.step_hours)
    [found] = backbone.answer("weather-forecasting", [History(fields, values, first.names, grid)])
    assert np.isfinite(found.values).all()
    north_first = torch.from_numpy(np.sort(latitudes)[::-1].astype(np.float32))
    moved = centred(north_first, 4)
    assert float(moved[28:32].sum()) == 0
    assert 0 < float((moved - north_first).abs().max()) < 0.001
    assert (moved.diff() < 0).all()


def test_features_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    backbone = zoo.load(f"file:{untrained(tmp_path / 'aurora')}").backbone
    states = [backbone.preprocess(item) for item in backbone.examples()]
    alone = backbone.features(backbone.collate(states[:1]), backbone.layers)
    beside = backbone.features(backbone.collate(states), backbone.layers)
    assert [beside[layer].shape for layer in backbone.layers] == [(3, 32), (3, 64)]
    for layer in backbone.layers:
        torch.testing.assert_close(alone[layer][0], beside[layer][0], atol=1e-4, rtol=1e-3)


def test_damaged_and_foreign_weights_are_named(tmp_path: Path) -> None:
    place = untrained(tmp_path / "aurora")
    tensors = load_file(place / "model.safetensors")
    gone = tensors.pop("decoder.surf_heads.10u.weight")
    save_file(tensors, place / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"Missing key.*decoder\.surf_heads\.10u\.weight"):
        _ = zoo.load(f"file:{place}").backbone
    save_file({**tensors, "decoder.surf_heads.10u.weight": gone, "more": gone.clone()}, place / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"Unexpected key.*more"):
        _ = zoo.load(f"file:{place}").backbone
    config = json.loads((place / "config.json").read_text())
    config["settings"]["modulation_heads"] = ["z"]
    (place / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedModel, match="its settings have modulation_heads"):
        _ = zoo.load(f"file:{place}").backbone


def test_a_published_checkpoint_that_is_code_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "aurora").mkdir()
    (tmp_path / "aurora" / "aurora-0.25-small-pretrained.ckpt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UnsupportedModel):
        _ = zoo.load(f"file:{tmp_path / 'aurora'}").backbone
    assert not (tmp_path / "ran").exists()


def test_of_a_repository_with_several_models_one_is_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add("microsoft/aurora", {name: name.encode() * 200 for name in PUBLISHED})
        files = zoo.pull("hf:microsoft/aurora")
    assert [file.path for file in files.files] == ["aurora-0.25-small-pretrained.ckpt"]


@pytest.mark.slow
def test_the_published_small_architecture_loads_as_the_library_loads_it(tmp_path: Path) -> None:
    """No forecast is good here: the weights are random, and what is tested is that they are the same."""
    import aurora

    torch.manual_seed(0)
    own = aurora.AuroraSmallPretrained().eval()
    (tmp_path / "aurora").mkdir()
    path = tmp_path / "aurora" / "aurora-0.25-small-pretrained.ckpt"
    torch.save({f"net.{name}": tensor for name, tensor in own.state_dict().items()}, path)
    model = zoo.load(f"file:{tmp_path / 'aurora'}")
    backbone: Any = model.backbone
    assert (model.card.architecture, backbone.step_hours, backbone.module.patch_size) == ("Aurora", 6.0, 4)
    for name, tensor in own.state_dict().items():
        torch.testing.assert_close(backbone.module.state_dict()[name], tensor, rtol=0, atol=0)
    answer = model.predict(backbone.examples()[:1])[0]
    assert answer.names[:4] == ("2t", "10u", "10v", "msl")
    assert np.isfinite(answer.values).all()
