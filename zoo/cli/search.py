"""``zoo search``: find models."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli.options import AMOUNT
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output, human_bytes, human_count, human_score


class LeastScore(click.ParamType):
    """``BENCHMARK=VALUE``, where the benchmark may hold an equals sign itself."""

    name = "benchmark=value"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, float]:
        """The pair, or a usage error."""
        if isinstance(value, tuple):
            return value
        benchmark, equals, least = str(value).rpartition("=")
        try:
            if benchmark and equals:
                return benchmark.strip(), float(least)
        except ValueError:
            pass
        self.fail(
            f"'{value}' is not BENCHMARK=VALUE; write imagenet-1k=0.8 or imagenet-1k/accuracy=0.8.", parameter, context
        )


@zoo_command("search")
@click.argument("words", nargs=-1)
@click.option("--domain", help="vision, language, audio, multimodal, scientific, or a plugin's.")
@click.option("--task", help="Task name, such as image-classification.")
@click.option("--license", help="SPDX id, such as apache-2.0.")
@click.option("--max-parameters", type=AMOUNT, help="Most parameters, such as 25M.")
@click.option("--max-size", "max_bytes", type=AMOUNT, help="Largest download, such as 100MB.")
@click.option("--language", help="ISO 639-1 code, such as de.")
@click.option("--source", help="Platform: hf, pkg, openclip, whisper...")
@click.option("--library", help="What loads it: transformers, timm, open_clip...")
@click.option("--min-score", "min_scores", type=LeastScore(), multiple=True, metavar="BENCHMARK=VALUE",
              help="Least score; may be repeated. An upper limit where lower is better.")  # fmt: skip
@click.option("--sort", help="relevance, downloads, likes, parameters, size, released, name or score:BENCHMARK.")
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Models a page.")
@click.option("--after", help="Go on behind a page: its 'next'.")
def command(output: Output, words: tuple[str, ...], min_scores: tuple[tuple[str, float], ...], **filters: Any) -> None:
    """Find models in the registry by words and limits.

    Each word must begin a word of a model's id, architecture, tasks, tags or description. A model whose size is not
    known is not within a limit on it.

    \b
    Examples:
      zoo search vit --task image-classification
      zoo search --task text-classification --language de --max-parameters 150M
      zoo search --task image-classification --sort score:imagenet-1k --max-size 100MB --json
    """
    from zoo.registry import search

    page = search(" ".join(words), min_scores=min_scores, **filters)
    if output.json:
        output.data(page.to_dict())
        return
    if not page.models:
        output.text("No model matches. Leave a word or a limit out, or see what there is: zoo stats")
        return
    benchmarks = dict.fromkeys(name for hit in page.models for name in hit.sought)
    shown = [
        (Column("model"), [hit.card.id for hit in page.models]),
        (Column("task"), [hit.card.tasks[0] if hit.card.tasks else "-" for hit in page.models]),
        *((Column(b, number=True), [human_score(hit.sought.get(b)) for hit in page.models]) for b in benchmarks),
        (Column("parameters", number=True), [human_count(hit.card.parameters) for hit in page.models]),
        (Column("size", number=True), [human_bytes(hit.card.bytes) for hit in page.models]),
        (Column("licence"), [hit.card.license or "-" for hit in page.models]),
        (Column("downloads", number=True), [human_count(hit.card.downloads) for hit in page.models]),
        (Column("scores", number=True), [str(len(hit.scores)) if hit.scores else "-" for hit in page.models]),
    ]
    # A column in which nothing is known only takes room.
    kept = [(column, cells) for column, cells in shown if any(cell != "-" for cell in cells)]
    output.table([column for column, _ in kept], list(zip(*(cells for _, cells in kept), strict=True)))
    many = "model" if page.total == 1 else "models"
    output.text(f"\n{len(page.models):,} of {page.total:,} {many}. See one: zoo show {page.models[0].card.id}")
    if page.next:
        output.text(f"More: the same with --after {page.next}")
