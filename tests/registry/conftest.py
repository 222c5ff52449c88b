"""An empty registry of its own for each test, in SQLite or in PostgreSQL."""

from registries import any_registry, empty_database, empty_registry, make_registry, registry, server

__all__ = ["any_registry", "empty_database", "empty_registry", "make_registry", "registry", "server"]
