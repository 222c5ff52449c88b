"""Proteins as sequences: the kind of sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.reader import ReadOptions
from zoo.contract.values import Typed, Unusable
from zoo.entities import Dataset, Problem
from zoo.errors import DataError
from zoo.kinds.inputs import read_each
from zoo_scientific.proteins.residues import FOLDING, clean, protein_problem
from zoo_scientific.proteins.structures import is_protein_file, read_structure
from zoo_scientific.sequence_files import FASTA, Entry, fasta_entries, form_of, read_folder, typed_entries

if TYPE_CHECKING:
    from zoo.contract.backbone import LoadedModel

_LEAST = 5
"""Minimum residues for a cell to look like a protein."""


class Proteins(Kind):
    """Proteins as texts of one letter for each residue."""

    name = "protein"
    suffixes = FASTA
    column_names = ("sequence", "protein_sequence", "protein", "seq", "aa_sequence", "aa_seq", "mutated_sequence")
    cells = "sequences"
    written = True

    def is_cell(self, value: str, column: str) -> bool:
        """In a column with one of the names, a text of five letters or more, each of them a residue's."""
        text = value.strip()
        return (
            column in self.column_names
            and len(value) >= _LEAST
            and " " not in text
            and not protein_problem(clean(value))
        )

    def read_cell(self, value: Any) -> str:
        """The residues in capitals."""
        sequence = clean(str(value))
        if reason := protein_problem(sequence):
            raise Unusable(reason)
        return sequence

    def is_file(self, path: Path) -> bool:
        """A FASTA file by its name, compressed with gzip or not."""
        return form_of(path) in FASTA

    def read_folder(
        self,
        reference: str,
        root: Path,
        files: Sequence[tuple[Path, str | None]],
        options: ReadOptions,
        problems: Sequence[Problem],
    ) -> Dataset:
        """All entries of the FASTA files; without class folders, each file is a class, except for splits."""
        return read_folder(self, reference, root, files, options, problems=problems)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Sequences, FASTA files, each of which stands for all its sequences, or files of structures."""
        hint = "Give a FASTA, PDB or mmCIF file."
        entries = typed_entries(texts, _holds_proteins, _entries, "proteins", hint)
        return read_each(entries, self.read_cell, "Write residues in the one-letter code.")

    def canonical(self, item: Any) -> str:
        """The residues in capitals, without spaces, gaps and the final stop."""
        return clean(item)

    def ordinary(self) -> Sequence[Any]:
        """17 to 65 residues of real proteins."""
        return (
            "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ",
            "GSHMASMTGGQQMGRGS",
            "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHF",
            "MNIFEMLRIDEGLRLKIYKDTEGYYTIGIGHLLTKSPSLNAAKSELDKAIGRNTNGVITKDEAEK",
        )

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """One residue and 5,000; for folding, whose memory is quadratic, unknown residues instead."""
        if task == FOLDING:
            return [("one residue", "M"), ("an unknown residue", "MKXZ")]
        return [("one residue", "M"), ("a protein of 5,000 residues", "MKTAYIAKQR" * 500)]


def _holds_proteins(path: Path) -> bool:
    return form_of(path) in FASTA or is_protein_file(path)


def _entries(path: Path) -> Iterator[Entry]:
    """Those of a FASTA file, or the chain of a file of structures."""
    if not is_protein_file(path):
        yield from fasta_entries(path)
        return
    chain = read_structure(path)
    if isinstance(chain, str):
        raise DataError(f"'{path}' {chain}.")
    yield path.stem, chain.sequence, {}
