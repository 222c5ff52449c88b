"""A model card from what the Hub says of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.entities import ModelCard, ModelFile
from zoo.sources import describing
from zoo.sources.hub_guard import RepositoryFile
from zoo.sources.model_files import choose, format_of


def card_from(info: Any, files: Mapping[str, RepositoryFile], endpoint: str) -> ModelCard:
    """The card of a ``huggingface_hub.ModelInfo``.

    Args:
        info: what the client made of the Hub's answer.
        files: every file of the repository, checked, by path.
        endpoint: the Hub's address, for the card's link.
    """
    config = info.config if isinstance(info.config, Mapping) else {}
    model_type = config.get("model_type")
    named = config.get("architectures")
    architectures = [str(name) for name in named] if isinstance(named, list) else []
    tags = [tag for tag in info.tags or () if isinstance(tag, str)]
    data = info.card_data.to_dict() if info.card_data is not None and hasattr(info.card_data, "to_dict") else {}
    task = info.pipeline_tag if isinstance(info.pipeline_tag, str) else None
    tasks = (task,) if task else describing.tasks(model_type, architectures) if architectures else ()
    domain = describing.domain(tasks[0] if tasks else None, model_type, info.library_name)
    chosen = [files[path] for path in choose(files)]
    weights = [file.path for file in chosen if format_of(file.path)]
    loader: dict[str, Any] = {}
    if weights:
        loader = {"weights": weights[0] if len(weights) == 1 else weights, "format": format_of(weights[0])}
    if config.get("auto_map") or "custom_code" in tags:
        loader["remote_code"] = True
    return ModelCard(
        id=f"hf:{info.id}",
        domain=domain,
        tasks=tasks,
        architecture=describing.family(model_type, architectures),
        library=info.library_name if isinstance(info.library_name, str) else None,
        parameters=_whole(info.safetensors.total if info.safetensors else None),
        bytes=sum(file.size for file in chosen),
        license=describing.spdx(data.get("license") or _tagged(tags, "license:")),
        languages=_languages(data.get("language")),
        pretraining=_texts(data.get("datasets")),
        input=describing.input_recipe(domain, {}) if domain in {"language", "vision", "audio"} else {},
        released=info.created_at.date().isoformat() if info.created_at else None,
        downloads=_whole(info.downloads),
        likes=_whole(info.likes),
        base_model=_base_model(data.get("base_model")),
        gated=bool(info.gated),
        revision=info.sha,
        url=f"{endpoint}/{info.id}",
        tags=tuple(tag for tag in tags if ":" not in tag),
        files=tuple(ModelFile(file.path, file.size, file.sha256) for file in chosen),
        loader=loader,
    )


def _tagged(tags: Sequence[str], prefix: str) -> str | None:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def _texts(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(item for item in values if isinstance(item, str) and item)


def _languages(value: Any) -> tuple[str, ...]:
    return tuple(code for code in _texts(value) if 2 <= len(code) <= 3 and code.isalpha() and code.islower())


def _base_model(value: Any) -> str | None:
    models = _texts(value)
    return f"hf:{models[0]}" if models and "/" in models[0] else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
