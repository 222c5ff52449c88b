"""Policies and cards for the tests of the team's room."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.contract.deciding import Reason, Use, Verdict
from zoo.entities import ModelCard, ModelFile
from zoo.team.policy.evaluating import CompiledPolicy
from zoo.team.policy.parsing import document

HEAD = 'policy-version = "1"\nname = "acme-ml"\n'
COMMIT = "0123456789abcdef0123456789abcdef01234567"
DENY_ALL = HEAD + '[[rules]]\nid = "nothing"\ndeny.source = "*"\n'


def policy(text: str, unknown: str = "needs-approval") -> CompiledPolicy:
    """A policy with these rules."""
    return CompiledPolicy((document(f'{HEAD}unknown = "{unknown}"\n{text}'.encode(), "zoo-policy.toml"),))


def rule(*lines: str, id: str = "a", on: str = "") -> str:
    """One rule with these conditions."""
    return "\n".join(["[[rules]]", f'id = "{id}"', *([f"on = {on}"] if on else []), *lines, ""])


def verdict(policy: CompiledPolicy, card: ModelCard, action: str = "pull", use: Use | None = None) -> Verdict:
    """The most severe verdict of a policy."""
    return max((one.verdict for one in reasons(policy, card, action, use)), default=Verdict.ALLOW)


def reasons(
    policy: CompiledPolicy, card: ModelCard, action: str = "pull", use: Use | None = None
) -> tuple[Reason, ...]:
    """The reasons of a policy."""
    return policy.reasons(card, action, use or Use())


def known_card(id: str = "hf:google/vit", **values: object) -> ModelCard:
    """A card of which everything is known."""
    facts: dict[str, object] = {
        "domain": "vision",
        "tasks": ("image-classification",),
        "architecture": "ViT",
        "library": "transformers",
        "parameters": 86_000_000,
        "bytes": 344_000_000,
        "license": "Apache-2.0",
        "released": "2021-06-03",
        "tags": ("vision",),
        "revision": COMMIT,
        "files": (ModelFile("config.json", 500), ModelFile("model.safetensors", 344_000_000, "ab" * 32)),
        "loader": {"format": "safetensors"},
        "input": {"kind": "image", "size": 224},
    }
    return ModelCard(id, **{**facts, **values})  # type: ignore[arg-type]


def write(folder: Path, text: str, name: str = "zoo-policy.toml") -> str:
    """Write a policy; returns its SHA-256."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()
