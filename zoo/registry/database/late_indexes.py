"""Indexes that a large import makes once, in the end, in place of keeping them sorted card by card."""

from __future__ import annotations

from zoo.registry.database.statements import Statements

FROM = 20_000
"""New models from which on it pays."""

TIMES = 3
"""It pays where so many times as many models are new as were there before."""

NAMES = ("ix_models_downloads", "ix_models_likes", "ix_models_parameters", "ix_models_bytes", "ix_scores_benchmark")
"""Indexes that no statement of a writer needs."""


class LateIndexes:
    """Drops indexes when an import turns out to be large; ``make`` brings them back, in the same transaction.

    Readers go on with the registry, indexes included, as it was before the transaction. PostgreSQL would make them wait
    until its end, so its indexes stay.
    """

    def __init__(self, statements: Statements, before: int) -> None:
        self._statements = statements
        self._least = max(FROM, TIMES * before)
        self._dropped: list[str] = []

    def after(self, new: int) -> None:
        """Note how many models are new so far."""
        if self._statements.server or self._dropped or new < self._least:
            return
        marks = ",".join("?" * len(NAMES))
        sql = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name IN ({marks}) ORDER BY name"
        for name, statement in self._statements.ask(sql, NAMES):
            self._statements.execute(f"DROP INDEX {name}")
            self._dropped.append(statement)

    def make(self) -> None:
        """Make the indexes that were dropped."""
        for statement in self._dropped:
            self._statements.execute(statement)
        self._dropped.clear()
