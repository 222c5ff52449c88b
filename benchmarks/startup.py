"""Time of whole processes: commands of zoo compared with those of huggingface_hub.

    python benchmarks/startup.py [--repeats 20] [--json results.json]

``zoo --help`` is compared with ``hf --help``, and a search of the shipped registry with ``hf version``, which looks
nothing up. The four commands alternate, so that other load on the machine affects all of them; ratios are taken within
a round, and their median is shown. All run from this environment, with output to a pipe and offline.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

PAIRS = {
    "help": (("zoo", "--help"), ("hf", "--help"), 0.35),
    "search": (("zoo", "search", "vit", "--task", "image-classification"), ("hf", "version"), 0.6),
}
"""Command of zoo, command of huggingface_hub, and maximum ratio."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ZOO_HOME": home, "HF_HOME": home, "HF_HUB_OFFLINE": "1"}
        environment.pop("ZOO_REGISTRY", None)
        results = {
            name: measure(ours, theirs, options.repeats, environment) for name, (ours, theirs, _) in PAIRS.items()
        }
    report = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {"python": platform.python_version(), "huggingface_hub": version("huggingface_hub")},
        "repeats": options.repeats,
        "results": results,
    }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measure(
    ours: tuple[str, ...], theirs: tuple[str, ...], repeats: int, environment: dict[str, str]
) -> dict[str, Any]:
    """Seconds of both, alternating, after a warm-up run of each, which writes byte code and the registry."""
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for round_number in range(repeats + 1):
        for who, command in (("ours", ours), ("theirs", theirs)):
            taken = run(command, environment)
            if round_number:
                seconds[who].append(taken)
    ratios = [a / b for a, b in zip(seconds["ours"], seconds["theirs"], strict=True)]
    return {
        "ours": " ".join(ours),
        "theirs": " ".join(theirs),
        "seconds_ours": statistics.median(seconds["ours"]),
        "seconds_theirs": statistics.median(seconds["theirs"]),
        "ratio": statistics.median(ratios),
    }


def run(command: tuple[str, ...], environment: dict[str, str]) -> float:
    """Seconds of one process from start to end."""
    program = Path(sys.executable).with_name(command[0])
    started = time.perf_counter()
    subprocess.run([str(program), *command[1:]], env=environment, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - started


def show(report: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{report['machine']}; {report['versions']}; medians of {report['repeats']} rounds\n")
    print(f"{'ours':46} {'s':>6}   {'theirs':12} {'s':>6}   {'ratio':>6} {'wanted':>7}")
    for name, result in report["results"].items():
        print(
            f"{result['ours']:46} {result['seconds_ours']:6.3f}   {result['theirs']:12} {result['seconds_theirs']:6.3f}"
            f"   {result['ratio']:6.3f} {PAIRS[name][2]:7.2f}"
        )


if __name__ == "__main__":
    main()
