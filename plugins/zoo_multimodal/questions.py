"""Questions about images with people's answers: tables with a column of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.reader import ReadOptions, Table, settle
from zoo.contract.values import Typed
from zoo.entities import Combined, Dataset, Problem
from zoo.errors import DataError, needs_extra, suggest
from zoo.kinds import image as images
from zoo.kinds.answers import known_answers
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.images import Images
from zoo.kinds.inputs import read_each, resolve
from zoo.kinds.items import EncodedImages, ImageFiles, text_digest

if TYPE_CHECKING:
    from PIL.Image import Image

    from zoo.contract.backbone import LoadedModel

TASK = "visual-question-answering"
INPUT_KIND = "image-question"
_ANSWERS = ("answer", "answers", "multiple_choice_answer", "label", "target")


@dataclass(frozen=True)
class ImageQuestion:
    """An image, and a question about it."""

    image: Image
    question: str

    def tobytes(self) -> bytes:
        """Both as bytes, for a digest."""
        return f"{self.image.mode} {self.image.size} {self.question}\n".encode() + self.image.tobytes()


def parse(text: str) -> ImageQuestion:
    """The path of an image and a question, as they are typed: ``photo.jpg What is on the table?``.

    Raises:
        DataError: the text does not begin with the path of an image, nothing follows it, or it cannot be decoded.
    """
    words = text.split(" ")
    for count in range(len(words) - 1, 0, -1):
        path, question = Path(" ".join(words[:count])).expanduser(), " ".join(words[count:]).strip()
        if question and path.is_file():
            facts = images.inspect(path)
            if isinstance(facts, str):
                raise DataError(f"'{path}' cannot be read as an image: it {facts}.")
            return ImageQuestion(images.decode(path.read_bytes()), question)
    raise DataError(
        f"'{text[:60]}' is not an image file with a question after it.", 'Write "photo.jpg What is on the table?"'
    )


def read_table(reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset:
    """The questions of a table with a column of images, one named ``question`` and one of answers.

    The answers of several people may be a list, in which an answer may occur several times.

    Raises:
        DataError: a column is missing, or nothing can be used.
    """
    with needs_extra("data", "read images"):
        import PIL.Image  # noqa: F401
    usual = Images.column_names
    image = options.input_column or next((name for name in usual if name in table.columns), "image")
    answer = options.target_column or next((name for name in _ANSWERS if name in table.columns), "answer")
    for name in (image, "question", answer):
        if name not in table.columns:
            raise DataError(f"'{reference}' has no column '{name}', which {TASK} needs.", suggest(name, table.columns))
    columns = [table.columns.index(name) for name in (image, "question", answer)]
    contents: list[Any] = []
    facts: list[images.ImageFacts] = []
    questions: list[str] = []
    targets: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    seen: dict[Path, images.ImageFacts | str] = {}
    for row in table.rows():
        place = f"{table.unit} {row.number}"
        shown, question, answers = (row.values[column] if row.values else None for column in columns)
        known = tuple(known_answers(answers))
        if not shown or not str(question or "").strip() or not known:
            problems.append(Problem(place, "has no image, no question or no answer"))
            continue
        content, looked = _look(shown, path.parent, seen)
        if isinstance(looked, str):
            problems.append(Problem(place, f"has a file that {looked}"))
            continue
        contents.append(content)
        facts.append(looked)
        questions.append(str(question).strip())
        targets.append(known)
    settle(reference, len(questions), problems, options)
    encoded = isinstance(contents[0], bytes)
    decoded = EncodedImages(contents, facts) if encoded else ImageFiles(path.parent, contents, facts)
    digests = (text_digest(found.digest.hex() + asked) for found, asked in zip(facts, questions, strict=True))
    return Dataset(
        reference,
        INPUT_KIND,
        Combined(ImageQuestion, decoded, questions),
        targets,
        (),
        fingerprint(INPUT_KIND, digests, [json.dumps(known) for known in targets]),
        "answers",
        {"input": image, "target": answer},
        tuple(problems),
    )


class ImageQuestions(Kind):
    """Questions about images, as ``ImageQuestion``."""

    name = INPUT_KIND
    asked_of = "image"
    folds_text = True

    def read_table(self, reference: str, path: Path, table: Table, options: ReadOptions) -> Dataset:
        """Questions with people's answers."""
        return read_table(reference, path, table, options)

    def read_typed(self, texts: Sequence[str], options: Mapping[str, Any], model: LoadedModel) -> Typed:
        """A question after the path of an image."""
        return read_each(texts, parse)

    def input_html(self, item: ImageQuestion) -> str:
        """The image; answers show the question."""
        return Images().input_html(item.image)

    def ordinary(self) -> Sequence[ImageQuestion]:
        """Three questions about three images."""
        asked = ("What is this?", "Which colour is it?", "How many are there?")
        return [ImageQuestion(image, text) for image, text in zip(Images().ordinary(), asked, strict=False)]

    def extreme(self, task: str = "") -> Sequence[tuple[str, ImageQuestion]]:
        """Tiny and very wide images."""
        found = Images().extreme()[:2]
        return [(name, ImageQuestion(image, "What is this?")) for name, image in found]


def _look(shown: Any, folder: Path, seen: dict[Path, images.ImageFacts | str]) -> tuple[Any, images.ImageFacts | str]:
    """A cell's image, as bytes or as a path, and its content; files that several rows name are read once."""
    if isinstance(shown, dict):
        content = shown.get("bytes") or b""
        return content, images.inspect_content(content)
    path = resolve(str(shown), folder)
    if path not in seen:
        seen[path] = images.inspect(path)
    return path, seen[path]
