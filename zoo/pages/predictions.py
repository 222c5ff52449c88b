"""The page of what a model answered: boxes, masks, entities, answers, maps, series, energies, sounds; all in words too.

Nothing is told by a colour alone: boxes and highlights carry their label, masks and maps a legend, and each picture
has its content beside it as a table.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.pages import document, drawing
from zoo.pages.colours import DIVERGING, SEQUENTIAL, paint

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SHOWN = 20
"""Rows of a table: objects, labels, atoms."""

SMALLEST = 192
"""Pixels that the longer side of a picture that a model made has at least, about."""

LONGEST = 80
"""Characters of a heading."""

PLAYABLE = 8_000
"""Samples a second that browsers play at least."""

ALIGNED = 60
"""Residues a line."""

LARGEST = 1024
"""Pixels that the longer side of a picture in the page has at most."""


def page(model: str, task: str, names: Sequence[str], inputs: Sequence[Any], answers: Sequence[Any]) -> str:
    """One page for all answers of a model.

    Args:
        names: the inputs as they were typed, n.
        inputs: the same, decoded, n.
        answers: what ``zoo_predict`` gave for them, n.
    """
    made = bool(answers) and all(isinstance(answer, Mapping) and "image" in answer for answer in answers)
    articles = (
        _made(inputs, answers)
        if made
        else [
            f"<section><h2>{escape(_short(name))}</h2>{shown(item, answer)}</section>"
            for name, item, answer in zip(names, inputs, answers, strict=True)
        ]
    )
    sounds = bool(answers) and all(hasattr(answer, "sampling_rate") for answer in answers)
    series = bool(answers) and all(isinstance(answer, Mapping) and "median" in answer for answer in answers)
    title = f"What {model} {'makes' if made or sounds else 'forecasts' if series else 'finds'}"
    count = f"{len(names)} {'picture' if made else 'input'}{'s' if len(names) != 1 else ''}"
    head = f'<header><h1>{escape(title)}</h1><p class="soft">{escape(task or "own task")}, {count}</p></header>'
    return document(title, "\n".join((head, "<main>", *articles, "</main>")))


def shown(item: Any, answer: Any) -> str:
    """One answer beside its input, as HTML."""
    if hasattr(answer, "sampling_rate"):
        return _sound(item, answer)
    if isinstance(answer, Mapping):
        if "pdb" in answer:
            return _structure(item, answer)
        if "native_perplexity" in answer:
            return _design(item, answer)
        if "mask" in answer:
            return _mask(item, answer)
        if "values" in answer:
            return _maps(item, answer)
        if "energy" in answer:
            return _energy(item, answer)
        if "median" in answer:
            return _forecast(item, answer)
        if "answer" in answer:
            return _found_answer(item, answer)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        if any(isinstance(found, Mapping) and "box" in found for found in answer):
            return _boxes(item, answer)
        if any(isinstance(found, Mapping) and "start" in found for found in answer):
            return _entities(str(item), answer)
        if answer and all(isinstance(found, Mapping) and "label" in found for found in answer):
            return _labels(item, answer)
        if not answer:
            return f"{_input(item)}<p>Nothing was found.</p>"
    if isinstance(answer, str) and not answer.strip():
        return f"{_input(item)}<p>The answer is empty: nothing was found.</p>"
    return f'{_input(item)}<h3>Answer</h3><p class="lead">{escape(_words(answer))}</p>'


def _sound(item: Any, answer: Any) -> str:
    """What was said or described, what came of it to listen to, and its spectrogram; the voice it was spoken in."""
    from zoo.kinds.spectrogram import draw_recording

    told = f"{answer.seconds:.2f} seconds at {answer.sampling_rate:,} Hz."
    text = str(item)
    # The heading has what was typed, unless that is long or a voice comes before it.
    quoted = hasattr(item, "voice") or len(text) > LONGEST
    parts = [
        f'<p class="lead">\u201c{escape(text)}\u201d</p>' if quoted else "",
        _player(answer, "What the model made of it"),
        _picture(draw_recording(answer, ()), f"The spectrogram of {told}", f"{told} Over seconds and kilohertz."),
    ]
    if hasattr(item, "voice"):
        parts += ["<h3>The voice</h3>", _player(item.voice, "The recording whose voice it is spoken in")]
    return "".join(parts)


def _player(recording: Any, words: str) -> str:
    from zoo.kinds.audio import Recording, encode

    rate = max(recording.sampling_rate, PLAYABLE)
    data = base64.b64encode(encode(Recording(recording.at(rate), rate))).decode("ascii")
    return f'<p><audio controls aria-label="{escape(words)}" src="data:audio/wav;base64,{data}"></audio></p>'


def _made(prompts: Sequence[Any], answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """A section for each prompt with the pictures that were made of it, and what makes each of them again."""
    from itertools import groupby

    sections = []
    pairs = groupby(zip(prompts, answers, strict=True), key=lambda pair: str(pair[0]))
    for text, group in pairs:
        figures = []
        for _, answer in group:
            image, told = answer["image"], f"Seed {answer['seed']}, {answer['steps']} steps"
            told += f", guidance {float(answer['guidance']):g}" if "guidance" in answer else ""
            told += ". Flagged by the model's safety checker" if answer.get("flagged") else ""
            factor = max(1, round(SMALLEST / max(image.size)))
            large = image.resize((factor * image.width, factor * image.height), 0)
            words = f"A picture made of '{text}', {told[0].lower()}{told[1:]}." if text else f"A picture: {told}."
            figures.append(f"<li>{_picture(large, words, f'{told}.', 'made')}</li>")
        heading = escape(_short(text)) if text else "Without a prompt"
        sections.append(f'<section><h2>{heading}</h2><ul class="made">{"".join(figures)}</ul></section>')
    return sections


def _boxes(image: Image, found: Sequence[Mapping[str, Any]]) -> str:
    likely = sorted(found, key=lambda one: -float(one["score"]))
    drawn = [one for one in likely if float(one["score"]) >= drawing.LIKELY]
    listed = drawn or likely
    told = "; ".join(f"{one['label']} {float(one['score']):.2f}" for one in drawn[:SHOWN]) or "no object is likely"
    rows = [
        (str(one["label"]), f"{float(one['score']):.3f}", *(f"{float(side):.0f}" for side in one["box"]))
        for one in listed[:SHOWN]
    ]
    caption = (
        f"Objects with a score of at least {drawing.LIKELY}, in pixels of the picture."
        if drawn
        else f"No object has a score of {drawing.LIKELY}; these are the likeliest."
    )
    table = _table(("Object", "Score", "Left", "Top", "Right", "Bottom"), rows, f"{caption}{_rest(listed)}")
    return _picture(drawing.draw_boxes(image, found), f"The picture with boxes: {told}.", "Boxes by the model.") + table


def _mask(image: Image, answer: Mapping[str, Any]) -> str:
    import numpy as np

    mask = np.asarray(answer["mask"])
    indices = [int(index) for index in np.unique(mask)]
    counts = np.bincount(mask.ravel())
    names = list(answer["classes"])
    clear = int(counts.argmax())
    rows = sorted(
        ((name, counts[index] / mask.size, index) for name, index in zip(names, indices, strict=True)),
        key=lambda row: -row[1],
    )
    body = "".join(
        f"<tr><td>{_swatch(None if index == clear else drawing.colour(index))} {escape(name)}</td>"
        f'<td class="number">{share:.1%}</td></tr>'
        for name, share, index in rows
    )
    told = ", ".join(f"{name} {share:.0%}" for name, share, _ in rows)
    legend = (
        "<table><caption>Share of the picture; the commonest class is left clear.</caption><thead><tr>"
        f'<th scope="col">Class</th><th scope="col" class="number">Share</th></tr></thead><tbody>{body}</tbody></table>'
    )
    return _picture(drawing.draw_mask(image, mask), f"The picture with a mask: {told}.", "Mask by the model.") + legend


def _entities(text: str, found: Sequence[Mapping[str, Any]]) -> str:
    kinds = sorted({str(one["label"]) for one in found})
    parts, position = [], 0
    for one in sorted(found, key=lambda one: int(one["start"])):
        start, end = int(one["start"]), int(one["end"])
        if start < position:
            continue
        hue = drawing.colour(kinds.index(str(one["label"])))
        parts.append(escape(text[position:start]))
        parts.append(
            f'<mark class="entity" style="border-color:rgb{hue}">{escape(text[start:end])}'
            f"<small> {escape(str(one['label']))}</small></mark>"
        )
        position = end
    parts.append(escape(text[position:]))
    scored = any("score" in one for one in found)  # spaCy's pipelines give none
    rows = [
        (str(one.get("word", "")), str(one["label"]), *([f"{float(one['score']):.3f}"] if scored else []))
        for one in found[:SHOWN]
    ]
    heads = ("Words", "Entity", *(["Score"] if scored else []))
    table = _table(heads, rows, f"Entities in the order of the text.{_rest(found)}")
    return f'<p class="lead">{"".join(parts)}</p>{table}'


def _found_answer(item: Any, answer: Mapping[str, Any]) -> str:
    context, words = str(getattr(item, "context", "")), str(answer["answer"])
    picture = _input(item.image) if hasattr(item, "image") else ""
    start = int(answer.get("start", context.find(words)))
    marked = escape(context)
    if words and context[start : start + len(words)] == words and start >= 0:
        end = start + len(words)
        marked = f"{escape(context[:start])}<mark>{escape(words)}</mark>{escape(context[end:])}"
    score = f' <span class="soft">score {float(answer["score"]):.3f}</span>' if "score" in answer else ""
    question = escape(str(getattr(item, "question", "")))
    lead = f'<p class="lead">{escape(words) or "No answer."}{score}</p>'
    source = picture or f"<blockquote>{marked}</blockquote>"
    return f"<h3>{question}</h3>{lead}{source}"


def _labels(item: Any, found: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for one in found[:SHOWN]:
        score = float(one.get("score", 0.0))
        bar = f'<span class="share" style="width:{100 * max(0.0, min(1.0, score)):.1f}%"></span>'
        cells = f'<td>{escape(str(one["label"]))}</td><td class="number">{score:.3f}</td><td class="bar">{bar}</td>'
        rows.append(f"<tr>{cells}</tr>")
    table = (
        f"<table><caption>Best first.{_rest(found)}</caption>"
        '<thead><tr><th scope="col">Label</th><th scope="col" class="number">Score</th><td></td></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return _input(item) + table


def _maps(item: Any, answer: Mapping[str, Any]) -> str:
    """The forecast of each variable, and how far it departs from what is usual, north on top."""
    import numpy as np

    values = np.asarray(answer["values"], dtype=np.float64)
    usual = np.asarray(item.next_climatology, dtype=np.float64)
    latitudes = np.asarray(item.fields[-1].latitudes)
    southward = len(latitudes) > 1 and latitudes[0] < latitudes[-1]
    parts = []
    for name, field, mean in zip(answer.get("names", item.names), values, usual, strict=True):
        maps = []
        for title, shown_field in (("Forecast", field), ("Departure from what is usual", field - mean)):
            grid = shown_field[::-1] if southward else shown_field
            maps.append(_map(grid, str(name), title, latitudes))
        parts.append(f'<h3>{escape(str(name))}</h3><div class="plots">{"".join(maps)}</div>')
    return "".join(parts)


def _map(field: np.ndarray, name: str, title: str, latitudes: np.ndarray) -> str:
    import numpy as np

    if not np.isfinite(field).any():
        return f"<p>{escape(title)}: nothing is known.</p>"
    low, high = float(np.nanmin(field)), float(np.nanmax(field))
    both = low < 0 < high
    edge = max(-low, high)
    bounds, scale = ((-edge, edge), DIVERGING) if both else ((low, high), SEQUENTIAL)
    row, column = np.unravel_index(int(np.nanargmax(np.abs(field))), field.shape)
    north = sorted(latitudes.tolist(), reverse=True)[int(row)]
    words = (
        f"{title} of {name}: from {low:.3g} to {high:.3g}, mean {float(np.nanmean(field)):.3g}; the largest is "
        f"{float(field[row, column]):.3g} at latitude {north:.0f}."
    )
    stops = ", ".join(f"rgb{colour}" for colour in scale)
    legend = (
        f'<p class="scale"><span>{bounds[0]:.3g}</span><span class="ramp" style="background:linear-gradient(to right, '
        f'{stops})"></span><span>{bounds[1]:.3g}</span></p>'
    )
    return f"<div>{_picture(paint(field, *bounds, scale), words, words, 'map')}{legend}</div>"


def _forecast(item: Any, answer: Mapping[str, Any]) -> str:
    """The series with its forecast and the band of eight in ten values, and both as a table."""
    from zoo.data.forecast_drawing import draw_forecast

    times, low, high = answer["times"], answer["quantiles"]["0.1"], answer["quantiles"]["0.9"]
    middle = answer["median"]
    words = (
        f"{item.name} and its forecast for {len(times)} steps, {times[0]} to {times[-1]}: the median goes from "
        f"{middle[0]:.4g} to {middle[-1]:.4g}, lowest {min(middle):.4g}, highest {max(middle):.4g}."
    )
    caption = (
        "What was before (thin), the median of what comes (thick), and the band that 8 in 10 values should lie in."
    )
    rows = [(time, *(f"{value:.4g}" for value in step)) for time, *step in zip(times, low, middle, high, strict=True)]
    table = _table(("Time", "0.1", "Median", "0.9"), rows[:SHOWN], f"Quantiles of each step.{_rest(rows)}")
    return _picture(draw_forecast(item, answer), words, caption) + table


def _energy(item: Any, answer: Mapping[str, Any]) -> str:
    lead = f'<p class="lead">Energy: {float(answer["energy"]):.4f} eV an atom</p>'
    forces = answer.get("forces")
    if not forces:
        return f"<p>{escape(str(getattr(item, 'formula', '')))}</p>{lead}"
    rows = [
        (
            str(number),
            *(f"{round(float(part), 4) + 0.0:+.4f}" for part in force),  # no minus before what rounds to nothing
            f"{sum(float(part) ** 2 for part in force) ** 0.5:.4f}",
        )
        for number, force in enumerate(forces[:SHOWN], start=1)
    ]
    caption = f"Forces in eV/angstrom.{_rest(forces)}"
    return f"<p>{escape(str(getattr(item, 'formula', '')))}</p>{lead}" + _table(
        ("Atom", "x", "y", "z", "Length"), rows, caption
    )


def _input(item: Any) -> str:
    if hasattr(item, "sampling_rate"):
        from zoo.kinds.spectrogram import draw_recording

        told = f"The spectrogram of {item.seconds:.1f} seconds."
        return _picture(draw_recording(item, ()), told, "The recording over seconds and kilohertz.")
    if hasattr(item, "convert") and hasattr(item, "size"):
        return _picture(item, f"The input, {item.size[0]} by {item.size[1]} pixels.", "The input.")
    return f"<blockquote>{escape(item)}</blockquote>" if isinstance(item, str) else ""


def _structure(item: Any, answer: Mapping[str, Any]) -> str:
    """Distances of the residues and the confidence along the chain, in words and figures too, and the PDB file."""
    from zoo.data.structure_drawing import APART, CONTACT, FARTHEST, chain, contacts

    structure, sure = chain(answer), [float(value) for value in answer["plddt"]]
    words = (
        f"Distances of the alpha carbons of {len(structure):,} residues, black where they meet, white from "
        f"{FARTHEST:.0f} angstroms on. The strip below is the confidence along the chain: dark blue from 0.9, light "
        "blue from 0.7, yellow from 0.5, orange below."
    )
    rows = [["residues", f"{len(structure):,}"], ["mean confidence (pLDDT)", f"{sum(sure) / len(sure):.3f}"]]
    rows += [[f"confidence of at least {least}", f"{sum(v >= least for v in sure):,}"] for least in (0.9, 0.7, 0.5)]
    rows.append([f"pairs within {CONTACT:.0f} angstroms, {APART} or more places apart", f"{contacts(structure):,}"])
    text = base64.b64encode(str(answer["pdb"]).encode("ascii")).decode("ascii")
    link = (
        f'<p><a download="structure.pdb" href="data:chemical/x-pdb;base64,{text}">The structure as a PDB file</a></p>'
    )
    table = _table(["what", "how many"], rows, "The structure in figures")
    picture = _picture(drawing.draw(item, answer), words, words, "map")
    return f"<p><code>{escape(str(item))}</code></p>{picture}{table}{link}"


def _design(item: Any, answer: Mapping[str, Any]) -> str:
    """The designed sequence under the native one, in lines of sixty, with a mark where both agree."""
    from zoo.data.structure_drawing import FARTHEST

    own, made = str(answer["native"]), str(answer["sequence"])
    same = "".join("|" if a == b else " " for a, b in zip(own, made, strict=True))
    numbers = getattr(item, "numbers", None)
    lines = []
    for start in range(0, len(own), ALIGNED):
        end = min(start + ALIGNED, len(own))
        first = int(numbers[start]) if numbers is not None else start + 1
        lines += [
            f"native   {first:>5} {own[start:end]}",
            f"{'':14} {same[start:end]}",
            f"designed {'':>5} {made[start:end]}",
            "",
        ]
    rows = [
        ["residues", f"{len(own):,}"],
        ["native residues found again", f"{same.count('|'):,} ({float(answer['recovery']):.1%})"],
        ["mean probability of the chosen residues", f"{float(answer['confidence']):.3f}"],
        [
            "perplexity of the native sequence (1 is certain, 20 is knowing nothing)",
            f"{float(answer['native_perplexity']):.2f}",
        ],
    ]
    told = (
        "The native sequence, each line with the number of its first residue, above the designed one; a bar for equals."
    )
    words = (
        f"Distances of the alpha carbons of {len(own):,} residues, black where they meet, white from {FARTHEST:.0f} "
        "angstroms on. The strip below is blue where the native residue was found again, grey elsewhere."
    )
    text = escape("\n".join(lines).rstrip())
    fasta = base64.b64encode(f">designed\n{made}\n".encode("ascii")).decode("ascii")
    link = (
        f'<p><a download="designed.fasta" href="data:text/x-fasta;base64,{fasta}">The sequence as a FASTA file</a></p>'
    )
    picture = _picture(drawing.draw(item, answer), words, words, "map")
    aligned = f'<p>{told}</p><pre class="aligned" role="region" tabindex="0" aria-label="Both sequences">{text}</pre>'
    return picture + aligned + _table(["what", "how many"], rows, "The design in figures") + link


def _picture(image: Image, words: str, caption: str, kind: str = "found") -> str:
    drawn = image.convert("RGB")
    drawn.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    drawn.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    source = f"data:image/png;base64,{data}"
    return (
        f'<figure class="{kind}"><img alt="{escape(words)}" src="{source}"><figcaption>{escape(caption)}</figcaption>'
        "</figure>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    first = "".join(f'<th scope="col"{_number(at, rows)}>{escape(head)}</th>' for at, head in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(f'<td{_number(at, rows)}>{escape(cell)}</td>' for at, cell in enumerate(row))}</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"


def _number(column: int, rows: Sequence[Sequence[str]]) -> str:
    figures = bool(rows) and all(row[column].lstrip("+-").replace(".", "", 1).isdigit() for row in rows)
    return ' class="number"' if column and figures else ""


def _rest(found: Sequence[Any]) -> str:
    return f" {len(found) - SHOWN} more are in the JSON." if len(found) > SHOWN else ""


def _swatch(colour: tuple[int, int, int] | None) -> str:
    fill = "transparent" if colour is None else f"rgb{colour}"
    return f'<span class="swatch" style="background:{fill}" aria-hidden="true"></span>'


def _words(answer: Any) -> str:
    if isinstance(answer, Mapping):
        return "; ".join(f"{name}: {_words(value)}" for name, value in answer.items())
    return f"{answer:.6g}" if isinstance(answer, float) else str(answer)


def _short(name: str) -> str:
    suffix = Path(name).suffix
    whole = Path(name).name if len(name) < 200 and suffix and " " not in suffix else name
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}\u2026"
