"""Proteins as sequences: the kind of sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.reader import ReadOptions
from zoo.contract.values import Typed, Unusable
from zoo.entities import Dataset, Problem
from zoo.errors import DataError
from zoo.kinds.inputs import existing_file, read_each
from zoo_scientific.proteins.residues import FOLDING, clean, protein_problem
from zoo_scientific.proteins.structures import is_protein_file, read_structure
from zoo_scientific.sequence_files import FASTA, fasta_entries, form_of, read_folder

if TYPE_CHECKING:
    from zoo.contract.backbone import LoadedModel

_LEAST = 5
"""Residues that a cell needs to look like a protein."""


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
        """A FASTA file by its name, packed by gzip or not."""
        return form_of(path) in FASTA

    def read_folder(
        self,
        reference: str,
        root: Path,
        files: Sequence[tuple[Path, str | None]],
        options: ReadOptions,
        problems: Sequence[Problem],
    ) -> Dataset:
        """All entries of the FASTA files; without class folders each file is a class, but for splits."""
        return read_folder(self, reference, root, files, options, problems=problems)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """Sequences, FASTA files, each of which stands for all that it holds, or files of structures."""
        entries = [entry for text in texts for entry in _entries(text)]

        def read(text: str) -> str:
            try:
                return self.read_cell(text)
            except Unusable as reason:
                raise DataError(f"'{text[:60]}' {reason}.", "Write residues in the one-letter code.") from None

        return read_each(entries, read)

    def canonical(self, item: Any) -> str:
        """The residues in capitals, without blanks, gaps and the stop at the end."""
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
        """One residue and 5,000; for folding, which takes memory by their square, unknown residues instead."""
        if task == FOLDING:
            return [("one residue", "M"), ("an unknown residue", "MKXZ")]
        return [("one residue", "M"), ("a protein of 5,000 residues", "MKTAYIAKQR" * 500)]


def _entries(text: str) -> list[tuple[str, str]]:
    """Name and sequence of each protein in a file, or of the typed text itself."""
    path = existing_file(text)
    if path is None:
        return [(text, text)]
    if is_protein_file(path):
        chain = read_structure(path)
        if isinstance(chain, str):
            raise DataError(f"'{path}' {chain}.")
        return [(path.stem, chain.sequence)]
    if form_of(path) not in FASTA:
        raise DataError(f"'{path}' is not a file of proteins that zoo reads.", "Give a FASTA, PDB or mmCIF file.")
    found = [(place, sequence) for place, sequence, _ in fasta_entries(path)]
    if not found:
        raise DataError(f"'{path}' holds no proteins.")
    return found
