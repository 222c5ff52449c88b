"""Proteins: sequences, structures, folding and inverse folding."""
