"""The files that the rules look at, each read once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from architecture import Code  # noqa: E402

TEXT = frozenset({".py", ".md", ".toml", ".css", ".html", ".js"})
NAMED = frozenset({"Makefile", "run", "without-system-packages"})
"""Text files whose name has no suffix."""

SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site", "shared"})


class Repository:
    """A repository with ``zoo/`` and ``plugins/``."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.code = Code(root)

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """Each text file by its path from the root, in the order of the paths; hidden folders hold none but ``.ci``."""
        found = {}
        for folder, inside, files in os.walk(self.root):
            inside[:] = sorted(
                name for name in inside if name not in SKIPPED and (name == ".ci" or not name.startswith("."))
            )
            for name in files:
                path = Path(folder, name)
                if path.suffix in TEXT or name in NAMED:
                    found[path.relative_to(self.root).as_posix()] = path.read_text(encoding="utf-8")
        return dict(sorted(found.items()))


@cache
def this_repository() -> Repository:
    """The repository that these tests are part of."""
    return Repository()
