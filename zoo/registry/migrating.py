"""Brings a registry's schema up to date with Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.registry.database import schema
from zoo.registry.database.connection import explained
from zoo.registry.database.location import Location


def upgrade(location: Location) -> None:
    """Create the tables of a registry, or upgrade them to the newest schema, in one transaction.

    Raises:
        StorageError: the registry cannot be written; it is left as it was.
    """
    from alembic import command
    from alembic.migration import MigrationContext

    from zoo.registry.writing.deriving import derive
    from zoo.registry.writing.transaction import writing

    # The migrations rebuild tables; with foreign keys on, that would delete the rows that refer to them.
    with explained(location, "upgrade"), writing(location, foreign_keys=False) as session:
        connection = session.connection()
        found = MigrationContext.configure(connection).get_current_revision()
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if found in schema.WITHOUT_SETS:
            derive(session)


def configuration() -> Any:
    """Alembic's configuration for the migrations inside this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config
