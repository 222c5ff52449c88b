"""Alembic's environment: runs the migrations over the connection that ``zoo.registry.migrating`` passes.

A batch migration replaces its table, which drops the triggers, so those of the audit are installed after it.
"""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import zoo.registry.database.tables
import zoo.registry.database.team_tables  # noqa: F401  (registers the tables)
from zoo.registry.database import audit_triggers

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
    audit_triggers.install(connection)
