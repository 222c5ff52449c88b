"""Reads images with boxes around their objects from COCO's JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.reader import ReadOptions, settle
from zoo.entities import Dataset, Problem
from zoo.errors import DataError, needs_extra
from zoo.kinds.fingerprint import fingerprint
from zoo.kinds.image import inspect_all
from zoo.kinds.items import ImageFiles
from zoo.kinds.text import read_text
from zoo.untrusted import parse_json
from zoo_vision.detection.boxes import Box, Boxes

if TYPE_CHECKING:
    from zoo.kinds.image import ImageFacts

_MARKS = ('"images"', '"annotations"', '"categories"')


class BoxReader:
    """COCO's JSON: ``images``, ``annotations`` with ``bbox`` (left, top, width, height), and ``categories``."""

    name = "boxes (COCO JSON)"
    datasets: Sequence[str] = ()

    def accepts(self, reference: str) -> bool:
        """A JSON file with images, annotations and categories."""
        path = Path(reference).expanduser()
        try:
            if path.suffix.lower() != ".json" or not path.is_file():
                return False
            text = read_text(path)
        except OSError:
            return False
        return all(mark in text for mark in _MARKS)

    def read(self, reference: str, options: ReadOptions) -> Dataset:
        """The images with their boxes; files are looked up next to the JSON, and in a folder ``images`` there.

        Raises:
            DataError: the file is not in COCO's format, or nothing can be used.
        """
        path = Path(reference).expanduser()
        try:
            document = parse_json(read_text(path), finite=False)
            names = {int(entry["id"]): str(entry["name"]) for entry in document["categories"]}
            images = {int(entry["id"]): str(entry["file_name"]) for entry in document["images"]}
            problems: list[Problem] = []
            found: dict[int, list[tuple[Any, str | int]]] = {number: [] for number in images}
            for annotation in document["annotations"]:
                image, category = int(annotation["image_id"]), int(annotation["category_id"])
                if image not in found:
                    problems.append(
                        Problem(f"annotation {annotation.get('id', '?')}", f"refers to the unlisted image {image}")
                    )
                elif not annotation.get("iscrowd"):
                    found[image].append((annotation["bbox"], names.get(category, category)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"'{reference}' is not in COCO's format: {type(error).__name__}: {error}.",
                "It needs images, annotations with bbox, and categories.",
            ) from error
        rows = [(images[number], found[number]) for number in images]
        return _dataset(reference, path.parent, rows, problems, options)


def _dataset(
    name: str,
    folder: Path,
    rows: Sequence[tuple[str, list[tuple[Any, str | int]]]],
    problems: list[Problem],
    options: ReadOptions,
) -> Dataset:
    with needs_extra("data", "read images"):
        import PIL.Image  # noqa: F401
    places = [_place(folder, file) for file, _ in rows]
    paths: list[Path] = []
    known: list[ImageFacts] = []
    targets: list[Boxes] = []
    for (file, objects), path, facts in zip(rows, places, inspect_all(places), strict=True):
        if isinstance(facts, str):
            problems.append(Problem(file, facts))
            continue
        boxes = _boxes(objects, facts.size)
        if isinstance(boxes, str):
            problems.append(Problem(file, boxes))
            continue
        paths.append(path)
        known.append(facts)
        targets.append(boxes)
    settle(name, len(paths), problems, options)
    classes = tuple(sorted({label for boxes in targets for label in boxes.labels}))
    if not classes:
        raise DataError(f"No image of '{name}' has a box.")
    written = [json.dumps([[box.corners for box in boxes.found], boxes.labels]) for boxes in targets]
    return Dataset(
        name,
        "image",
        ImageFiles(folder, paths, known),
        targets,
        classes,
        fingerprint("image", (facts.digest for facts in known), written, classes),
        "boxes",
        {"target": "boxes"},
        tuple(problems),
    )


def _place(folder: Path, file: str) -> Path:
    beside = folder / file
    return beside if beside.is_file() else folder / "images" / file


def _boxes(objects: Sequence[tuple[Any, str | int]], size: tuple[int, int]) -> Boxes | str:
    """Boxes inside an image, or why they cannot be used; a numeric label is that of an unknown category."""
    found = []
    for box, label in objects:
        if isinstance(label, int):
            return f"has a box of the category {label}, which is not among the categories"
        try:
            left, top, width, height = (float(value) for value in box)
        except (TypeError, ValueError):
            return f"has a box of '{label}' that is not four numbers"
        right, bottom = min(left + width, size[0]), min(top + height, size[1])
        left, top = max(left, 0.0), max(top, 0.0)
        if not (right > left and bottom > top):
            return f"has a box of '{label}' that is empty or outside the image"
        found.append(Box(label, 1.0, (left, top, right, bottom)))
    return Boxes(tuple(found))
