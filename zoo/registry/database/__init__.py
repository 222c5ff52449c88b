"""The database of a registry: tables, schema, connections, migrations."""
