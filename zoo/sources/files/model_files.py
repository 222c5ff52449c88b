"""Chooses the files of a model that are needed: one format of the weights, the configuration, the tokenizer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath

from zoo.plugins import Plugins, plugins
from zoo.tasks import FolderFormat

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

_PATTERNS = {
    "safetensors": ("*.safetensors",),
    "pytorch": ("*.bin", "*.pt", "*.pth", "*.ckpt"),
    "onnx": ("*.onnx", "*.onnx_data"),
    "tensorflow": ("*.h5",),
    "flax": ("*.msgpack",),
}
"""Weight formats with names of their files, the preferred one first; plugins add formats of whole folders."""

_CANONICAL = re.compile(r"((?:[a-z_]+_)?pytorch_model|model|tf_model|flax_model)(-\d{5}-of-\d{5})?\.[a-z0-9_]+\Z")
_NOT_WEIGHTS = re.compile(r"(training_args|optimizer|scheduler|rng_state|scaler|trainer_state)[^/]*\Z")
_MODULE_FOLDER = re.compile(r"\d+_[A-Za-z0-9]+\Z")


@lru_cache(maxsize=1)
def _formats(loaded: Plugins) -> tuple[FolderFormat, ...]:
    return tuple(one for domain in loaded.domains.values() for one in domain.formats)


def _is_canonical(name: str) -> bool:
    return bool(_CANONICAL.match(name)) or any(name in domain.weights for domain in plugins().domains.values())


def format_of(path: str) -> str | None:
    """The weight format of a file by its name; None if it has no weights."""
    name = PurePosixPath(path).name
    if _NOT_WEIGHTS.match(name):
        return None
    for format, patterns in _PATTERNS.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return format
    return next((one.name for one in _formats(plugins()) if name == one.weights), None)


def weights_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The weight files of the preferred format among ``paths``, canonical names before variants such as fp16."""
    found: dict[str | None, list[str]] = {}
    for path in sorted(paths):
        found.setdefault(format_of(path), []).append(path)
    best = next((found[name] for name in (*_PATTERNS, *(one.name for one in _formats(plugins()))) if name in found), [])
    canonical = [path for path in best if _is_canonical(PurePosixPath(path).name)]
    return tuple(canonical or best)


def choose(paths: Iterable[str]) -> tuple[str, ...]:
    """The files to pull from a model's repository or folder, sorted.

    Safetensors are preferred to pickled PyTorch weights, and those to ONNX, TensorFlow and Flax; code, images, other
    formats and training state are skipped. Subfolders count only if the model consists of them: numbered ones
    (sentence-transformers), or all of them for a pipeline (``model_index.json``). Where a plugin knows the format of
    the whole folder, all its files count.
    """
    paths = list(paths)
    whole = next((one for one in _formats(plugins()) if one.marks.issubset(paths)), None)
    if whole:
        return tuple(sorted(path for path in paths if _belongs(path, whole)))
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


def _belongs(path: str, whole: FolderFormat) -> bool:
    hidden = any(part.startswith(".") for part in path.split("/"))
    return not hidden and not any(fnmatchcase(path.lower(), pattern) for pattern in whole.without)


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
