"""Fine-tuning that loses to its own linear probe is reported first, and the probe is kept."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import TASKS, TinyBackbone, tiny_data

import zoo
from zoo.adapt.comparison import sentences
from zoo.adapt.experiment import prepare
from zoo.adapt.strategies import adapt
from zoo.cli import run as command
from zoo.contract.backbone import SilentProgress
from zoo.entities import Dataset, Plan, Run

STATIC = "pkg:wordllama/64"
USELESS: dict[str, Any] = {"head": "random", "epochs": 1, "learning_rate": 1e-9}
"""A head that stays random."""


def tuned(
    kind: str = "class", backbone: TinyBackbone | None = None, data: Dataset | None = None, **options: Any
) -> Run:
    plan = Plan(**{"strategy": "full", "task": TASKS[kind], **options})
    return adapt(backbone or TinyBackbone(), data or tiny_data(kind), plan, SilentProgress())


@pytest.mark.parametrize("kind", ["class", "number"])
@pytest.mark.parametrize("strategy", ["full", "partial", "lora"])
def test_the_probe_is_kept_where_it_is_better_on_the_validation_samples(kind: str, strategy: str) -> None:
    probed = tuned(kind, strategy="linear-probe")

    run = tuned(kind, strategy=strategy, **USELESS)

    deciding = next(iter(run.metrics))
    assert run.metrics == run.plan["probe"] == probed.metrics
    assert run.plan["fine_tuned"][deciding] < run.metrics[deciding] - 0.1
    assert (run.plan["kept"], run.strategy, run.plan["strategy"]) == ("linear-probe", "linear-probe", strategy)
    assert run.plan["probe_penalty"] == probed.plan["penalty"]


def test_the_fine_tuned_model_is_kept_where_it_is_better() -> None:
    backbone = TinyBackbone()
    for layer in (backbone.module.stem, *(block[0] for block in backbone.module.blocks)):
        torch.nn.init.zeros_(layer.weight)  # features that are the same for all samples

    run = tuned(backbone=backbone, epochs=20, learning_rate=0.05, patience=20)

    assert run.metrics == run.plan["fine_tuned"]
    assert run.metrics["accuracy"] > run.plan["probe"]["accuracy"] + 0.2
    assert (run.plan["kept"], run.strategy) == ("fine-tuned", "full")
    assert "; the fine-tuned model is kept: it was better on the 9 validation samples (" in str(sentences(run))


def test_the_probe_is_kept_where_both_are_equal() -> None:
    first = [float(target) for target in tiny_data("class").targets or ()]
    inputs = [[20 * value - 10, 1e-3 * number, 0, 0] for number, value in enumerate(first)]  # no two are copies
    data = dataclasses.replace(tiny_data("class"), inputs=inputs)

    run = tuned(data=data, head="random", epochs=6, learning_rate=0.02)

    assert run.plan["validation_scores"] == {"probe": 1.0, "fine_tuned": 1.0}
    assert (run.plan["kept"], run.plan["test_samples"]) == ("linear-probe", 12)
    assert "the probe is kept: both score the same on the 9 validation samples (1.000). " in str(sentences(run))


def test_training_that_never_improves_on_its_start_keeps_the_probe() -> None:
    run = tuned(epochs=2, learning_rate=99.0)

    assert (run.plan["best_epoch"], run.plan["kept"]) == (0, "linear-probe")
    assert "no epoch was better on the 9 validation samples than the probe" in str(sentences(run))


def test_it_is_the_fine_tuned_model_where_the_user_asks_for_it() -> None:
    run = tuned(keep="fine-tuned", **USELESS)

    assert run.metrics == run.plan["fine_tuned"] != run.plan["probe"]
    assert (run.plan["kept"], run.strategy) == ("fine-tuned", "full")
    assert str(sentences(run)).endswith("the fine-tuned model is kept, because of --keep fine-tuned.")


def test_the_test_samples_do_not_decide() -> None:
    data = tiny_data("number")
    plan = Plan("full", TASKS["number"], **USELESS)
    targets = np.array(data.targets)
    targets[list(prepare(data, plan).test)] *= -1

    plain, turned = (tuned("number", data=one, **USELESS) for one in (data, dataclasses.replace(data, targets=targets)))

    assert plain.metrics != turned.metrics
    assert plain.plan["validation_scores"] == turned.plan["validation_scores"]
    assert plain.plan["kept"] == turned.plan["kept"] == "linear-probe"


def test_features_are_extracted_once() -> None:
    backbone, count, batch, validation, test = TinyBackbone(), 60, 8, 9, 12

    run = tuned(backbone=backbone, epochs=1, batch_size=batch)

    assert run.plan["head"] == "probe"
    # Once each; a batch to see that these are the features which the head takes; the validation samples before and after
    # the epoch, the training and validation samples for the head that is fitted again, and the test samples.
    assert backbone.module.evaluated == count + batch + 2 * validation + (count - test) + test


def test_a_head_with_features_of_its_own_gets_a_probe_of_its_own() -> None:
    class Shifted(TinyBackbone):
        def features(self, batch: torch.Tensor, layers: Any) -> Any:
            return {"last": torch.zeros(len(batch), 4)}

    run = tuned(backbone=Shifted(), epochs=1, learning_rate=1e-9)

    assert run.plan["head"] == "probe"
    assert run.plan["fine_tuned"]["accuracy"] > run.plan["probe"]["accuracy"] + 0.2


def test_models_without_features_are_not_compared() -> None:
    class Closed(TinyBackbone):
        layers = ()  # type: ignore[assignment]

    run = tuned(backbone=Closed(), epochs=1)

    assert (run.plan["kept"], sentences(run)) == ("fine-tuned", None)
    assert "probe" not in run.plan


def test_the_kept_probe_is_a_model_like_any_other(
    reviews: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tuned"
    wanted = ["--strategy", "full", "--head", "random", "--epochs", "1", "--learning-rate", "1e-9"]

    assert command(["tune", STATIC, reviews, *wanted, "-o", str(folder)]) == 0

    first, title, head = [line for line in capsys.readouterr().out.splitlines() if line][:3]
    [run] = zoo.open_registry().runs()
    probe, fine_tuned = run.plan["probe"]["accuracy"], run.plan["fine_tuned"]["accuracy"]
    assert first.startswith(
        f"Fine-tuning reached accuracy {fine_tuned:#.4g}, the linear probe {probe:#.4g}, on the same 24 test samples (gain "
    )
    assert "; the probe is kept: it was better on the 18 validation samples" in first
    assert first.endswith("To keep the fine-tuned model: --keep fine-tuned")
    assert "by linear-probe: 120 samples" in title
    assert [cell.strip() for cell in head.split("  ") if cell][2:] == ["95 % interval", "baseline", "fine-tuned"]
    document = json.loads((folder / "zoo.json").read_text())
    assert (document["weights"], document["strategy"]) == ("head", "linear-probe")
    assert f"| accuracy | {probe:.4f} | " in (folder / "README.md").read_text()
    assert zoo.evaluate(f"file:{folder}", reviews).metrics["accuracy"] > 0.9

    assert command(["tune", STATIC, reviews, *wanted, "--keep", "fine-tuned", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["metrics"]["accuracy"] == shown["plan"]["fine_tuned"]["accuracy"] == fine_tuned
    assert (shown["plan"]["kept"], shown["plan"]["probe"]["accuracy"]) == ("fine-tuned", probe)
