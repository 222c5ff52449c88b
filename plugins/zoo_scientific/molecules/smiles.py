"""Molecules as SMILES: whether a text is one, and its canonical form."""

from __future__ import annotations

import re

from zoo.errors import needs_extra

LONGEST = 2000
"""Maximum characters of a SMILES; the longest drugs have a few hundred."""

_CHARACTERS = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$/\\%.:*>~&]+\Z")


def looks_like_smiles(text: str) -> bool:
    """Whether a text is made of the characters of SMILES, whatever it means."""
    return bool(_CHARACTERS.match(text.strip()))


def smiles_problem(text: str) -> str:
    """Why a text is not a molecule, or an empty string if it is one.

    A reaction (``reactants>agents>products``) is one where each of its parts is.
    """
    if len(text) > LONGEST:
        return f"is a SMILES of {len(text):,} characters; the maximum is {LONGEST:,}"
    if not looks_like_smiles(text):
        return f"is not a SMILES string: '{text[:40]}'"
    with needs_extra("scientific", "read molecules"):
        from rdkit import Chem, rdBase
    with rdBase.BlockLogs():
        for part in text.split(">"):
            # An empty part is a reaction without agents; RDKit treats it as a molecule without atoms.
            if Chem.MolFromSmiles(part) is None:
                return f"is not a valid SMILES string: '{text[:40]}'"
    return ""


def canonical_smiles(smiles: str) -> str:
    """RDKit's canonical SMILES, of each part of a reaction; a text that is not a molecule stays as it is."""
    with needs_extra("scientific", "compare molecules"):
        from rdkit import Chem, rdBase
    parts = []
    with rdBase.BlockLogs():
        for part in smiles.split(">"):
            molecule = Chem.MolFromSmiles(part)
            if molecule is None:
                return smiles
            parts.append(Chem.MolToSmiles(molecule))
    return ">".join(parts)
