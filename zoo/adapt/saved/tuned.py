"""Loads folders that ``zoo tune`` wrote, as backbones and for predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zoo.adapt.saved.names import ADAPTER_FORMAT, FORMAT, LIBRARY, MARKER, WEIGHTS
from zoo.contract.backbone import ChecksLabels, Learner, Learns
from zoo.entities import ModelCard
from zoo.errors import IntegrityError, ModelNotFound, needs_extra
from zoo.kinds.classes import Labels
from zoo.kinds.known import kind_of
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.contract.backbone import Backbone
    from zoo.entities import LocalFiles

Outputs: TypeAlias = Callable[[Any], np.ndarray]
"""A function that returns the outputs, batch x k, for a collated batch."""

BATCH_SIZE = 32
SHOWN = 5
"""Maximum number of classes in an answer."""

_OF_THE_BASE = (
    "input_kind",
    "layers",
    "embedding_dimension",
    "preprocess",
    "collate",
    "features",
    "length",
    "preprocess_all",
    "prepares_apart",
    "module",
    "head",
    "learning_rate",
)
"""Attributes that a tuned model takes from its base model, if that has them."""


class TunedBackbone:
    """An adapted model: the base model's backbone with tuned weights or a head, and predictions.

    The attributes of a backbone (``preprocess``, ``features``, ``module``...) are the base model's, but not the
    classifier that the base model was published with.
    """

    input_kind: str
    layers: tuple[str, ...]
    embedding_dimension: int
    preprocess: Callable[[Any], Any]
    collate: Callable[[Sequence[Any]], Any]
    features: Callable[[Any, Sequence[str]], Mapping[str, Any]]

    def __init__(
        self, card: ModelCard, base: Backbone, document: Mapping[str, Any], predictor: Learner | Outputs
    ) -> None:
        self.card, self._base, self._document, self._predictor = card, base, document, predictor
        # Attributes of the instance, and not ``__getattr__``, which Python 3.12's ``isinstance`` does not call.
        self.__dict__.update({name: getattr(base, name) for name in _OF_THE_BASE if hasattr(base, name)})

    @property
    def adapted_from(self) -> Backbone:
        """The base model's backbone."""
        return self._base

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the outputs; empty if it predicts numbers."""
        return tuple(self._document["classes"])

    @property
    def task(self) -> str:
        """The task that it was adapted to."""
        return str(self._document["task"])

    def learner(self, task: str, classes: Sequence[str]) -> Learner | None:
        """The learner for structured targets: this model for its own task and classes, else its base model's."""
        own = self._predictor if isinstance(self._predictor, Learner) and task == self.task else None
        if own is not None and tuple(classes) == self.classes:
            return own
        found = self._base.learner(task, classes) if isinstance(self._base, Learns) else None
        # A learner may have its own names for them, such as its codes of languages.
        return own if own is not None and found is not None and tuple(found.classes) == self.classes else found

    def predict(self, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Any]:
        """The most likely classes of each decoded input, best first, with their probabilities; or a number for each.

        At most ``SHOWN`` classes each.

        Args:
            labels: labels to choose from; a model with fixed labels, such as two languages, refuses any other.
        """
        predictor = self._predictor
        if labels and isinstance(predictor, ChecksLabels):
            predictor.check(self.card.id, labels)
        if isinstance(predictor, Learner):
            return list(predictor.predict(inputs))
        answers: list[Any] = []
        for start in range(0, len(inputs), BATCH_SIZE):
            items = [self._base.preprocess(inputs[p]) for p in range(start, min(start + BATCH_SIZE, len(inputs)))]
            outputs = np.asarray(predictor(self._base.collate(items)), dtype=np.float64)
            answers += self._labelled(outputs) if self.classes else self._numbers(outputs)
        return answers

    def _labelled(self, outputs: np.ndarray) -> list[Labels]:
        odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :SHOWN]
        return [
            Labels.of([self.classes[k] for k in chosen], row[chosen])
            for row, chosen in zip(probabilities, best.tolist(), strict=True)
        ]

    def _numbers(self, outputs: np.ndarray) -> list[float]:
        return (outputs[:, 0] * float(self._document["scale"]) + float(self._document["centre"])).tolist()


def is_tuned(folder: str | Path) -> bool:
    """Whether ``zoo tune`` wrote this folder."""
    return (Path(folder).expanduser() / MARKER).is_file()


def load(folder: str | Path, device: str = "cpu") -> TunedBackbone:
    """The adapted model in a folder, on its base model, which is downloaded if necessary.

    Raises:
        ModelNotFound: the folder is not one that ``zoo tune`` wrote.
        IntegrityError: it is damaged, or written by a newer zoo.
        ZooError: the base model cannot be downloaded or loaded.
    """
    root = Path(folder).expanduser().absolute()
    document = _read(root)
    card = ModelCard.from_dict({**document["card"], "id": f"file:{root}"})
    return _load(card, root, document, device)


def load_backbone(card: ModelCard, files: LocalFiles, device: str) -> TunedBackbone | None:
    """The same for the hook ``zoo_load``; None for cards of other libraries."""
    if card.library != LIBRARY or not is_tuned(files.root):
        return None
    return _load(card, files.root, _read(files.root), device)


def predict(folder: str | Path, inputs: Sequence[Any], device: str = "cpu") -> list[Any]:
    """``load`` and ``TunedBackbone.predict`` in one."""
    return load(folder, device).predict(inputs)


def _load(card: ModelCard, root: Path, document: Mapping[str, Any], device: str) -> TunedBackbone:
    from zoo.features import load as load_model

    base = load_model(ModelCard.from_dict(document["base"]["card"]), device=device).backbone
    if document["weights"] == "head":
        predictor: Learner | Outputs = _head_predictor(root, document, base)
    else:
        predictor = _module_predictor(root, document, base, device)
    return TunedBackbone(card, base, document, predictor)


def _head_predictor(root: Path, document: Mapping[str, Any], base: Backbone) -> Outputs:
    with needs_extra("torch", "use tuned models"):
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    try:
        tensors = load_file(root / WEIGHTS)
        weight, bias = tensors["weight"].astype(np.float64), tensors["bias"].astype(np.float64)
    except (OSError, SafetensorError, KeyError) as error:
        raise _damaged(root, error) from error
    layer = str(document["layer"])
    return lambda batch: np.asarray(_array(base.features(batch, (layer,))[layer]), np.float64) @ weight.T + bias


def _module_predictor(root: Path, document: Mapping[str, Any], base: Any, device: str) -> Learner | Outputs:
    with needs_extra("torch", "use tuned models"):
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_model

    from zoo.adapt.saved import adapter
    from zoo.adapt.training.batches import to_device
    from zoo.plugins import plugins
    from zoo.tasks import find_task

    task = find_task(document["task"], plugins().tasks)
    learner = None
    if not kind_of(str(document.get("target_kind", "class"))).estimable:
        from zoo.adapt.learner_objective import learner_of

        learner = learner_of(base, task, document["classes"])
    module = learner.module if learner else base.head(task, int(document["outputs"]))
    try:
        if document["weights"] == "adapter":
            problem = adapter.read(root, module, learner.pretrained if learner else base.module, base)
            if problem:
                raise _damaged(root, problem)
        else:
            load_model(module, root / WEIGHTS)
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(root, error) from error
    except RuntimeError as error:
        raise _damaged(root, _difference(root, module) or error) from error
    module = module.to(device).eval()
    if learner is not None:
        return learner

    def outputs(batch: Any) -> np.ndarray:
        with torch.inference_mode():
            return module(to_device(batch, device)).float().cpu().numpy()

    return outputs


def _array(features: Any) -> Any:
    return features.detach().cpu().numpy() if hasattr(features, "detach") else features


def _read(root: Path) -> dict[str, Any]:
    try:
        document = parse_json((root / MARKER).read_text(encoding="utf-8"), finite=False)
    except FileNotFoundError:
        raise ModelNotFound(
            f"The folder {root} contains no tuned model.", "Write one with: zoo tune -o FOLDER"
        ) from None
    except (OSError, ValueError) as error:
        raise _damaged(root, error) from error
    needed = {"format", "card", "base", "task", "weights", "classes", "outputs"}
    if not isinstance(document, dict) or not needed <= set(document):
        raise _damaged(root, f"{MARKER} is incomplete")
    if document["format"] not in {FORMAT, ADAPTER_FORMAT}:
        raise IntegrityError(f"{root} was written by another version of zoo.", "Upgrade: pip install -U foundation-zoo")
    return document


def _difference(root: Path, module: Any) -> str:
    """Differences between a weights file and a module: missing or unexpected tensors, or other shapes."""
    from safetensors import safe_open
    from safetensors.torch import load_model

    with safe_open(root / WEIGHTS, "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    wrong = sorted(name for name, shape in shapes.items() if own.get(name, shape) != shape)
    lacking: list[str] = []
    extra = sorted(set(shapes) - set(own))
    if not wrong:
        missing, unexpected = load_model(module, root / WEIGHTS, strict=False)
        lacking, extra = sorted(missing), sorted(unexpected)
    told = [
        f"{words} {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for words, names in (
            ("its weights lack the tensor", lacking),
            ("its weights have the unexpected tensor", extra),
            ("its weights have the wrong shape for the tensor", wrong),
        )
        if names
    ]
    return "; ".join(told)


def _damaged(root: Path, reason: object) -> IntegrityError:
    sentence = " ".join(str(reason).split())[:300]
    return IntegrityError(f"The tuned model in {root} is damaged: {sentence}.", "Tune it again.")
