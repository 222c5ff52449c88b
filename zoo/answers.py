"""The answer to "which model should I start from?": plain, typed dataclasses, and how a notebook shows them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.entities import Entity


@dataclass(frozen=True)
class Argument(Entity):
    """One thing that speaks for a model, or against it.

    Attributes:
        sentence: it in words, with the figure.
        figure: the figure itself, or None where the fact is not a number.
        source: where it comes from: what was measured, a citation, the model card, a run.
    """

    sentence: str
    figure: float | None = None
    source: str = ""


@dataclass(frozen=True)
class Explanation(Entity):
    """Why a candidate stands where it stands.

    Attributes:
        in_favour, against: arguments, the weightiest first.
        would_change: what would move it up or down, in sentences.
        probability_best: how likely it is the best of the candidates given the errors, from 0 to 1; None where the
            scores have no intervals.
        certainty: the same in a sentence.
    """

    in_favour: tuple[Argument, ...] = ()
    against: tuple[Argument, ...] = ()
    would_change: tuple[str, ...] = ()
    probability_best: float | None = None
    certainty: str = ""


@dataclass(frozen=True)
class Confirmation(Entity):
    """What brief fine-tuning reached.

    Attributes:
        run: id of the run in the registry; empty where its own answers were judged, which ``strategy`` tells.
        strategy, epochs: how it was fine-tuned; ``as it is`` and 0 where it was not.
        metric, value: the task's deciding metric on held-out samples; ``baseline`` of knowing nothing.
        samples: held-out samples.
    """

    run: str
    strategy: str
    epochs: int
    metric: str
    value: float
    baseline: float | None = None
    samples: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Candidate(Entity):
    """A model with what zoo found out about it for one data set; best rank is 1.

    Attributes:
        score: what the ranking goes by: the first estimator's value, higher is better.
        interval: a range that the score is expected in.
        measured: estimator name to value.
        reasons: sentences for and against it, each with its figure.
        seconds: what measuring it cost, then or now.
        samples: how many samples it was measured on.
        layer: the layer whose features were measured.
        reused: whether the figures were kept from an earlier measurement.
        latency: milliseconds a sample; ``latency_source`` says whether it was measured here, or who reports it.
        shift: how far the data are from its pretraining data, see ``zoo.recommend.probing.domain_shift``.
        curve: (samples, score) after each step of a race, fewest samples first; empty where it was measured once.
        explanation: what speaks for and against it, for the first ten.
        tied: whether it cannot be told from the best: the difference between the two is within its error.
        stopped: why it was not measured on all samples; empty where it was.
        predicted: the score that is expected of it on new samples, from what was measured and what was known before,
            each by its certainty; None where too little was measured. ``predicted_interval`` is its 95 % interval.
        pareto: costs (``parameters``, ``latency``) in which nobody is better at no lower score.
        confirmed: what fine-tuning it briefly reached, where that was asked for, or what its own answers did.
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
class Recommendation(Entity):
    """The answer to "which model should I start from?", best first.

    Attributes:
        data: name, fingerprint, number of samples and number of classes of the data set.
        warnings: what to watch out for in the data and in the answer, in sentences.
        analysis: what the data offer and how to start, see ``zoo.recommend.task.Analysis``.
        provenance: what must be known to repeat it: settings, device, versions, revision of each model.
        partial: why this is not the full answer (the budget was spent, it was interrupted); empty where it is.
        interrupted: whether it was Ctrl-C that ended it.
        forward_passes: samples that went through a model, ``done`` here and in a ``full`` measurement; empty where
            nothing was measured.
        ranked_by: ``measured`` (on these data), ``prior`` (published results and past runs: scores are standard
            deviations from the average model), ``reported`` (mean z-score over shared benchmarks) or ``tried`` (judged
            as they are or fine-tuned briefly; the score is the task's metric, its negative where lower is better).
        selection: which candidates were asked for in turn and why it stopped, where not all were to be measured.
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

    def to_frame(self) -> Any:
        """The candidates as a pandas ``DataFrame``, one row each."""
        from zoo.errors import needs_extra

        with needs_extra("notebook", "make a table for a notebook"):
            import pandas as pd
        return pd.DataFrame([candidate.to_dict() for candidate in self.candidates])

    def _repr_html_(self) -> str:
        """The ranking as a table, its first explanation and the warnings, for a notebook."""
        rows = "".join(map(_row, self.candidates))
        first = "".join(f"<li>{html.escape(reason)}</li>" for reason in self.candidates[0].reasons)
        warned = "".join(f"<p>&#9888; {html.escape(warning)}</p>" for warning in self.warnings)
        left_out = f"<p>{len(self.excluded)} left out.</p>" if self.excluded else ""
        titles = ("rank", "model", "score", "interval", "parameters", "licence")
        heads = "".join(f'<th scope="col">{title}</th>' for title in titles)
        name, samples = html.escape(str(self.data.get("name", ""))), self.data.get("samples", 0)
        return (
            f"<table><caption>{html.escape(self.task)} on {name}, {samples:,} samples</caption>"
            f"<thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table><p>{html.escape(self.candidates[0].id)}:</p><ul>{first}</ul>"
            f"{warned}{left_out}"
        )


def _row(candidate: Candidate) -> str:
    low, high = candidate.interval or (None, None)
    interval = "" if low is None or high is None else f"{low:.4g} to {high:.4g}"
    score = "" if candidate.score is None else f"{candidate.score:.4g}"
    parameters = "" if candidate.parameters is None else f"{candidate.parameters:,}"
    cells = (str(candidate.rank), candidate.id, score, interval, parameters, candidate.license or "")
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
