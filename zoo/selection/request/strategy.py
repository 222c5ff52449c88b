"""How to start adapting: zero-shot, linear probe, LoRA or full fine-tuning, and how much data that takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zoo.entities import Entity, ModelCard

ZERO_SHOT_BELOW = 5
"""Samples a class that a linear probe needs to catch up with zero-shot predictions of the same model: 5.4 in the median
of 27 data sets (Radford et al., "Learning transferable visual models from natural language supervision", 2021, fig. 7).
"""

PROBE_BELOW = 50
"""Samples a class below which fine-tuning does no better than a linear model on frozen features, and often worse
(Kornblith, Shlens and Le, "Do better ImageNet models transfer better?", 2019, section 4.7 and figure 9; Kumar et al.,
"Fine-tuning can distort pretrained features", 2022)."""

FULL_FROM = 200
"""Samples a class from which full fine-tuning is usually ahead (the same figure of Kornblith et al.)."""

NUMBERS_PER_CLASS = 10
"""A number to predict counts as so many classes: 500 samples are 50 each."""

LARGE = 100_000_000
"""Parameters from which LoRA saves enough memory to matter (Hu et al., "LoRA", 2021)."""


_TRANSFORMERS = re.compile(
    r"(?<![a-z])(vit|eva|t5|clip|swin|beit|deit|gpt|esm|dino)|bert|roberta|electra|mpnet|minilm|llama|mistral|qwen|gemma"
    r"|wav2vec|hubert|wavlm|whisper|transformer"
)
"""Families whose blocks are made of linear layers, beside which adapters stand."""

_FIXED = frozenset({"api", "onnx", "static", "tensorflow"})
"""Libraries whose weights cannot be trained here."""


@dataclass(frozen=True)
class Advice(Entity):
    """How to start.

    Attributes:
        strategy: ``zero-shot``, ``linear-probe``, ``lora`` or ``full``.
        reason: why, with the figures.
        per_class: samples a class that the data offer: those of the median class.
        needed: samples a class from which the next strategy is worth trying; None at the last.
        data_need: the same in a sentence.
    """

    strategy: str
    reason: str
    per_class: float
    needed: int | None
    data_need: str


def takes_adapters(card: ModelCard) -> bool:
    """Whether a model can be given low-rank adapters, by what its card says: a transformer that can be trained."""
    if card.library in _FIXED:
        return False
    return bool(_TRANSFORMERS.search(f"{card.architecture or ''} {card.name.rpartition('/')[2]}".lower()))


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
        parameters: of the model in question; None where it is not chosen yet.
        adaptable: whether the model can be given adapters (LoRA).
    """
    if not labelled:
        return Advice(
            "zero-shot",
            "There are no labels.",
            0,
            ZERO_SHOT_BELOW,
            f"About {ZERO_SHOT_BELOW} labelled samples a class make a linear probe worth trying.",
        )
    groups = classes or NUMBERS_PER_CLASS
    each = per_class if per_class is not None else samples / groups
    unit = "per class" if classes else f"for each tenth of the range ({samples:,} in all)"
    have = f"{each:,.0f} samples {unit}"
    if classes and each < ZERO_SHOT_BELOW:
        return Advice(
            "zero-shot",
            f"With {have} a model that is told the names of the classes is as good as a trained one.",
            each,
            ZERO_SHOT_BELOW,
            f"{_more(ZERO_SHOT_BELOW, each, groups)} make a linear probe worth trying, which also works now.",
        )
    if each < PROBE_BELOW:
        return Advice(
            "linear-probe",
            f"With {have} fine-tuning rarely beats a linear model on frozen features.",
            each,
            PROBE_BELOW,
            f"{_more(PROBE_BELOW, each, groups)} make fine-tuning worth trying.",
        )
    large = adaptable and parameters is not None and parameters >= LARGE
    if large or (adaptable and each < FULL_FROM):
        size = f" and {parameters / 1e6:,.0f}M parameters" if parameters else ""
        return Advice(
            "lora",
            f"With {have}{size} low-rank adapters reach about what full fine-tuning does, in less memory.",
            each,
            FULL_FROM,
            _enough_or_more(each, groups),
        )
    if each < FULL_FROM:
        return Advice(
            "linear-probe",
            f"With {have}, fine-tuning may do better; a linear probe quickly sets the figure to beat.",
            each,
            FULL_FROM,
            f"With {_more(FULL_FROM, each, groups).lower()}, full fine-tuning usually wins.",
        )
    return Advice(
        "full",
        f"With {have} full fine-tuning is usually ahead; let a linear probe say what it must beat.",
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
