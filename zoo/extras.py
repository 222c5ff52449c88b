"""The optional dependencies of this distribution, from its own metadata."""

from __future__ import annotations

import re
from importlib import metadata

DISTRIBUTION = "foundation-zoo"

_EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")
_NAME = re.compile(r"[\w.-]+")
_FOR_DEVELOPERS = frozenset({"all", "demo", "dev"})


def requirements() -> dict[str, tuple[str, ...]]:
    """For each extra of users, in alphabetical order, the distributions that it installs."""
    found: dict[str, list[str]] = {}
    for line in metadata.requires(DISTRIBUTION) or ():
        extra, name = _EXTRA.search(line), _NAME.match(line)
        if extra and name and extra[1] not in _FOR_DEVELOPERS:
            found.setdefault(extra[1], []).append(name[0])
    return {extra: tuple(dict.fromkeys(names)) for extra, names in sorted(found.items())}


def is_installed(distribution: str) -> bool:
    """Whether a distribution is installed here."""
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def modules() -> frozenset[str]:
    """Top-level modules that the extras install, as far as they are installed here."""
    wanted = {_normalised(name) for names in requirements().values() for name in names}
    return frozenset(
        module
        for module, distributions in metadata.packages_distributions().items()
        if any(_normalised(name) in wanted for name in distributions)
    )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
