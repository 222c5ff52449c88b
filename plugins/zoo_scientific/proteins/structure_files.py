"""Reads files of proteins with known structure, and folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from zoo.contract.reader import ReadOptions, settle
from zoo.data.listing import count_passed_over, walk
from zoo.entities import Dataset, Problem
from zoo.errors import DataError
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.items import text_digest
from zoo_scientific.proteins.structures import FEWEST, INVERSE_FOLDING, Structure, is_protein_file, read_structure


class StructureReader:
    """Files of proteins with known structure, and folders of them; the sequences are the inputs.

    For inverse folding, the structures are the inputs.
    """

    name = "structures of proteins (PDB, mmCIF)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A file with such a name, or a folder with one."""
        path = Path(reference).expanduser()
        if not reference.strip():
            return False
        if not path.is_dir():
            return is_protein_file(path)
        try:
            return any(is_protein_file(file) for file in path.iterdir())
        except OSError:
            return False

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The longest chain of each file: its sequence, with the structure as target; or the reverse, by the task.

        Raises:
            DataError: nothing in it can be used.
        """
        root = Path(reference).expanduser()
        chains: list[Structure] = []
        problems: list[Problem] = []
        files = [root] if root.is_file() else list(walk(root))
        kept = [path for path in files if path == root or is_protein_file(path)]
        passed_over = count_passed_over(sorted(set(files).difference(kept)), root, "structures")
        for path in kept:
            place = path.name if path == root else path.relative_to(root).as_posix()
            found = read_structure(path)
            if isinstance(found, str):
                problems.append(Problem(place, found))
            elif options.task == INVERSE_FOLDING:
                chain = found.complete()
                if len(chain) < FEWEST:
                    problems.append(Problem(place, f"has a complete backbone for only {len(chain)} residues"))
                else:
                    chains.append(chain)
            elif "X" in found.sequence:
                problems.append(Problem(place, "has residues other than the twenty"))
            else:
                chains.append(found)
        settle(reference, len(chains), problems, options)
        if not chains:
            raise DataError(f"There are no structures in '{reference}'.")
        digests = (text_digest(chain.sequence) for chain in chains)
        known = [chain.tobytes().hex() for chain in chains]
        if options.task == INVERSE_FOLDING:
            inputs: Any = chains
            sequences: Any = [chain.sequence for chain in chains]
            return Dataset(
                reference,
                "protein-structure",
                inputs,
                sequences,
                (),
                fingerprint("protein-structure", (sha256(chain.tobytes()).digest() for chain in chains), sequences, ()),
                "residues",
                {},
                tuple(problems),
                passed_over=passed_over,
            )
        targets: Any = chains
        return Dataset(
            reference,
            "protein",
            [chain.sequence for chain in chains],
            targets,
            (),
            fingerprint("protein", digests, known, ()),
            "structure",
            {},
            tuple(problems),
            passed_over=passed_over,
        )
