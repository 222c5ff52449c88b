"""Every option of a plan has an effect on every strategy and kind of target, or is refused by name."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from tiny_models import TASKS, TinyBackbone, Vectors, tiny_data
from torch import nn

from zoo.adapt.known_strategies import options_of, strategies
from zoo.adapt.strategies import adapt
from zoo.adapt.training import loop
from zoo.contract.backbone import SilentProgress
from zoo.contract.strategy import COMMON, TRAINING, Strategy, flag
from zoo.entities import Dataset, Plan, Run
from zoo.errors import InvalidInput, UnsupportedModel
from zoo.kinds.known import kinds

AWAY: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 5,
    "learning_rate": 0.01,
    "weight_decay": 0.5,
    "augment": "light",
    "patience": 1,
    "head": "random",
    "layer_decay": 0.2,
    "rank": 2,
    "targets": "stem",
    "virtual_tokens": 3,
    "merge": True,
    "gradient_checkpointing": True,
    "accumulate": 2,
    "devices": 2,
    "keep": "fine-tuned",
    "class_weights": "balanced",
    "budget": 1e-6,
}
"""For each option a value that is not the default. A new option needs one here, and an answer from each strategy."""

START: dict[str, dict[str, Any]] = {
    "patience": {"epochs": 8, "learning_rate": 1e-30},  # nothing gets better, so that patience ends it
    "keep": {"epochs": 2, "learning_rate": 99.0, "head": "random"},  # the probe is better
    "head": {"epochs": 1},
}
"""What else the plan has in both runs, where it is not ``USUAL``."""

USUAL: dict[str, Any] = {"epochs": 3, "learning_rate": 0.003, "head": "random"}

PROMPTS = ("prefix-tuning", "prompt-tuning")
CORE = ("linear-probe", "partial", "lora", "dora", "qlora", "ia3", *PROMPTS, "full")
RUN = ("linear-probe", "partial", "lora", "ia3", "full")
"""Strategies that adapt the tiny models; prompts need a transformer, QLoRA a GPU."""

FITTED = {
    "epochs",
    "learning_rate",
    "weight_decay",
    "augment",
    "patience",
    "head",
    "layer_decay",
    "rank",
    "targets",
    "virtual_tokens",
    "merge",
    "gradient_checkpointing",
    "accumulate",
    "devices",
    "keep",
    "budget",
}
WITHOUT: dict[str, set[str]] = {
    **{key: {"rank", "targets", "virtual_tokens", "merge"} for key in ("linear-probe", "partial", "full")},
    **{key: {"virtual_tokens"} for key in ("lora", "dora", "qlora")},
    **{key: {"rank", "targets", "merge", "layer_decay"} for key in PROMPTS},
    "ia3": {"virtual_tokens", "rank"},
}
"""Options of adapters that a strategy does not use."""

WITHOUT["prefix-tuning"] = {*WITHOUT["prefix-tuning"], "gradient_checkpointing"}


@pytest.fixture(autouse=True)
def vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    Vectors.in_use(monkeypatch)


def unused(strategy: str, kind: str) -> set[str]:
    """What has no effect, by the documentation."""
    if strategy == "fine-tuning-job":
        return set(TRAINING) - {"epochs"}
    if kind in {"class", "number", "labels"}:
        weights = set() if kind == "class" else {"class_weights"}
        return weights | (FITTED if strategy == "linear-probe" else WITHOUT[strategy])
    frozen = {"layer_decay", "gradient_checkpointing"} if strategy == "linear-probe" else set()
    return {"head", "keep", "class_weights", *frozen, *WITHOUT[strategy]}


def test_the_table_knows_every_option() -> None:
    assert set(AWAY) == set(TRAINING)
    assert {*CORE, "fine-tuning-job"} == set(strategies())


@pytest.mark.parametrize("kind", ["class", "number", *sorted(kinds())])
@pytest.mark.parametrize("strategy", [*CORE, "fine-tuning-job"])
def test_every_option_is_used_or_refused(strategy: str, kind: str) -> None:
    options = options_of(strategy, Dataset("d", "vector", (), (), target_kind=kind))
    default = strategies()[strategy].epochs
    options.check(Plan(strategy, "any", default), default)

    for name, value in AWAY.items():
        plan = Plan(**{"strategy": strategy, "task": "any", "epochs": default, name: value})
        if name in unused(strategy, kind):
            with pytest.raises(InvalidInput) as caught:
                options.check(plan, default)
            assert f"{flag(name)} has no effect with --strategy {strategy} for any: " in caught.value.message
            assert f"Leave {flag(name)} out" in caught.value.hint
            assert name not in options.select(plan.to_dict())
        else:
            options.check(plan, default)
            assert options.select(plan.to_dict())[name] == value


@pytest.mark.parametrize("kind", ["class", "text"])
def test_a_plugin_replaces_a_strategy_for_every_kind_of_target(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def own(backbone: Any, experiment: Any, plan: Plan, progress: Any) -> Run:
        return experiment.record(backbone, plan, metrics={"own": 1.0})

    known = {"full": Strategy("full", "Train nothing.", own)}
    monkeypatch.setattr("zoo.adapt.known_strategies.strategies", lambda: known)

    run = adapt(TinyBackbone(), tiny_data(kind), Plan("full", TASKS[kind]), SilentProgress())

    assert run.metrics == {"own": 1.0}
    assert "head" not in run.plan


def test_every_option_of_the_command_is_one_of_the_plan_or_of_the_reading() -> None:
    from zoo.cli import cli
    from zoo.cli.options import READING, SPLITTING

    command = cli.get_command(click.Context(cli), "tune")
    assert command is not None
    beside = {
        "model",
        "data",
        "folder",
        "no_save_run",
        "cluster",
        "report",
        "test_data",
        "validation_data",
        *READING,
        *SPLITTING,
        "json",
        "traceback",
        "remote_code",
    }
    names = {name for parameter in command.params if not (name := str(parameter.name)).startswith("plugin_")}
    assert names - beside <= {*TRAINING, *COMMON}
    assert set(TRAINING) <= names


def carried_out(strategy: str, kind: str, **options: Any) -> tuple[Run, TinyBackbone]:
    backbone = TinyBackbone()
    plan = Plan(**{"strategy": strategy, "task": TASKS[kind], **options})
    return adapt(backbone, tiny_data(kind), plan, SilentProgress()), backbone


@functools.cache
def usual(strategy: str, kind: str, start: str) -> tuple[Run, TinyBackbone]:
    return carried_out(strategy, kind, **started(strategy, kind, start))


def started(strategy: str, kind: str, start: str) -> dict[str, Any]:
    wanted = START.get(start, USUAL)
    return options_of(strategy, tiny_data(kind)).select(wanted)


@pytest.mark.parametrize("option", TRAINING)
@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        *((strategy, "class") for strategy in RUN),
        ("lora", "text"),
        *(("full", kind) for kind in ("text", "number", "series")),
    ],
)
def test_an_option_changes_what_is_done_or_is_refused(strategy: str, kind: str, option: str, tmp_path: Path) -> None:
    start = started(strategy, kind, option)
    if option == "merge":
        start["output"] = str(tmp_path / "tuned")
    if option in unused(strategy, kind):
        with pytest.raises(InvalidInput, match=flag(option)):
            carried_out(strategy, kind, **{**start, option: AWAY[option]})
        assert option not in usual(strategy, kind, option if option in START else "")[0].plan
        return

    if (kind, option) == ("series", "augment"):
        with pytest.raises(
            InvalidInput, match="--augment light has no effect on 'tiny': forecasts would no longer fit"
        ):
            carried_out(strategy, kind, **{**start, option: AWAY[option]})
        return

    if option == "devices":
        # ``zoo.tune`` starts a process for each device; here there is one, which does not pretend to be two.
        with pytest.raises(InvalidInput, match="is for 2 devices, but this process trains on 1"):
            carried_out(strategy, kind, **{**start, option: AWAY[option]})
        return

    before, other = usual(strategy, kind, option if option in START else "")
    after, backbone = carried_out(strategy, kind, **{**start, option: AWAY[option]})

    assert after.plan[option] == AWAY[option]
    if option == "batch_size":
        assert (other.largest, backbone.largest) == (32, 5)
    elif option == "patience":
        assert (before.epochs - after.epochs, after.plan["stopped"]) == (2, "patience")
    elif option == "class_weights":
        assert (before.plan["weighted"], after.plan["weighted"]) == (False, True)
    elif option == "merge":
        assert not (tmp_path / "tuned" / "adapter_config.json").exists()
    elif option == "gradient_checkpointing":
        assert (other.module.learned, backbone.module.learned) == (other.module.passed, 2 * backbone.module.passed)
    elif option == "keep":
        assert (before.strategy, after.strategy) == ("linear-probe", strategy)
    else:
        assert not torch.equal(backbone.new.weight, other.new.weight)


@pytest.mark.parametrize("kind", ["class", "text"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"accumulate": 0}, "accumulate"),
        ({"keep": "last"}, "fine-t"),
        ({"layer_decay": 1.5}, "layer_decay"),
        ({"split": "by time"}, "by time"),
    ],
)
def test_values_that_cannot_be_are_refused_for_every_kind(kind: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        carried_out("full", kind, **options)


@pytest.mark.parametrize("kind", ["class", "text"])
def test_scaffold_splits_need_molecules(kind: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be split by 'scaffold'"):
        carried_out("full", kind, split="scaffold")


@pytest.mark.parametrize(("blocks", "strategy"), [(1, "full"), (3, "partial")])
@pytest.mark.parametrize("kind", ["class", "text"])
def test_layer_decay_of_a_model_without_several_trained_blocks_is_refused(
    kind: str, blocks: int, strategy: str
) -> None:
    plan = Plan(strategy, TASKS[kind], layer_decay=0.5)
    with pytest.raises(UnsupportedModel, match="--layer-decay has no effect on 'file:tiny'"):
        adapt(TinyBackbone(blocks=blocks), tiny_data(kind), plan, SilentProgress())


def test_a_head_that_cannot_start_as_a_probe_is_refused_when_it_should() -> None:
    class TwoLayers(TinyBackbone):
        def head(self, task: Any, classes: int) -> nn.Module:
            return nn.Sequential(self.module, nn.Linear(4, 4, bias=False), nn.Linear(4, classes, bias=False))

    with pytest.raises(UnsupportedModel, match="cannot start as a linear probe") as caught:
        adapt(TwoLayers(), tiny_data("class"), Plan("full", TASKS["class"], head="probe"), SilentProgress())
    assert caught.value.hint == "Leave --head out."
    run = adapt(TwoLayers(), tiny_data("class"), Plan("full", TASKS["class"], 1), SilentProgress())
    assert run.plan["head"] == "random"


def test_lora_starts_from_the_seed() -> None:
    first, again, other = (
        carried_out("lora", "class", head="random", keep="fine-tuned", epochs=2, learning_rate=0.01, seed=seed)[1]
        for seed in (3, 3, 4)
    )

    assert torch.equal(first.new.weight, again.new.weight)
    assert not torch.equal(first.new.weight, other.new.weight)


class Unused(nn.Module):
    """Linear layers that the output does not depend on, as the classifier of a convolutional network's features."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(4, 4)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return batch


@pytest.mark.parametrize("strategy", ["lora", "full"])
def test_training_that_reaches_none_of_the_pretrained_weights_is_refused(strategy: str) -> None:
    class Backbone(TinyBackbone):
        def head(self, task: Any, classes: int) -> nn.Module:
            return nn.Sequential(self.module, nn.Linear(4, classes))

    backbone = Backbone()
    backbone.module = Unused()  # type: ignore[assignment]

    with pytest.raises(UnsupportedModel, match="only the head would be trained"):
        adapt(backbone, tiny_data("class"), Plan(strategy, TASKS["class"], 1), SilentProgress())


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the optimiser gets: its groups of parameters, and its number of steps."""
    found: dict[str, Any] = {"steps": 0}
    groups, update = loop.parameter_groups, loop._Course._update

    def noted(*arguments: Any) -> list[dict[str, Any]]:
        made = groups(*arguments)
        found["rates"] = sorted({round(float(group["lr"]), 9) for group in made})
        found["decays"] = sorted({group["weight_decay"] for group in made})
        return made

    def counted(course: Any) -> None:
        found["steps"] += 1
        update(course)

    monkeypatch.setattr(loop, "parameter_groups", noted)
    monkeypatch.setattr(loop._Course, "_update", counted)
    return found


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"rates": [1e-4, 1e-3], "decays": [0.0, 0.01], "steps": 6}),
        ({"learning_rate": 0.002}, {"rates": [0.002, 0.02]}),
        ({"weight_decay": 0.5}, {"decays": [0.0, 0.5]}),
        ({"layer_decay": 0.5}, {"rates": [5e-5, 1e-4, 1e-3]}),
        ({"epochs": 5}, {"steps": 10}),
        ({"batch_size": 13}, {"steps": 9}),
        ({"accumulate": 2}, {"steps": 3}),
        ({"patience": 1, "learning_rate": 1e-30}, {"steps": 4}),
    ],
)
@pytest.mark.parametrize("kind", ["class", "text"])
def test_options_reach_the_optimiser_for_classes_and_for_structured_targets(
    kind: str, options: dict[str, Any], expected: dict[str, Any], done: dict[str, Any]
) -> None:
    """39 training samples in two batches per epoch; the last two of six blocks are trained."""
    head = {"head": "random"} if kind == "class" else {}

    carried_out("partial", kind, **{"epochs": 3, "patience": 5, **head, **options})

    assert {name: done[name] for name in expected} == expected
