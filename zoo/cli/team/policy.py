"""``zoo policy``: write, show, check and explain policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output
from zoo.config import POLICY_FILE
from zoo.contract.deciding import ACTIONS

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.team.policy.evaluating import CompiledPolicy
    from zoo.team.policy.rules import PolicyDocument

_ACTION = click.option(
    "--action", type=click.Choice(ACTIONS), default="pull", show_default=True, help="What the model is used for."
)
_NONE = "No policy is in force here. Write one: zoo policy init"


@click.group("policy")
def command() -> None:
    """Write, show, check and explain policies: rules on which models may be used."""


@zoo_command("init")
@click.argument("path", default=POLICY_FILE)
def init(output: Output, path: str) -> None:
    """Write a commented policy with useful rules.

    PATH is the file [default: zoo-policy.toml in this folder]. An existing file is never replaced.

    \b
    Examples:
      zoo policy init
      zoo policy init policies/research.toml
    """
    from zoo.atomic import replacing
    from zoo.errors import InvalidInput
    from zoo.team.policy.template import template

    place = Path(path).expanduser()
    if place.exists() or place.is_symlink():
        raise InvalidInput(f"{place} exists already.", "Edit it, then run: zoo policy check")
    if not place.absolute().parent.is_dir():
        raise InvalidInput(f"There is no folder '{place.parent}'.", f"mkdir -p {place.parent}")
    with replacing(place.absolute()) as new:
        new.write_text(template(place.absolute().parent.name or "policy"), encoding="utf-8")
    if output.json:
        output.data({"path": str(place)})
        return
    applies = "" if place.name == POLICY_FILE else f" To use it, set ZOO_POLICY={place}."
    output.text(f"Created {place}.{applies} Next: zoo policy check")


@zoo_command("show")
def show(output: Output) -> None:
    """Show the policies that are in force here, with their rules.

    \b
    Examples:
      zoo policy show
      zoo policy show --json
    """
    from zoo.team.policy import in_force

    policies = in_force()
    documents = [document for policy in policies for document in policy.documents]
    if output.json:
        output.data({"policies": [_document(one) for one in documents]})
        return
    if not documents:
        output.text(_NONE)
    for at, document in enumerate(documents):
        if at:
            output.text()
        base = f", extends {document.extends}" if document.extends else ""
        output.text(f"{document.place}: {document.name}, sha256 {document.digest[:12]}{base}")
        rows = [
            [
                f"{rule.id}",
                ", ".join(rule.actions) or "all",
                f"{condition.effect}.{condition.fact}",
                ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in condition.values),
                str(condition.line),
            ]
            for rule in document.rules
            for condition in rule.conditions
        ]
        columns = [Column("rule"), Column("on", fold=True), Column("condition"), Column("value", fold=True)]
        output.table([*columns, Column("line", number=True)], rows)
        output.text(f"Unknown facts: {document.unknown}. Tests: {len(document.tests)}.")
        for rule in document.rules:
            for exception in rule.exceptions:
                why = f" ({exception.reason})" if exception.reason else ""
                output.text(f"Exception of {rule.id}: {exception.id} until {exception.until}{why}")


def _document(document: PolicyDocument) -> dict[str, Any]:
    return {
        "file": document.place,
        "name": document.name,
        "sha256": document.digest,
        "extends": document.extends or None,
        "unknown": str(document.unknown),
        "rules": [
            {
                "id": rule.id,
                "on": list(rule.actions),
                "line": rule.line,
                "conditions": [
                    {"effect": one.effect, "fact": one.fact, "values": list(one.values), "line": one.line}
                    for one in rule.conditions
                ],
                "exceptions": [
                    {"id": one.id, "until": one.until.isoformat(), "reason": one.reason} for one in rule.exceptions
                ],
                "message": rule.message,
            }
            for rule in document.rules
        ],
        "tests": len(document.tests),
    }


@zoo_command("check")
@click.argument("path", required=False)
def check(output: Output, path: str | None) -> None:
    """Check policy files: their vocabulary, what they extend, exceptions that have ended.

    PATH is a file [default: the policies in force]. Exit code 1 if one is not valid.

    \b
    Examples:
      zoo policy check
      zoo policy check policies/research.toml --json
    """
    from zoo.team.policy.checking import remarks

    policies = _policies(path)
    found = [remark for policy in policies for remark in remarks(policy, date.today())]
    documents = [document for policy in policies for document in policy.documents]
    counts = {name: sum(len(getattr(one, name)) for one in documents) for name in ("rules", "standards", "tests")}
    if output.json:
        output.data({"valid": True, **counts, "remarks": [remark.to_dict() for remark in found]})
        return
    for remark in found:
        output.text(f"{remark.place}: {remark.sentence}")
    names = ", ".join(document.place for document in documents)
    output.text(f"{names}: valid, {output.counted(counts)}." if policies else _NONE)


@zoo_command("test")
@click.argument("path", required=False)
def test(output: Output, path: str | None) -> int:
    """Run the tests in policy files, and compare the verdicts with the expected ones.

    PATH is a file [default: the policies in force]. A test with facts needs no registry; no test needs the network.
    Exit code 1 if a test fails.

    \b
    Examples:
      zoo policy test
      zoo policy test policies/research.toml
    """
    from zoo.team.policy.checking import run_tests

    policies = _policies(path)
    results = [result for policy in policies for result in run_tests(policy, date.today())]
    failed = [result for result in results if not result.passed]
    if output.json:
        output.data({"tests": [{**one.to_dict(), "passed": one.passed} for one in results], "failed": len(failed)})
        return 1 if failed else 0
    for one in failed:
        why = f": {one.why}" if one.why else ""
        output.text(f"{one.place}: {one.action} of {one.model} is {one.found}, expected {one.expected}{why}")
    passed = f"{len(results) - len(failed):,} of {len(results):,} tests passed."
    output.text(passed if policies else _NONE)
    return 1 if failed else 0


@zoo_command("explain")
@click.argument("model")
@_ACTION
@click.option("--task", help="Task that the model is used for.")
def explain(output: Output, model: str, action: str, task: str | None) -> None:
    """Show what every rule says of a model, the most severe verdict first.

    \b
    Examples:
      zoo policy explain hf:google/vit-base-patch16-224
      zoo policy explain pkg:wordllama/64 --action tune --task text-classification --json
    """
    from zoo.plugins.deciding import decide, explained
    from zoo.sources.permitting import about
    from zoo.team.deciding import findings
    from zoo.team.policy import in_force
    from zoo.team.policy.facts import Facts
    from zoo.team.standards.rules import domain_of

    if task is not None:
        domain_of(task)  # raises for a name that does not exist
    policies = in_force()
    known = about(_card(output, model), model, describe=True)
    use = replace(known.use, task=task)
    decision = decide(known.card, action, use)
    rows = [
        [str(one.verdict), one.rule, one.condition, _why(one.sentence, one.until), one.place]
        for one in findings(known.card, action, use)
    ] + [
        [str(reason.verdict), reason.rule, "-", reason.sentence, reason.place or "-"]
        for reason in decision.reasons
        if reason.rule.startswith("plugin:") or not policies
    ]
    if output.json:
        keys = ("verdict", "rule", "condition", "why", "place")
        output.data(
            {
                "model": known.card.id,
                "action": action,
                "verdict": str(decision.verdict),
                "findings": [dict(zip(keys, row, strict=True)) for row in rows],
                "facts": Facts(known.card, use).to_dict(),
            }
        )
        return
    output.text(explained(known.card, action, decision))
    if not rows:
        output.text(_NONE if not policies else f"No rule applies to the action '{action}'.")
        return
    output.text()
    columns = [Column("verdict"), Column("rule"), Column("condition", optional=1), Column("why", fold=True)]
    output.table([*columns, Column("place", fold=True)], rows)


def _card(output: Output, model: str) -> ModelCard:
    """The card of a model; of one that is not known here, while its platform cannot be asked, its id alone."""
    from zoo.errors import NetworkUnavailable
    from zoo.sources.resolving import offline_card, resolve

    try:
        return resolve(model)
    except NetworkUnavailable as error:
        found = offline_card(model)
        output.warn(f"{error.message} What is not known here counts as unknown.")
        return found


def _why(sentence: str, until: date | None) -> str:
    return f"{sentence}; excepted until {until}" if until else sentence


@zoo_command("export")
@click.argument("model")
@_ACTION
@click.option(
    "--format",
    "format_",
    type=click.Choice(("opa", "cedar")),
    default="opa",
    show_default=True,
    help="Input of Open Policy Agent, or request of Cedar.",
)
def export(output: Output, model: str, action: str, format_: str) -> None:
    """Print the facts of a model as JSON, for policies that are written for Open Policy Agent or Cedar.

    \b
    Examples:
      zoo policy export pkg:wordllama/64 --format opa > input.json
      zoo policy export pkg:wordllama/64 --action tune --format cedar
    """
    from zoo.sources.permitting import about
    from zoo.sources.resolving import resolve
    from zoo.team.policy.exporting import exported

    known = about(resolve(model), model, describe=True)
    output.data(exported(known.card, action, known.use, format_))


def _policies(path: str | None) -> tuple[CompiledPolicy, ...]:
    from zoo.team.policy import in_force, load

    return in_force() if path is None else (load(Path(path).expanduser().absolute()),)


for _command in (init, show, check, test, explain, export):
    command.add_command(_command)
