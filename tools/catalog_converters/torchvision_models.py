"""torchvision: classifiers, detectors and segmentation models with the metrics in the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalog_converters.writing import Row, benchmark, write_matrix, write_models
from zoo.catalog.licenses import spdx

SOURCE = "pypi:torchvision"

_PERSONS = "COCO-val2017-persons"
"""The data set of keypoint models, whose boxes are evaluated on persons only."""

_FIGURES = {
    ("ImageNet-1K", "acc@1"): (
        "torchvision/imagenet-1k",
        "image-classification",
        "ImageNet-1k",
        "validation",
        "accuracy",
    ),
    ("COCO-val2017", "box_map"): ("torchvision/coco-box", "object-detection", "COCO", "val2017", "map"),
    (_PERSONS, "box_map"): ("torchvision/coco-persons", "object-detection", "COCO, persons only", "val2017", "map"),
    ("COCO-val2017", "mask_map"): ("torchvision/coco-mask", "image-segmentation", "COCO", "val2017", "mask_map"),
    ("COCO-val2017-VOC-labels", "miou"): (
        "torchvision/coco-voc",
        "image-segmentation",
        "COCO with VOC labels",
        "val2017",
        "mean_iou",
    ),
}
"""Metrics of the package with a task in zoo; the rest (video, optical flow, keypoints) is left out."""

_FAMILIES = {
    "alexnet": "AlexNet",
    "convnext": "ConvNeXt",
    "deeplabv3": "DeepLabV3",
    "densenet": "DenseNet",
    "efficientnet": "EfficientNet",
    "faster_rcnn": "Faster R-CNN",
    "fcn": "FCN",
    "fcos": "FCOS",
    "googlenet": "GoogLeNet",
    "inception": "Inception-v3",
    "keypoint_rcnn": "Keypoint R-CNN",
    "lraspp": "LR-ASPP",
    "mask_rcnn": "Mask R-CNN",
    "maxvit": "MaxViT",
    "mnasnet": "MNASNet",
    "mobilenetv2": "MobileNetV2",
    "mobilenetv3": "MobileNetV3",
    "regnet": "RegNet",
    "resnet": "ResNet",
    "retinanet": "RetinaNet",
    "shufflenetv2": "ShuffleNetV2",
    "squeezenet": "SqueezeNet",
    "ssd": "SSD",
    "ssdlite": "SSDlite",
    "swin_transformer": "Swin Transformer",
    "vgg": "VGG",
    "vision_transformer": "ViT",
}


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``vision/torchvision.models.csv`` and its matrix from the installed package; returns the benchmarks."""
    import torchvision

    cards, scores = [], {}
    for name in torchvision.models.list_models():
        weights = torchvision.models.get_model_weights(name).DEFAULT
        figures = {_FIGURES[key][0]: value / 100 for key, value in _reported(weights).items() if key in _FIGURES}
        if figures:
            card = _card(name, weights)
            cards.append(card)
            scores[card["id"]] = figures
    write_models(output / "vision" / "torchvision.models.csv", cards)
    write_matrix(output / "vision" / "torchvision.matrix.csv", scores, [figure[0] for figure in _FIGURES.values()])
    return [benchmark(*figure, source=SOURCE) for figure in _FIGURES.values()]


def _reported(weights: Any) -> dict[tuple[str, str], float]:
    """Percentages by data set and metric."""
    found = {
        (data, metric): value for data, values in weights.meta["_metrics"].items() for metric, value in values.items()
    }
    persons = any(metric == "kp_map" for _, metric in found)
    return {(_PERSONS if persons else data, metric): value for (data, metric), value in found.items()}


def _card(name: str, weights: Any) -> dict[str, Any]:
    reported = _reported(weights)
    module = type(weights).__module__.rpartition(".")[2]
    quantized = ".quantization." in type(weights).__module__
    return {
        "id": f"torchhub:pytorch/vision:{name}",
        "tasks": tuple(dict.fromkeys(_FIGURES[key][1] for key in reported if key in _FIGURES)),
        "architecture": _FAMILIES[module],
        "library": "torchvision",
        "parameters": weights.meta["num_params"],
        "bytes": round(weights.meta["_file_size"] * 2**20),
        "license": spdx(weights.meta.get("license", "BSD-3-Clause")),
        "pretraining": ("ImageNet-1k",) if ("ImageNet-1K", "acc@1") in reported else ("COCO",),
        "input": {"kind": "image"},
        "url": weights.url,
        "tags": ("quantized",) if quantized else (),
        "loader": {"weights": str(weights)},
        "source": SOURCE,
    }
