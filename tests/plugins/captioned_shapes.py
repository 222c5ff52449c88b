"""Drawn coloured shapes with captions: what small models of images and text are trained and evaluated on."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220), "yellow": (230, 210, 40)}
SHAPES = ("circle", "square", "triangle")
PLACES = {"left": 8, "right": 24}
SIDE = 32
CAPTIONS = [f"a {c} {s} on the {p}" for c, s, p in itertools.product(COLOURS, SHAPES, PLACES)]


def drawn(caption: str, generator: np.random.Generator) -> Image.Image:
    """What the caption says, SIDE x SIDE, on a dark ground of any colour."""
    _, colour, shape, _, _, place = caption.split()
    image = Image.new("RGB", (SIDE, SIDE), tuple(generator.integers(0, 60, 3).tolist()))
    x, y, r = PLACES[place] + generator.integers(-1, 2), 16 + generator.integers(-6, 7), 5 + generator.integers(0, 3)
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse((x - r, y - r, x + r, y + r), COLOURS[colour])
    elif shape == "square":
        draw.rectangle((x - r, y - r, x + r, y + r), COLOURS[colour])
    else:
        draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], COLOURS[colour])
    return image


def table_of_captions(folder: Path) -> Path:
    """A table of new images, each with its caption; every caption once."""
    generator = np.random.default_rng(7)
    folder.mkdir()
    lines = ["image,caption"]
    for number, caption in enumerate(CAPTIONS):
        drawn(caption, generator).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{caption}")
    (folder / "captions.csv").write_text("\n".join(lines) + "\n")
    return folder / "captions.csv"


def folders_of_shapes(folder: Path) -> Path:
    """New images in one folder per colour and shape."""
    generator = np.random.default_rng(8)
    for colour, shape in itertools.product(COLOURS, SHAPES):
        inner = folder / f"{colour}_{shape}"
        inner.mkdir(parents=True)
        for place in PLACES:
            drawn(f"a {colour} {shape} on the {place}", generator).save(inner / f"{place}.png")
    return folder
