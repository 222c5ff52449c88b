"""Indexes that a large import builds once at the end, instead of updating them card by card."""

from __future__ import annotations

from zoo.registry.database.statements import Statements

FROM = 20_000
"""Minimum number of new models."""

TIMES = 3
"""Minimum ratio of new models to those that the registry had before."""

NAMES = ("ix_models_downloads", "ix_models_likes", "ix_models_parameters", "ix_models_bytes", "ix_scores_benchmark")
"""Indexes that writing does not use."""


class LateIndexes:
    """Drops indexes once an import turns out to be large; ``make`` builds them again, in the same transaction.

    Readers see the registry and its indexes as before the transaction. In PostgreSQL they would wait for its end, so
    its indexes are kept.
    """

    def __init__(self, statements: Statements, before: int) -> None:
        self._statements = statements
        self._least = max(FROM, TIMES * before)
        self._dropped: list[str] = []

    def after(self, new: int) -> None:
        """Report the number of new models so far."""
        if self._statements.server or self._dropped or new < self._least:
            return
        marks = ",".join("?" * len(NAMES))
        sql = f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name IN ({marks}) ORDER BY name"
        for name, statement in self._statements.ask(sql, NAMES):
            self._statements.execute(f"DROP INDEX {name}")
            self._dropped.append(statement)

    def make(self) -> None:
        """Build the indexes that were dropped."""
        for statement in self._dropped:
            self._statements.execute(statement)
        self._dropped.clear()
