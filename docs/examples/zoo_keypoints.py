"""A new kind of target in one file: keypoints of poses, with a model that can be fine-tuned on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from zoo import Dataset, Domain, ModelCard, Task, hookimpl
from zoo.contract.augmenting import GEOMETRY
from zoo.contract.kind import Kind
from zoo.contract.metric import Metric
from zoo.entities import LocalFiles
from zoo.errors import DataError
from zoo.tasks import TaskMetric

TASK = "pose-estimation"
POSE = Task(TASK, "sports", "Pose estimation", ("image",), "keypoints", (TaskMetric("pck"),), "none")
SIDE, POINTS = 16, 3


@dataclass(frozen=True)
class Pose:
    """The keypoints of an image: x and y from 0 to 1, from the top left corner."""

    points: tuple[tuple[float, float], ...]


def pck(targets, answers):
    """Share of the keypoints within 0.1 of the true ones; 0 to 1."""
    pairs = [pair for a, b in zip(targets, answers, strict=True) for pair in zip(a.points, b.points, strict=True)]
    return sum(max(abs(x - u), abs(y - v)) <= 0.1 for (x, y), (u, v) in pairs) / len(pairs)


class Keypoints(Kind):
    """Metric, baseline and presentation of keypoints; everything else is inherited."""

    name = "keypoints"
    per_sample = "a pose"
    metrics = (Metric("pck", pck, True, "Share of the keypoints within 0.1 of the true ones; 0 to 1."),)
    shows_input = True
    follows = GEOMETRY

    def geometry(self, item, target):
        """The keypoints in pixels, as images move them."""
        import torch
        from torchvision.tv_tensors import KeyPoints

        points = torch.tensor(target.points) * torch.tensor(item.size)
        return KeyPoints(points, canvas_size=(item.height, item.width))

    def from_geometry(self, item, target, geometry):
        """The pose in the augmented image; None if a keypoint left it."""
        points = [(x / item.width, y / item.height) for x, y in geometry.tolist()]
        return Pose(tuple(points)) if all(0 < side < 1 for point in points for side in point) else None

    def baseline(self, inputs, targets, task):
        """The mean pose."""
        mean = [
            tuple(sum(pose.points[index][axis] for pose in targets) / len(targets) for axis in (0, 1))
            for index in range(POINTS)
        ]
        return [Pose(tuple(mean))] * len(inputs)

    def summary(self, answer):
        """A row for each keypoint."""
        return [(f"point {number} at {x:.2f}, {y:.2f}", "") for number, (x, y) in enumerate(answer.points, start=1)]

    def draw(self, item, answer):
        """The image with a cross on each keypoint."""
        from PIL import ImageDraw

        drawn = item.convert("RGB").resize((160, 160))
        pen = ImageDraw.Draw(drawn)
        for x, y in answer.points:
            pen.line((160 * x - 6, 160 * y, 160 * x + 6, 160 * y), fill=(220, 40, 40), width=2)
            pen.line((160 * x, 160 * y - 6, 160 * x, 160 * y + 6), fill=(220, 40, 40), width=2)
        return drawn

    def html(self, item, answer):
        """The image with its crosses, and the keypoints as text."""
        from zoo.pages import parts

        words = "; ".join(label for label, _ in self.summary(answer))
        return parts.figure(self.draw(item, answer), f"The image with keypoints: {words}.", f"{words}.")

    def ordinary(self):
        """Two poses for the conformance suite."""
        return (Pose(((0.1, 0.2), (0.5, 0.5), (0.9, 0.8))), Pose(((0.2, 0.2), (0.4, 0.6), (0.6, 0.9))))


class Poses:
    """A data set of a hundred drawn figures: a head, a hand and a foot."""

    name = "poses"
    datasets = ("sports:poses",)

    def accepts(self, reference):
        return False

    def read(self, reference, options):
        import numpy as np
        from PIL import Image

        rng = np.random.default_rng(0)
        images, poses = [], []
        for _ in range(100):
            points = rng.integers(1, SIDE - 1, size=(POINTS, 2))
            pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
            for channel, (x, y) in enumerate(points):
                pixels[y - 1 : y + 2, x - 1 : x + 2, channel] = 255
            images.append(Image.fromarray(pixels))
            poses.append(Pose(tuple((float(x) / SIDE, float(y) / SIDE) for x, y in points)))
        digest = hashlib.sha256(repr(poses).encode()).hexdigest()
        return Dataset(reference, "image", images, poses, (), digest, "keypoints")


class Builtin:
    """A platform whose models have no files."""

    name, title = "pose", "Poses"

    def fetch(self, card, store, progress):
        return LocalFiles(Path("."), (), "1")

    def locate(self, card):
        return LocalFiles(Path("."), (), "1")

    def describe(self, name, revision=None):
        return next(card for card in zoo_cards() if card.name == name)

    def verify(self, card, progress):
        return []

    def remove(self, card):
        return 0

    def local(self):
        return iter(())


class Pixels:
    """Pixels as features; ``pose:mean`` always predicts the image centre, ``pose:pixels`` can be fine-tuned."""

    input_kind, layers, embedding_dimension = "image", ("pixels",), 3 * SIDE * SIDE

    def __init__(self, card):
        self.card = card

    def preprocess(self, item):
        import numpy as np

        if not hasattr(item, "resize"):
            raise DataError(f"'{self.card.id}' takes images, not {type(item).__name__}.")
        return np.asarray(item.convert("RGB").resize((SIDE, SIDE)), dtype=np.float32).ravel() / 255

    def collate(self, items):
        import numpy as np

        return np.stack(items)

    def features(self, batch, layers):
        return {"pixels": batch}

    def answer(self, task, inputs, labels=()):
        if task != TASK:
            return None
        for item in inputs:
            self.preprocess(item)
        return [Pose(((0.5, 0.5),) * POINTS) for _ in inputs]

    def learner(self, task, classes):
        return Learner(self) if task == TASK and self.card.id == "pose:pixels" else None


class Learner:
    """A soft-argmax over the pixels of each colour channel, then a linear layer to the keypoints."""

    def __init__(self, backbone):
        import torch
        from torch import nn

        class SoftArgmax(nn.Module):
            def __init__(self):
                super().__init__()
                self.sharpness = nn.Parameter(torch.tensor(4.0))
                grid = torch.arange(SIDE) / SIDE
                positions = torch.stack(torch.meshgrid(grid, grid, indexing="xy"), dim=-1)
                self.register_buffer("positions", positions.reshape(-1, 2))

            def forward(self, pixels):
                weights = (self.sharpness * pixels.reshape(len(pixels), -1, POINTS)).softmax(dim=1)
                return torch.einsum("npc,pd->ncd", weights, self.positions).flatten(1)

        class Losses(nn.Module):
            def __init__(self):
                super().__init__()
                self.trunk, self.head = SoftArgmax(), nn.Linear(2 * POINTS, 2 * POINTS)

            def forward(self, batch):
                predicted = self.head(self.trunk(batch["pixels"]))
                return (predicted - batch["points"]).square().mean(dim=1, keepdim=True)

        self.backbone, self.module, self.classes = backbone, Losses(), ()
        self.pretrained = self.module.trunk

    def example(self, item, target):
        return self.backbone.preprocess(item), [value for point in target.points for value in point]

    def collate(self, examples):
        import torch

        pixels, points = zip(*examples, strict=True)
        return {"pixels": torch.tensor(self.backbone.collate(pixels)), "points": torch.tensor(points)}

    def predict(self, inputs):
        import torch

        pixels = torch.tensor(self.backbone.collate([self.backbone.preprocess(item) for item in inputs]))
        with torch.inference_mode():
            rows = self.module.head(self.module.trunk(pixels)).reshape(len(inputs), POINTS, 2).tolist()
        return [Pose(tuple((x, y) for x, y in row)) for row in rows]


@hookimpl
def zoo_domains():
    return [Domain("sports", "Poses of athletes.", (POSE,))]


@hookimpl
def zoo_kinds():
    return [Keypoints()]


@hookimpl
def zoo_readers():
    return [Poses()]


@hookimpl
def zoo_sources():
    return [Builtin()]


@hookimpl
def zoo_cards():
    for name in ("mean", "pixels"):
        yield ModelCard(
            f"pose:{name}", "sports", (TASK,), parameters=1, license="MIT", input={"kind": "image"}, library="pose"
        )


@hookimpl
def zoo_load(card, files, device, dtype):
    return Pixels(card) if card.source == "pose" else None
