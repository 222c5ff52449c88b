"""Chronos-Bolt and Chronos-2 in the published format, trained here on waves, forecast real series unseen."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_chronos
import torch
from safetensors.torch import load_file, save_file

import zoo
from zoo.cli import run
from zoo.contract.reader import ReadOptions
from zoo.errors import DataError, UnsupportedModel
from zoo.kinds.known import kind_of
from zoo.kinds.metrics import metric
from zoo_scientific.forecasting.kind import Forecasts
from zoo_scientific.forecasting.reading import all_series
from zoo_scientific.forecasting.series import Future, Series

sys.path.append(str(Path(__file__).parents[1] / "sources"))
from hub_server import HubServer

TASK = "time-series-forecasting"
SUNSPOTS = "statsmodels:sunspots"


@pytest.fixture(scope="module")
def bolt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return small_chronos.bolt(tmp_path_factory.mktemp("bolt"), 450)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))


def commanded(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    code = run([*arguments, "--json"])
    text = capsys.readouterr().out
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.slow
def test_sunspots_are_forecast_by_a_model_that_never_saw_them(bolt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = commanded(capsys, "evaluate", f"file:{bolt}", SUNSPOTS)
    assert (found["task"], found["samples"]) == (TASK, 48)
    for name in ("mase", "weighted_quantile_loss", "forecast_rmse"):
        assert found["metrics"][name] < 0.75 * found["baseline"][name]  # of the year before, again
    data = zoo.read(SUNSPOTS)
    usual = [Future(np.full(item.horizon, item.values.mean()), 1.0) for item in data.inputs]
    assert found["metrics"]["forecast_rmse"] < 0.92 * metric("forecast_rmse").compute(data.targets, usual)


@pytest.mark.slow
def test_eight_of_ten_values_lie_in_the_band(bolt: Path) -> None:
    data, model = zoo.read(SUNSPOTS), zoo.load(f"file:{bolt}")
    answers = [
        Forecasts().comparable(item, answer)
        for item, answer in zip(data.inputs, model.predict(list(data.inputs)), strict=True)
    ]
    inside = [
        (answer.quantiles[:, 0] <= actual.values) & (actual.values <= answer.quantiles[:, -1])
        for answer, actual in zip(answers, data.targets, strict=True)
    ]
    assert 0.6 < np.mean(inside) < 0.95
    assert all((np.diff(answer.quantiles, axis=1) >= 0).all() for answer in answers)


@pytest.mark.slow
def test_a_table_is_forecast_drawn_and_printed(bolt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    table = str(small_chronos.write_waves(tmp_path / "load.csv"))
    model = ["predict", f"file:{bolt}", table]
    written = commanded(capsys, "features", f"file:{bolt}", table, "-o", str(tmp_path / "features.npz"))
    assert written["files"][0]["dimensions"] == 64
    found = commanded(capsys, *model, "--horizon", "20")["predictions"]
    assert [one["input"] for one in found] == [f"{table}: load"]
    answer = found[0]["output"]
    assert answer["times"][0] == "2024-01-17T16:00"
    assert len(answer["median"]) == len(answer["quantiles"]["0.9"]) == 20
    ahead = np.arange(400, 416)
    actual = 20 + 0.004 * ahead + 4 * np.sin(2 * np.pi * ahead / 13.7)
    assert np.abs(answer["median"][:16] - actual).mean() < 1.5  # a wave of 4 up and down errs by 2.5 on average

    assert run([*model, "--horizon", "20", "-o", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "load and its forecast for 20 steps, 2024-01-17T16:00 to 2024-01-18T11:00" in page
    assert page.count("<tr>") == 21
    assert run([*model, "-o", str(tmp_path / "one.png")]) == 0
    with Image.open(tmp_path / "one.png") as drawn:
        colours = {colour for _, colour in drawn.getcolors(1 << 20)}
    assert {(183, 208, 246), (11, 87, 208), (70, 78, 87)} <= colours  # band, median, history
    assert run(["predict", f"file:{bolt}", "statsmodels:economy", "-o", str(tmp_path / "one.png")]) == 1
    assert run([*model, "-o", str(tmp_path / "drawn")]) == 0
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["load-load.png"]
    capsys.readouterr()


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["full", "linear-probe", "lora"])
def test_tuning_learns_a_series(bolt: Path, strategy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--strategy", strategy, "--epochs", "25", "--learning-rate", "1e-3", "--horizon", "16"]
    model = zoo.load(f"file:{bolt}")
    data = zoo.read("statsmodels:co2", options={"horizon": 16})
    test = data.subset(range(round(len(data) * 0.8), len(data)))
    before = zoo.evaluate(model, test).metrics["mase"]
    folder = str(tmp_path / "tuned")
    found = commanded(capsys, "tune", f"file:{bolt}", "statsmodels:co2", "--task", TASK, *options, "-o", folder)
    assert found["metrics"]["mase"] < (0.85 if strategy == "full" else 0.95) * before
    again = zoo.evaluate(f"file:{folder}", test).metrics
    assert again["mase"] == pytest.approx(found["metrics"]["mase"], rel=1e-3)
    kept = model.predict(list(test.inputs[:2]))
    for answer, again in zip(kept, zoo.load(f"file:{bolt}").predict(list(test.inputs[:2])), strict=True):
        np.testing.assert_array_equal(answer.quantiles, again.quantiles)  # the model itself is as it was


def test_features_tell_waves_apart_whatever_their_scale(bolt: Path, tmp_path: Path) -> None:
    backbone = zoo.load(f"file:{bolt}").backbone
    steps = np.arange(64.0)

    def feature(values: np.ndarray, *others: np.ndarray) -> np.ndarray:
        items = [Series("x", one, np.arange(len(one) + 4.0), 1, 4) for one in (values, *others)]
        batch = backbone.collate([backbone.preprocess(item) for item in items])
        return backbone.features(batch, backbone.layers)["encoder.mean"][0].numpy()

    slow, quick = np.sin(steps / 3), np.sin(steps)
    np.testing.assert_allclose(feature(slow), feature(500 + 30 * slow), atol=1e-3)
    np.testing.assert_allclose(feature(slow[20:]), feature(slow[20:], np.tile(quick, 3)), atol=1e-4)
    assert np.linalg.norm(feature(slow) - feature(quick)) > 5 * np.linalg.norm(feature(slow) - feature(0.1 + slow))


def test_what_cannot_be_forecast_raises_a_clear_error(bolt: Path) -> None:
    model = zoo.load(f"file:{bolt}")
    unknown = Series("quiet", np.full(30, np.nan), np.arange(34.0), 1, 4)
    with pytest.raises(DataError, match="'quiet' has no value in the context"):
        model.predict([unknown])
    with pytest.raises(DataError, match="takes time series, not str"):
        model.predict(["1, 2, 3"])
    with pytest.raises(DataError, match=r"There is no table 'nothing\.csv'"):
        all_series("nothing.csv", ReadOptions())


def test_a_tensor_that_is_missing_or_too_many_is_named(bolt: Path, tmp_path: Path) -> None:
    place = tmp_path / "damaged"
    shutil.copytree(bolt, place)
    tensors = load_file(place / "model.safetensors")
    gone = tensors.pop("output_patch_embedding.output_layer.weight")
    save_file(tensors, place / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnsupportedModel, match=r"lack 1 tensor of its architecture, such as output_patch_embedding"):
        _ = zoo.load(f"file:{place}").backbone
    save_file(
        {**tensors, "output_patch_embedding.output_layer.weight": gone, "more.weight": gone.clone()},
        place / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(UnsupportedModel, match=r"hold 1 tensor .* such as more\.weight"):
        _ = zoo.load(f"file:{place}").backbone
    (place / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(zoo.ZooError):
        _ = zoo.load(f"file:{place}").backbone


def test_a_folder_is_recognised_by_its_configuration(bolt: Path, tmp_path: Path) -> None:
    card = zoo.load(f"file:{bolt}").card
    assert (card.architecture, card.library, card.domain) == ("Chronos-Bolt", "chronos-forecasting", "scientific")
    assert (card.tasks, card.input, card.embedding_dimension) == ((TASK,), {"kind": "time-series"}, 64)
    assert card.loader == {"weights": "model.safetensors", "format": "safetensors"}
    assert card.parameters
    folder = tmp_path / "wrong"
    shutil.copytree(bolt, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "chronos_config": "none"}))
    with pytest.raises(zoo.ZooError, match="a str under 'chronos_config'"):
        zoo.load(f"file:{folder}")


def test_a_published_model_is_pulled_from_the_hub(
    bolt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "ZOO_OFFLINE", "ZOO_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    files = {path.name: path.read_bytes() for path in bolt.iterdir()}
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.add("amazon/chronos-bolt-small-waves", files, pipeline_tag=TASK)
        found = commanded(
            capsys, "predict", "hf:amazon/chronos-bolt-small-waves", SUNSPOTS, "--task", TASK, "--horizon", "3"
        )
    expected = commanded(capsys, "predict", f"file:{bolt}", SUNSPOTS, "--horizon", "3")
    assert found["predictions"] == expected["predictions"]


@pytest.mark.slow
def test_chronos_2_forecasts_and_is_tuned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_chronos.second(tmp_path / "second", 450)
    found = commanded(capsys, "evaluate", f"file:{folder}", SUNSPOTS)
    assert found["metrics"]["mase"] < 0.75 * found["baseline"]["mase"]
    options = ["--strategy", "full", "--epochs", "25", "--learning-rate", "1e-3", "--horizon", "16", "--task", TASK]
    tuned = commanded(capsys, "tune", f"file:{folder}", "statsmodels:co2", *options)
    data = zoo.read("statsmodels:co2", options={"horizon": 16})
    test = data.subset(range(round(len(data) * 0.8), len(data)))
    assert tuned["metrics"]["mase"] < 0.85 * zoo.evaluate(f"file:{folder}", test).metrics["mase"]
    backbone = zoo.load(f"file:{folder}").backbone
    alone, beside = (
        [backbone.preprocess(item) for item in kind_of("time-series").ordinary()[:count]] for count in (1, 4)
    )
    np.testing.assert_allclose(
        backbone.features(backbone.collate(alone), backbone.layers)["encoder.mean"][0],
        backbone.features(backbone.collate(beside), backbone.layers)["encoder.mean"][0],
        atol=1e-4,
    )


@pytest.mark.slow
def test_the_first_chronos_forecasts_by_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_chronos.language(tmp_path / "language", 500)
    found = commanded(capsys, "evaluate", f"file:{folder}", SUNSPOTS)
    assert found["metrics"]["mase"] < 0.85 * found["baseline"]["mase"]
    assert found["metrics"] == commanded(capsys, "evaluate", f"file:{folder}", SUNSPOTS)["metrics"]  # the same samples
    options = ["--strategy", "full", "--epochs", "10", "--learning-rate", "1e-3", "--horizon", "16", "--task", TASK]
    tuned = commanded(capsys, "tune", f"file:{folder}", "statsmodels:co2", *options)
    data = zoo.read("statsmodels:co2", options={"horizon": 16})
    test = data.subset(range(round(len(data) * 0.8), len(data)))
    assert tuned["metrics"]["mase"] < 0.9 * zoo.evaluate(f"file:{folder}", test).metrics["mase"]
