"""Reads the modules of a sentence-transformers folder: the transformer, its pooling, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import UnsupportedModel
from zoo.untrusted import parse_json

_MODES = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")


@dataclass(frozen=True)
class DenseLayer:
    """A linear layer after the pooling: its folder, sizes and activation."""

    folder: Path
    inputs: int
    outputs: int
    bias: bool
    activation: str


@dataclass(frozen=True)
class SentencePipeline:
    """The modules of a sentence-transformers folder.

    Attributes:
        transformer: folder of the transformer itself.
        pooling: names of pooling modes; more than one are concatenated.
        dense: linear layers after the pooling, in order.
        normalize: whether the vector is scaled to length 1 at the end.
        max_tokens: texts are cut after this many tokens; None leaves it to the transformer.
        lower_case: whether texts are lower-cased first.
    """

    transformer: Path
    pooling: tuple[str, ...] = ("mean",)
    dense: tuple[DenseLayer, ...] = ()
    normalize: bool = False
    max_tokens: int | None = None
    lower_case: bool = False


def read_pipeline(folder: Path) -> SentencePipeline | None:
    """The pipeline of a folder, or None if it is a plain transformers folder.

    Raises:
        UnsupportedModel: it has a module that zoo cannot reproduce, so its vectors would not be the model's own.
    """
    modules_file = folder / "modules.json"
    if not modules_file.is_file():
        return None
    transformer, dense, normalize = folder, [], False
    pooling: tuple[str, ...] = ("mean",)
    for module in _read(modules_file):
        kind = str(module.get("type", "")).rpartition(".")[2]
        place = _inside(folder, str(module.get("path", "")))
        if kind == "Transformer":
            transformer = place
        elif kind == "Pooling":
            pooling = _pooling(_read(place / "config.json"), folder)
        elif kind == "Dense":
            dense.append(_dense(place))
        elif kind == "Normalize":
            normalize = True
        elif kind != "Dropout":
            raise UnsupportedModel(
                f"The sentence-transformers folder {folder} has a module '{kind}', which zoo cannot reproduce.",
                "Choose a model made of Transformer, Pooling, Dense and Normalize.",
            )
    limits = transformer / "sentence_bert_config.json"
    options: Mapping[str, Any] = _read(limits) if limits.is_file() else {}
    length = options.get("max_seq_length")
    return SentencePipeline(
        transformer,
        pooling,
        tuple(dense),
        normalize,
        length if isinstance(length, int) and length > 0 else None,
        bool(options.get("do_lower_case")),
    )


def _pooling(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    named = config.get("pooling_mode")
    modes = (named,) if isinstance(named, str) else tuple(named or ())
    modes = modes or tuple(mode for mode in _MODES if config.get(f"pooling_mode_{mode}"))
    names = tuple(str(mode).removesuffix("_tokens").removesuffix("_token") for mode in modes)
    known = {mode.removesuffix("_tokens").removesuffix("_token") for mode in _MODES}
    if not names or not set(names) <= known:
        raise UnsupportedModel(
            f"The folder {folder} pools its tokens by {', '.join(names) or 'an unnamed mode'}, which zoo cannot "
            "reproduce.",
            f"Known poolings: {', '.join(sorted(known))}.",
        )
    return names


def _dense(place: Path) -> DenseLayer:
    config = _read(place / "config.json")
    return DenseLayer(
        place,
        int(config["in_features"]),
        int(config["out_features"]),
        bool(config.get("bias", True)),
        str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2],
    )


def _inside(folder: Path, path: str) -> Path:
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()) and ".." in Path(path).parts:
        raise UnsupportedModel(f"The folder {folder} names a module outside of the folder: {path!r}.")
    return place


def _read(path: Path) -> Any:
    try:
        return parse_json(path.read_text(encoding="utf-8"), finite=False)
    except (OSError, ValueError) as error:
        raise UnsupportedModel(
            f"{path} cannot be read: {error}.", "Pull the model again, or save it again from sentence-transformers."
        ) from error
