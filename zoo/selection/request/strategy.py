"""How to start adapting: zero-shot, linear probe, LoRA or full fine-tuning, and how much data that takes."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.entities import Entity

ZERO_SHOT_BELOW = 5
"""Samples per class that a linear probe needs to match zero-shot predictions of the same model: the median is
5.4 over 27 data sets (Radford et al., "Learning transferable visual models from natural language supervision", 2021,
figure 7)."""

PROBE_BELOW = 50
"""Samples per class below which fine-tuning does no better than a linear model on frozen features, and often worse
(Kornblith, Shlens and Le, "Do better ImageNet models transfer better?", 2019, section 4.7 and figure 9; Kumar et al.,
"Fine-tuning can distort pretrained features", 2022)."""

FULL_FROM = 200
"""Samples per class from which full fine-tuning is usually ahead (the same figure of Kornblith et al.)."""

NUMBERS_PER_CLASS = 10
"""Number of classes that a numeric target counts as: 500 samples are 50 each."""

LARGE = 100_000_000
"""Minimum number of parameters for which LoRA saves enough memory to matter (Hu et al., "LoRA", 2021)."""


@dataclass(frozen=True)
class Advice(Entity):
    """How to start.

    Attributes:
        strategy: ``zero-shot``, ``linear-probe``, ``lora`` or ``full``.
        reason: why, with the figures.
        per_class: samples per class: those of the median class.
        needed: samples per class from which the next strategy is worth trying; None at the last.
        data_need: the same in a sentence.
    """

    strategy: str
    reason: str
    per_class: float
    needed: int | None
    data_need: str


def advise(
    samples: int,
    classes: int,
    *,
    labelled: bool = True,
    per_class: float | None = None,
    parameters: int | None = None,
    adaptable: bool = False,
) -> Advice:
    """The strategy to start with.

    Args:
        samples: labelled samples.
        classes: number of classes; 0 for numbers.
        per_class: samples of the median class; None divides evenly.
        parameters: of the model in question; None if it is not chosen yet.
        adaptable: whether the model can take adapters (LoRA).
    """
    if not labelled:
        return Advice(
            "zero-shot",
            "There are no labels.",
            0,
            ZERO_SHOT_BELOW,
            f"About {ZERO_SHOT_BELOW} labelled samples per class make a linear probe worth trying.",
        )
    groups = classes or NUMBERS_PER_CLASS
    each = per_class if per_class is not None else samples / groups
    unit = "per class" if classes else f"for each tenth of the range ({samples:,} in all)"
    have = f"{each:,.0f} samples {unit}"
    if classes and each < ZERO_SHOT_BELOW:
        return Advice(
            "zero-shot",
            f"With {have}, zero-shot prediction from the names of the classes is as good as training.",
            each,
            ZERO_SHOT_BELOW,
            f"{_more(ZERO_SHOT_BELOW, each, groups)} make a linear probe worth trying, which also works now.",
        )
    if each < PROBE_BELOW:
        return Advice(
            "linear-probe",
            f"With {have}, fine-tuning rarely beats a linear model on frozen features.",
            each,
            PROBE_BELOW,
            f"{_more(PROBE_BELOW, each, groups)} make fine-tuning worth trying.",
        )
    large = adaptable and parameters is not None and parameters >= LARGE
    if large or (adaptable and each < FULL_FROM):
        size = f" and {parameters / 1e6:,.0f}M parameters" if parameters else ""
        return Advice(
            "lora",
            f"With {have}{size}, low-rank adapters are about as accurate as full fine-tuning, in less memory.",
            each,
            FULL_FROM,
            _enough_or_more(each, groups),
        )
    if each < FULL_FROM:
        return Advice(
            "linear-probe",
            f"With {have}, fine-tuning may do better; a linear probe quickly sets the baseline.",
            each,
            FULL_FROM,
            f"With {_more(FULL_FROM, each, groups).lower()}, full fine-tuning usually wins.",
        )
    return Advice(
        "full",
        f"With {have}, full fine-tuning usually wins; a linear probe sets the baseline.",
        each,
        None,
        "There are enough samples for every strategy.",
    )


def _more(needed: int, each: float, groups: int) -> str:
    missing = max(1, round((needed - each) * groups))
    return f"About {missing:,} more samples ({needed} per class)" if groups else f"{missing:,} more samples"


def _enough_or_more(each: float, groups: int) -> str:
    if each >= FULL_FROM:
        return "There are enough samples for every strategy."
    return f"{_more(FULL_FROM, each, groups)} would favour full fine-tuning."
