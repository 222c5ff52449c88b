"""Predicted structures and designed sequences as HTML."""

from __future__ import annotations

import base64
from html import escape

from zoo.pages import parts
from zoo_scientific.proteins.design_metrics import Design
from zoo_scientific.proteins.drawing import APART, CONTACT, FARTHEST, contacts, draw_design, draw_fold
from zoo_scientific.proteins.folding_metrics import Fold
from zoo_scientific.proteins.structures import Structure

ALIGNED = 60
"""Residues per line of an alignment."""

_CHAIN = (
    "Distances of the alpha carbons of {count:,} residues, black where they meet, white from {farthest:.0f} angstroms "
    "on. The strip below is "
)


def fold_html(sequence: str, answer: Fold) -> str:
    """Distances of the residues and the confidence along the chain, as image, text and table, and the PDB file."""
    structure, sure = answer.structure(), answer.plddt
    words = _CHAIN.format(count=len(structure), farthest=FARTHEST) + (
        "the confidence along the chain: dark blue from 0.9, light blue from 0.7, yellow from 0.5, orange below."
    )
    rows = [["residues", f"{len(structure):,}"], ["mean confidence (pLDDT)", f"{sum(sure) / len(sure):.3f}"]]
    rows += [[f"confidence of at least {least}", f"{sum(v >= least for v in sure):,}"] for least in (0.9, 0.7, 0.5)]
    rows.append([f"pairs within {CONTACT:.0f} angstroms, {APART} or more places apart", f"{contacts(structure):,}"])
    link = _link(answer.pdb, "structure.pdb", "chemical/x-pdb", "The structure as a PDB file")
    table = parts.table(["what", "how many"], rows, "The structure in figures")
    image = parts.figure(draw_fold(answer), words, words, "map")
    return f"<p><code>{escape(str(sequence))}</code></p>{image}{table}{link}"


def design_html(structure: Structure, answer: Design) -> str:
    """The designed sequence under the native one, in lines of sixty, with a mark where both agree."""
    same = "".join("|" if a == b else " " for a, b in zip(answer.native, answer.sequence, strict=True))
    rows = [
        ["residues", f"{len(answer.native):,}"],
        ["native residues recovered", f"{same.count('|'):,} ({answer.recovery:.1%})"],
        ["mean probability of the chosen residues", f"{answer.confidence:.3f}"],
    ]
    if answer.native_perplexity is not None:
        perplexity = f"{answer.native_perplexity:.2f}"
        rows.append(["perplexity of the native sequence (1 is certain, 20 is as good as chance)", perplexity])
    caption = (
        "The native sequence, each line with the number of its first residue, above the designed one; a bar for equals."
    )
    words = _CHAIN.format(count=len(answer.native), farthest=FARTHEST) + (
        "blue where the native residue was recovered, grey elsewhere."
    )
    text = escape("\n".join(_aligned(structure, answer, same)).rstrip())
    link = _link(f">designed\n{answer.sequence}\n", "designed.fasta", "text/x-fasta", "The sequence as a FASTA file")
    image = parts.figure(draw_design(structure, answer), words, words, "map")
    both = f'<p>{caption}</p><pre class="aligned" role="region" tabindex="0" aria-label="Both sequences">{text}</pre>'
    return image + both + parts.table(["what", "how many"], rows, "The design in figures") + link


def _aligned(structure: Structure, answer: Design, same: str) -> list[str]:
    lines = []
    for start in range(0, len(answer.native), ALIGNED):
        end = min(start + ALIGNED, len(answer.native))
        first = start + 1 if structure.numbers is None else int(structure.numbers[start])
        lines += [
            f"native   {first:>5} {answer.native[start:end]}",
            f"{'':14} {same[start:end]}",
            f"designed {'':>5} {answer.sequence[start:end]}",
            "",
        ]
    return lines


def _link(text: str, file: str, media_type: str, words: str) -> str:
    content = base64.b64encode(text.encode("ascii")).decode("ascii")
    return f'<p><a download="{file}" href="data:{media_type};base64,{content}">{words}</a></p>'
