"""Debian packages whose data or programs some tests use: what each brings, and how a test asks for it.

Only the standard library is imported at the top: ``.ci/run`` runs this file before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

OPTION = "--require-system-packages"
"""Fails a test that lacks a package."""

SKIPPED = "--skipped-for-system-packages"
"""Runs only the tests that the last run skipped for a package."""

LACKING = "Not installed: "
"""How the reason of such a skip begins."""

DATA = {
    "dataset-fashion-mnist": ("datasets/fashion-mnist", "train-images-idx3-ubyte.gz"),
    "ferret-datasets": ("ferret-vis", "data/etopo60.cdf"),
    "fortunes": ("games/fortunes", "startrek"),
    "fortunes-de": ("games/fortunes/de", "zitate"),
    "fortunes-es": ("games/fortunes/es", "."),
    "fortunes-it": ("games/fortunes/it", "."),
    "klettres-data": ("klettres", "en/alpha"),
    "tuxpaint-stamps-default": ("tuxpaint/stamps", "animals"),
}
"""The folder of shared data that a package brings, and something in it."""

PROGRAMS = {"chromium": ("chromium", "chromium-browser"), "espeak-ng": ("espeak-ng",)}
"""Names under which a package's program is on the path."""

SERVER = "postgresql"
"""Debian keeps the programs of PostgreSQL outside the path."""

PACKAGES = tuple(sorted((*DATA, *PROGRAMS, SERVER)))


def shared(relative: str) -> Path:
    """A folder or file of the system's shared data, by the XDG base directories; the usual place if it is missing."""
    roots = [Path(root) for root in os.environ.get("XDG_DATA_DIRS", "").split(os.pathsep) if root]
    found = [root / relative for root in (*roots, Path("/usr/local/share"), Path("/usr/share"))]
    return next((path for path in found if path.exists()), found[-1])


def server_programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version's; None if it is not installed."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    return Path(found).parent if found else None


def places(package: str) -> list[Path]:
    """The folder or the programs that a package has on this machine; empty if it is not installed."""
    if package in DATA:
        folder, item = DATA[package]
        return [shared(folder)] if shared(folder).joinpath(item).exists() else []
    if package in PROGRAMS:
        return [Path(found) for name in PROGRAMS[package] if (found := shutil.which(name))]
    return [found] if package == SERVER and (found := server_programs()) else []


def require(config: pytest.Config, *packages: str) -> None:
    """Skip the test, with the command that brings what is missing; under ``--require-system-packages`` it fails."""
    import pytest

    unknown = sorted(set(packages) - set(PACKAGES))
    if unknown:
        pytest.fail(f"{unknown[0]} is not listed in tests/system_packages.py.", pytrace=False)
    missing = [package for package in packages if not places(package)]
    if not missing:
        return
    sentence = f"{LACKING}{', '.join(missing)}. Run: apt-get install {' '.join(missing)}"
    if config.getoption(OPTION):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def main(command: str) -> None:
    """Print all packages (``packages``), or where those that are installed lie, outermost first (``places``)."""
    if command == "packages":
        print("\n".join(PACKAGES))
        return
    found = {place.resolve() for package in PACKAGES for place in places(package)}
    print("\n".join(str(place) for place in sorted(found) if not found & set(place.parents)))


if __name__ == "__main__":
    main(sys.argv[1])
