"""Limits on candidates: exclusions, their reasons, and which single limit to relax if no model is left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from zoo.answers import Candidate, Exclusion
from zoo.catalog.license_families import matches
from zoo.entities import Entity, ModelCard
from zoo.errors import InvalidInput
from zoo.selection.request.latency import reported
from zoo.selection.request.memory import Workload, to_run, to_tune
from zoo.selection.request.policy import POLICY, against, none_left

FLAG = "left out"
"""The ``needed`` value of an option without a value: omit it."""

NAMED = 3
"""Number of models to name that relaxing a limit would admit."""


@dataclass(frozen=True)
class Limits(Entity):
    """What the user allows.

    Attributes:
        licenses: SPDX ids, patterns of them (``BSD-*``) or families (``permissive``) allowed; empty allows all.
        max_parameters: number of parameters.
        max_bytes: size of the model's files.
        memory: bytes of memory of the device, or None if it is unknown.
        denied: SPDX ids, patterns or families that are not allowed.
        max_latency: milliseconds per sample, by published figures.
        language: ISO 639-1 code that the model must know.
        gated: whether gated models are allowed.
        safetensors: whether all weights must be in that format.
        strategy: the model must also fit into memory for this adaptation strategy; None only for running it.
        workload: device, batch size and length of texts for estimates of memory and latency.
        policy: whether there is a policy, or a plugin that decides.
        task: name of the task, for policies; None if it is not known.
    """

    licenses: tuple[str, ...] = ()
    max_parameters: int | None = None
    max_bytes: int | None = None
    memory: int | None = None
    denied: tuple[str, ...] = ()
    max_latency: float | None = None
    language: str | None = None
    gated: bool = True
    safetensors: bool = False
    strategy: str | None = None
    workload: Workload = field(default_factory=Workload)
    policy: bool = False
    task: str | None = None


@dataclass(frozen=True)
class Violation:
    """A limit that a model violates.

    Attributes:
        option: the option that sets the limit.
        reason: what is wrong, with the figures.
        needed: the value that would admit the model; empty if no value helps, because something is unknown.
        amount: the same as a number, for numeric limits.
    """

    option: str
    reason: str
    needed: str = ""
    amount: float = 0.0


def apply(cards: Iterable[ModelCard], limits: Limits) -> tuple[list[ModelCard], list[Exclusion]]:
    """Split cards into those within the limits and those outside, each of these with all its reasons.

    Raises:
        InvalidInput: every card is outside; the hint says which single limit to relax and what that would admit.
        PolicyRefusal: a policy is against every card.
    """
    kept: list[ModelCard] = []
    broken: dict[str, list[Violation]] = {}
    for card in cards:
        found = list(violated(card, limits))
        if found:
            broken[card.id] = found
        else:
            kept.append(card)
    if broken and not kept:
        by_policy = {id: found[0].reason for id, found in broken.items() if found[0].option == POLICY}
        if len(by_policy) == len(broken):
            raise none_left(by_policy)
        raise InvalidInput(
            f"No candidate is within the limits: {_all(len(broken))} at least one of them.", relaxing(broken)
        )
    return kept, [Exclusion(id, "; ".join(v.reason for v in found)) for id, found in broken.items()]


def violations(card: ModelCard, limits: Limits) -> Iterator[str]:
    """The limits that a model violates, in words. An unknown value violates a limit on it."""
    return (violation.reason for violation in violated(card, limits))


def violated(card: ModelCard, limits: Limits) -> Iterator[Violation]:
    """The limits that a model violates, each with the value that would admit it."""
    if limits.policy and (reason := against(card, limits.task)):
        yield Violation(POLICY, reason)
    yield from _license(card, limits)
    yield from _size("--max-parameters", "parameters", card.parameters, limits.max_parameters)
    yield from _size("--max-size", "bytes", card.bytes, limits.max_bytes)
    yield from _memory(card, limits)
    if limits.max_latency is not None:
        yield from _latency(card, limits)
    if limits.language and limits.language.lower() not in {code.lower().partition("-")[0] for code in card.languages}:
        known = f"knows {', '.join(card.languages[:5])}" if card.languages else "languages unknown"
        yield Violation("--language", f"{known}, not {limits.language}", card.languages[0] if card.languages else "")
    if card.gated and not limits.gated:
        yield Violation("--no-gated", "is gated: its terms must be accepted first", FLAG)
    if limits.safetensors:
        yield from _safetensors(card)


def fast_enough(candidates: Sequence[Candidate], max_latency: float | None) -> tuple[list[Candidate], list[Exclusion]]:
    """Split measured candidates by their latency (milliseconds per sample), and renumber the ranks.

    Raises:
        InvalidInput: none is fast enough; the hint names the fastest.
    """
    if max_latency is None:
        return list(candidates), []
    kept = [c for c in candidates if c.latency is None or c.latency <= max_latency]
    slow = [c for c in candidates if c.latency is not None and c.latency > max_latency]
    if slow and not kept:
        fastest = min(slow, key=lambda c: c.latency or 0.0)
        raise InvalidInput(
            f"No candidate is within --max-latency {max_latency:g} ms per sample.",
            f"The fastest is {fastest.id} with {fastest.latency:.3g} ms, measured here.",
        )
    excluded = [Exclusion(c.id, f"{c.latency:.3g} ms per sample measured, the limit is {max_latency:g}") for c in slow]
    return [replace(c, rank=rank) for rank, c in enumerate(kept, start=1)], excluded


def relaxing(broken: dict[str, list[Violation]]) -> str:
    """Which single limit to relax, how far, and which models that admits; the limit that admits most first."""
    alone: dict[str, dict[str, Violation]] = {}
    for id, found in broken.items():
        if len(found) == 1 and found[0].needed:
            alone.setdefault(found[0].option, {})[id] = found[0]
    if not alone:
        id, found = min(broken.items(), key=lambda item: (len(item[1]), item[0]))
        return f"No single limit is enough; the nearest is {id}: {'; '.join(v.reason for v in found)}."
    sentences = []
    for option, admitted in sorted(alone.items(), key=lambda item: (-len(item[1]), item[0])):
        easiest = min(admitted.values(), key=lambda violation: violation.amount)
        names = sorted(admitted, key=lambda id: (admitted[id].amount, id))
        reached = [id for id in names if _reached(admitted[id], easiest)]
        further = len(names) - len(reached)
        more = f", and {'a larger' if easiest.amount else 'another'} value {further:,} more" if further else ""
        relaxed = f"without {option}" if easiest.needed == FLAG else f"{option} {easiest.needed}"
        sentences.append(f"{relaxed} would admit {_named(reached)}{more}")
    return f"Relax one: {'; '.join(sentences)}."


def _reached(violation: Violation, easiest: Violation) -> bool:
    """Whether the value that admits the easiest model admits this one too."""
    return violation.amount <= easiest.amount if easiest.amount else violation.needed == easiest.needed


def amount(value: int) -> str:
    """A number as the options take it, rounded up to three digits: 14.3M, 4.48G, 950."""
    for letter, scale in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= scale:
            step = max(1, 10 ** (len(str(value)) - 3))
            return f"{-(-value // step) * step / scale:.10g}{letter}"
    return str(value)


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return f"{', '.join(ids[:NAMED])}{more}"


def _all(count: int) -> str:
    return "the one considered breaks" if count == 1 else f"all {count:,} considered break"


def _license(card: ModelCard, limits: Limits) -> Iterator[Violation]:
    name = card.license or "unknown"
    if limits.licenses and not matches(card.license, limits.licenses):
        yield Violation("--license", f"licence {name} is not allowed", card.license or "")
    if limits.denied and (matches(card.license, limits.denied) or not card.license):
        needed = "without this one" if card.license else ""
        yield Violation("--deny-license", f"licence {name} is denied", needed)


def _size(option: str, unit: str, value: int | None, limit: int | None) -> Iterator[Violation]:
    if limit is None:
        return
    if value is None:
        yield Violation(option, "number of parameters unknown" if unit == "parameters" else "size unknown")
    elif value > limit:
        yield Violation(option, f"{value:,} {unit}, the limit is {limit:,}", amount(value), value)


def _memory(card: ModelCard, limits: Limits) -> Iterator[Violation]:
    if limits.memory is None:
        return
    strategy = limits.strategy
    needed = to_tune(card, strategy, limits.workload) if strategy else to_run(card, limits.workload)
    if needed is not None and needed > limits.memory:
        purpose = f" for the strategy {strategy}" if strategy else ""
        yield Violation(
            "--max-memory",
            f"needs about {needed / 1e9:.1f} GB of memory{purpose}; the device has {limits.memory / 1e9:.1f} GB",
            amount(needed),
            needed,
        )


def _latency(card: ModelCard, limits: Limits) -> Iterator[Violation]:
    assert limits.max_latency is not None
    found = reported(card, limits.workload.device)
    if found is None:
        yield Violation("--max-latency", "latency unknown")
    elif found.milliseconds > limits.max_latency:
        yield Violation(
            "--max-latency",
            f"{found.milliseconds:.3g} ms per sample reported ({found.machine}), the limit is {limits.max_latency:g}",
            f"{found.milliseconds:.3g}",
            found.milliseconds,
        )


def _safetensors(card: ModelCard) -> Iterator[Violation]:
    weights = [file.path for file in card.files if file.path.endswith(_WEIGHTS)]
    if weights and all(path.endswith(".safetensors") for path in weights):
        return
    if not weights and "safetensors" in card.tags:
        return
    reason = f"weights in {weights[0]}, not in safetensors" if weights else "format of the weights unknown"
    yield Violation("--safetensors-only", reason, FLAG if weights else "")


_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".onnx", ".h5", ".msgpack", ".ckpt", ".tflite", ".pb", ".npz")
