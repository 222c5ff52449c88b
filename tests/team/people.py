"""Acting as someone in a test: with git's address, or with a token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.registry import Registry, opening

ANA, BO, CY, EVE = (f"{name}@acme.example" for name in ("ana", "bo", "cy", "eve"))

Become = Callable[[str], None]


def become(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Become:
    """A function that makes the next calls those of the person with an address, or with a token."""

    def be(who: str) -> None:
        monkeypatch.delenv("ZOO_TOKEN", raising=False)
        if who.startswith("zoo_"):
            monkeypatch.setenv("ZOO_TOKEN", who)
            return
        config = tmp_path / f"gitconfig-{who}"
        config.write_text(f"[user]\n\temail = {who}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
        monkeypatch.chdir(tmp_path)

    return be


def use(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a registry that of the user, without the cards of the plugins, which take seconds to add."""
    path = registry.path
    monkeypatch.setenv("ZOO_REGISTRY", str(path) if isinstance(path, Path) else path.url)
    monkeypatch.setattr(opening, "_opened", {(path, opening._inode(path)): registry})
