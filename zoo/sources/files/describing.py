"""Describes a model from its configuration: domain, tasks, input, and number of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MODEL_TYPES = {
    "vision": {
        "beit",
        "convnext",
        "convnextv2",
        "cvt",
        "deit",
        "detr",
        "dinov2",
        "dinov2_with_registers",
        "dinov3_vit",
        "dpt",
        "efficientnet",
        "focalnet",
        "hiera",
        "levit",
        "mask2former",
        "maskformer",
        "mobilenet_v1",
        "mobilenet_v2",
        "mobilevit",
        "poolformer",
        "pvt",
        "regnet",
        "resnet",
        "rt_detr",
        "sam",
        "segformer",
        "swin",
        "swinv2",
        "timm_wrapper",
        "vit",
        "vit_mae",
        "vit_msn",
        "yolos",
    },
    "audio": {
        "audio-spectrogram-transformer",
        "bark",
        "clap",
        "encodec",
        "hubert",
        "mimi",
        "moonshine",
        "musicgen",
        "sew",
        "speech_to_text",
        "speecht5",
        "unispeech",
        "vits",
        "wav2vec2",
        "wav2vec2-bert",
        "wavlm",
        "whisper",
    },
    "multimodal": {
        "align",
        "altclip",
        "blip",
        "blip-2",
        "chinese_clip",
        "clip",
        "clipseg",
        "flava",
        "git",
        "groupvit",
        "llava",
        "owlvit",
        "owlv2",
        "paligemma",
        "siglip",
        "siglip2",
        "vilt",
        "vision-encoder-decoder",
    },
    "scientific": {"esm", "molformer"},
}

SEQUENCES = {"protein": "protein-property-prediction", "molecule": "molecular-property-prediction"}
"""Inputs of language models of chemistry and biology, with the task that they are adapted to."""

_SEQUENCE_INPUTS = {"esm": "protein", "molformer": "molecule"}
"""Model types with such an input."""

_LIBRARIES = {
    "timm": "vision",
    "open_clip": "multimodal",
    "sentence-transformers": "language",
    "transformers": "language",
    "spacy": "language",
    "flair": "language",
    "fairseq": "audio",
    "speechbrain": "audio",
    "espnet": "audio",
    "nemo": "audio",
    "pyannote-audio": "audio",
    "diffusers": "vision",
    "ultralytics": "vision",
}

_TAGS = {
    "audio-to-audio": "audio",
    "any-to-any": "multimodal",
    "depth-estimation": "vision",
    "document-question-answering": "multimodal",
    "fill-mask": "language",
    "image-feature-extraction": "vision",
    "image-text-to-text": "multimodal",
    "image-to-image": "vision",
    "image-to-video": "vision",
    "keypoint-detection": "vision",
    "mask-generation": "vision",
    "sentence-similarity": "language",
    "summarization": "language",
    "table-question-answering": "language",
    "text-ranking": "language",
    "text-to-video": "vision",
    "text2text-generation": "language",
    "video-classification": "vision",
    "video-text-to-text": "multimodal",
    "visual-document-retrieval": "multimodal",
    "voice-activity-detection": "audio",
    "zero-shot-classification": "language",
    "zero-shot-object-detection": "multimodal",
}

_HEADS = (
    ("ForTokenClassification", "token-classification"),
    ("BlipForQuestionAnswering", "visual-question-answering"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForImageClassification", "image-classification"),
    ("ForObjectDetection", "object-detection"),
    ("Segmentation", "image-segmentation"),
    ("ForCTC", "automatic-speech-recognition"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("WhisperForConditionalGeneration", "automatic-speech-recognition"),
    ("ForAudioClassification", "audio-classification"),
    ("ForTextToSpeech", "text-to-speech"),
    ("VitsModel", "text-to-speech"),
    ("MusicgenForConditionalGeneration", "text-to-audio"),
    ("ClapModel", "zero-shot-audio-classification"),
    ("BlipForConditionalGeneration", "image-to-text"),
    ("MarianMTModel", "translation"),
    ("M2M100ForConditionalGeneration", "translation"),
    ("ForMaskedLM", "fill-mask"),
    ("ForCausalLM", "text-generation"),
    ("LMHeadModel", "text-generation"),
    ("CLIPModel", "zero-shot-image-classification"),
    ("SiglipModel", "zero-shot-image-classification"),
    ("Siglip2Model", "zero-shot-image-classification"),
    ("EsmForProteinFolding", "protein-structure-prediction"),
    ("ForWeatherForecasting", "weather-forecasting"),
    ("ForForecasting", "time-series-forecasting"),
    ("Chronos2Model", "time-series-forecasting"),
)

_CAPTIONERS = frozenset({"BlipForConditionalGeneration", "BlipForQuestionAnswering"})
"""Image-text models whose features are those of the image encoder, without a projection."""

_FROM_TEXT = ("ForTextToSpeech", "MusicgenFor", "VitsModel")
"""Audio models whose input is text."""


def hub_tasks() -> frozenset[str]:
    """Tasks of the Hub that zoo itself does not serve."""
    return frozenset(_TAGS)


def tasks(model_type: object, architectures: Sequence[str]) -> tuple[str, ...]:
    """The task of a model's head; empty for vision and audio backbones without a head."""
    sequence = sequence_kind({"model_type": model_type})
    if sequence and not any("ForProteinFolding" in name for name in architectures):
        return (SEQUENCES[sequence],)
    for name in architectures:
        if "ForSequenceClassification" in name:
            audio = isinstance(model_type, str) and model_type in _MODEL_TYPES["audio"]
            return ("audio-classification",) if audio else ("text-classification",)
        for marker, task in _HEADS:
            if marker in name:
                return (task,)
    return ("feature-extraction",) if domain(None, model_type) == "language" else ()


def domain(task: str | None, model_type: object = None, library: str | None = None) -> str:
    """The domain of a model, from its model type, its task, or the library that loads it."""
    from zoo.plugins import plugins

    known = plugins().tasks
    # The Hub lists many image and protein encoders under feature-extraction, so the model type is checked first.
    for name, types in _MODEL_TYPES.items():
        if isinstance(model_type, str) and model_type in types:
            return name
    if task in known and (task != "feature-extraction" or library in {None, "transformers", "sentence-transformers"}):
        return known[task].domain
    if task in _TAGS:
        return _TAGS[task]
    if library in _LIBRARIES:
        return _LIBRARIES[library]
    return "language" if isinstance(model_type, str) and model_type else "other"


_QUERY_MODELS = frozenset({"mask2former", "oneformer"})
"""Their ``hidden_dim`` is the size of the queries; the number of image features is not in the configuration."""


def embedding_dimension(config: Mapping[str, Any]) -> int | None:
    """The number of features of a model, from its configuration; None if it is not there."""
    if any(str(name) in _CAPTIONERS for name in config.get("architectures") or ()):
        encoder = config.get("vision_config") or {}
        return encoder.get("hidden_size") if isinstance(encoder, Mapping) else None
    if str(config.get("model_type")) in _QUERY_MODELS:
        return None
    for key in ("num_features", "projection_dim", "hidden_size", "d_model", "dim", "n_embd", "hidden_dim"):
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    sizes = config.get("hidden_sizes") or config.get("embed_dim")
    if isinstance(sizes, list) and sizes and isinstance(sizes[-1], int) and sizes[-1] > 0:
        return sizes[-1]
    return None


def sequence_kind(config: Mapping[str, Any]) -> str | None:
    """``molecule`` or ``protein`` for a language model with such an input, else None.

    Some model types imply it; for others, such as a RoBERTa of molecules, the configuration has ``input_kind``.
    """
    named = config.get("input_kind")
    if isinstance(named, str) and named in SEQUENCES:
        return named
    return _SEQUENCE_INPUTS.get(str(config.get("model_type")))


def input_recipe(kind_domain: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Kind and shape of the input, with the preprocessing if the configuration has it."""
    if kind_domain == "language":
        length = config.get("max_position_embeddings")
        return {"kind": "text", **({"max_tokens": length} if isinstance(length, int) else {})}
    if kind_domain == "audio":
        named = " ".join(str(name) for name in config.get("architectures") or ())
        return {"kind": "text" if any(name in named for name in _FROM_TEXT) else "audio"}
    if kind_domain == "scientific":
        return {"kind": sequence_kind(config) or str(config.get("input_kind", "protein"))}
    recipe: dict[str, Any] = {"kind": "image"}
    published = config.get("pretrained_cfg")
    if isinstance(published, Mapping):
        keep = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
        recipe.update({key: published[key] for key in keep if key in published})
    elif isinstance(config.get("image_size"), int):
        recipe["input_size"] = [config.get("num_channels", 3), config["image_size"], config["image_size"]]
    return recipe
