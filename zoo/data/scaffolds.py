"""Splits molecules by their scaffolds, so that no part holds a relative of another part's molecules."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.data.splitting import check_fractions, random_keys
from zoo.entities import Dataset
from zoo.errors import DataError, needs_extra


def scaffold_split(dataset: Dataset, fractions: Sequence[float], seed: int = 0) -> tuple[Dataset, ...]:
    """Disjoint parts of about the sizes that ``fractions`` name; molecules of one scaffold lie in one part.

    Scaffolds are those of Bemis and Murcko ("The properties of known drugs", 1996); the largest groups are dealt out
    first, each to the part that lacks most, as MoleculeNet's split has it (Wu et al., 2018), in an order that the seed
    decides among groups of equal size.

    Raises:
        DataError: the data are no molecules, or a part would stay empty.
        InvalidInput: see ``split``.
    """
    if dataset.input_kind != "molecule":
        raise DataError(f"'{dataset.name}' holds no molecules, and only those have scaffolds.", "Leave --split out.")
    check_fractions(fractions)
    groups: dict[str, list[int]] = {}
    for position in range(len(dataset)):
        groups.setdefault(scaffold(dataset.inputs[position]), []).append(position)
    keys = random_keys(len(groups), seed)
    order = sorted(zip(groups.values(), keys, strict=True), key=lambda pair: (-len(pair[0]), pair[1]))
    parts: list[list[int]] = [[] for _ in fractions]
    for group, _ in order:
        lacking = [fraction * len(dataset) - len(part) for fraction, part in zip(fractions, parts, strict=True)]
        parts[lacking.index(max(lacking))] += group
    if any(fraction > 0 and not part for fraction, part in zip(fractions, parts, strict=True)):
        raise DataError(
            f"The {len(groups)} scaffolds of '{dataset.name}' are too few to fill {len(parts)} parts.",
            "Bring more kinds of molecules, or leave --split out.",
        )
    return tuple(dataset.subset(sorted(part)) for part in parts)


def scaffold(smiles: str) -> str:
    """The ring systems of a molecule and what joins them, as SMILES; empty for one without rings."""
    with needs_extra("scientific", "split molecules by scaffold"):
        from rdkit import rdBase
        from rdkit.Chem.Scaffolds import MurckoScaffold
    reactants, _, rest = smiles.partition(">")
    with rdBase.BlockLogs():
        return str(MurckoScaffold.MurckoScaffoldSmiles(smiles=reactants or rest.rpartition(">")[2]))
