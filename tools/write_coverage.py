"""Writes what the catalog covers into ``docs/catalog.md``; ``--check`` fails if the page is out of date."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo import catalog
from zoo.entities import BenchmarkScore, ModelCard
from zoo.plugins import plugins
from zoo.tasks import Task

PAGE = Path(__file__).parents[1] / "docs" / "catalog.md"
START, END = "<!-- coverage, written by tools/write_coverage.py -->", "<!-- end of coverage -->"
MODELS, BENCHMARKS = 12, 2
"""Minimum coverage of a use case."""

NAMED = 3
"""Maximum number of models or families without a score to name per row."""


@dataclass(frozen=True)
class Coverage:
    """Coverage of one task; ``unscored`` are the models without any score on it."""

    task: Task
    models: int
    scored: int
    scores: int
    benchmarks: int
    unscored: tuple[ModelCard, ...]

    @property
    def short_of(self) -> list[str]:
        """What a use case lacks, in words."""
        lacking = []
        if self.models < MODELS:
            lacking.append(f"{MODELS - self.models} models")
        if self.benchmarks < BENCHMARKS:
            lacking.append(f"{BENCHMARKS - self.benchmarks} scored benchmarks")
        return lacking


def content() -> tuple[list[ModelCard], list[BenchmarkScore]]:
    """All cards and all scores."""
    items = [item for domain in catalog.domains() for item in catalog.cards(domain)]
    cards = [item for item in items if isinstance(item, ModelCard)]
    return cards, [item for item in items if isinstance(item, BenchmarkScore)]


def coverage(cards: Sequence[ModelCard], scores: Sequence[BenchmarkScore]) -> list[Coverage]:
    """For each task in the order of the taxonomy; a benchmark is a data set with a split and a metric."""
    found = []
    for task in plugins().tasks.values():
        own = [score for score in scores if score.task == task.name]
        those = [card for card in cards if task.name in card.tasks]
        scored = {score.model for score in own}
        unscored = tuple(card for card in those if card.id not in scored)
        benchmarks = {(score.dataset, score.split, score.metric) for score in own}
        found.append(Coverage(task, len(those), len(scored), len(own), len(benchmarks), unscored))
    return found


def missing(one: Coverage) -> str:
    """The models without a score, or if they are many their families, the most common first."""
    if not one.unscored:
        return "-"
    if len(one.unscored) <= NAMED:
        return ", ".join(f"`{card.id}`" for card in one.unscored)
    families = Counter(card.architecture or "others" for card in one.unscored).most_common()
    named = ", ".join(f"{name} ({count})" for name, count in families[:NAMED])
    rest = sum(count for _, count in families[NAMED:])
    return named + (f", {rest} more" if rest else "")


def text() -> str:
    """Both tables, in Markdown."""
    cards, scores = content()
    domain_of = {card.id: card.domain for card in cards}
    lines = [
        f"{len(cards):,} real models of all five domains, {len({s.model for s in scores}):,} of them with reported "
        f"scores, {len(scores):,} scores in all.",
        "",
        "| domain | models | with a score | scores |",
        "|---|---:|---:|---:|",
    ]
    for domain in catalog.domains():
        own = [score for score in scores if domain_of[score.model] == domain]
        count = sum(card.domain == domain for card in cards)
        lines.append(f"| {domain} | {count:,} | {len({s.model for s in own}):,} | {len(own):,} |")
    for title, wanted in (("The sixteen use cases", True), ("Other tasks", False)):
        lines += [
            "",
            f"{title}:",
            "",
            "| task | models | with a score | scores | benchmarks | largest groups without a score |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for one in coverage(cards, scores):
            if one.task.use_case == wanted:
                lacking = f" **short of {' and '.join(one.short_of)}**" if wanted and one.short_of else ""
                lines.append(
                    f"| {one.task.name}{lacking} | {one.models:,} | {one.scored:,} | {one.scores:,} | "
                    f"{one.benchmarks} | {missing(one)} |"
                )
    return "\n".join(lines)


def page() -> str:
    """The page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}\n{text()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page, or check it."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        if wanted != PAGE.read_text(encoding="utf-8"):
            print(f"{PAGE} is out of date; run: python tools/write_coverage.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
