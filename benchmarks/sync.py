"""The cost of a later sync with a Hub, compared with the first one: requests, seconds, memory.

    python benchmarks/sync.py [--models 200000] [--changed 0.01] [--repeats 3] [--json results.json]

A local server lists models as the Hub does, and ``zoo sync hf`` runs against it in separate processes, through the real
client: everything once, then again after each change of some models. The server generates its models on request, so
    that its own cost is the same for each. Memory is the peak of a sync process.
"""

from __future__ import annotations

import argparse
import bisect
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "sources"))

from hub_list_server import ListServer, keyset_page, model

MOST = 0.03
"""Maximum share of the first sync's requests and seconds for a later one, after 1 % changed."""

SYNC = """
import json, resource, sys
from zoo.sources import sync
report = sync("hf").to_dict()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({**report, "peak_bytes": peak}))
"""


class LargeHub(ListServer):
    """A Hub that records when each model changed, and generates the models of a page on request."""

    def __init__(self, count: int) -> None:
        super().__init__([])
        self.changes = [(number, number) for number in range(count)]
        self.clock = count

    def change(self, numbers: list[int]) -> None:
        """Give models a new revision, now."""
        chosen = set(numbers)
        kept = [change for change in self.changes if change[1] not in chosen]
        self.changes = kept + [(self.clock + place, number) for place, number in enumerate(numbers)]
        self.clock += len(numbers)

    def page(self, query: dict[str, list[str]]) -> tuple[list[dict[str, Any]], str | None]:
        """The models that changed last, or last before the cursor."""

        def newest(size: int, after: Any) -> list[tuple[list[Any], dict[str, Any]]]:
            end = len(self.changes) if after is None else bisect.bisect_left(self.changes, tuple(after))
            found = reversed(self.changes[max(0, end - size) : end])
            return [([changed, number], model(number, changed)) for changed, number in found]

        return keyset_page(query, self.page_size, newest)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, default=200_000)
    parser.add_argument("--changed", type=float, default=0.01, help="share of the models that changed")
    parser.add_argument("--repeats", type=int, default=3, help="later syncs, each after a change")
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args()
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as home, LargeHub(options.models) as hub:
        first = sync(hub, Path(home))
        later = []
        for _ in range(options.repeats):
            hub.change(generator.sample(range(options.models), round(options.models * options.changed)))
            later.append(sync(hub, Path(home)))
    ratios = {what: statistics.median(one[what] / first[what] for one in later) for what in ("requests", "seconds")}
    report = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "versions": {"python": platform.python_version(), "huggingface_hub": version("huggingface_hub")},
        "models": options.models,
        "changed": options.changed,
        "first": first,
        "later": later,
        "ratios": ratios,
        "limit": MOST,
    }
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def sync(hub: LargeHub, home: Path) -> dict[str, Any]:
    """The report of one sync in a separate process, with its peak memory."""
    environment = {**os.environ, "ZOO_HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": hub.url}
    for name in ("ZOO_REGISTRY", "HF_TOKEN", "HF_HUB_OFFLINE", "ZOO_OFFLINE"):
        environment.pop(name, None)
    done = subprocess.run([sys.executable, "-c", SYNC], env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def show(report: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{report['models']:,} models, {report['changed']:.1%} changed; {report['machine']}")
    print(f"{'sync':<8}{'requests':>10}{'written':>10}{'seconds':>10}{'peak MB':>10}")
    for name, one in (("first", report["first"]), *(("later", one) for one in report["later"])):
        print(
            f"{name:<8}{one['requests']:>10,}{one['models']:>10,}{one['seconds']:>10.2f}"
            f"{one['peak_bytes'] / 1e6:>10.0f}"
        )
    for what, ratio in report["ratios"].items():
        verdict = "ok" if ratio <= report["limit"] else "TOO MUCH"
        print(f"later/first, {what}: {ratio:.2%} (at most {report['limit']:.0%}): {verdict}")


if __name__ == "__main__":
    main()
