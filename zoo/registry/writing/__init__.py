"""Writes cards, scores and runs into a registry, validated, in one transaction."""
