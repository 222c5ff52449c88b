"""The checks of ``zoo doctor``: what is installed, reachable and writable. Secrets are never shown."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from zoo import extras
from zoo.config import settings
from zoo.entities import Entity
from zoo.errors import ZooError
from zoo.redaction import without_credentials

LITTLE_SPACE = 2_000_000_000


@dataclass(frozen=True)
class Check(Entity):
    """One line of the doctor's report.

    Attributes:
        status: ``ok``, ``note`` if something optional is missing, ``broken``.
        hint: the command that fixes it.
    """

    name: str
    status: str
    detail: str
    hint: str = ""


def checks() -> Iterator[Check]:
    """All checks, the most fundamental first."""
    yield Check("python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}")
    yield Check("zoo", "ok", metadata.version("foundation-zoo"))
    yield _home()
    yield _feature_cache()
    yield _registry()
    yield from _plugins()
    for extra, names in extras.requirements().items():
        yield _extra(extra, names)
    yield _devices()
    yield from _hub()


def _home() -> Check:
    home = settings().home
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        return Check("home folder", "broken", f"{home} is not writable", "Set ZOO_HOME to a writable folder.")
    return Check("home folder", *_space(home, existing))


def _feature_cache() -> Check:
    from zoo.cli.figures import human_bytes
    from zoo.features.cache.upkeep import size

    limit = settings().cache_bytes
    if not limit:
        return Check("feature cache", "note", "disabled by ZOO_CACHE_SIZE")
    return Check("feature cache", "ok", f"{human_bytes(size())} of {human_bytes(limit)} used")


def _space(folder: Path, existing: Path) -> tuple[str, str]:
    from zoo.cli.figures import human_bytes

    free = shutil.disk_usage(existing).free
    low = free < LITTLE_SPACE
    return "note" if low else "ok", f"{folder}, {'only ' if low else ''}{human_bytes(free)} free"


def _registry() -> Check:
    path = settings().registry
    try:
        from zoo.registry import open_registry

        open_registry()
    except ZooError as error:
        return Check("registry", "broken", f"{path}: {error.message}", error.hint)
    except Exception as error:
        return Check("registry", "broken", f"{path}: {type(error).__name__}: {error}", "Run: zoo registry check")
    return Check("registry", "ok", str(path))


def _plugins() -> Iterator[Check]:
    from zoo.plugins import plugins

    for report in plugins().check():
        if report.healthy:
            yield Check(f"plugin {report.name}", "ok", f"{report.distribution} {report.version}")
        else:
            yield Check(f"plugin {report.name}", "broken", report.error, f"Run: pip install -U {report.distribution}")


def _extra(extra: str, names: tuple[str, ...]) -> Check:
    missing = [name for name in names if not extras.is_installed(name)]
    if missing:
        return Check(
            f"extra {extra}",
            "note",
            f"not installed: {', '.join(missing)}",
            f"Run: pip install 'foundation-zoo[{extra}]'",
        )
    return Check(f"extra {extra}", "ok", "installed")


def _devices() -> Check:
    if util.find_spec("torch") is None:
        return Check("devices", "note", "torch is not installed", "Run: pip install 'foundation-zoo[torch]'")
    try:
        import torch
    except (ImportError, OSError) as error:
        return Check(
            "devices", "broken", f"torch cannot be imported: {error}", "Run: pip install --force-reinstall torch"
        )
    names = [f"cpu ({os.cpu_count()} cores)"]
    names += [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    names += ["mps"] if torch.backends.mps.is_available() else []
    return Check("devices", "ok", f"torch {torch.__version__}: {', '.join(names)}")


def _hub() -> Iterator[Check]:
    from zoo.sources.hub.cache import cache_folder, endpoint
    from zoo.sources.hub.errors import has_token

    cache = cache_folder()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if os.access(existing, os.W_OK):
        yield Check("hub cache", *_space(cache, existing))
    else:
        yield Check("hub cache", "broken", f"{cache} is not writable", "Set HF_HOME to a writable folder.")
    try:
        reached = f"{without_credentials(endpoint())}, {'offline' if settings().offline else 'online'}"
    except ZooError as error:
        yield Check("hub", "broken", error.message, error.hint)
    else:
        yield Check("hub", "ok", f"{reached}, huggingface_hub {metadata.version('huggingface_hub')}")
    token = has_token()
    yield Check(
        "hub token",
        "ok" if token else "note",
        "present" if token else "none; only gated models need one",
        "" if token else "Run: hf auth login",
    )
