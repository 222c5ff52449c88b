"""The canonical form of molecules and proteins, by which two spellings of one are the same sample."""

from __future__ import annotations

from zoo.data.proteins import clean
from zoo.errors import needs_extra


def canonical_smiles(smiles: str) -> str:
    """RDKit's canonical SMILES, of each part of a reaction; a text that is no molecule stays as it is."""
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


def canonical_protein(sequence: str) -> str:
    """The residues in capitals, without blanks, gaps and the stop at the end."""
    return clean(sequence)
