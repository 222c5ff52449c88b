"""``zoo search``: search the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from zoo.cli.figures import human_bytes, human_count, human_score
from zoo.cli.options import AMOUNT
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.registry import SearchPage


class MinimumScore(click.ParamType):
    """``BENCHMARK=VALUE``, where the benchmark itself may contain an equals sign."""

    name = "benchmark=value"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, float]:
        """The pair, or a usage error."""
        if isinstance(value, tuple):
            return value
        benchmark, equals, minimum = str(value).rpartition("=")
        try:
            if benchmark and equals:
                return benchmark.strip(), float(minimum)
        except ValueError:
            pass
        self.fail(
            f"'{value}' is not BENCHMARK=VALUE; write imagenet-1k=0.8 or imagenet-1k/accuracy=0.8.", parameter, context
        )


@zoo_command("search")
@click.argument("words", nargs=-1)
@click.option("--domain", help="vision, language, audio, multimodal, scientific, or a plugin's domain.")
@click.option("--task", help="Task name, such as image-classification.")
@click.option("--license", help="SPDX id, such as apache-2.0.")
@click.option("--max-parameters", type=AMOUNT, help="Maximum number of parameters, such as 25M.")
@click.option("--min-parameters", type=AMOUNT, help="Minimum number of parameters.")
@click.option("--max-size", type=AMOUNT, help="Maximum download size, such as 100MB.")
@click.option("--min-size", type=AMOUNT, help="Minimum download size.")
@click.option("--fits", type=AMOUNT, help="Memory in which the model must run, such as 24GB.")
@click.option("--min-downloads", type=AMOUNT, help="Minimum number of downloads.")
@click.option("--min-likes", type=AMOUNT, help="Minimum number of likes.")
@click.option("--min-dimension", type=AMOUNT, help="Minimum embedding dimension.")
@click.option("--max-dimension", type=AMOUNT, help="Maximum embedding dimension.")
@click.option("--released-after", metavar="DATE", help="Released on this date or later: 2024, 2024-05 or 2024-05-31.")
@click.option("--released-before", metavar="DATE", help="Released on this date or earlier.")
@click.option("--tag", multiple=True, help="Tag that the model must have; may be repeated.")
@click.option("--gated/--open", default=None, help="Only gated models (terms must be accepted), or only open ones.")
@click.option("--language", help="ISO 639-1 code, such as de.")
@click.option("--source", help="Platform, such as hf or pkg.")
@click.option("--library", help="Library that loads the model, such as transformers or timm.")
@click.option(
    "--min-score",
    type=MinimumScore(),
    multiple=True,
    metavar="BENCHMARK=VALUE",
    help="Minimum score, or maximum if lower is better; may be repeated.",
)
@click.option("--sort", help="relevance, downloads, likes, parameters, size, memory, released, name, score:BENCHMARK.")
@click.option("--reverse", is_flag=True, help="Sort in the opposite order.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Models per page.")
@click.option("--after", metavar="CURSOR", help="Continue after this cursor (the previous page's `next`).")
@click.option("--facets", is_flag=True, help="Also count domains, tasks, licences, libraries, languages and sources.")
@click.option("--exact", is_flag=True, help="Do not look for similar words if nothing matches.")
def command(output: Output, words: tuple[str, ...], **options: Any) -> None:
    """Search the registry for models by words and filters.

    Each word must be the prefix of a word of a model's id, architecture, tasks, tags or description; words in double
    quotes are a phrase. If nothing matches, models with similar words are shown. Models of unknown size match no size
    limit.

    \b
    Examples:
      zoo search vit --task image-classification
      zoo search --task text-classification --language de --max-parameters 150M
      zoo search --task image-classification --sort score:imagenet-1k --max-size 100MB --json
      zoo search --task text-generation --fits 24GB --facets
      zoo search '"vision transformer"' --released-after 2023
    """
    from zoo.registry import search

    page = search(" ".join(words), **options)
    verdicts = _verdicts(page)
    if output.json:
        found = page.to_dict()
        for model, verdict in zip(found["models"], verdicts, strict=False):
            model["policy"] = verdict
        output.data(found)
        return
    if not page.models:
        output.text("No model matches. Remove a word or a filter, or see what the registry contains: zoo stats")
        return
    if page.instead is not None:
        output.text(f"No model matches '{' '.join(words)}'. Showing results for: {page.instead}")
        output.text()
    benchmarks = dict.fromkeys(name for hit in page.models for name in hit.requested)
    shown = [
        (Column("model"), [hit.card.id for hit in page.models]),
        (Column("task"), [hit.card.tasks[0] if hit.card.tasks else "-" for hit in page.models]),
        *((Column(b, number=True), [human_score(hit.requested.get(b)) for hit in page.models]) for b in benchmarks),
        (Column("parameters", number=True), [human_count(hit.card.parameters) for hit in page.models]),
        (Column("size", number=True), [human_bytes(hit.card.bytes) for hit in page.models]),
        (Column("licence"), [hit.card.license or "-" for hit in page.models]),
        (Column("downloads", number=True), [human_count(hit.card.downloads) for hit in page.models]),
        (Column("scores", number=True), [str(len(hit.scores)) if hit.scores else "-" for hit in page.models]),
        *([(Column("policy"), verdicts)] if verdicts else []),
    ]
    # Columns without values are left out.
    kept = [(column, cells) for column, cells in shown if any(cell != "-" for cell in cells)]
    output.table([column for column, _ in kept], list(zip(*(cells for _, cells in kept), strict=True)))
    many = "model" if page.total == 1 else "models"
    total = f"{page.total:,}" if page.exact else f"at least {page.total:,}"
    output.text()
    output.text(f"{len(page.models):,} of {total} {many}. Show one: zoo show {page.models[0].card.id}")
    if page.next:
        output.text(f"Next page: the same command with --after {page.next}")
    for name, counts in (page.facets or {}).items():
        output.text()
        output.table(
            [Column(_FACETS.get(name, name)), Column("models", number=True)], [[v, f"{n:,}"] for v, n in counts.items()]
        )


def _verdicts(page: SearchPage) -> list[str]:
    """What the policies in force say of each model; empty without a policy."""
    from zoo.config import policy_files

    if not policy_files():
        return []
    from zoo.sources.permitting import decisions

    return [str(decision.verdict) for decision in decisions((hit.card for hit in page.models), "search")]


_FACETS = {"license": "licence"}
