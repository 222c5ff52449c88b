"""Molecules as SMILES, and models of them."""
