"""``zoo audit``: list, verify and export the audit."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.options import command as zoo_command
from zoo.cli.output import Column, Output
from zoo.cli.team.token_warning import warn_of_token


@click.group("audit")
def command() -> None:
    """List, verify and export the audit of the registry."""


@zoo_command("list")
@click.option("--actor", help="Only events of this actor.")
@click.option("--object", "object_", help="Only events on this object, or on those of a pattern with *.")
@click.option("--since", help="Only events from this date on, or of the last days: 7d.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest events, at most this many.")
def list_events(
    output: Output, actor: str | None, object_: str | None, *, since: str | None, limit: int | None
) -> None:
    """List what was done, by whom and when, the oldest first.

    \b
    Examples:
      zoo audit list --since 7d
      zoo audit list --limit 20
      zoo audit list --actor ana@acme.example --object 'proposal:*' --json
    """
    from zoo.registry import open_registry
    from zoo.team.audit import events
    from zoo.team.times import before_now

    start = None if since is None else before_now(since)
    path = open_registry().path
    warn_of_token(output, path)
    found = list(events(path, actor=actor, object=object_, since=start, limit=limit))
    if output.json:
        output.data({"events": [event.to_dict() for event in found]})
        return
    if not found:
        output.text("There are no such events.")
        return
    columns = [
        Column("seq", number=True),
        Column("time (UTC)"),
        Column("actor", fold=True),
        Column("via", optional=1),
        Column("action"),
        Column("object", fold=True),
        Column("reason", fold=True, optional=2),
    ]
    rows = [
        [str(e.seq), e.time[:16].replace("T", " "), e.actor, e.via, e.action, e.object, e.reason or ""] for e in found
    ]
    output.table(columns, rows)


@zoo_command("verify")
@click.option("--from", "head", metavar="DIGEST", help="A digest that an earlier verification showed as the head.")
def verify(output: Output, head: str | None) -> int:
    """Verify the chain of the audit and the tables that follow from it, and show its head.

    The exit code is 1 if a row was changed, removed or moved, or if a proposal, approval, standard, user or token
    does not match the audit. Keep the head elsewhere: --from finds out whether rows at the end were removed since.

    \b
    Examples:
      zoo audit verify
      zoo audit verify --from 412:c77b0e1f6f3c7a54e1d1c8a4b1f6a0d9f3b2e5c4d7a6b9f8e1d0c3b2a5f4e7d6
    """
    from zoo.registry import open_registry
    from zoo.team.audit import verify as verify_chain
    from zoo.team.matching import mismatches

    path = open_registry().path
    found = verify_chain(path, head)
    wrong = mismatches(path) if found.bad is None else []
    if output.json:
        output.data({**found.to_dict(), "mismatches": wrong})
    elif found.bad is not None:
        output.text(f"Row {found.bad} of the audit is not as it was written: {found.problem}.")
    else:
        output.text(
            f"The audit is intact: {found.rows:,} {'row' if found.rows == 1 else 'rows'}. Head: {found.head or '-'}"
        )
    if not output.json:
        for sentence in wrong:
            output.text(sentence)
    if found.unprotected:
        output.warn(f"The audit is not protected: the triggers {', '.join(found.unprotected)} are missing.")
    return 0 if found.bad is None and not wrong else 1


@zoo_command("export")
@click.argument("file", type=click.Path(path_type=Path))
def export(output: Output, file: Path) -> int:
    """Write the audit to a JSONL file, one event per line.

    The exit code is 1 if a row was changed, removed or moved; all rows that can be read are written all the same.

    \b
    Examples:
      zoo audit export audit.jsonl
    """
    from zoo.registry import open_registry
    from zoo.team.audit import export as export_events
    from zoo.team.audit import verify as verify_chain

    path = open_registry().path
    count = export_events(path, file)
    found = verify_chain(path)
    if output.json:
        output.data({"exported": count, "file": str(file), "bad": found.bad})
    else:
        output.text(f"Wrote {count:,} {'event' if count == 1 else 'events'} to {file}.")
    if found.bad is not None:
        output.warn(f"Row {found.bad} of the audit is not as it was written: {found.problem}.")
    return 0 if found.bad is None else 1


for subcommand in (list_events, verify, export):
    command.add_command(subcommand)
