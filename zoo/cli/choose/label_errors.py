"""``zoo profile --label-errors``: labels that are probably wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.cli.figures import human_seconds
from zoo.cli.output import Column, Output

if TYPE_CHECKING:
    from zoo.quality import LabelErrors

SHOWN = 20
"""Number of suspects in the table."""

SHOWN_OUTLIERS = 5


def check_labels(output: Output, data: str, model: str, options: dict[str, Any]) -> None:
    """Find the label errors, write the files that the options name, and show them."""
    from zoo.contract.reader import ReadOptions
    from zoo.data import read
    from zoo.data.dropping import check_list
    from zoo.quality import label_errors, page

    path, report = options["path"], options["report"]
    if path:
        check_list(path)
    if report:
        page.check(report)
    names = ("task", "input_column", "target_column", "on_problem", "options")
    grouped = ReadOptions(group_column=options["group_column"])
    dataset = read(data, **{name: options[name] for name in names}, read=grouped)
    found = label_errors(dataset, model, device=options["device"], progress=output.progress())
    if path:
        output.note(f"Written: {found.write(path)}")
    if report:
        output.note(f"Written: {page.write(found, dataset, report)}")
    if output.json:
        output.data({**found.to_dict(), "left_out": [problem.to_dict() for problem in dataset.problems]})
        return
    show(output, found)
    output.left_out(dataset.problems)


def show(output: Output, found: LabelErrors) -> None:
    """The suspects as a table, and outliers, confused pairs and easy classes in sentences."""
    output.text(
        f"{found.dataset}: {len(found.suspects):,} of {found.samples:,} labels are probably wrong, by {found.model} "
        f"({found.folds} folds, {found.accuracy:.1%} of the labels predicted), {human_seconds(found.seconds)}"
    )
    if found.suspects:
        output.text()
        rows = [
            [f"{one.position:,}", one.item, one.label, one.suggested, confidence(one.self_confidence), one.reason]
            for one in found.suspects[:SHOWN]
        ]
        output.table(
            [
                Column("position", number=True),
                Column("item", fold=True),
                Column("label", short=True),
                Column("suggested", short=True),
                Column("self-confidence", number=True),
                Column("reason", optional=1),
            ],
            rows,
        )
    if len(found.suspects) > SHOWN:
        output.note(f"and {len(found.suspects) - SHOWN:,} more; write them all with -o suspicious.csv")
    if found.confusions and found.confusions[0].samples > 1:
        pairs = "; ".join(f"{one.label} -> {one.suggested} {one.samples:,}" for one in found.confusions[:5])
        output.paragraph(f"Most frequent corrections: {pairs}")
    if found.outliers:
        shown = ", ".join(f"{one.item} ({one.distance:.1f} x)" for one in found.outliers[:SHOWN_OUTLIERS])
        output.paragraph(
            f"Outliers, by the distance to the nearest neighbours over its median: {len(found.outliers):,}, "
            f"the farthest: {shown}"
        )
    for easy in found.easy_classes:
        output.paragraph(
            f"Note: all {easy.samples:,} samples of '{easy.name}' are recognised, with mean probability "
            f"{easy.self_confidence:.3f}; check that nothing but the class tells them apart, such as a watermark."
        )
    for reason, count in found.skipped.items():
        output.note(f"Not checked: {count:,} samples; {reason}.")


def confidence(value: float | None) -> str:
    """A probability with three decimals; a dash if it is unknown."""
    return "-" if value is None else f"{value:.3f}"
