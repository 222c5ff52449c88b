"""timm: image models with their hub ids, sizes and accuracies on six ImageNet test sets."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from catalog_converters.writing import Row, benchmark, read, write_matrix, write_models
from zoo.catalog.licenses import spdx

RESULTS = "github:huggingface/pytorch-image-models@aa4b5850"
PACKAGE = "pypi:timm"

_SETS = {
    "timm/imagenet-1k": ("results-imagenet.csv", "ImageNet-1k", "validation"),
    "timm/imagenet-real": ("results-imagenet-real.csv", "ImageNet-ReaL", "validation"),
    "timm/imagenet-v2": ("results-imagenetv2-matched-frequency.csv", "ImageNet-V2", "matched-frequency"),
    "timm/imagenet-a": ("results-imagenet-a.csv", "ImageNet-A", "test"),
    "timm/imagenet-r": ("results-imagenet-r.csv", "ImageNet-R", "test"),
    "timm/imagenet-sketch": ("results-sketch.csv", "ImageNet-Sketch", "test"),
}

_PRETRAINING = {
    "in1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "merged2b": "Merged-2B",
    "merged30m": "Merged-30M",
    "m30m": "Merged-30M",
    "m38m": "Merged-38M",
    "webli": "WebLI",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "datacomp1b": "DataComp-1B",
    "lvd142m": "LVD-142M",
    "lvd1689m": "LVD-1689M",
    "sat493m": "SAT-493M",
    "jft": "JFT-300M",
    "yfcc100m": "YFCC100M",
    "ig1b": "Instagram-1B",
    "openai": "WIT-400M",
    "inat21": "iNaturalist 2021",
}
"""Training data by the parts of timm's weight tags; parts about the training recipe are left out."""

_FAMILIES = {
    "beit": "BEiT",
    "byoanet": "ByoaNet",
    "byobnet": "ByobNet",
    "cait": "CaiT",
    "coat": "CoaT",
    "convit": "ConViT",
    "convmixer": "ConvMixer",
    "convnext": "ConvNeXt",
    "cpubone": "CPUBone",
    "crossvit": "CrossViT",
    "csatv2": "CSATv2",
    "cspnet": "CSPNet",
    "cspnext": "CSPNeXt",
    "davit": "DaViT",
    "deepseek_vit": "DeepSeek ViT",
    "deit": "DeiT",
    "densenet": "DenseNet",
    "dla": "DLA",
    "dpn": "DPN",
    "edgenext": "EdgeNeXt",
    "efficientformer": "EfficientFormer",
    "efficientformer_v2": "EfficientFormerV2",
    "efficientnet": "EfficientNet",
    "efficientvim": "EfficientViM",
    "efficientvit_mit": "EfficientViT",
    "efficientvit_msra": "EfficientViT",
    "eva": "EVA",
    "fasternet": "FasterNet",
    "fastvit": "FastViT",
    "focalnet": "FocalNet",
    "gcvit": "GCViT",
    "gemma4_vit": "Gemma 4 ViT",
    "ghostnet": "GhostNet",
    "hardcorenas": "HardCoRe-NAS",
    "hgnet": "HGNet",
    "hiera": "Hiera",
    "hieradet_sam2": "Hiera (SAM 2)",
    "hrnet": "HRNet",
    "iformer": "iFormer",
    "inception_next": "InceptionNeXt",
    "inception_resnet_v2": "Inception-ResNet-v2",
    "inception_v3": "Inception-v3",
    "inception_v4": "Inception-v4",
    "lcnetv2": "LCNetV2",
    "levit": "LeViT",
    "lowformer": "LowFormer",
    "mambaout": "MambaOut",
    "maxxvit": "MaxViT",
    "metaformer": "MetaFormer",
    "mlp_mixer": "MLP-Mixer",
    "mobilenetv3": "MobileNetV3",
    "mobilenetv5": "MobileNetV5",
    "mobilevit": "MobileViT",
    "mvitv2": "MViTv2",
    "naflexvit": "NaFlexViT",
    "nasnet": "NASNet",
    "nest": "NesT",
    "nextvit": "Next-ViT",
    "nfnet": "NFNet",
    "pit": "PiT",
    "pnasnet": "PNASNet",
    "pvt_v2": "PVT v2",
    "qwen3_vit": "Qwen3 ViT",
    "rdnet": "RDNet",
    "regnet": "RegNet",
    "repghost": "RepGhost",
    "repvit": "RepViT",
    "res2net": "Res2Net",
    "resnest": "ResNeSt",
    "resnet": "ResNet",
    "resnetv2": "ResNetV2",
    "rexnet": "ReXNet",
    "selecsls": "SelecSLS",
    "senet": "SENet",
    "sequencer": "Sequencer",
    "shvit": "SHViT",
    "sknet": "SKNet",
    "starnet": "StarNet",
    "swiftformer": "SwiftFormer",
    "swin_transformer": "Swin Transformer",
    "swin_transformer_v2": "Swin Transformer V2",
    "swin_transformer_v2_cr": "Swin Transformer V2",
    "tiny_vit": "TinyViT",
    "tnt": "TNT",
    "tresnet": "TResNet",
    "twins": "Twins",
    "vgg": "VGG",
    "visformer": "Visformer",
    "vision_transformer": "ViT",
    "vision_transformer_hybrid": "ViT hybrid",
    "vision_transformer_relpos": "ViT",
    "vision_transformer_sam": "SAM ViT",
    "vitamin": "ViTamin",
    "volo": "VOLO",
    "vovnet": "VoVNet",
    "xception": "Xception",
    "xception_aligned": "Xception",
    "xcit": "XCiT",
}
"""Names of timm's modules in their papers; other modules keep their own names."""


def convert(upstream: Path, output: Path, scored_only: bool = False) -> list[Row]:
    """Write ``vision/timm.models.csv`` and ``vision/timm.matrix.csv``; returns the benchmarks."""
    import timm

    results = {key: _by_size(upstream / "timm" / name) for key, (name, _, _) in _SETS.items()}
    scored = {name for table in results.values() for name in table}
    cards: dict[str, dict[str, Any]] = {}
    scores: dict[str, dict[str, float]] = {}
    for name in timm.list_pretrained():
        if scored_only and name not in scored:
            continue
        card = describe(name)
        if card is None or (card["id"] in cards and "quickgelu" not in name):
            continue  # a few CLIP weights have two names in timm; the one with QuickGELU is right
        cards[card["id"]] = card
        figures = {key: _figure(table.get(name, {}), card["input"]["size"]) for key, table in results.items()}
        scores[card["id"]] = {key: figure for key, figure in figures.items() if figure is not None}
    write_models(output / "vision" / "timm.models.csv", cards.values())
    write_matrix(output / "vision" / "timm.matrix.csv", scores, list(_SETS))
    return [
        benchmark(key, "image-classification", dataset, split, "accuracy", source=RESULTS)
        for key, (_, dataset, split) in _SETS.items()
    ]


def describe(name: str) -> dict[str, Any] | None:
    """The card of one of timm's pretrained models, or None if timm has no Hub repository for its weights.

    Parameters and features are counted on the model itself, built without memory for its weights. The published file
    holds 32-bit floats, so its size is taken as four bytes per parameter and the card is tagged ``size-estimated``.
    """
    import timm
    import torch
    from timm.models import get_pretrained_cfg

    recipe = get_pretrained_cfg(name)
    if recipe is None or not recipe.hf_hub_id:
        return None
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {
        "id": f"hf:{recipe.hf_hub_id}",
        "tasks": ("image-classification",),
        "architecture": _family(recipe.architecture),
        "library": "timm",
        "parameters": parameters,
        "bytes": parameters * 4,
        "license": spdx(recipe.license or ""),
        "pretraining": _pretraining(recipe.tag or ""),
        "input": {"kind": "image", "size": recipe.input_size[-1], "interpolation": recipe.interpolation},
        "embedding_dimension": model.num_features,
        "tags": ("size-estimated",) if recipe.num_classes else ("no-classifier", "size-estimated"),
        "loader": {"architecture": name},
        "source": PACKAGE,
    }


def _by_size(path: Path) -> dict[str, dict[int, float]]:
    """Top-1 accuracy as a fraction, by model and by the image size that it was tested at."""
    found: dict[str, dict[int, float]] = {}
    for line in read(path):
        found.setdefault(line["model"], {})[int(line["img_size"])] = float(line["top1"]) / 100
    return found


def _figure(by_size: Mapping[int, float], size: int) -> float | None:
    """The accuracy at the model's own input size, else at the nearest size."""
    return by_size[min(by_size, key=lambda tested: (abs(tested - size), tested))] if by_size else None


def _pretraining(tag: str) -> tuple[str, ...]:
    parts: Iterable[str] = tag.split("_")
    return tuple(dict.fromkeys(_PRETRAINING[part] for part in parts if part in _PRETRAINING))


def _family(architecture: str) -> str:
    module = _modules()[architecture]
    return _FAMILIES.get(module, module)


@functools.lru_cache(maxsize=1)
def _modules() -> Mapping[str, str]:
    import timm

    return {name: module for module in timm.list_modules() for name in timm.list_models(module=module)}
