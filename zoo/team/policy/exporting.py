"""The facts of a use as JSON, for policies that are written for Open Policy Agent or Cedar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zoo.contract.deciding import Use
from zoo.entities import ModelCard
from zoo.team.policy.facts import Facts

FORMATS = ("opa", "cedar")


def exported(card: ModelCard, action: str, use: Use, format: str) -> Mapping[str, Any]:
    """The document for one of ``FORMATS``.

    ``opa``: an input document for ``opa eval --input``; unknown facts are null. ``cedar``: a request for ``cedar
    authorize --request-json``; Cedar has no null, so unknown facts are left out and named in ``unknown``.
    """
    facts = Facts(card, use).to_dict()
    if format == "opa":
        return {"action": action, "model": card.id, "revision": use.revision, "task": use.task, "facts": facts}
    known = {name.replace("-", "_"): value for name, value in facts.items() if value is not None}
    unknown = sorted(name.replace("-", "_") for name, value in facts.items() if value is None)
    return {
        "principal": _entity("User", "anyone"),
        "action": _entity("Action", action),
        "resource": _entity("Model", card.id),
        "context": {**known, "unknown": unknown},
    }


def _entity(kind: str, id: str) -> str:
    return f"{kind}::{json.dumps(id)}"
