"""How a kind shows its answers and inputs: as text, tables, JSON, HTML, drawings and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.contract.values import Shown, short

if TYPE_CHECKING:
    from PIL.Image import Image


class Shows:
    """The part of a kind that shows; every method has a default.

    Attributes:
        shows_input: whether ``html`` shows the input too, such as an image with boxes on it.
        samples_shown: how many samples a report shows, in a list of the style ``samples_style``.
        needs_output: whether answers cannot be printed, so the user has to name a file or folder.
        output_note: message if answers were only summarised, because no file or folder was named.
    """

    shows_input: ClassVar[bool] = False
    samples_shown: ClassVar[int] = 12
    samples_style: ClassVar[str] = "samples"
    needs_output: ClassVar[bool] = False
    output_note: ClassVar[str] = ""

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """An answer as rows of label and score, both as text."""
        return [(str(answer).strip() or "(empty)", "")]

    def table(self, names: Sequence[str], answers: Sequence[Any]) -> Shown:
        """Answers as a table, with one row per label of each answer."""
        rows = [
            [name if at == 0 else "", label, score]
            for name, answer in zip(names, answers, strict=True)
            for at, (label, score) in enumerate(self.summary(answer))
        ]
        return Shown(("input", "label", "score"), rows, ("score",))

    def to_json(self, answer: Any) -> Any:
        """An answer as plain JSON values."""
        return asdict(answer) if is_dataclass(answer) and not isinstance(answer, type) else answer

    def html(self, item: Any, answer: Any) -> str:
        """An answer to an input, as HTML: also in words, never by colour only."""
        return f'<p class="lead">{escape("; ".join(label for label, _ in self.summary(answer)))}</p>'

    def sections(self, names: Sequence[str], inputs: Sequence[Any], answers: Sequence[Any], asked: Shows) -> list[str]:
        """The sections of a page of answers, one for each input.

        Args:
            asked: the kind of the inputs, which shows them if the answers do not.
        """
        found = []
        for name, item, answer in zip(names, inputs, answers, strict=True):
            given = "" if self.shows_input else asked.input_html(item)
            found.append(f"<section><h2>{escape(short(name))}</h2>{given}{self.html(item, answer)}</section>")
        return found

    def input_html(self, item: Any) -> str:
        """An input of this kind, as HTML."""
        return f"<blockquote>{escape(str(item))}</blockquote>"

    def lines(self, answer: Any) -> Sequence[str]:
        """An answer as a few lines under a drawing of its input."""
        return [f"{label}  {score}".rstrip() for label, score in self.summary(answer)]

    def draw_input(self, item: Any, lines: Sequence[str]) -> Image | None:
        """An input drawn with lines of text, for answers that are not drawn on it; None if it is not drawn."""
        return None

    def sample_html(self, item: Any, index: int, label: str) -> str:
        """A sample with its label as an item of a list in HTML, for reports; empty for kinds that are not shown."""
        return ""

    def draw(self, item: Any, answer: Any) -> Image | None:
        """A drawing of an answer, on its input if that is an image; None if there is nothing to draw."""
        return None

    def save(self, answer: Any, folder: Path, name: str) -> Sequence[Path]:
        """Write the data of an answer, besides its drawing, to files in a folder; returns the paths."""
        return ()

    def file_names(self, names: Sequence[str]) -> Sequence[str]:
        """The stems of files for the answers to n inputs, from the inputs' names."""
        return [Path(name).stem for name in names]
