"""Ranks candidates by what was measured, or by what is published."""
