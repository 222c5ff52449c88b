"""Measures the registry with a synthetic Hub (import, size, memory, search, growth) against plain SQL and MLflow.

    python benchmarks/registry.py [--sizes 20000,200000,2000000] [--folder DIR] [--mlflow PYTHON] [--json results.json]
                                  [--plot docs/images/registry-growth.svg]

For each size: a separate process imports cards and scores and reports its rate and memory. As the baseline, sqlite3's
executemany alone inserts the same rows into a second file with the same tables and indexes. After 200 warm-up searches,
200 searches alternate with the same ones in hand-written SQL (``registry_workload.py``); its full-text search is left
out above ``--full-text-up-to`` models, because building the index takes long. MLflow runs in its own environment, whose
Python is given by ``--mlflow`` (pip install mlflow); zoo searches the same 2,000 models.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from registry_workload import ByHand, add_tables, workload
from synthetic_hub import Hub

from zoo.entities import ModelCard
from zoo.registry import Registry, SearchQuery, creating

HERE = Path(__file__).parent
FACETS = ({}, {"task": "text-generation"}, {"words": "llama"}, {"license": "MIT", "language": "en"})
FILTERED = {"filter", "filters", "range", "tag"}
ROWS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="20000,200000", help="numbers of models, separated by commas")
    parser.add_argument("--folder", type=Path, help="keep the registries in this folder and reuse existing ones")
    parser.add_argument("--full-text-up-to", type=int, default=200_000)
    parser.add_argument("--mlflow", default="", help="a Python with mlflow installed")
    parser.add_argument("--plot", type=Path, help="write a plot of the growth to this file")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    report: dict[str, Any] = {"machine": f"{platform.machine()}, SQLite {sqlite3.sqlite_version}", "sizes": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for size in sizes:
            result = report["sizes"][size] = measure(size, folder, full_text=size <= options.full_text_up_to)
            show(size, result)
    if options.mlflow:
        report["mlflow"] = beside_mlflow(options.mlflow)
        print(f"MLflow {report['mlflow']['versions']}: {report['mlflow']['ratio']:.0f} times zoo's time (wanted 20)")
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        plot({size: result["search"] for size, result in report["sizes"].items()}, options.plot)


def measure(size: int, folder: Path, *, full_text: bool) -> dict[str, Any]:
    """All measurements for one size."""
    path, beside, notes = (folder / f"r{size}{suffix}" for suffix in (".db", ".beside.db", ".json"))
    if not notes.exists():
        command = [sys.executable, str(HERE / "registry_import.py"), str(path), str(size)]
        notes.write_text(subprocess.run(command, check=True, capture_output=True, text=True).stdout, encoding="utf-8")
    imported = json.loads(notes.read_text(encoding="utf-8"))
    imported["cards_a_second"] = size / imported["seconds"]
    imported["bytes_a_card"] = imported["bytes"] / size
    raw = folder / f"r{size}.raw.json"
    if not raw.exists():
        raw.write_text(json.dumps(raw_import(path, folder / "raw.db")), encoding="utf-8")
    imported["raw"] = json.loads(raw.read_text(encoding="utf-8"))
    for clock in ("seconds", "processor_seconds"):
        imported[f"rate_over_raw_{clock}"] = imported["raw"][clock] / imported[clock]
    if not beside.exists():
        add_tables(path, beside, full_text=full_text)
    registry = Registry(path)
    return {
        "import": imported,
        "search": searches(registry, ByHand(path, beside), full_text=full_text),
        "facets": facets(registry),
    }


def raw_import(path: Path, target: Path) -> dict[str, float]:
    """Wall-clock and CPU seconds of executemany into the same tables and indexes, without reading."""
    for old in target.parent.glob(f"{target.name}*"):
        old.unlink()
    creating.create(target, empty=True)
    source, connection = sqlite3.connect(path), sqlite3.connect(target, isolation_level=None)
    connection.execute("PRAGMA cache_size = -131072")
    connection.execute("PRAGMA foreign_keys = ON")
    taken = {"seconds": 0.0, "processor_seconds": 0.0}

    def timed(action: Callable[[], Any]) -> None:
        started, processor = time.perf_counter(), time.process_time()
        action()
        taken["seconds"] += time.perf_counter() - started
        taken["processor_seconds"] += time.process_time() - processor

    timed(lambda: connection.execute("BEGIN IMMEDIATE"))
    for table in ("benchmarks", "citations", "models", "lineage", "scores", "sets"):
        rows = source.execute(f"SELECT * FROM {table}")
        marks = ", ".join("?" * len(rows.description))
        sql = f"INSERT INTO {table} VALUES ({marks})"
        while chunk := rows.fetchmany(ROWS):
            timed(lambda sql=sql, chunk=chunk: connection.executemany(sql, chunk))  # type: ignore[misc]
    timed(lambda: connection.execute("COMMIT"))
    connection.close()
    for old in target.parent.glob(f"{target.name}*"):
        old.unlink()
    return taken


def searches(registry: Registry, by_hand: ByHand, *, full_text: bool) -> dict[str, Any]:
    """Milliseconds of zoo and of hand-written SQL, alternating; their results are compared."""
    for _, filters in workload(200, seed=1):
        registry.search(SearchQuery(exact=True, **filters))
    ours: list[tuple[str, float]] = []
    pairs: list[tuple[float, float]] = []
    different = 0
    for kind, filters in workload(200, seed=2):
        started = time.perf_counter()
        page = registry.search(SearchQuery(exact=True, **filters))
        taken = time.perf_counter() - started
        ours.append((kind, taken * 1000))
        if "words" in filters and not full_text:
            continue
        started = time.perf_counter()
        total, rows, _ = by_hand.search(filters)
        pairs.append((taken, time.perf_counter() - started))
        same = page.total == total and (
            "words" in filters or [hit.card.id for hit in page.models] == [r[1] for r in rows]
        )
        different += not same
    every = sorted(taken for _, taken in ours)
    filtered = sorted(taken for kind, taken in ours if kind in FILTERED)
    return {
        "p50": every[len(every) // 2],
        "p95": every[len(every) * 95 // 100],
        "p95_filtered": filtered[len(filtered) * 95 // 100],
        "medians": {
            kind: statistics.median(t for k, t in ours if k == kind) for kind in dict.fromkeys(k for k, _ in ours)
        },
        "compared": len(pairs),
        "different": different,
        "over_by_hand": sum(a for a, _ in pairs) / sum(b for _, b in pairs),
        "median_over_by_hand": statistics.median(a / b for a, b in pairs),
        "by_hand_p50": sorted(b for _, b in pairs)[len(pairs) // 2] * 1000,
        "by_hand_p95": sorted(b for _, b in pairs)[len(pairs) * 95 // 100] * 1000,
    }


def facets(registry: Registry) -> dict[str, list[float]]:
    """Milliseconds of a search with facets: the first one, and the median of five more."""
    found = {}
    for filters in FACETS:
        taken = []
        for _ in range(6):
            started = time.perf_counter()
            registry.search(SearchQuery(facets=True, **filters))
            taken.append((time.perf_counter() - started) * 1000)
        found[json.dumps(filters)] = [taken[0], statistics.median(taken[1:])]
    return found


def beside_mlflow(python: str, models: int = 2000, repeats: int = 5) -> dict[str, Any]:
    """Ratio of the median seconds of a search by two tags in MLflow to that in zoo, with the same models."""
    cards = list(Hub(models).cards())
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "models.json"
        listed.write_text(
            json.dumps(
                [
                    {
                        "name": card["id"].replace("/", "--").replace(":", "-"),
                        "tags": {
                            "library": card["library"],
                            "license": card["license"] or "",
                            "task": card["tasks"][0],
                            **dict.fromkeys(card["tags"][3:], "yes"),
                        },
                    }
                    for card in cards
                ]
            ),
            encoding="utf-8",
        )
        run = [python, str(HERE / "registry_mlflow.py"), str(listed), str(repeats)]
        theirs = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        path = Path(folder) / "registry.db"
        creating.create(path, empty=True)
        registry = Registry(path)
        registry.add(ModelCard(**{**card, "tags": (*card["tags"], f"license={card['license']}")}) for card in cards)
        ours = []
        for _ in range(50):
            started = time.perf_counter()
            page = registry.search(SearchQuery(tag=("peft", "license=MIT")))
            ours.append(time.perf_counter() - started)
        registry.close()
    if theirs["found"] != len(page.models):
        raise SystemExit(f"MLflow finds {theirs['found']} models, zoo {len(page.models)}.")
    median = statistics.median(ours)
    return {**theirs, "ours": median, "ratio": statistics.median(theirs["seconds"]) / median}


def show(size: int, result: dict[str, Any]) -> None:
    """Print the table for one size."""
    imported, search = result["import"], result["search"]
    slowest = max(taken for _, taken in result["facets"].values())
    print(f"\n{size:,} cards, {imported['scores']:,} scores")
    for what, value, wanted in (
        ("import, cards a second", f"{imported['cards_a_second']:,.0f}", ""),
        ("import, rate over executemany (wall clock)", f"{imported['rate_over_raw_seconds']:.2f}", "0.5"),
        ("import, rate over executemany (processor)", f"{imported['rate_over_raw_processor_seconds']:.2f}", "0.5"),
        ("import, peak memory, MB", f"{imported['peak_bytes'] / 1e6:.0f}", "500"),
        ("bytes a card", f"{imported['bytes_a_card']:.0f}", "1200"),
        ("search p50, ms", f"{search['p50']:.1f}", "10"),
        ("search p95, ms", f"{search['p95']:.1f}", "50"),
        ("hand-written SQL p50, p95, ms", f"{search['by_hand_p50']:.1f}, {search['by_hand_p95']:.1f}", ""),
        ("zoo vs. hand-written SQL, total", f"{search['over_by_hand']:.2f}", "1.5"),
        ("zoo vs. hand-written SQL, median", f"{search['median_over_by_hand']:.2f}", ""),
        ("answers that differ", f"{search['different']} of {search['compared']}", "0"),
        ("facets, slowest, ms", f"{slowest:.0f}", "300"),
    ):
        print(f"{what:46} {value:>16} {wanted:>8}", flush=True)


def plot(found: dict[int, dict[str, Any]], target: Path) -> None:
    """Plot the 95th percentile of filtered searches against the size, next to the square root of the size."""
    sizes = sorted(found)
    taken = [found[size]["p95_filtered"] for size in sizes]
    root = [taken[0] * math.sqrt(size / sizes[0]) for size in sizes]
    top, bottom = max(*taken, *root), min(taken) / 2

    def place(size: int, value: float) -> tuple[float, float]:
        x = 80 + 480 * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])
        return x, 300 - 250 * math.log(value / bottom) / math.log(top / bottom)

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" font-family="sans-serif" font-size="13">',
        '<rect width="640" height="360" fill="white"/>',
        '<text x="80" y="24" font-size="15">95th percentile of filtered searches, milliseconds</text>',
    ]
    # Labels of the root are above its line, those of zoo below, so that they stay readable where the lines meet.
    for values, colour, name, up in ((root, "#767676", "square root of the size", -9), (taken, "#0b62a4", "zoo", 18)):
        points = [place(size, value) for size, value in zip(sizes, values, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), value in zip(points, values, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
            parts.append(f'<text x="{x:.1f}" y="{y + up:.1f}" text-anchor="middle" fill="{colour}">{value:.1f}</text>')
        (x, y), (before, under) = points[-1], points[-2]
        parts.append(
            f'<text x="{(x + before) / 2:.1f}" y="{(y + under) / 2 + 2 * up:.1f}" '
            f'text-anchor="{"end" if up < 0 else "start"}" fill="{colour}">{name}</text>'
        )
    for size in sizes:
        x, _ = place(size, top)
        parts.append(f'<text x="{x:.1f}" y="330" text-anchor="middle">{size:,} cards</text>')
    target.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
