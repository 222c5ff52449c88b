"""Proteins as sequences of residues in the one-letter code of IUPAC."""

from __future__ import annotations

RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWYUOBZJX")
"""The twenty amino acids, selenocysteine, pyrrolysine, and the ambiguous B, Z, J and X."""

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The twenty amino acids, in alphabetical order."""

LONGEST = 100_000
"""Maximum residues of a sequence; titin, the longest known protein, has 35,000."""

FOLDING = "protein-structure-prediction"
"""The task whose inputs are sequences, and whose targets are their structures."""


def clean(text: str) -> str:
    """A sequence in capitals, without spaces, gaps and the final stop."""
    return "".join(text.split()).upper().replace("-", "").replace(".", "").rstrip("*")


def protein_problem(sequence: str) -> str:
    """Why a cleaned sequence is not a protein, or an empty string if it is one."""
    if not sequence:
        return "contains no residues"
    if len(sequence) > LONGEST:
        return f"has {len(sequence):,} residues; the maximum is {LONGEST:,}"
    for position, residue in enumerate(sequence, start=1):
        if residue not in RESIDUES:
            return f"has an unknown residue '{residue}' at position {position:,}"
    return ""
