"""COCO's mean average precision of boxes, by pycocotools."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError, needs_extra
from zoo_vision.detection.boxes import Boxes


def mean_average_precision(targets: Sequence[Boxes], predictions: Sequence[Boxes]) -> float:
    """Mean over classes and over overlaps from 0.5 to 0.95 (Lin et al., "Microsoft COCO", 2014); 0 to 1."""
    return _average_precisions("map", targets, predictions)[0]


def average_precision_at_half_overlap(targets: Sequence[Boxes], predictions: Sequence[Boxes]) -> float:
    """The mean over classes at an overlap of 0.5 alone, as in PASCAL VOC; 0 to 1."""
    return _average_precisions("map_50", targets, predictions)[1]


METRICS = (
    Metric(
        "map",
        mean_average_precision,
        True,
        "COCO's mean average precision at overlaps 0.5 to 0.95; 0 to 1.",
        bounds=(0, 1),
        recomputed=20,
    ),
    Metric(
        "map_50",
        average_precision_at_half_overlap,
        True,
        "Mean average precision at an overlap of 0.5; 0 to 1.",
        bounds=(0, 1),
        recomputed=20,
    ),
)


def _average_precisions(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> tuple[float, float]:
    with needs_extra("detection", "evaluate boxes"):
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    if not len(targets) or not all(isinstance(boxes, Boxes) for boxes in [*targets, *predictions]):
        raise DataError(f"'{name}' needs boxes.")
    labels = sorted({label for boxes in targets for label in boxes.labels})
    if not labels:
        raise DataError(f"'{name}' cannot be computed: no target has a box.")
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    annotations = [
        {**row, "id": number, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
        for number, row in enumerate(_rows(targets, numbers), start=1)
    ]
    with redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {
            "images": [{"id": number} for number in range(len(targets))],
            "annotations": annotations,
            "categories": [{"id": number, "name": label} for label, number in numbers.items()],
            "info": {},
        }
        known.createIndex()
        found = _rows(predictions, numbers)
        if not found:
            return 0.0, 0.0
        evaluation = COCOeval(known, known.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def _rows(images: Sequence[Boxes], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """COCO's rows; boxes of classes that no target has are left out, as in COCO."""
    rows = []
    for number, boxes in enumerate(images):
        for box in boxes.found:
            if box.label in numbers:
                left, top, right, bottom = box.corners
                place = [left, top, right - left, bottom - top]
                row = {"image_id": number, "category_id": numbers[box.label], "bbox": place, "score": box.score}
                rows.append(row)
    return rows
