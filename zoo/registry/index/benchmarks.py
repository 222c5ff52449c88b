"""Finds models by their benchmark scores: those that reach a value, and the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zoo.registry.index import bits
from zoo.registry.index.sets import BENCHMARK, Benchmark, Sets

_FEW = 2000
_CHUNK = 500


@dataclass(frozen=True)
class Scale:
    """A benchmark's key and direction."""

    key: int
    higher_is_better: bool

    @property
    def sign(self) -> int:
        """Factor that makes larger better."""
        return 1 if self.higher_is_better else -1


def resolved(sets: Sets, name: str) -> list[Scale]:
    """The benchmark with this name, once for each direction in which it is stored; empty if there is none.

    A name is DATASET, DATASET/SPLIT, DATASET/METRIC or DATASET/SPLIT/METRIC. Scores of different tasks, splits and
    metrics are not comparable, so an ambiguous name stands for the benchmark that most models have a score on.
    """
    groups: dict[tuple[str, str, str], list[Benchmark]] = {}
    for one in _named(sets, name):
        groups.setdefault((one.metric, one.split, one.task), []).append(one)
    if not groups:
        return []

    def place(group: tuple[str, str, str]) -> tuple[int, tuple[str, str, str]]:
        return -sum(sets.one(BENCHMARK, str(one.key)).bit_count() for one in groups[group]), group

    return [Scale(one.key, one.higher_is_better) for one in groups[min(groups, key=place)]]


def similar(sets: Sets, name: str) -> list[str]:
    """Suggestions for an unknown name: other splits and metrics of the data set, or its subsets."""
    known = sets.benchmarks()
    asked = name.casefold()
    subsets = {one.dataset for key, ones in known.items() if key.startswith(f"{asked} (") for one in ones}
    parts = {one for dataset, _ in _divided(asked) for one in known.get(dataset, ())}
    return sorted(subsets) or sorted(f"{one.dataset}/{one.split}/{one.metric}" for one in parts)


def _named(sets: Sets, name: str) -> Iterator[Benchmark]:
    asked = name.casefold()
    known = sets.benchmarks()
    yield from known.get(asked, ())
    for dataset, rest in _divided(asked):
        for one in known.get(dataset, ()):
            if rest in {each.casefold() for each in (one.split, one.metric, f"{one.split}/{one.metric}")}:
                yield one


def _divided(name: str) -> Iterator[tuple[str, str]]:
    """A name split in two at each of its slashes."""
    for place, letter in enumerate(name):
        if letter == "/":
            yield name[:place], name[place + 1 :]


def having(sets: Sets, name: str) -> int:
    """The models that have a score on a benchmark."""
    members = 0
    for scale in resolved(sets, name):
        members |= sets.one(BENCHMARK, str(scale.key))
    return members


def reaching(sets: Sets, name: str, least: float, within: int) -> int:
    """The models of ``within`` that reach a value."""
    found: list[int] = []
    for scale in resolved(sets, name):
        candidates = within & sets.one(BENCHMARK, str(scale.key))
        better = ">=" if scale.higher_is_better else "<="
        if candidates.bit_count() <= _FEW:
            found += (key for value, key in _few(sets, scale, candidates) if scale.sign * value >= scale.sign * least)
        else:
            sql = f"SELECT model_key FROM scores WHERE benchmark_key = ? AND value {better} ?"
            found += (row[0] for row in sets.connection.execute(sql, (scale.key, least)))
    return bits.of_keys(found) & within


def best(
    sets: Sets, name: str, members: int, want: int, after: tuple[float, int] | None, *, descending: bool
) -> list[tuple[float, int]]:
    """(value, key) of the models of a set that are best on a benchmark; the value is negated where lower is better.

    Args:
        after: the pair after which to start.
        descending: best first, or worst first.
    """
    scales = resolved(sets, name)
    sign = 1 if descending else -1
    if len(scales) == 1 and descending and members.bit_count() > _FEW:
        pairs = _walk(sets, scales[0], members, want, after)
    else:
        highest: dict[int, float] = {}
        for scale in scales:
            candidates = members & sets.one(BENCHMARK, str(scale.key))
            few = candidates.bit_count() <= _FEW
            for value, key in _few(sets, scale, candidates) if few else _all(sets, scale, candidates):
                highest[key] = max(scale.sign * value, highest.get(key, scale.sign * value))
        pairs = [(value, key) for key, value in highest.items()]
    ordered = sorted(pairs, key=lambda pair: (-sign * pair[0], pair[1]))
    if after is not None:
        ordered = [pair for pair in ordered if (-sign * pair[0], pair[1]) > (-sign * after[0], after[1])]
    return ordered[:want]


def figures(sets: Sets, name: str, keys: Sequence[int]) -> Iterator[tuple[int, float]]:
    """(key, value) of the best score of each of these models on a benchmark."""
    highest: dict[int, tuple[float, float]] = {}
    for scale in resolved(sets, name):
        for value, key in _few(sets, scale, bits.of_keys(keys) & sets.one(BENCHMARK, str(scale.key))):
            highest[key] = max((scale.sign * value, value), highest.get(key, (scale.sign * value, value)))
    for key, (_, value) in highest.items():
        yield key, value


def _walk(
    sets: Sets, scale: Scale, members: int, want: int, after: tuple[float, int] | None
) -> list[tuple[float, int]]:
    """Read the index from the best score on, until there are enough models and no ties remain."""
    there = bits.as_bytes(members)
    compare, order = ("<=", "DESC") if scale.higher_is_better else (">=", "ASC")
    limit = "" if after is None else f"AND value {compare} ?"
    parameters = (scale.key,) if after is None else (scale.key, scale.sign * after[0])
    highest: dict[int, float] = {}
    last = 0.0
    for row in sets.connection.execute(
        f"SELECT value, model_key FROM scores WHERE benchmark_key = ? {limit} ORDER BY value {order}", parameters
    ):
        value, key = scale.sign * row[0], row[1]
        if len(highest) >= want and value != last:
            break
        if there[key >> 3 : (key >> 3) + 1] and there[key >> 3] >> (key & 7) & 1:
            last = value
            if after is None or ((-value, key) > (-after[0], after[1]) and value == _highest(sets, scale, key)):
                highest.setdefault(key, value)
    return [(value, key) for key, value in highest.items()]


def _highest(sets: Sets, scale: Scale, key: int) -> float:
    """The better of a reported and a measured score of a model, which is the one it was sorted by."""
    extreme = "max" if scale.higher_is_better else "min"
    sql = f"SELECT {extreme}(value) FROM scores WHERE model_key = ? AND benchmark_key = ?"
    return float(scale.sign * sets.connection.execute(sql, (key, scale.key)).fetchone()[0])


def _few(sets: Sets, scale: Scale, members: int) -> Iterator[tuple[float, int]]:
    keys = [*bits.keys(members)]
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        sql = f"SELECT value, model_key FROM scores WHERE benchmark_key = ? AND model_key IN ({marks})"
        for row in sets.connection.execute(sql, [scale.key, *chunk]):
            yield row[0], row[1]


def _all(sets: Sets, scale: Scale, members: int) -> Iterator[tuple[float, int]]:
    there = bits.as_bytes(members)
    for row in sets.connection.execute("SELECT value, model_key FROM scores WHERE benchmark_key = ?", (scale.key,)):
        key = row[1]
        if key >> 3 < len(there) and there[key >> 3] >> (key & 7) & 1:
            yield row[0], key
