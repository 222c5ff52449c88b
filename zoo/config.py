"""Settings and folders, in one place: what was configured first, then environment variables, then defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import InvalidInput

POLICY_FILE = "zoo-policy.toml"
"""Name of a policy, which applies to the folder that it is in and to all folders below."""

CACHE_BYTES = 10_000_000_000
"""Default size limit of the feature cache, in bytes."""

_configured: dict[str, Any] = {}
_policies_of: ContextVar[Path | None] = ContextVar("policies_of", default=None)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?\Z")


def working_directory() -> str:
    """The working directory; empty if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


_STARTED_IN = working_directory()


@dataclass(frozen=True)
class Settings:
    """Zoo's folders, registry, offline mode and cache size.

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
        """Folder of models whose platform has no cache of its own, and of tuned models."""
        return self.home / "models"

    @property
    def features(self) -> Path:
        """Folder of the feature cache."""
        return self.home / "features"


def settings() -> Settings:
    """The current settings, from the environment.

    Raises:
        InvalidInput: ``ZOO_CACHE_SIZE`` is not a valid size.
    """
    home = Path(os.environ["ZOO_HOME"]).expanduser() if os.environ.get("ZOO_HOME") else _default_home()
    registry = os.environ.get("ZOO_REGISTRY", "")
    url = registry if "://" in registry and not registry.startswith("sqlite:") else None
    path = Path(registry.removeprefix("sqlite:///")).expanduser() if registry and url is None else home / "registry.db"
    offline = _flag("HF_HUB_OFFLINE") or _flag("ZOO_OFFLINE")
    return Settings(home, path, offline, _size("ZOO_CACHE_SIZE", CACHE_BYTES), url)


def configure(**values: Any) -> None:
    """Set settings by name for this process, such as ``max_cost=5.0``; None restores the environment or default."""
    for name, value in values.items():
        if value is None:
            _configured.pop(name, None)
        else:
            _configured[name] = value


@contextmanager
def configured(values: Mapping[str, Any]) -> Iterator[None]:
    """Set settings by name inside a ``with`` block; those of before come back at its end."""
    before = dict(_configured)
    _configured.update(values)
    try:
        yield
    finally:
        _configured.clear()
        _configured.update(before)


def all_configured() -> dict[str, Any]:
    """The settings that were configured for this process or for the call, without those of the environment."""
    return dict(_configured)


def setting(name: str, default: Any = None, convert: Callable[[str], Any] = str, former: str = "") -> Any:
    """A setting by its name: the configured value, else the environment's ``ZOO_NAME``, else the default.

    Args:
        convert: from the environment's text; raises ``ValueError``.
        former: an earlier name of the environment variable, which is still read.

    Raises:
        InvalidInput: the environment's text cannot be converted.
    """
    if name in _configured:
        return _configured[name]
    variables = (f"ZOO_{name.upper()}", *([former] if former else []))
    variable, text = next(((v, t) for v in variables if (t := os.environ.get(v, "").strip())), ("", ""))
    if not variable:
        return default
    try:
        return convert(text)
    except ValueError as error:
        raise InvalidInput(f"{variable} is '{text}', which is not valid: {error}.") from None


def policy_files() -> tuple[Path, ...]:
    """The policies in force: the one of ``ZOO_POLICY``, or else all that are found upward, the nearest first.

    They are searched for from the working directory, and from the one in which the process started, so that changing
    the directory ends no policy; inside ``policies_of``, from its folder alone. A file that was named with
    ``ZOO_POLICY`` may be missing.
    """
    named = os.environ.get("ZOO_POLICY", "").strip()
    if named:
        return (Path(working_directory() or _STARTED_IN, os.path.expanduser(named)),)
    folders: dict[str, None] = {}
    chosen = _policies_of.get()
    starts = (working_directory(), _STARTED_IN) if chosen is None else (os.path.abspath(chosen),)
    for start in filter(None, starts):
        folder, above = start, os.path.dirname(start)
        folders[folder] = None
        while above != folder:
            folder, above = above, os.path.dirname(above)
            folders[folder] = None
    paths = (os.path.join(folder, POLICY_FILE) for folder in folders)
    return tuple(Path(path) for path in paths if os.path.lexists(path))


@contextmanager
def policies_of(folder: Path) -> Iterator[None]:
    """Inside the block, the policies of a folder and those above it are in force; ``ZOO_POLICY`` replaces them too."""
    mark = _policies_of.set(folder)
    try:
        yield
    finally:
        _policies_of.reset(mark)


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
        raise InvalidInput(f"{name} is '{text}', which is not a valid size.", f"Set {name}=2GB, or {name}=off.")
    return int(float(match[1]) * 1000 ** " kmgt".index(match[2] or " "))
