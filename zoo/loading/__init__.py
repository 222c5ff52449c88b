"""Loads weights into modules: published configurations, tokenizers, and reports of missing or unexpected tensors."""
