"""The database under a registry: tables, schema, connections, migrations."""
