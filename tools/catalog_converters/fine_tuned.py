"""Fine-tuned image classifiers of many small publishers, known from the records of a paper on model selection.

Only the cards are taken. Their accuracies after fine-tuning are the ground truth for evaluating recommendations, so the
catalog does not contain them.
"""

from __future__ import annotations

import ast
from pathlib import Path

from catalog_converters.writing import Row, read, whole_number, write_models

SOURCE = "github:zLizy/transferability_graph@9c22047"

_FAMILIES = {
    "beit": "BEiT",
    "convnext": "ConvNeXt",
    "data2vec-vision": "Data2Vec Vision",
    "deit": "DeiT",
    "resnet": "ResNet",
    "swin": "Swin Transformer",
    "van": "VAN",
    "vit": "ViT",
}


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``vision/fine_tuned.models.csv``; it has no benchmarks."""
    rows = [
        {
            "id": f"hf:{line['model']}",
            "tasks": ("image-classification",),
            "architecture": _FAMILIES.get(line["architecture"], line["architecture"]),
            "library": "transformers",
            "parameters": whole_number(line["number_of_parameters"]),
            "input": {"kind": "image", "size": whole_number(line["input_shape"])},
            "tags": ast.literal_eval(line["architectures"]) if line["architectures"] else (),
            "source": SOURCE,
        }
        for line in read(upstream / "finetuning" / "vision_models.csv")
    ]
    write_models(output / "vision" / "fine_tuned.models.csv", rows)
    return []
