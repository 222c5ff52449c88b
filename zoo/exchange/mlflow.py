"""Reads the registered models of an MLflow server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from zoo.entities import ModelCard
from zoo.errors import DataError, InvalidInput
from zoo.registry.writing.validation import checked
from zoo.sources.files.http_files import read_text
from zoo.untrusted import parse_json


def registered_models(source: str) -> Iterator[ModelCard]:
    """The registered models of an MLflow server at their newest versions, page by page through its REST API.

    API: https://mlflow.org/docs/latest/api_reference/rest-api.html#search-registeredmodels

    Raises:
        NetworkUnavailable, ModelNotFound: the server does not respond, or has no such API.
        DataError: the response does not match the API.
    """
    parts = urlsplit(source)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise InvalidInput(
            f"'{parts.hostname or source}' is not the address of an MLflow server.", "Write it as http://host:5000."
        )
    base = source.rstrip("/")
    token = ""
    seen: set[str] = set()
    while True:
        url = f"{base}/api/2.0/mlflow/registered-models/search?max_results=100&page_token={quote(token)}"
        text = read_text(url, "The list of registered models", _mlflow_headers())
        try:
            page = parse_json(text)
            models, token = page.get("registered_models") or [], str(page.get("next_page_token") or "")
            cards = [_registered(base, parts.netloc, entry) for entry in models]
        except (ValueError, AttributeError, TypeError, KeyError) as error:
            raise DataError(
                f"{base} does not respond like an MLflow server ({type(error).__name__}).", "Check the address."
            ) from error
        yield from cards
        if not token or token in seen:
            return
        seen.add(token)


def _registered(base: str, host: str, entry: Mapping[str, Any]) -> ModelCard:
    versions = sorted(entry.get("latest_versions") or (), key=lambda version: int(version["version"]))
    tags = {str(tag["key"]): str(tag.get("value", "")) for tag in entry.get("tags") or ()}
    newest = versions[-1] if versions else {}
    tagged = {name: tags[name] for name in ("domain", "license", "library") if tags.get(name)}
    return checked(
        ModelCard(
            id=f"mlflow:{host}/{entry['name']}",
            domain=tagged.get("domain", "other"),
            tasks=(tags["task"],) if tags.get("task") else (),
            library=tagged.get("library", "mlflow"),
            license=tagged.get("license"),
            description=entry.get("description") or None,
            revision=str(newest["version"]) if newest else None,
            url=f"{base}/#/models/{quote(str(entry['name']))}",
            tags=tuple(f"{key}={value}" if value else key for key, value in tags.items()),
        )
    )


def _mlflow_headers() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
