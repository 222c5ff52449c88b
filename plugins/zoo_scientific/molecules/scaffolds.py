"""Scaffolds of molecules, for splits that keep related molecules in one part."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.errors import needs_extra


def scaffolds(molecules: Sequence[str]) -> list[str]:
    """The scaffold of each of n SMILES."""
    return [scaffold(molecules[position]) for position in range(len(molecules))]


def scaffold(smiles: str) -> str:
    """The ring systems of a molecule and their linkers, as SMILES; empty for one without rings.

    Bemis and Murcko, "The properties of known drugs" (1996).
    """
    with needs_extra("scientific", "split molecules by scaffold"):
        from rdkit import rdBase
        from rdkit.Chem.Scaffolds import MurckoScaffold
    reactants, _, rest = smiles.partition(">")
    with rdBase.BlockLogs():
        return str(MurckoScaffold.MurckoScaffoldSmiles(smiles=reactants or rest.rpartition(">")[2]))
