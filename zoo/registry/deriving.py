"""Fills the tables that follow from cards and scores: sets, lineage, and two columns of the cards."""

from __future__ import annotations

import secrets

from sqlmodel import Session

from zoo.registry import rows
from zoo.registry.lineage import bases_of
from zoo.registry.membership import Membership
from zoo.registry.statements import Statements
from zoo.registry.writing import write_state

_BATCH = 1000


def derive(session: Session) -> None:
    """Fill them anew from what is in ``models`` and ``scores``, in constant memory."""
    statements = Statements(session.connection())
    for table in ("sets", "lineage"):
        statements.run(f"DELETE FROM {table}", [()])
    membership = Membership(statements.run, statements.ask)
    last = -1
    while found := statements.ask("SELECT * FROM models WHERE key > ? ORDER BY key LIMIT ?", (last, _BATCH)):
        last = found[-1]["key"]
        columns, lineage = [], []
        for row in found:
            card = rows.card_of(row)
            membership.change(row["key"], None, card)
            values = rows.card_row(card)
            columns.append((values["memory"], values["weights"], row["key"]))
            lineage += [(base, row["key"], relation) for base, relation in bases_of(card).items()]
        statements.run("UPDATE models SET memory = ?, weights = ? WHERE key = ?", columns)
        if lineage:
            statements.run("INSERT INTO lineage (base, model_key, relation) VALUES (?, ?, ?)", lineage)
    for row in statements.ask("SELECT DISTINCT model_key, benchmark_key FROM scores"):
        membership.score(row[0], row[1])
    membership.write()
    write_state(session, {"generation": secrets.token_hex(8)})
