"""Names of architectures, as the field writes them."""

from __future__ import annotations

from collections.abc import Sequence

_FAMILIES = {
    "albert": "ALBERT",
    "bart": "BART",
    "beit": "BEiT",
    "bert": "BERT",
    "clap": "CLAP",
    "clip": "CLIP",
    "convnext": "ConvNeXt",
    "convnextv2": "ConvNeXt V2",
    "deberta": "DeBERTa",
    "deberta-v2": "DeBERTa V2",
    "deit": "DeiT",
    "detr": "DETR",
    "dinov2": "DINOv2",
    "distilbert": "DistilBERT",
    "electra": "ELECTRA",
    "esm": "ESM",
    "gpt2": "GPT-2",
    "hubert": "HuBERT",
    "llama": "Llama",
    "marian": "Marian",
    "mobilenet_v2": "MobileNetV2",
    "modernbert": "ModernBERT",
    "molformer": "MoLFormer",
    "mpnet": "MPNet",
    "musicgen": "MusicGen",
    "resnet": "ResNet",
    "roberta": "RoBERTa",
    "segformer": "SegFormer",
    "siglip": "SigLIP",
    "siglip2": "SigLIP 2",
    "speecht5": "SpeechT5",
    "swin": "Swin",
    "t5": "T5",
    "vit": "ViT",
    "vits": "VITS",
    "wav2vec2": "wav2vec 2.0",
    "wavlm": "WavLM",
    "whisper": "Whisper",
    "xlm-roberta": "XLM-RoBERTa",
    "yolos": "YOLOS",
}
"""By ``model_type`` of transformers."""


def architecture_name(model_type: object, class_names: Sequence[str] = ()) -> str | None:
    """The name of an architecture, from ``model_type``, else the class name; None if there is neither."""
    if isinstance(model_type, str) and model_type:
        return _FAMILIES.get(model_type, model_type)
    return class_names[0] if class_names else None
