"""Bring a registry's schema up to date with Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.registry.connection import explained


def upgrade(path: Path) -> None:
    """Create the tables of a registry, or bring them to the newest schema, in one transaction.

    Raises:
        StorageError: the file cannot be written; it is left as it was.
    """
    from alembic import command

    from zoo.registry.writing import writing

    with explained(path, "upgrade"), writing(path) as session:
        config = configuration()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")


def configuration() -> Any:
    """Alembic's configuration for the migrations inside this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config
