"""Checks policy files: what is out of date in them, and whether their own tests hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from zoo.amounts import amount
from zoo.catalog.license_families import FAMILIES
from zoo.contract.deciding import Reason, Use, Verdict
from zoo.entities import Entity, ModelCard, ModelId
from zoo.errors import suggest
from zoo.team.policy.evaluating import CompiledPolicy
from zoo.team.policy.licences import spdx_identifiers, unknown_name
from zoo.team.policy.rules import PolicyDocument, PolicyTest, Rule

SOON = timedelta(days=30)
"""How long before its end an exception is reported."""


@dataclass(frozen=True)
class Remark(Entity):
    """What to look at in a policy that is valid.

    Attributes:
        place: file and line.
    """

    place: str
    sentence: str


@dataclass(frozen=True)
class CheckedTest(Entity):
    """The result of one of a policy's own tests.

    Attributes:
        why: the reason of the verdict; empty for ``allow``.
    """

    model: str
    action: str
    expected: str
    found: str
    place: str
    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.expected == self.found


def remarks(policy: CompiledPolicy, today: date) -> Iterator[Remark]:
    """Exceptions that have ended or soon will, and names of licences, sources, domains... that do not exist."""
    from zoo.team.policy.names import unknown_names

    for document in policy.documents:
        for rule in document.rules:
            yield from _exceptions(document, rule, today)
            yield from _licences(document, rule)
        for line, sentence in unknown_names(document):
            yield Remark(f"{document.place}:{line}", sentence)


def _exceptions(document: PolicyDocument, rule: Rule, today: date) -> Iterator[Remark]:
    for exception in rule.exceptions:
        what = f"the exception of the rule '{rule.id}' for {exception.id}"
        if exception.until < today:
            yield Remark(f"{document.place}:{rule.line}", f"{what} ended on {exception.until} and has no effect.")
        elif exception.until - today <= SOON:
            yield Remark(f"{document.place}:{rule.line}", f"{what} ends on {exception.until}.")


def _licences(document: PolicyDocument, rule: Rule) -> Iterator[Remark]:
    for condition in rule.conditions:
        if condition.fact != "license":
            continue
        for name in filter(unknown_name, map(str, condition.values)):
            near = suggest(name, (*FAMILIES, *spdx_identifiers()), 1)
            yield Remark(
                f"{document.place}:{condition.line}",
                f"the rule '{rule.id}' names the licence '{name}', which is neither an SPDX identifier nor a family. "
                f"{near}".rstrip(),
            )


def run_tests(policy: CompiledPolicy, today: date) -> Iterator[CheckedTest]:
    """Run the tests of a policy's own file, with the rules that it extends; no network.

    Raises:
        UnknownModel: a test without facts names a model that the registry does not have.
    """
    own = policy.documents[0]
    for test in own.tests:
        reasons = _reasons(policy, test, today)
        found = reasons[0].verdict if reasons else Verdict.ALLOW
        why = f"{reasons[0].sentence} (rule '{reasons[0].rule}', {reasons[0].place})" if reasons else ""
        yield CheckedTest(test.model, test.action, str(test.expect), str(found), f"{own.place}:{test.line}", why)


def _reasons(policy: CompiledPolicy, test: PolicyTest, today: date) -> tuple[Reason, ...]:
    from dataclasses import replace

    if test.facts:
        return policy.reasons(stated(test.model, test.facts), test.action, Use(today=today))
    from zoo.sources.permitting import about
    from zoo.sources.resolving import offline_card

    known = about(offline_card(test.model), test.model, describe=False)
    return policy.reasons(known.card, test.action, replace(known.use, today=today))


def stated(model: str, facts: Mapping[str, str | bool]) -> ModelCard:
    """The card of a model of which only some facts are known."""
    parsed = ModelId.parse(model)
    values: dict[str, Any] = {name: str(value) for name, value in facts.items()}
    for name, field in (("parameters", "parameters"), ("size", "bytes")):
        if name in values:
            values[field] = amount(values.pop(name) if field != name else values[name])
    if "base" in values:
        values["base_model"] = values.pop("base")
    if "tags" in values:
        values["tags"] = tuple(filter(None, map(str.strip, values["tags"].split(","))))
    return ModelCard(
        f"{parsed.source}:{parsed.name}",
        **{"domain": "other", "revision": parsed.revision, **values},
    )
