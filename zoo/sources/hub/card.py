"""Model cards and scores from the Hub's metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zoo.catalog.licenses import of_hub_tag
from zoo.entities import BenchmarkScore, ModelCard, ModelFile
from zoo.sources.files.describing import describe
from zoo.sources.files.model_files import choose, format_of
from zoo.sources.files.paths import COMMIT
from zoo.sources.hub.guard import RepositoryFile

MOST_TAGS = 200
"""Maximum number of tags of a card; some models have thousands."""

LONGEST = 200
"""Maximum characters of a tag or name."""

_BITS: Mapping[str, int] = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F4": 4,
}
_BASE = re.compile(r"base_model:[a-z]+:[^:\s]+/[^:\s]+\Z")
"""Tags that name base models with the relation to them; a merge has several."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def card_from(info: Any, files: Mapping[str, RepositoryFile], endpoint: str) -> ModelCard:
    """The card of a ``huggingface_hub.ModelInfo``.

    Args:
        info: the Hub's response.
        files: every file of the repository, validated, by path.
        endpoint: the Hub's address, for the card's link.
    """
    chosen = [files[path] for path in choose(files)]
    weights = [file.path for file in chosen if format_of(file.path)]
    loader: dict[str, Any] = {}
    if weights:
        loader = {"weights": weights[0] if len(weights) == 1 else weights, "format": format_of(weights[0])}
    return _card(
        info,
        endpoint,
        size=sum(file.size for file in chosen),
        files=tuple(ModelFile(file.path, file.size, file.sha256) for file in chosen),
        loader=loader,
    )


def listed_card(info: Any, endpoint: str) -> ModelCard:
    """The card of a ``huggingface_hub.ModelInfo`` of a listing, which has no files.

    Its size is that of its safetensors parameters in their own data types, or else unknown: the total size of a
    repository includes old revisions and other formats.
    """
    dtypes = _dtypes(info)
    bits = sum(count * _BITS[dtype] for dtype, count in dtypes.items() if dtype in _BITS)
    size = bits // 8 if dtypes and all(dtype in _BITS for dtype in dtypes) else None
    loader: dict[str, Any] = {"dtype": max(dtypes, key=lambda dtype: dtypes[dtype])} if dtypes else {}
    return _card(info, endpoint, size=size, files=(), loader=loader)


def listed_scores(entry: Mapping[str, Any], card: ModelCard) -> Iterator[BenchmarkScore]:
    """The scores of an entry of a listing, in both formats of the Hub."""
    from zoo.catalog.model_index import evaluation_scores, scores_of

    data = entry.get("cardData")
    index = entry.get("model-index") or (data.get("model-index") if isinstance(data, Mapping) else None)
    yield from scores_of(card.id, index, card.url or "")
    yield from evaluation_scores(
        card.id, entry.get("evalResults"), card.tasks[0] if card.tasks else None, card.url or ""
    )


def _card(
    info: Any, endpoint: str, size: int | None, files: tuple[ModelFile, ...], loader: dict[str, Any]
) -> ModelCard:
    config = info.config if isinstance(info.config, Mapping) else {}
    model_type = _clean(config.get("model_type"))
    architectures = _texts(config.get("architectures"))
    tags = _texts(info.tags, most=None)
    # The client's own view of the card's header; a copy would take longer than everything else.
    data = info.card_data if hasattr(info.card_data, "get") else {}
    task = _clean(info.pipeline_tag)
    library = _clean(info.library_name)
    described = describe({"model_type": model_type, "architectures": architectures}, task, library)
    if config.get("auto_map") or "custom_code" in tags:
        loader = {**loader, "remote_code": True}
    return ModelCard(
        id=f"hf:{info.id}",
        domain=described.domain,
        tasks=described.tasks,
        architecture=described.architecture,
        library=library,
        parameters=_count(info.safetensors.total if info.safetensors else None),
        bytes=size,
        license=of_hub_tag(data.get("license") or _tagged(tags, "license:")),
        languages=_languages(data.get("language")),
        pretraining=_texts(data.get("datasets")),
        input=described.input,
        released=info.created_at.date().isoformat() if info.created_at else None,
        downloads=_count(info.downloads),
        likes=_count(info.likes),
        base_model=_base_model(data.get("base_model")),
        gated=bool(info.gated),
        revision=info.sha if isinstance(info.sha, str) and COMMIT.match(info.sha) else None,
        url=f"{endpoint}/{info.id}",
        tags=(*(tag for tag in tags if ":" not in tag), *(tag for tag in tags if _BASE.match(tag)))[:MOST_TAGS],
        files=files,
        loader=loader,
    )


def _dtypes(info: Any) -> dict[str, int]:
    found = info.safetensors.parameters if info.safetensors else None
    if not isinstance(found, Mapping):
        return {}
    return {str(dtype): count for dtype, count in found.items() if _count(count)}


def _clean(value: Any) -> str | None:
    """A name without control characters, truncated; None if it is not text."""
    return _CONTROL.sub("", value)[:LONGEST] or None if isinstance(value, str) else None


def _tagged(tags: Sequence[str], prefix: str) -> str | None:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def _texts(value: Any, most: int | None = MOST_TAGS) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(cleaned for item in values[:most] if (cleaned := _clean(item)))


def _languages(value: Any) -> tuple[str, ...]:
    return tuple(code for code in _texts(value) if 2 <= len(code) <= 3 and code.isalpha() and code.islower())


def _base_model(value: Any) -> str | None:
    models = _texts(value)
    return f"hf:{models[0]}" if models and "/" in models[0] else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
