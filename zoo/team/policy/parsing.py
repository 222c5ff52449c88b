"""Turns the content of a policy file into a ``PolicyDocument``, or into one clear error."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from zoo.contract.deciding import ACTIONS, Verdict
from zoo.errors import suggest
from zoo.team.policy.reading import Lines, Place, Table, parse, texts
from zoo.team.policy.rules import (
    EFFECTS,
    Condition,
    PolicyDocument,
    PolicyTest,
    Rule,
    RuleException,
    StandardRule,
)
from zoo.team.policy.vocabulary import DATE, FACTS, FLAG, NUMBER, SIGNATURE, comparison

VERSION = "1"
EVIDENCE = ("measurement", "run", "report")
"""Kinds of evidence that a standard may require."""

TEST_FACTS = ("license", "base", "tags", "domain", "architecture", "parameters", "size", "released", "revision")
"""The facts that a test may state."""

_KEYS = ("policy-version", "name", "extends", "unknown", "rules", "standards", "groups", "tests")
_RULE = ("id", "on", "message", "exceptions", *EFFECTS)
_STANDARD = ("task", "slots", "owners", "approvals", "require", "max-age", "only-standards")
_VERDICTS = {str(verdict): verdict for verdict in Verdict}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_PINNED = re.compile(r"(?P<place>.+)#sha256=(?P<digest>[0-9a-fA-F]{64})\Z")
_DAYS = re.compile(r"(\d{1,5})d\Z")


def document(content: bytes, file: str) -> PolicyDocument:
    """The policy in a file.

    Args:
        file: the file's name, for errors and for the places of rules.

    Raises:
        PolicyError: it is not TOML, has an unknown key, or a value that is not valid; with the place.
    """
    values = parse(content, file)
    lines, start = Lines(content.decode("utf-8-sig")), Place(file, 1)
    if "policy-version" in values and values["policy-version"] != VERSION:
        raise Place(file, lines.top("policy-version")).error(
            f"The policy has the version {values['policy-version']!r}, and this zoo reads version '{VERSION}'.",
            f'Write policy-version = "{VERSION}", or upgrade: pip install -U foundation-zoo',
        )
    top = Table(values, start, "The policy", _KEYS, lines)
    top.text("policy-version")
    place, digest = _extends(top)
    groups = {
        name: texts(people, f"The group '{name}'", top.at("groups")) for name, people in top.table("groups").items()
    }
    rules = tuple(_rule(one, at, lines) for one, at in _placed(top, "rules", lines, file))
    _check_unique(rules, file)
    return PolicyDocument(
        name=top.text("name"),
        place=file,
        # A checkout on Windows may have other line endings, and is the same policy.
        digest=hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest(),
        rules=rules,
        unknown=_VERDICTS[top.name("unknown", list(_VERDICTS)[1:], str(Verdict.NEEDS_APPROVAL))],
        extends=place,
        extends_digest=digest,
        standards=tuple(_standard(one, at, groups) for one, at in _placed(top, "standards", lines, file)),
        tests=tuple(_test(one, at) for one, at in _placed(top, "tests", lines, file)),
        groups=groups,
    )


def _placed(top: Table, key: str, lines: Lines, file: str) -> list[tuple[Any, Place]]:
    found = top.tables(key)
    return [(one, Place(file, line)) for one, line in zip(found, lines.headers(key, len(found)), strict=True)]


def _extends(top: Table) -> tuple[str, str]:
    stated = top.text("extends", "")
    if not stated:
        return "", ""
    match = _PINNED.match(stated)
    if match is None:
        raise top.at("extends").error(
            "'extends' names a policy without its digest.", 'Write: extends = "PATH-OR-URL#sha256=DIGEST"'
        )
    place = match["place"]
    if "://" in place and not place.startswith("https://"):
        raise top.at("extends").error("'extends' must be a path or an https address.", "Write https://...")
    return place, match["digest"].lower()


def _check_unique(rules: tuple[Rule, ...], file: str) -> None:
    seen: dict[str, Rule] = {}
    for rule in rules:
        first = seen.setdefault(rule.id, rule)
        if first is not rule:
            raise Place(file, rule.line).error(
                f"There is another rule '{rule.id}' in line {first.line}.", "Rename one."
            )


def _rule(values: Any, place: Place, lines: Lines) -> Rule:
    table = Table(values, place, "The rule", _RULE)
    id = table.text("id")
    if not _NAME.match(id):
        raise place.error(f"The id of a rule has letters, digits, '-', '_' and '.'; this is {id!r}.")
    table.what = f"The rule '{id}'"
    conditions = [
        _condition(effect, fact, value, Place(place.file, lines.key(place.line, f"{effect}.{fact}")), table.what)
        for effect in EFFECTS
        for fact, value in table.table(effect).items()
    ]
    if not conditions:
        raise place.error(
            f"{table.what} has no effect.", f"Add a line such as deny.license; effects: {', '.join(EFFECTS)}."
        )
    return Rule(
        id,
        tuple(conditions),
        place.line,
        table.names("on", ACTIONS),
        tuple(_exception(one, place, id) for one in table.tables("exceptions")),
        table.text("message", ""),
    )


def _condition(effect: str, fact: str, value: Any, place: Place, rule: str) -> Condition:
    what = f"'{effect}.{fact}' of {rule[:1].lower()}{rule[1:]}"
    kind = FACTS.get(fact)
    if kind is None:
        raise place.error(
            f"{rule} names the fact '{fact}', which does not exist.",
            suggest(fact, FACTS) or f"Facts: {', '.join(FACTS)}.",
        )
    if kind.comparison == SIGNATURE:
        return _signature(effect, value, place, what)
    if kind.comparison == FLAG:
        if not isinstance(value, bool):
            raise place.error(f"{what} must be true or false.")
        return Condition(effect, fact, (value,), place.line)
    found = texts(value, what, place)
    if kind.comparison in {NUMBER, DATE}:
        if len(found) != 1 or comparison(found[0], kind.comparison) is None:
            example = ">=2024-06" if kind.comparison == DATE else ">2B"
            raise place.error(f"{what} must be one comparison.", f'Write: {effect}.{fact} = "{example}"')
    elif fact in {"id", "base"}:
        for pattern in found:
            _check_id(pattern, what, place)
    return Condition(effect, fact, found, place.line)


def _signature(effect: str, value: Any, place: Place, what: str) -> Condition:
    if effect != "require":
        raise place.error(f"{what} is not possible; signatures can only be required.", "Write: require.signature = ...")
    table = Table(value, place, what, ("identity", "for"))
    return Condition(effect, "signature", (table.text("identity"),), place.line, table.names("for", ACTIONS))


def _check_id(pattern: str, what: str, place: Place) -> None:
    if ":" not in pattern and not pattern.startswith("*"):
        raise place.error(f"{what} has '{pattern}', which names no source.", f"Write: hf:{pattern}")
    if "@" in pattern and not pattern.startswith("file:"):
        raise place.error(f"{what} has '{pattern}' with a revision.", "Rules apply to all revisions; leave it out.")


def _exception(values: Any, place: Place, rule: str) -> RuleException:
    what = f"An exception of the rule '{rule}'"
    table = Table(values, place, what, ("id", "until", "reason"))
    id = table.text("id")
    _check_id(id, what, place)
    if {"*", "?", "["} & {*id}:
        raise place.error(f"{what} has the pattern '{id}'; an exception is for one model.", "Write its whole id.")
    return RuleException(id, table.day("until"), table.text("reason", ""))


def _standard(values: Any, place: Place, groups: Mapping[str, tuple[str, ...]]) -> StandardRule:
    table = Table(values, place, "The standard", _STANDARD)
    task = table.text("task")
    table.what = f"The standard '{task}'"
    owners = table.texts("owners")
    for owner in owners:
        if owner.startswith("@") and owner[1:] not in groups:
            raise place.error(
                f"{table.what} names the group '{owner}', which does not exist.",
                suggest(owner[1:], groups) or f"Add it: [groups] {owner[1:]} = [...]",
            )
    require = Table(table.table("require"), place, f"'require' of {table.inside}", ("evidence",))
    return StandardRule(
        task,
        place.line,
        table.texts("slots"),
        owners,
        table.number("approvals", 1, 1),
        require.names("evidence", EVIDENCE),
        _age(table),
        table.flag("only-standards"),
    )


def _age(table: Table) -> int | None:
    stated = table.text("max-age", "")
    match = _DAYS.match(stated)
    if stated and (match is None or int(match[1]) == 0):
        raise table.place.error(f"'max-age' of {table.inside} must be a number of days.", 'Write: max-age = "180d"')
    return int(match[1]) if match else None


def _test(values: Any, place: Place) -> PolicyTest:
    table = Table(values, place, "The test", ("model", "action", "expect", "facts"))
    facts = Table(table.table("facts"), place, "'facts' of the test", TEST_FACTS).values
    for name, value in facts.items():
        if not isinstance(value, str):
            raise place.error(f"'facts.{name}' of the test must be text.")
        if name in {"parameters", "size"} and comparison(f">{value}", NUMBER) is None:
            raise place.error(f"'facts.{name}' of the test must be an amount, such as 2B.")
    model = table.text("model")
    _check_id(model.partition("@")[0], "The test", place)
    return PolicyTest(
        model,
        table.name("action", ACTIONS),
        _VERDICTS[table.name("expect", _VERDICTS)],
        place.line,
        facts,
    )
