"""Rebuilds what is derived from cards and scores: sets, lineage, and two columns of the cards."""

from __future__ import annotations

import secrets

from sqlmodel import Session

from zoo.registry.database.decoding import card_of
from zoo.registry.database.statements import Statements
from zoo.registry.index.lineage import bases_of
from zoo.registry.index.membership import Membership
from zoo.registry.writing.encoding import columns_of
from zoo.registry.writing.transaction import write_state

_BATCH = 1000


def derive(session: Session) -> None:
    """Rebuild them from ``models`` and ``scores``, in constant memory."""
    statements = Statements(session.connection())
    for table in ("sets", "lineage"):
        statements.run(f"DELETE FROM {table}", [()])
    membership = Membership(statements.run, statements.ask)
    last = -1
    while found := statements.ask_named("SELECT * FROM models WHERE key > ? ORDER BY key LIMIT ?", (last, _BATCH)):
        last = found[-1]["key"]
        cards, keys = [card_of(row) for row in found], [row["key"] for row in found]
        columns = columns_of(cards)
        membership.add_new(keys, columns)
        statements.run(
            "UPDATE models SET memory = ?, weights = ? WHERE key = ?",
            zip(columns["memory"], columns["weights"], keys, strict=True),
        )
        lineage = [
            (base, key, relation)
            for key, card in zip(keys, cards, strict=True)
            for base, relation in bases_of(card).items()
        ]
        if lineage:
            statements.run("INSERT INTO lineage (base, model_key, relation) VALUES (?, ?, ?)", lineage)
    membership.scored(statements.ask("SELECT DISTINCT model_key, benchmark_key FROM scores"))
    membership.write()
    write_state(session, {"generation": secrets.token_hex(8)})
