"""The answer to "which model should I start from?" as plain, typed dataclasses, with their notebook representation."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zoo.entities import Entity

UNMEASURED = {"prior": "expected (sd)", "reported": "mean z-score", "measured": "score", "evaluated": "score"}
"""Names of scores that no estimator computed: standard deviations above the average model, or a mean z-score."""


def figure_text(value: float) -> str:
    """A figure with four significant digits, the same wherever it is shown."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:#.4g}"


def interval_text(interval: tuple[float, float]) -> str:
    """The ends of an interval: ``0.9012 to 0.9713``."""
    return f"{figure_text(interval[0])} to {figure_text(interval[1])}"


@dataclass(frozen=True)
class Argument(Entity):
    """One argument for a model, or against it.

    Attributes:
        sentence: the argument in words, with the figure.
        figure: the figure itself, or None if the fact is not a number.
        source: where the figure comes from: a measurement, a citation, the model card, a run.
    """

    sentence: str
    figure: float | None = None
    source: str = ""


@dataclass(frozen=True)
class Explanation(Entity):
    """Why a candidate has its rank.

    Attributes:
        in_favour, against: arguments, the strongest first.
        would_change: what would move it up or down, in sentences.
        probability_best: probability that it is the best candidate, given the errors, from 0 to 1; None if the scores
            have no intervals.
        certainty: the same in a sentence.
    """

    in_favour: tuple[Argument, ...] = ()
    against: tuple[Argument, ...] = ()
    would_change: tuple[str, ...] = ()
    probability_best: float | None = None
    certainty: str = ""


@dataclass(frozen=True)
class Confirmation(Entity):
    """The result of brief fine-tuning, or of the model's own predictions.

    Attributes:
        run: id of the run in the registry; empty if the model's own predictions were evaluated.
        strategy, epochs: how it was fine-tuned; ``as it is`` and 0 where it was not.
        metric, value: the task's primary metric on held-out samples.
        baseline: the same metric without a model.
        samples: number of held-out samples.
        trials: number of settings that were evaluated; the best on other samples was kept.
    """

    run: str
    strategy: str
    epochs: int
    metric: str
    value: float
    baseline: float | None = None
    samples: int = 0
    seconds: float = 0.0
    trials: int = 1


@dataclass(frozen=True)
class Candidate(Entity):
    """A model with its measurements for one data set; the best rank is 1.

    Attributes:
        score: what decides the ranking: the first estimator's value, higher is better.
        interval: the 95 % interval of the score.
        measured: estimator name to value.
        reasons: sentences for and against it, each with its figure.
        seconds: how long measuring it took, whether now or earlier.
        samples: how many samples it was measured on.
        layer: the layer whose features were measured.
        reused: whether the figures were kept from an earlier measurement.
        latency: milliseconds per sample; ``latency_source`` is where that was measured, or the report.
        shift: how far the data are from its pretraining data, see ``zoo.selection.measure.probing.domain_shift``.
        curve: (samples, score) after each step of a race, fewest samples first; empty if it was measured once.
        explanation: arguments for and against it, for the first ten.
        tied: whether it is statistically tied with the best: their difference is within its error.
        stopped: why it was not measured on all samples; empty if it was.
        predicted: the expected score on new samples, from the measurement and from what was known before, each weighted
            by its certainty; None if too little was measured. ``predicted_interval`` is its 95 % interval.
        pareto: costs (``parameters``, ``latency``) for which no model with this score or a higher one costs less.
        confirmed: the result of brief fine-tuning, where that was requested, or of its own predictions.
    """

    rank: int
    id: str
    score: float | None
    interval: tuple[float, float] | None = None
    parameters: int | None = None
    bytes: int | None = None
    license: str | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    samples: int = 0
    layer: str = ""
    reused: bool = False
    latency: float | None = None
    latency_source: str = ""
    shift: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    explanation: Explanation | None = None
    tied: bool = False
    stopped: str = ""
    predicted: float | None = None
    predicted_interval: tuple[float, float] | None = None
    pareto: tuple[str, ...] = ()
    confirmed: Confirmation | None = None


@dataclass(frozen=True)
class Exclusion(Entity):
    """A model that was not considered, and the reason."""

    id: str
    reason: str


@dataclass(frozen=True)
class ComparedStandard(Entity):
    """Where a standard of the task stands among the candidates.

    Attributes:
        id: the id that stands for it, such as ``std:text-classification/small``.
        rank: its rank; None if it was not ranked.
        difference: by how much the first candidate's score is higher; None if the two cannot be compared.
        interval: the 95 % interval of the difference.
        tied: whether it is statistically tied with the first.
        sentence: all of it in words, or why it has no rank.
        propose: the command that proposes the first candidate instead; empty if it is not clearly better.
    """

    id: str
    model: str
    revision: str | None
    rank: int | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    tied: bool = False
    sentence: str = ""
    propose: str = ""


@dataclass(frozen=True)
class FigureColumn:
    """One figure for every candidate.

    Attributes:
        name: an estimator's, a metric's, ``predicted`` or ``fine-tuned``.
        values: each candidate's figure with its 95 % interval, None if there is none.
    """

    name: str
    values: tuple[tuple[float | None, tuple[float, float] | None], ...]

    @property
    def known(self) -> bool:
        """Whether any candidate has this figure."""
        return any(value is not None for value, _ in self.values)

    def title(self, name: str = "") -> str:
        """The heading of the column, with another name for the figure if one is given."""
        intervals = any(interval is not None for _, interval in self.values)
        return f"{name or self.name}{' (95 % interval)' if intervals else ''}"

    def cell(self, at: int, nothing: str) -> str:
        """The figure of the candidate at a position with its interval, such as ``0.9467 (0.9012 to 0.9713)``."""
        value, interval = self.values[at]
        if value is None:
            return nothing
        return figure_text(value) if interval is None else f"{figure_text(value)} ({interval_text(interval)})"


@dataclass(frozen=True)
class Recommendation(Entity):
    """The answer to "which model should I start from?", best first.

    Attributes:
        data: name, fingerprint, number of samples and number of classes of the data set.
        warnings: what to watch out for in the data and in the answer, in sentences.
        analysis: what the data consist of and how to start, see ``zoo.selection.request.task.Analysis``.
        provenance: what is needed to repeat it: settings, device, versions, revision of each model.
        partial: why this is not the full answer (budget spent, or interrupted); empty if it is.
        interrupted: whether Ctrl-C ended it.
        forward_passes: samples that went through a model, ``done`` here and in a ``full`` measurement; empty if
            nothing was measured.
        ranked_by: ``measured`` (on these data), ``prior`` (published results and past runs: scores are standard
            deviations from the average model), ``reported`` (mean z-score over shared benchmarks) or ``evaluated`` (as
            they are or after brief fine-tuning; the score is the task's metric, its negative where lower is better).
        selection: which candidates were chosen in turn and why it stopped, where not all were to be measured.
        standards: the team's standards of the task; empty if it has none.
    """

    task: str
    data: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    excluded: tuple[Exclusion, ...] = ()
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    analysis: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    partial: str = ""
    interrupted: bool = False
    forward_passes: Mapping[str, int] = field(default_factory=dict)
    ranked_by: str = "measured"
    selection: Mapping[str, Any] = field(default_factory=dict)
    standards: tuple[ComparedStandard, ...] = ()

    def figures(self) -> list[FigureColumn]:
        """The candidates' figures for tables, each with its own interval."""
        reached = tuple((None if c.confirmed is None else c.confirmed.value, None) for c in self.candidates)
        if self.ranked_by == "evaluated":
            metric = next((c.confirmed.metric for c in self.candidates if c.confirmed), UNMEASURED["evaluated"])
            return [FigureColumn(metric, reached)]
        first, *others = list(self.candidates[0].measured) or [UNMEASURED[self.ranked_by]]
        later = (
            FigureColumn("fine-tuned", reached),
            FigureColumn("predicted", tuple((c.predicted, c.predicted_interval) for c in self.candidates)),
        )
        return [
            FigureColumn(first, tuple((c.score, c.interval) for c in self.candidates)),
            *(FigureColumn(name, tuple((c.measured.get(name), None) for c in self.candidates)) for name in others),
            *(column for column in later if column.known),
        ]

    def to_frame(self) -> Any:
        """The candidates as a pandas ``DataFrame``, one row each."""
        from zoo.errors import needs_extra

        with needs_extra("notebook", "make a table for a notebook"):
            import pandas as pd
        return pd.DataFrame([candidate.to_dict() for candidate in self.candidates])

    def _repr_html_(self) -> str:
        """The ranking as a table, its first explanation and the warnings, for a notebook."""
        figures = self.figures()
        rows = "".join(_row(c, [column.cell(at, "") for column in figures]) for at, c in enumerate(self.candidates))
        first = "".join(f"<li>{html.escape(reason)}</li>" for reason in self.candidates[0].reasons)
        warned = "".join(f"<p>&#9888; {html.escape(warning)}</p>" for warning in self.warnings)
        left_out = f"<p>{len(self.excluded)} left out.</p>" if self.excluded else ""
        titles = ("rank", "model", *(column.title() for column in figures), "parameters", "licence")
        heads = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in titles)
        name, samples = html.escape(str(self.data.get("name", ""))), self.data.get("samples", 0)
        return (
            f"<table><caption>{html.escape(self.task)} on {name}, {samples:,} samples</caption>"
            f"<thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{html.escape(self.candidates[0].id)}:</p><ul>{first}</ul>"
            f"{warned}{left_out}"
        )


def _row(candidate: Candidate, figures: Sequence[str]) -> str:
    parameters = "" if candidate.parameters is None else f"{candidate.parameters:,}"
    rank = f"{candidate.rank}{'=' if candidate.tied else ''}"
    cells = (rank, candidate.id, *figures, parameters, candidate.license or "")
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
