"""open_clip: image-text models with zero-shot accuracies and retrieval recalls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog_converters.writing import Row, benchmark, millions, read, write_matrix, write_models
from zoo.catalog.licenses import OTHER

RESULTS = "github:mlfoundations/open_clip@89fb801"
PACKAGE = "pypi:open_clip_torch"

_ZERO_SHOT, _RETRIEVAL = "zero-shot-image-classification", "image-text-retrieval"

_ACCURACY = (
    "ImageNet 1k",
    "ImageNet v2",
    "ImageNet-A",
    "ImageNet-R",
    "ImageNet Sketch",
    "ObjectNet",
    "CIFAR-10",
    "CIFAR-100",
    "Food-101",
    "Stanford Cars",
    "SUN397",
    "Describable Textures",
    "EuroSAT",
    "RESISC45",
    "Country211",
    "GTSRB",
    "STL-10",
    "SVHN",
    "MNIST",
    "PatchCamelyon",
    "Rendered SST2",
    "Pascal VOC 2007",
)
_MEAN_PER_CLASS_RECALL = ("Caltech-101", "FGVC Aircraft", "Oxford Flowers-102", "Oxford-IIIT Pet")
"""The data sets whose column has a different metric, from the benchmark's own task list."""

_RECALL = {
    f"{data} {direction} retr. R@{k}": (name, f"{direction}_recall_at_{k}")
    for data, name in (("Flickr", "Flickr30k"), ("MSCOCO", "MS COCO"))
    for direction in ("image", "text")
    for k in (1, 5)
}

_LICENSES = {"openai": "MIT", "laion": "MIT", "datacomp": "MIT", "commonpool": "MIT", "webli": "Apache-2.0"}
"""The licence of the weights by the first letters of their tag, where the publisher states one for all of them."""

_PUBLISHERS = {"UCSC-VLAA": "Apache-2.0", "apple": OTHER}
"""The licence of all open_clip weights of a publisher, whatever data their tag names; Apple's is its own (AMLR)."""

_PRETRAINING = {
    "openai": "WIT-400M",
    "laion400m": "LAION-400M",
    "laion2b": "LAION-2B",
    "laion5b": "LAION-5B",
    "laion_aesthetic": "LAION-Aesthetic",
    "frozen_laion5b": "LAION-5B",
    "datacomp_xl": "DataComp-1B",
    "datacomp1b": "DataComp-1B",
    "webli": "WebLI",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "cc12m": "CC12M",
    "yfcc15m": "YFCC15M",
    "merged2b": "Merged-2B",
    "mscoco_finetuned_laion2b": "LAION-2B",
    "metaclip": "MetaCLIP",
    "commonpool": "CommonPool",
    "datacomp": "DataComp",
}


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``multimodal/open_clip.models.csv`` and its matrix; returns the benchmarks."""
    import open_clip

    folder = upstream / "open_clip"
    results = {(line["name"], line["pretrained"]): line for line in read(folder / "openclip_results.csv")}
    retrieval = {(line["name"], line["pretrained"]): line for line in read(folder / "openclip_retrieval_results.csv")}
    profiles = {line["model"]: line for line in read(folder / "model_profile.csv")}
    cards, scores = [], {}
    for model, tag in sorted(open_clip.list_pretrained()):
        line, recalls = results.get((model, tag)), retrieval.get((model, tag), {})
        if scored_only and line is None:
            continue
        identity = f"openclip:{model}/{tag}"
        counted = (line or {}).get("params (M)") or profiles.get(model, {}).get("mparams", "")
        cards.append(_card(identity, model, tag, millions(counted)))
        scores[identity] = _figures(line or {}, (*_ACCURACY, *_MEAN_PER_CLASS_RECALL)) | _figures(recalls, _RECALL)
    keys = [f"open_clip/{name}" for name in (*_ACCURACY, *_MEAN_PER_CLASS_RECALL, *_RECALL)]
    write_models(output / "multimodal" / "open_clip.models.csv", cards)
    write_matrix(output / "multimodal" / "open_clip.matrix.csv", scores, keys)
    return list(_benchmarks())


def _benchmarks() -> list[Row]:
    metrics = dict.fromkeys(_ACCURACY, "accuracy") | dict.fromkeys(_MEAN_PER_CLASS_RECALL, "mean_per_class_recall")
    zero_shot = [
        benchmark(f"open_clip/{name}", _ZERO_SHOT, name, "test", metric, source=RESULTS)
        for name, metric in metrics.items()
    ]
    recalls = [
        benchmark(f"open_clip/{column}", _RETRIEVAL, name, "test", metric, source=RESULTS)
        for column, (name, metric) in _RECALL.items()
    ]
    return zero_shot + recalls


def _figures(line: Mapping[str, str], columns: Any) -> dict[str, float]:
    return {f"open_clip/{column}": float(line[column]) for column in columns if line.get(column)}


def _card(identity: str, model: str, tag: str, parameters: int | None) -> dict[str, Any]:
    import open_clip

    config = open_clip.get_model_config(model) or {}
    size = config.get("vision_cfg", {}).get("image_size")
    published = open_clip.get_pretrained_cfg(model, tag) or {}
    hub = (published.get("hf_hub") or "").strip("/")
    return {
        "id": identity,
        "tasks": (_ZERO_SHOT, _RETRIEVAL),
        "architecture": "CoCa" if model.startswith("coca") else "SigLIP" if "SigLIP" in model else "CLIP",
        "library": "open_clip",
        "parameters": parameters,
        "license": _PUBLISHERS.get(hub.partition("/")[0]) or _by_prefix(_LICENSES, tag),
        "pretraining": [name for name in [_by_prefix(_PRETRAINING, tag)] if name],
        "input": {"kind": "image", "size": size[0] if isinstance(size, (list, tuple)) else size},
        "embedding_dimension": config.get("embed_dim"),
        "url": f"https://huggingface.co/{hub}" if hub.count("/") == 1 else published.get("url", ""),
        "loader": {"model": model, "pretrained": tag},
        "source": PACKAGE,
    }


def _by_prefix(values: Mapping[str, str], tag: str) -> str:
    """The value of the longest name that is a prefix of the tag, or nothing."""
    return next((values[name] for name in sorted(values, key=len, reverse=True) if tag.startswith(name)), "")
