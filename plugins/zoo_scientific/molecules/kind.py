"""Molecules: the kind of sample."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.contract.kind import Kind
from zoo.contract.values import Typed, Unusable
from zoo.kinds.inputs import read_each
from zoo_scientific.molecules.scaffolds import scaffolds
from zoo_scientific.molecules.smiles import canonical_smiles, looks_like_smiles, smiles_problem
from zoo_scientific.sequence_files import SMILES, form_of, smiles_entries, typed_entries

if TYPE_CHECKING:
    from zoo.contract.backbone import LoadedModel


class Molecules(Kind):
    """Molecules and reactions as SMILES strings."""

    name = "molecule"
    column_names = ("smiles", "canonical_smiles", "isomeric_smiles", "mol", "molecule", "drug", "reaction", "rxn")
    cells = "SMILES"
    written = True
    libraries = ("rdkit",)
    groupings: ClassVar[Mapping[str, Callable[[Sequence[Any]], Sequence[Hashable]]]] = {"scaffold": scaffolds}

    def is_cell(self, value: str, column: str) -> bool:
        """In a column with one of the names, a text of the characters of SMILES."""
        return column in self.column_names and looks_like_smiles(value)

    def read_cell(self, value: Any) -> str:
        """The SMILES, stripped."""
        smiles = str(value).strip()
        if reason := smiles_problem(smiles):
            raise Unusable(reason)
        return smiles

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """SMILES, or ``.smi`` files, each of which stands for all its molecules."""
        hint = "Give a SMILES file (.smi)."
        entries = typed_entries(texts, lambda path: form_of(path) in SMILES, smiles_entries, "molecules", hint)
        return read_each(entries, self.read_cell, "Write a SMILES string such as CCO.")

    def canonical(self, item: Any) -> str:
        """RDKit's canonical SMILES."""
        return canonical_smiles(item)

    def ordinary(self) -> Sequence[Any]:
        """Ethanol, benzoic acid, aspirin, caffeine and a fatty acid."""
        return (
            "CCO",
            "c1ccccc1C(=O)O",
            "CC(=O)Oc1ccccc1C(=O)O",
            "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
            "O=C(O)CCCCCCCCCCCCC",
        )

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """One atom, and 1,500."""
        return [("methane", "C"), ("a molecule of 1,500 atoms", "C" * 1500)]
