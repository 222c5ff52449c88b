"""Boxes around objects: COCO's mean average precision, by pycocotools."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

from zoo.contract.metric import Metric
from zoo.errors import DataError, needs_extra
from zoo.legacy.kinds import TargetKind


def mean_average_precision(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """Mean over classes and over overlaps from 0.5 to 0.95 (Lin et al., "Microsoft COCO", 2014); 0 to 1."""
    return _coco("map", targets, predictions)[0]


def at_half_overlap(targets: Sequence[Any], predictions: Sequence[Any]) -> float:
    """The same at an overlap of 0.5 alone, as PASCAL VOC has it."""
    return _coco("map_50", targets, predictions)[1]


METRICS = (
    Metric("map", mean_average_precision, True, "COCO's mean average precision at overlaps 0.5 to 0.95; 0 to 1."),
    Metric("map_50", at_half_overlap, True, "Mean average precision at an overlap of 0.5; 0 to 1."),
)


def _coco(name: str, targets: Sequence[Any], predictions: Sequence[Any]) -> tuple[float, float]:
    with needs_extra("detection", "judge boxes"):
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    both = [*targets, *predictions]
    if not len(targets) or not all(hasattr(boxes, "corners") for boxes in both):
        raise DataError(f"'{name}' compares boxes.")
    labels = sorted({label for boxes in targets for label in boxes.labels})
    if not labels:
        raise DataError(f"'{name}' cannot be computed: there is no box to find.")
    kinds = {label: number for number, label in enumerate(labels, start=1)}
    truth = [
        {**row, "id": number, "area": row["bbox"][2] * row["bbox"][3], "iscrowd": 0}
        for number, row in enumerate(_rows(targets, kinds), start=1)
    ]
    with redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = {
            "images": [{"id": number} for number in range(len(targets))],
            "annotations": truth,
            "categories": [{"id": number, "name": label} for label, number in kinds.items()],
            "info": {},
        }
        known.createIndex()
        found = _rows(predictions, kinds)
        if not found:
            return 0.0, 0.0
        evaluation = COCOeval(known, known.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def _rows(pictures: Sequence[Any], kinds: Mapping[str, int]) -> list[dict[str, Any]]:
    """COCO's rows; objects of kinds that are never true are left out, as they are in COCO."""
    return [
        {"image_id": number, "category_id": kinds[label], "bbox": [x0, y0, x1 - x0, y1 - y0], "score": score}
        for number, boxes in enumerate(pictures)
        for (x0, y0, x1, y1), label, score in zip(boxes.corners, boxes.labels, boxes.scores, strict=True)
        if label in kinds
    ]


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    """In every picture the mean box of the commonest kind."""
    from zoo.data.boxes import Boxes

    counts = Counter(label for boxes in known for label in boxes.labels)
    common = counts.most_common(1)[0][0]
    same = [
        corners
        for boxes in known
        for corners, label in zip(boxes.corners, boxes.labels, strict=True)
        if label == common
    ]
    mean = tuple(sum(corner[side] for corner in same) / len(same) for side in range(4))
    return [Boxes((mean,), (common,), (1.0,))] * len(inputs)


def _answer(item: Any, answer: Any) -> Any:
    from zoo.data.boxes import Boxes

    return Boxes(
        tuple(tuple(found["box"]) for found in answer),
        tuple(found["label"] for found in answer),
        tuple(float(found["score"]) for found in answer),
    )


KIND = TargetKind("boxes", _guess, _answer)
