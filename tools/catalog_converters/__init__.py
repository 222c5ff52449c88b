"""Converters from others' published records to the catalog's tables, one module per source."""
