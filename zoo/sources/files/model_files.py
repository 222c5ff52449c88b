"""Chooses the files of a model that are needed: one format of the weights, the configuration, the tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

CONFIGURATION = (
    "*.json",
    "vocab*.txt",
    "merges.txt",
    "*.model",
    "*.spm",
    "*.tiktoken",
    "*.jinja",
    "*.bpe",
    "spm*.vocab",
    "special_tokens*.txt",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
)
"""Names of files besides the weights that loading may need."""

PIPELINE = frozenset({"config.cfg", "meta.json"})
"""Files of every spaCy pipeline; its weights are files called ``model`` in the folders of its components."""

FORMATS = ("safetensors", "pytorch", "onnx", "tensorflow", "flax", "spacy")
"""Weight formats, the preferred one first."""

_PATTERNS = {
    "safetensors": ("*.safetensors",),
    "pytorch": ("*.bin", "*.pt", "*.pth", "*.ckpt"),
    "onnx": ("*.onnx", "*.onnx_data"),
    "tensorflow": ("*.h5",),
    "flax": ("*.msgpack",),
    "spacy": ("model",),
}
_BESIDE_PIPELINES = ("*.whl", "*.tar.gz", "*.zip", "*.py", "*.md", "*.pkl", "*.pickle")
_CANONICAL = re.compile(
    r"(model|pytorch_model|open_clip_model|open_clip_pytorch_model|diffusion_pytorch_model|tf_model|flax_model)"
    r"(-\d{5}-of-\d{5})?\.[a-z0-9_]+\Z"
)
_NOT_WEIGHTS = re.compile(r"(training_args|optimizer|scheduler|rng_state|scaler|trainer_state)[^/]*\Z")
_MODULE_FOLDER = re.compile(r"\d+_[A-Za-z0-9]+\Z")


def format_of(path: str) -> str | None:
    """The weight format of a file by its name; None if it has no weights."""
    name = PurePosixPath(path).name
    if _NOT_WEIGHTS.match(name):
        return None
    return next((f for f in FORMATS if any(fnmatchcase(name, pattern) for pattern in _PATTERNS[f])), None)


def weights_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The weight files of the preferred format among ``paths``, canonical names before variants such as fp16."""
    paths = sorted(paths)
    for wanted in FORMATS:
        found = [path for path in paths if format_of(path) == wanted]
        canonical = [path for path in found if _CANONICAL.match(PurePosixPath(path).name)]
        if found:
            return tuple(canonical or found)
    return ()


def choose(paths: Iterable[str]) -> tuple[str, ...]:
    """The files to pull from a model's repository or folder, sorted.

    Safetensors are preferred to pickled PyTorch weights, and those to ONNX, TensorFlow and Flax; code, images, other
    formats and training state are skipped. Subfolders count only if the model consists of them: numbered ones
    (sentence-transformers), or all of them for a pipeline (``model_index.json``). All files of a spaCy pipeline count.
    """
    paths = list(paths)
    if PIPELINE.issubset(paths):
        return tuple(sorted(path for path in paths if _is_of_pipeline(path)))
    whole_pipeline = "model_index.json" in paths
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if not name.startswith("."):
            folders.setdefault(folder, []).append(path)
    in_parts = whole_pipeline and any(format_of(path) for path in paths if "/" in path)
    chosen: set[str] = set()
    for folder, members in folders.items():
        if folder and not (whole_pipeline or _MODULE_FOLDER.match(folder)):
            continue
        # A pipeline's own folder may also have all its weights in a single file, for other programs.
        weights = weights_of(members) if folder or not in_parts else ()
        chosen.update(weights)
        chosen.update(path for path in members if _is_configuration(path, weights))
    if not any(format_of(path) for path in chosen):
        chosen.update(weights_of(folders.get("onnx", ()))[:1])
    return tuple(sorted(chosen))


def missing_shards(paths: Iterable[str], index: str, shards: Iterable[str]) -> list[str]:
    """The shards of an index file (``model.safetensors.index.json``) that are not among ``paths``."""
    folder = index.rpartition("/")[0]
    have = set(paths)
    wanted = {f"{folder}/{shard}" if folder else shard for shard in shards}
    return sorted(wanted - have)


def _is_of_pipeline(path: str) -> bool:
    hidden = any(part.startswith(".") for part in path.split("/"))
    return not hidden and not any(fnmatchcase(path.lower(), pattern) for pattern in _BESIDE_PIPELINES)


def _is_configuration(path: str, weights: tuple[str, ...]) -> bool:
    name = PurePosixPath(path).name
    if name.endswith(".index.json"):
        chosen = {format_of(weight) for weight in weights}
        return format_of(name.removesuffix(".index.json")) in chosen
    if (
        _NOT_WEIGHTS.match(name) and name != "scheduler_config.json"
    ):  # the noise schedule of a pipeline, not a learning rate
        return False
    return any(fnmatchcase(name, pattern) for pattern in CONFIGURATION)
