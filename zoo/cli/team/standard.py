"""``zoo standard``: the models that a team has agreed on."""

from __future__ import annotations

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Output
from zoo.cli.team.standards_shown import (
    proposals_data,
    show_history,
    show_proposal,
    show_proposals,
    show_standard,
    show_standards,
    standards_data,
    warn_of_reviews,
)
from zoo.cli.team.token_warning import warn_of_token


@click.group("standard")
def command() -> None:
    """Agree on the models to use: propose, approve and list standards.

    A standard is the model for a task and a slot, such as text-classification/small. Its id, std:TASK/SLOT, can be
    used wherever a model id can.
    """


_reason = click.option("--reason", help="Why, for the audit.")


@zoo_command("propose")
@click.argument("model")
@click.option("--task", required=True, help="Task name.")
@click.option("--slot", default="default", show_default=True, help="Slot of the task, such as small.")
@click.option("--evidence", multiple=True, metavar="ID", help="Run, or measurement:17; may be repeated.")
@_reason
def propose(output: Output, model: str, *, task: str, slot: str, evidence: tuple[str, ...], reason: str | None) -> None:
    """Propose a model as a standard, at its revision and with the hashes of its files.

    \b
    Examples:
      zoo standard propose pkg:wordllama/64 --task text-classification --slot small --reason 'fast enough on CPUs'
      zoo standard propose hf:timm/resnet18.a1_in1k --task image-classification --evidence 20261124-093015-4fa2
    """
    from zoo.registry import open_registry
    from zoo.team.standards.entities import Place
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.proposing import propose as propose_model

    path, place = open_registry().path, Place.parse(f"{task}/{slot}")
    show_proposal(output, propose_model(path, model, place, evidence=evidence, reason=reason), Outlook.of(path))


@zoo_command("approve")
@click.argument("proposal", type=click.IntRange(min=1))
@_reason
def approve(output: Output, proposal: int, reason: str | None) -> None:
    """Approve a proposal of someone else; the last approval that is needed makes its model the standard.

    \b
    Examples:
      zoo standard approve 3
    """
    from zoo.registry import open_registry
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.proposing import approve as approve_proposal

    path = open_registry().path
    show_proposal(output, approve_proposal(path, proposal, reason=reason), Outlook.of(path))


@zoo_command("reject")
@click.argument("proposal", type=click.IntRange(min=1))
@_reason
def reject(output: Output, proposal: int, reason: str | None) -> None:
    """Reject a proposal of someone else.

    \b
    Examples:
      zoo standard reject 3 --reason 'licence'
    """
    from zoo.registry import open_registry
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.proposing import reject as reject_proposal

    path = open_registry().path
    show_proposal(output, reject_proposal(path, proposal, reason=reason), Outlook.of(path))


@zoo_command("withdraw")
@click.argument("proposal", type=click.IntRange(min=1))
@_reason
def withdraw(output: Output, proposal: int, reason: str | None) -> None:
    """Withdraw your own proposal.

    \b
    Examples:
      zoo standard withdraw 3
    """
    from zoo.registry import open_registry
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.proposing import withdraw as withdraw_proposal

    path = open_registry().path
    show_proposal(output, withdraw_proposal(path, proposal, reason=reason), Outlook.of(path))


@zoo_command("deprecate")
@click.argument("standard", metavar="TASK[/SLOT]")
@click.option("--replace-by", required=True, metavar="MODEL", help="Model to use instead.")
@click.option("--until", required=True, metavar="DATE", help="End of the deprecation: a date, or days such as 90d.")
@_reason
def deprecate(output: Output, standard: str, replace_by: str, until: str, reason: str | None) -> None:
    """Deprecate a standard: it is used with a warning until a date, and not at all after it.

    \b
    Examples:
      zoo standard deprecate text-classification/small --replace-by pkg:wordllama/256 --until 90d
    """
    from zoo.registry import open_registry
    from zoo.team.standards.entities import Place
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.replacing import deprecate as deprecate_standard

    path, place = open_registry().path, Place.parse(standard)
    found = deprecate_standard(path, place, replace_by=replace_by, until=until, reason=reason)
    show_standard(output, found, Outlook.of(path))


@zoo_command("rollback")
@click.argument("standard", metavar="TASK[/SLOT]")
@click.option(
    "--to", type=click.IntRange(min=1), metavar="PROPOSAL", help="Proposal of an earlier standard [default: the last]."
)
@_reason
def rollback(output: Output, standard: str, to: int | None, reason: str | None) -> None:
    """Make an earlier standard current again, or end a deprecation; the history keeps all of them.

    \b
    Examples:
      zoo standard rollback text-classification/small --reason 'worse on long texts'
    """
    from zoo.registry import open_registry
    from zoo.team.standards.entities import Place
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.replacing import rollback as roll_back

    path = open_registry().path
    show_standard(output, roll_back(path, Place.parse(standard), to=to, reason=reason), Outlook.of(path))


@zoo_command("list")
@click.option("--as-of", metavar="DATE", help="Standards at the end of that day, or at that time.")
def list_standards(output: Output, as_of: str | None) -> None:
    """List the standards, and the open proposals.

    \b
    Examples:
      zoo standard list
      zoo standard list --as-of 2026-06-30 --json
    """
    from zoo.registry import open_registry
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.reading import proposals, standards
    from zoo.team.times import parsed

    path = open_registry().path
    warn_of_token(output, path)
    found = standards(path, None if as_of is None else parsed(as_of, end=True))
    opened, outlook = proposals(path, state="open") if as_of is None else [], Outlook.of(path)
    if as_of is None:
        warn_of_reviews(output, found, outlook)
    if output.json:
        document = {"standards": standards_data(found, outlook)}
        output.data(document if as_of else {**document, "proposals": proposals_data(opened, outlook)})
        return
    if found:
        show_standards(output, found, outlook)
    else:
        output.text("There are no standards. Propose one: zoo standard propose MODEL --task TASK")
    if opened:
        output.text()
        show_proposals(output, opened, "Open proposals", outlook)


@zoo_command("show")
@click.argument("standard", metavar="TASK[/SLOT]")
def show(output: Output, standard: str) -> None:
    """Show a standard: its model, evidence, and who approved it and why.

    \b
    Examples:
      zoo standard show text-classification/small
    """
    from zoo.registry import open_registry
    from zoo.team.standards.entities import Place
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.reading import proposal
    from zoo.team.standards.reading import standard as standard_of

    path = open_registry().path
    warn_of_token(output, path)
    found = standard_of(path, Place.parse(standard))
    outlook = Outlook.of(path)
    warn_of_reviews(output, [found], outlook)
    show_standard(output, found, outlook, proposal(path, found.proposal))


@zoo_command("history")
@click.argument("standard", metavar="TASK[/SLOT]")
def history(output: Output, standard: str) -> None:
    """Show all standards of a task, or of one slot, since the beginning, and all proposals.

    \b
    Examples:
      zoo standard history text-classification
      zoo standard history text-classification/small
    """
    from zoo.registry import open_registry
    from zoo.team.standards.entities import Place
    from zoo.team.standards.outlook import Outlook
    from zoo.team.standards.reading import history as history_of
    from zoo.team.standards.reading import proposals

    path, place = open_registry().path, Place.parse(standard)
    slots = {place.slot} if "/" in standard else None
    found = [one for one in history_of(path, place.task) if slots is None or one.slot in slots]
    proposed = [one for one in proposals(path, task=place.task) if slots is None or one.slot in slots]
    outlook = Outlook.of(path)
    if output.json:
        output.data({"standards": standards_data(found, outlook), "proposals": proposals_data(proposed, outlook)})
        return
    if not proposed:
        output.text(f"Nothing was proposed for '{standard}'.")
        return
    if found:
        show_history(output, found, outlook)
        output.text()
    show_proposals(output, proposed, "Proposals", outlook)


for subcommand in (propose, approve, reject, withdraw, deprecate, rollback, list_standards, show, history):
    command.add_command(subcommand)
