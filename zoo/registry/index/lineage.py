"""Lineage of models: what they are derived from, their derivatives, and copies of their weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

from zoo.entities import Entity, ModelCard

if TYPE_CHECKING:
    from zoo.registry.database.connection import Reader

RELATIONS = {
    "finetune": "fine-tunes",
    "quantized": "quantisations",
    "merge": "merges",
    "adapter": "adapters",
    "derived": "other derivatives",
}
"""How a model can be derived from another, in the Hugging Face Hub's terms, with the plural."""

DERIVED = "derived"
BASE_TAG = "base_model:"
"""Prefix of the tags that name a model's base models."""

_TAG = re.compile(r"base_model:(finetune|quantized|merge|adapter):(.+)\Z")
_SIGNS = tuple(
    (relation, re.compile(rf"(?:^|[^a-z0-9])(?:{words})(?:$|[^a-z0-9])"))
    for relation, words in (
        ("quantized", r"gguf|gptq|awq|exl2|mlx-\d-?bit|[48]-?bit|int[48]|quantized"),
        ("merge", "merge|mergekit"),
        ("adapter", "lora|adapter|peft"),
    )
)
_WEIGHTS = re.compile(r"\.(?:safetensors|bin|pth?|onnx|gguf|h5|msgpack|npz|ckpt|pb|tflite)\Z")
_OLDEST = 10
_MOST_COMBINED = 8
MOST_SHOWN = 5


def bases_of(card: ModelCard) -> dict[str, str]:
    """The ids of a model's base models, each with the relation.

    Tags of the Hub such as ``base_model:merge:owner/name`` hold both. Without them, ``base_model`` of the card counts,
    with the relation that its name, library and tags indicate.
    """
    found = {}
    for tag in card.tags:
        if tag.startswith(BASE_TAG):
            match = _TAG.match(tag)
            if match:
                found[f"{tag_source(card)}:{match[2]}"] = match[1]
    if card.base_model and card.base_model not in found:
        found[card.base_model] = _relation(card)
    found.pop(card.id, None)
    return found


def tag_source(card: ModelCard) -> str:
    """The platform of the base models that tags name; the tags of a local folder are those of the Hub."""
    return "hf" if card.source == "file" else card.source


def _relation(card: ModelCard) -> str:
    text = " ".join((card.name, card.library or "", *card.tags)).lower()
    return next((name for name, sign in _SIGNS if sign.search(text)), DERIVED)


def weights_of(card: ModelCard) -> str | None:
    """A digest of a model's weight files that does not depend on the names of the files and the model.

    None if a weight file has no hash, or there are no weight files.
    """
    if not card.files:
        return None
    files = [file for file in card.files if _WEIGHTS.search(file.path.lower())]
    # The same weights are often published in an older format as well.
    safe = [file for file in files if file.path.lower().endswith(".safetensors")]
    hashes = [file.sha256 for file in safe or files]
    if not hashes or any(digest is None for digest in hashes):
        return None
    import hashlib

    joined = " ".join(sorted(digest.lower() for digest in hashes if digest))
    return hashlib.sha256(joined.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Relative(Entity):
    """A base model or derivative; ``known`` is whether the registry has its card."""

    id: str
    relation: str
    known: bool = True


@dataclass(frozen=True)
class Family(Entity):
    """The lineage of a model.

    Attributes:
        bases: its base models; several for a merge.
        ancestors: the base models of those, and so on, the nearest first.
        children: its most downloaded derivatives, by relation.
        counts: number of its derivatives, by relation.
        same_weights: ids of models whose weights have the same hashes.
    """

    bases: tuple[Relative, ...] = ()
    ancestors: tuple[str, ...] = ()
    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    same_weights: tuple[str, ...] = ()


def family(connection: Reader, card: ModelCard) -> Family:
    """The lineage of a model, as far as the registry knows it."""
    bases = [Relative(id, relation, _known(connection, id)) for id, relation in sorted(bases_of(card).items())]
    counted = connection.execute("SELECT relation, count(*) FROM lineage WHERE base = ? GROUP BY relation", (card.id,))
    counts = {row[0]: int(row[1]) for row in counted}
    children = {}
    for relation in RELATIONS:
        if relation in counts:
            found = connection.execute(
                "SELECT m.id FROM lineage l JOIN models m ON m.key = l.model_key WHERE l.base = ? AND l.relation = ? "
                "ORDER BY coalesce(m.downloads, -1) DESC, m.key LIMIT ?",
                (card.id, relation, MOST_SHOWN),
            )
            children[relation] = tuple(row[0] for row in found)
    return Family(
        tuple(bases),
        tuple(_ancestors(connection, card.id, [base.id for base in bases])),
        children,
        {name: counts[name] for name in RELATIONS if name in counts},
        _same_weights(connection, card),
    )


def _ancestors(connection: Reader, id: str, bases: list[str]) -> Iterator[str]:
    """Ids by generation; each occurs once, even if cards claim a circular lineage."""
    seen, generation = {id, *bases}, bases
    for _ in range(_OLDEST):
        older = []
        for name in generation:
            for row in connection.execute(
                "SELECT l.base FROM models m JOIN lineage l ON l.model_key = m.key WHERE m.id = ? ORDER BY l.base",
                (name,),
            ):
                if row[0] not in seen:
                    seen.add(row[0])
                    older.append(row[0])
        yield from older
        generation = older


def same_weights(connection: Reader, card: ModelCard) -> tuple[str, ...]:
    """The ids of models that have the weights of a model, all of its files or some: a copy may have further files."""
    weights = [file for file in card.files if _WEIGHTS.search(file.path.lower())]
    few = len(weights) <= _MOST_COMBINED
    sizes = range(1, len(weights) + 1) if few else (len(weights) - 1, len(weights))
    parts = (part for size in sizes for part in combinations(weights, size))
    digests = {digest for part in parts if (digest := weights_of(replace(card, files=part)))}
    if not digests:
        return ()
    marks = ",".join("?" * len(digests))
    found = connection.execute(
        f"SELECT id FROM models WHERE weights IN ({marks}) AND id <> ? ORDER BY id LIMIT 50",
        (*sorted(digests), card.id),
    )
    return tuple(row[0] for row in found)


def _known(connection: Reader, id: str) -> bool:
    return connection.execute("SELECT 1 FROM models WHERE id = ?", (id,)).fetchone() is not None


def _same_weights(connection: Reader, card: ModelCard) -> tuple[str, ...]:
    digest = weights_of(card)
    if digest is None:
        return ()
    found = connection.execute(
        "SELECT id FROM models WHERE weights = ? AND id <> ? ORDER BY id LIMIT 50", (digest, card.id)
    )
    return tuple(row[0] for row in found)
