"""What to watch out for in a data set, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zoo.data.label_sets.columns import lists_note
from zoo.data.listing import other_files
from zoo.kinds.known import kind_of

if TYPE_CHECKING:
    from zoo.data.profiling import Profile

IMBALANCE = 10
FEW = 10
TINY = 32
LONG = 350
_NAMED = 5


def cautions(profile: Profile) -> Iterator[str]:
    """Sentences on labels, balance, duplicates, sizes and skipped items, the most serious first."""
    if profile.problems:
        first = profile.problems[0]
        yield f"{_count(len(profile.problems), 'item')} left out, the first: {first.item} {first.reason}."
    yield from other_files(profile.passed_over)
    yield from _labels(profile)
    yield from _duplicates(profile)
    if profile.images and min(profile.images.median) < TINY:
        width, height = profile.images.median
        yield f"The images are tiny (median {width} x {height}); models trained at 224 x 224 see them upscaled."
    if profile.words and profile.words.p95 > LONG:
        yield (
            f"One text in twenty has {profile.words.p95:,} words or more; encoders limited to 512 tokens truncate them."
        )
    if "encoding" in profile.columns:
        yield f"The file is not UTF-8; it was read as {profile.columns['encoding']}."


def _labels(profile: Profile) -> Iterator[str]:
    if profile.target_kind == "none":
        yield "There are no labels: features can be extracted, but no model can be evaluated."
        return
    counts = profile.classes
    if not counts:
        return
    one, many = ("label", "labels") if kind_of(profile.target_kind).several else ("class", "classes")
    if len(counts) == 1:
        yield f"There is only one {one}, '{next(iter(counts))}'."
    few = [name for name, count in counts.items() if count < FEW]
    if few:
        names = _named(few)
        verb = "has" if len(few) == 1 else "have"
        yield f"{_count(len(few), one, many)} {verb} fewer than {FEW} samples: {names}."
    if profile.imbalance is not None and profile.imbalance >= IMBALANCE:
        ordered = sorted((name for name in counts if counts[name]), key=lambda name: counts[name])
        yield (
            f"The {many} are imbalanced: '{ordered[-1]}' has {profile.imbalance:.0f} times as many samples as "
            f"'{ordered[0]}'."
        )
    if many == "classes":
        yield from (note for note in lists_note(counts, profile.input_kind) if note not in profile.warnings)
    folded = Counter(name.casefold() for name in counts)
    alike = [name for name in counts if folded[name.casefold()] > 1]
    if alike:
        yield f"Some {many} differ only in upper and lower case: {_named(alike)}."


def _duplicates(profile: Profile) -> Iterator[str]:
    if profile.conflicting:
        example = profile.duplicates[0]
        yield (
            f"{_count(profile.conflicting, 'group')} of equal items with different labels, such as {example.items[0]} "
            f"({_named(example.labels)})."
        )
    if profile.repeated:
        share = profile.repeated / profile.samples
        yield (
            f"{_count(profile.repeated, 'item')} ({share:.1%}) repeat an earlier one; zoo never splits copies between "
            "training and test."
        )
    if profile.leaked:
        samples = _count(profile.leaked, "training or validation sample")
        repeat = "repeats" if profile.leaked == 1 else "repeat"
        yield f"{samples} {repeat} a test sample, or nearly; 'zoo tune' leaves them out of training."
    if profile.near_copies:
        share = profile.near_copies / profile.samples
        first, second = profile.near[0].items[:2]
        yield (
            f"{_count(profile.near_copies, 'item')} ({share:.1%}) {'is' if profile.near_copies == 1 else 'are'} nearly "
            f"the same as another, such as {second} and {first}; zoo never splits them between training and test."
        )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_NAMED]) + more


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
