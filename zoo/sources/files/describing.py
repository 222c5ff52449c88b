"""What a configuration says of a model: family, domain, tasks, size of its features, licence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
"""What language models of chemistry and biology read, with the task that they are adapted to."""

_READ = {"esm": "protein", "molformer": "molecule"}
"""Their families that read nothing else."""

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
    ("ChronosBoltModelForForecasting", "time-series-forecasting"),
    ("Chronos2Model", "time-series-forecasting"),
)

_WRITERS = frozenset({"BlipForConditionalGeneration", "BlipForQuestionAnswering"})
"""Models of images and texts whose features are those of the encoder of images, without a projection."""

_MAKERS = ("ForTextToSpeech", "MusicgenFor", "VitsModel")
"""Audio models that take texts."""

_LICENSES = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "bsd": "BSD-3-Clause",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-3-clause-clear": "BSD-3-Clause-Clear",
    "afl-3.0": "AFL-3.0",
    "agpl-3.0": "AGPL-3.0-only",
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "artistic-2.0": "Artistic-2.0",
    "bsl-1.0": "BSL-1.0",
    "cc0-1.0": "CC0-1.0",
    "cc-by-2.0": "CC-BY-2.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-3.0": "CC-BY-SA-3.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-nc-2.0": "CC-BY-NC-2.0",
    "cc-by-nc-3.0": "CC-BY-NC-3.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-nd-3.0": "CC-BY-NC-ND-3.0",
    "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0",
    "cc-by-nc-sa-2.0": "CC-BY-NC-SA-2.0",
    "cc-by-nc-sa-3.0": "CC-BY-NC-SA-3.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "cc-by-nd-4.0": "CC-BY-ND-4.0",
    "cdla-permissive-2.0": "CDLA-Permissive-2.0",
    "ecl-2.0": "ECL-2.0",
    "epl-1.0": "EPL-1.0",
    "epl-2.0": "EPL-2.0",
    "eupl-1.1": "EUPL-1.1",
    "eupl-1.2": "EUPL-1.2",
    "gfdl": "GFDL-1.3-only",
    "isc": "ISC",
    "lppl-1.3c": "LPPL-1.3c",
    "mpl-2.0": "MPL-2.0",
    "ms-pl": "MS-PL",
    "ncsa": "NCSA",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "ofl-1.1": "OFL-1.1",
    "osl-3.0": "OSL-3.0",
    "pddl": "PDDL-1.0",
    "postgresql": "PostgreSQL",
    "unlicense": "Unlicense",
    "wtfpl": "WTFPL",
    "zlib": "Zlib",
}


def spdx(license_tag: object) -> str | None:
    """The SPDX identifier of a licence in the Hub's spelling; ``other`` where there is none, None for no licence."""
    if isinstance(license_tag, (list, tuple)):
        license_tag = license_tag[0] if len(license_tag) == 1 else "other" if license_tag else None
    if not license_tag:
        return None
    return _LICENSES.get(str(license_tag).strip().lower(), "other")


def chronos_family(config: Mapping[str, Any]) -> str | None:
    """Which of the Chronos models a configuration is of, in the field's words; None where it is of none."""
    if not isinstance(config.get("chronos_config"), Mapping):
        return None
    named = str(config.get("chronos_pipeline_class", ""))
    return {"ChronosBoltPipeline": "Chronos-Bolt", "Chronos2Pipeline": "Chronos-2"}.get(named, "Chronos")


def family(model_type: object, architectures: Sequence[str] = ()) -> str | None:
    """The architecture in the field's words, from ``model_type``, else from the class name."""
    if isinstance(model_type, str) and model_type:
        return _FAMILIES.get(model_type, model_type)
    return architectures[0] if architectures else None


def hub_tasks() -> frozenset[str]:
    """The Hub's names of tasks that zoo itself does not serve."""
    return frozenset(_TAGS)


def tasks(model_type: object, architectures: Sequence[str]) -> tuple[str, ...]:
    """The task that a model's head was trained for; empty for a headless vision or audio backbone."""
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
    """The domain of a model, from its task, else its family, else the library that loads it."""
    from zoo.plugins import plugins

    known = plugins().tasks
    # The Hub files many image and protein encoders under feature-extraction, so the family goes first.
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


_BY_QUERIES = frozenset({"mask2former", "oneformer"})
"""Their ``hidden_dim`` is of the queries; the length of the picture's own vector stands nowhere."""


def embedding_dimension(config: Mapping[str, Any]) -> int | None:
    """The length of a model's feature vector, as its configuration names it."""
    if any(str(name) in _WRITERS for name in config.get("architectures") or ()):
        encoder = config.get("vision_config") or {}
        return encoder.get("hidden_size") if isinstance(encoder, Mapping) else None
    if str(config.get("model_type")) in _BY_QUERIES:
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
    """Whether a language model reads molecules or proteins, None for texts and all else.

    Families that read either say so; of others, such as a RoBERTa of molecules, only the key ``input_kind`` does.
    """
    named = config.get("input_kind")
    return named if isinstance(named, str) and named in SEQUENCES else _READ.get(str(config.get("model_type")))


def input_recipe(kind_domain: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Kind and shape of the input, with the preprocessing where the configuration has it."""
    if kind_domain == "language":
        length = config.get("max_position_embeddings")
        return {"kind": "text", **({"max_tokens": length} if isinstance(length, int) else {})}
    if kind_domain == "audio":
        named = " ".join(str(name) for name in config.get("architectures") or ())
        return {"kind": "text" if any(maker in named for maker in _MAKERS) else "audio"}
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
