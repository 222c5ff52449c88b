"""Names in a policy that mean nothing: platforms, domains, architectures and tasks that zoo does not know."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from zoo.errors import suggest
from zoo.team.identity.scopes import misspelt
from zoo.team.policy.ids import patterns
from zoo.team.policy.rules import PolicyDocument

_CLOSED = frozenset({"source", "domain"})
_ALMOST = 0.8
"""How similar a name must be to that of an architecture to be treated as misspelt, as ``difflib`` computes it."""


def unknown_names(document: PolicyDocument) -> Iterator[tuple[int, str]]:
    """The line and a sentence for each name that matches nothing.

    Platforms and domains are those of the installed plugins. Architectures are an open vocabulary, so one is reported
    only if its name is almost that of an architecture of the registry.
    """
    for rule in document.rules:
        for condition in rule.conditions:
            if condition.fact not in _CLOSED | {"architecture"}:
                continue
            known = _known(condition.fact)
            for name in map(str, condition.values):
                if any(map(patterns([name]), known)):
                    continue
                almost = condition.fact in _CLOSED or get_close_matches(name.lower(), known, 1, _ALMOST)
                if almost:
                    also = suggest(name, known, 1) or f"Known: {', '.join(sorted(known))}."
                    yield (
                        condition.line,
                        f"the rule '{rule.id}' names the {condition.fact} '{name}', which is not known here. {also}",
                    )
    for standard in document.standards:
        if hint := misspelt(standard.task):
            yield standard.line, f"the standard '{standard.task}' covers no task. {hint}"


def _known(fact: str) -> frozenset[str]:
    from zoo.plugins import plugins
    from zoo.plugins.aliases import alias_names
    from zoo.registry import open_registry
    from zoo.sources.known import REFERENCES, sources

    if fact == "source":
        return frozenset({*sources(), *REFERENCES, *alias_names()})
    if fact == "domain":
        return frozenset(plugins().domains)
    registry, domains = open_registry(), plugins().domains
    columns = (registry.columns(["architecture"], domain=domain)[0] for domain in domains)
    return frozenset(name.lower() for column in columns for name in column if name)
