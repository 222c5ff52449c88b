"""Settings and folders, in one place: environment variables first, the platform's own folders otherwise."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where zoo keeps what it knows.

    Attributes:
        home: folder of the registry, the feature cache and tuned models (``ZOO_HOME``).
        registry: path of the SQLite registry (``ZOO_REGISTRY``; a path or a ``sqlite:///`` URL).
        offline: no network at all (``HF_HUB_OFFLINE`` or ``ZOO_OFFLINE``).
    """

    home: Path
    registry: Path
    offline: bool

    @property
    def models(self) -> Path:
        """Folder for models that have no cache of their own platform, and for tuned ones."""
        return self.home / "models"

    @property
    def features(self) -> Path:
        """Folder of the feature cache."""
        return self.home / "features"


def settings() -> Settings:
    """The settings as the environment has them now."""
    home = Path(os.environ["ZOO_HOME"]).expanduser() if os.environ.get("ZOO_HOME") else _default_home()
    registry = os.environ.get("ZOO_REGISTRY", "")
    path = Path(registry.removeprefix("sqlite:///")).expanduser() if registry else home / "registry.db"
    return Settings(home=home, registry=path, offline=_flag("HF_HUB_OFFLINE") or _flag("ZOO_OFFLINE"))


def _default_home() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("zoo", appauthor=False))


def _flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"}
