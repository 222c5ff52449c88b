"""Molecules as SMILES: whether a text is one."""

from __future__ import annotations

import re

from zoo.errors import needs_extra

LONGEST = 2000
"""Characters that a SMILES may have; the longest drugs have a few hundred."""

_CHARACTERS = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$/\\%.:*>~&]+\Z")


def looks_like_smiles(text: str) -> bool:
    """Whether a text is made of the characters of SMILES, without asking what it means."""
    return bool(_CHARACTERS.match(text.strip()))


def smiles_problem(text: str) -> str:
    """Why a text is no molecule, or an empty string where it is one.

    A reaction (``reactants>agents>products``) is one where each of its parts is.
    """
    if len(text) > LONGEST:
        return f"is a SMILES of {len(text):,} characters, and up to {LONGEST:,} are taken"
    if not looks_like_smiles(text):
        return f"is no SMILES: '{text[:40]}'"
    with needs_extra("scientific", "read molecules"):
        from rdkit import Chem, rdBase
    with rdBase.BlockLogs():
        for part in text.split(">"):
            # An empty part is a reaction without agents; RDKit takes it for a molecule without atoms.
            if Chem.MolFromSmiles(part) is None:
                return f"is no valid SMILES: '{text[:40]}'"
    return ""
