"""``zoo compare``: compare models."""

from __future__ import annotations

import click

from zoo.cli.figures import human_bytes, human_count, human_score
from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output

MOST_BENCHMARKS = 20


@zoo_command("compare")
@click.argument("models", nargs=-1, required=True)
@click.option("--all", "everything", is_flag=True, help="Show all benchmarks, including those of one model only.")
def command(output: Output, models: tuple[str, ...], everything: bool) -> None:
    """Compare models: their cards and shared benchmarks.

    Shows the benchmarks on which at least two of the models have a score; * marks the best score.

    \b
    Examples:
      zoo compare pkg:efficientnet-lite0 pkg:efficientnet-lite2
      zoo compare hf:timm/resnet50.a1_in1k hf:timm/convnext_tiny.in12k_ft_in1k --json
    """
    from zoo.registry import compare

    result = compare(*models)
    if output.json:
        output.data(result.to_dict())
        return
    facts = {
        "task": [card.tasks[0] if card.tasks else "-" for card in result.models],
        "architecture": [card.architecture or "-" for card in result.models],
        "library": [card.library or "-" for card in result.models],
        "parameters": [human_count(card.parameters) for card in result.models],
        "size": [human_bytes(card.bytes) for card in result.models],
        "licence": [card.license or "-" for card in result.models],
        "feature dimension": [str(card.embedding_dimension or "-") for card in result.models],
        "pretrained on": [", ".join(card.pretraining) or "-" for card in result.models],
        "released": [card.released or "-" for card in result.models],
        "downloads": [human_count(card.downloads) for card in result.models],
    }
    rows = [[name, *values] for name, values in facts.items() if any(value != "-" for value in values)]
    shared = [b for b in result.benchmarks if everything or len(b.values) > 1]
    shown = shared if everything else shared[:MOST_BENCHMARKS]
    for b in shown:
        name = f"{b.dataset} ({b.split}, {b.metric}{'' if b.higher_is_better else ', lower is better'})"
        rows.append([name, *(_value(b.values.get(card.id), card.id == b.best) for card in result.models)])
    output.table([Column(""), *(Column(card.id, number=True) for card in result.models)], rows)
    if len(shown) < len(shared):
        output.text()
        output.text(f"and {len(shared) - len(shown):,} more shared benchmarks: --all")
    elif not shared:
        output.text()
        output.text("The models share no benchmark. Show all scores: --all")


def _value(value: float | None, best: bool) -> str:
    return f"{human_score(value)}{'*' if best else ' '}" if value is not None else "- "
