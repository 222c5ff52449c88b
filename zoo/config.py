"""Settings and folders, in one place: environment variables first, the platform's own folders otherwise."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from zoo.errors import InvalidInput

CACHE_BYTES = 10_000_000_000
"""How much the feature cache may take unless the user says otherwise."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?\Z")


@dataclass(frozen=True)
class Settings:
    """Where zoo keeps what it knows.

    Attributes:
        home: folder of the registry, the feature cache and tuned models (``ZOO_HOME``).
        registry: path of the SQLite registry (``ZOO_REGISTRY``; a path or a ``sqlite:///`` URL).
        registry_url: the URL of the registry where it is in PostgreSQL (``ZOO_REGISTRY``), which may hold a password.
        offline: no network at all (``HF_HUB_OFFLINE`` or ``ZOO_OFFLINE``).
        cache_bytes: size that the feature cache may have (``ZOO_CACHE_SIZE``, such as ``2GB``); 0 switches it off.
    """

    home: Path
    registry: Path
    offline: bool
    cache_bytes: int = CACHE_BYTES
    registry_url: str | None = field(default=None, repr=False)

    @property
    def models(self) -> Path:
        """Folder for models that have no cache of their own platform, and for tuned ones."""
        return self.home / "models"

    @property
    def features(self) -> Path:
        """Folder of the feature cache."""
        return self.home / "features"


def settings() -> Settings:
    """The settings as the environment has them now.

    Raises:
        InvalidInput: ``ZOO_CACHE_SIZE`` is no size.
    """
    home = Path(os.environ["ZOO_HOME"]).expanduser() if os.environ.get("ZOO_HOME") else _default_home()
    registry = os.environ.get("ZOO_REGISTRY", "")
    url = registry if "://" in registry and not registry.startswith("sqlite:") else None
    path = Path(registry.removeprefix("sqlite:///")).expanduser() if registry and url is None else home / "registry.db"
    offline = _flag("HF_HUB_OFFLINE") or _flag("ZOO_OFFLINE")
    return Settings(home, path, offline, _size("ZOO_CACHE_SIZE", CACHE_BYTES), url)


def _default_home() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("zoo", appauthor=False))


def _flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}


def _size(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip().lower()
    if not text:
        return default
    if text == "off":
        return 0
    match = _SIZE.match(text)
    if match is None:
        raise InvalidInput(f"{name} is '{text}', which is no size.", f"Set it like {name}=2GB, or off.")
    return int(float(match[1]) * 1000 ** " kmgt".index(match[2] or " "))
