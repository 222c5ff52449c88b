"""Loads weights into modules: transformers folders, new heads, precisions, and reports of missing tensors."""
