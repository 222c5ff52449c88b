"""Training samples are augmented, and no others; the same seed gives the same samples, also after an interruption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import TASKS, TinyBackbone, Vectors, tiny_data

from zoo.adapt.head_objective import HeadObjective
from zoo.adapt.learner_objective import LearnerObjective
from zoo.adapt.strategies import adapt
from zoo.adapt.training import checkpoint
from zoo.adapt.training.ahead import AugmentedEpoch
from zoo.adapt.training.augmentation import Augmentation, augmentation_for
from zoo.contract.backbone import SilentProgress
from zoo.entities import Dataset, Plan, Run
from zoo.errors import InvalidInput
from zoo.kinds.audio import Recording
from zoo.kinds.known import kind_of


class CutOff(Exception):
    """The power failed."""


@pytest.fixture(autouse=True)
def vectors(monkeypatch: pytest.MonkeyPatch) -> Vectors:
    return Vectors.in_use(monkeypatch)


def trained(kind: str, **options: Any) -> tuple[Run, torch.Tensor]:
    backbone = TinyBackbone()
    start = {"head": "random", "keep": "fine-tuned"} if kind == "class" else {}
    plan = Plan(**{"strategy": "full", "task": TASKS[kind], "epochs": 4, "augment": "light", **start, **options})
    run = adapt(backbone, tiny_data(kind), plan, SilentProgress())
    return run, backbone.new.weight


@pytest.mark.parametrize("kind", ["class", "text"])
def test_each_training_sample_is_augmented_in_each_epoch_and_no_other(kind: str, vectors: Vectors) -> None:
    run, _ = trained(kind, epochs=3, patience=3)

    training = run.samples - run.plan["test_samples"] - round(0.15 * run.samples)
    assert vectors.seen == 3 * training
    assert (run.plan["augment"], run.plan["augmentation"]) == ("light", "noise of deviation 0.1")


@pytest.mark.parametrize("kind", ["class", "text"])
def test_the_seed_decides_how_samples_are_augmented(kind: str) -> None:
    _, first = trained(kind)
    _, again = trained(kind)
    _, other = trained(kind, augment="strong")

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_auto_leaves_samples_alone_unless_their_kinds_choose_a_strength(vectors: Vectors) -> None:
    run, _ = trained("class", augment="auto", epochs=1)

    assert (run.plan["augment"], "augmentation" in run.plan, vectors.seen) == ("none", False, 0)


@pytest.mark.parametrize(("kind", "objective"), [("class", HeadObjective), ("text", LearnerObjective)])
def test_a_training_that_was_cut_off_goes_on_to_the_same_end(
    kind: str, objective: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    whole, weights = trained(kind)
    scores, plain = [0], objective.score

    def cut(self: Any, outputs: Any) -> float:
        scores[0] += 1
        if scores[0] == 3:
            raise CutOff
        return float(plain(self, outputs))

    with monkeypatch.context() as patched:
        patched.setattr(objective, "score", cut)
        with pytest.raises(CutOff):
            trained(kind)
    assert list(home.glob("checkpoints/*.pt"))
    resumed, again = trained(kind)

    assert resumed.metrics == whole.metrics
    assert torch.equal(weights, again)


def images(count: int = 40) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)) for _ in range(count)]


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_images_keep_their_size_and_follow_the_generator(strength: str) -> None:
    kind, image = kind_of("image"), images(1)[0]

    found = [kind.augment(image, None, strength, np.random.default_rng(seed))[0] for seed in (0, 0, 1)]

    assert [(one.size, one.mode) for one in found] == [((30, 20), "RGB")] * 3
    assert found[0].tobytes() == found[1].tobytes() != found[2].tobytes()
    assert image.tobytes() not in {one.tobytes() for one in found}


def test_augmenting_leaves_the_generators_of_torch_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()

    kind_of("image").augment(images(1)[0], None, "light", np.random.default_rng(0))

    assert torch.equal(torch.get_rng_state(), before)


def test_copies_of_the_process_prepare_the_same_samples() -> None:
    augmentation = Augmentation("light", kind_of("image"), kind_of("class"))
    epoch = AugmentedEpoch(augmentation, images(), None, lambda item, _: torch.from_numpy(np.array(item)), seed=7)
    spans = [[3, 1, 30], [2], [39, 0]]

    here, apart = list(epoch.ahead(spans, 0)), list(epoch.ahead(spans, 2))

    assert [len(span) for span in apart] == [3, 1, 2]
    assert all(
        torch.equal(a, b) for one, other in zip(here, apart, strict=True) for a, b in zip(one, other, strict=True)
    )


def of(inputs: str, targets: str) -> Dataset:
    return Dataset("mine", inputs, (), (), target_kind=targets)


@pytest.mark.parametrize(
    ("inputs", "targets", "said"),
    [
        ("text", "class", "texts are not augmented, because a changed word can change the meaning"),
        ("crystal", "number", "crystals are not augmented"),
        ("image", "own", "owns would no longer fit the changed images"),
        ("audio", "boxes", "boxes would no longer fit the changed audio recordings"),
    ],
)
@pytest.mark.parametrize("strength", ["light", "strong"])
def test_a_strength_without_effect_is_refused_with_the_reason(
    inputs: str, targets: str, said: str, strength: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        augmentation_for(of(inputs, targets), Plan(augment=strength), None)

    assert caught.value.message == f"--augment {strength} has no effect on 'mine': {said}."
    assert caught.value.hint == "Leave --augment out."
    assert augmentation_for(of(inputs, targets), Plan(augment="auto"), None) is None


def test_a_value_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidInput, match="auto, none, light, strong"):
        trained("class", augment="wild")


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_recordings_keep_rate_and_range_and_are_never_cut(strength: str) -> None:
    kind = kind_of("audio")
    for recording in kind.ordinary():
        generator = np.random.default_rng(0)
        for _ in range(5):
            found = kind.augment(recording, None, strength, generator)[0]
            assert found.sampling_rate == recording.sampling_rate
            assert found.samples.dtype == np.float32
            assert np.abs(found.samples).max() <= 1
            assert found.seconds >= 0.9 * recording.seconds
            assert not np.array_equal(found.samples[: len(recording.samples)], recording.samples)


@pytest.mark.parametrize("samples", [0, 1, 16000])
def test_silence_stays_silence(samples: int) -> None:
    found = kind_of("audio").augment(
        Recording(np.zeros(samples, np.float32), 16000), None, "strong", np.random.default_rng(0)
    )[0]

    assert not found.samples.any()
