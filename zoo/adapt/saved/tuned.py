"""Loads folders that ``zoo tune`` wrote, as backbones and for predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.adapt.multi_label import probabilities
from zoo.adapt.results.decision import Decision
from zoo.adapt.saved.names import ADAPTER_FORMAT, FORMAT, LIBRARY, MARKER
from zoo.adapt.saved.predictors import Outputs, damaged, head_predictor, module_predictor, read_familiarity
from zoo.contract.backbone import ChecksLabels, Learner, Learns
from zoo.entities import ModelCard
from zoo.errors import IntegrityError, ModelNotFound
from zoo.kinds.classes import Labels
from zoo.kinds.known import kind_of
from zoo.kinds.label_sets import LabelSet
from zoo.kinds.label_sets.answer import THRESHOLD
from zoo.untrusted import parse_json

if TYPE_CHECKING:
    from zoo.adapt.results.familiarity import Familiarity
    from zoo.contract.backbone import Backbone
    from zoo.entities import LocalFiles

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
    "augmentations",
    "augment",
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
        self,
        card: ModelCard,
        base: Backbone,
        document: Mapping[str, Any],
        predictor: Learner | Outputs,
        familiarity: Familiarity | None = None,
    ) -> None:
        self.card, self._base, self._document, self._predictor = card, base, document, predictor
        self._decision = _decision(card, document)
        self._familiarity = familiarity
        # Attributes of the instance, and not ``__getattr__``, which Python 3.12's ``isinstance`` does not call.
        self.__dict__.update({name: getattr(base, name) for name in _OF_THE_BASE if hasattr(base, name)})

    @property
    def _several(self) -> bool:
        """Whether a sample may have several of the classes."""
        return kind_of(str(self._document.get("target_kind", ""))).several

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

    @property
    def probability_classes(self) -> tuple[str, ...]:
        """The classes or labels of ``examined``; empty if it answers otherwise."""
        return () if isinstance(self._predictor, Learner) else self.classes

    def examined(self, inputs: Sequence[Any]) -> tuple[np.ndarray, np.ndarray | None]:
        """The probability of every class or label for each decoded input, n x k, and whether it is unlike the training
        data, n.

        The latter is None for models without a record of their training data's features.
        """
        found = list(self._outputs(inputs))
        if not found:
            return np.zeros((0, len(self.classes))), None
        unlike = [one for _, one in found if one is not None]
        each = probabilities if self._several else self._decision.probabilities
        return np.concatenate([each(outputs) for outputs, _ in found]), np.concatenate(unlike) if len(unlike) == len(
            found
        ) else None

    def chosen(self, probabilities: np.ndarray) -> np.ndarray:
        """Indices of the predicted classes, n: the most probable, or by the threshold.

        For sets of labels, whether each label is above its threshold, n x k.
        """
        return probabilities > self._thresholds() if self._several else self._decision.classes(probabilities)

    def _outputs(self, inputs: Sequence[Any]) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Logits or numbers, and whether the inputs are unlike the training data, batch by batch."""
        assert not isinstance(self._predictor, Learner)
        for start in range(0, len(inputs), BATCH_SIZE):
            items = [self._base.preprocess(inputs[p]) for p in range(start, min(start + BATCH_SIZE, len(inputs)))]
            outputs, features = self._predictor(self._base.collate(items))
            known = self._familiarity
            unlike = None if known is None or features is None else known.unlike(features)
            yield np.asarray(outputs, dtype=np.float64), unlike

    @property
    def rare_class(self) -> str | None:
        """The rarer of two classes, which the threshold applies to; None for other models."""
        return None if self._decision.rare is None else self.classes[self._decision.rare]

    @property
    def threshold(self) -> float | None:
        """The probability of the rarer class from which it is predicted; None predicts the most probable class."""
        return self._decision.threshold

    def decided_at(self, threshold: float) -> TunedBackbone:
        """The same model with another threshold."""
        found = copy(self)
        found._decision = replace(self._decision, threshold=threshold)
        return found

    def predict(self, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Any]:
        """The most likely classes of each decoded input, best first, with their probabilities; or a number for each.

        At most ``SHOWN`` classes each. The first is the prediction: with a threshold for a rare class, it may be the
        less probable of two. For sets of labels, every label with its probability and threshold.

        Args:
            labels: labels to choose from; a model with fixed labels, such as two languages, refuses any other.
        """
        predictor = self._predictor
        if labels and isinstance(predictor, ChecksLabels):
            predictor.check(self.card.id, labels)
        if isinstance(predictor, Learner):
            return list(predictor.predict(inputs))
        answers: list[Any] = []
        for outputs, unlike in self._outputs(inputs):
            if self._several:
                answers += self._sets(outputs)
            else:
                answers += self._labelled(outputs, unlike) if self.classes else self._numbers(outputs)
        return answers

    def _thresholds(self) -> list[float]:
        """The probability of each label above which it is predicted."""
        return list(self._document.get("thresholds") or [THRESHOLD] * len(self.classes))

    def _sets(self, outputs: np.ndarray) -> list[LabelSet]:
        return [LabelSet.of(self.classes, row, self._thresholds()) for row in probabilities(outputs).tolist()]

    def _labelled(self, outputs: np.ndarray, unlike: np.ndarray | None) -> list[Labels]:
        probabilities = self._decision.probabilities(outputs)
        order = probabilities.copy()
        order[np.arange(len(order)), self._decision.classes(probabilities)] = np.inf  # what is predicted comes first
        best = np.argsort(-order, axis=1, kind="stable")[:, :SHOWN]
        found = [
            Labels.of([self.classes[k] for k in chosen], row[chosen])
            for row, chosen in zip(probabilities, best.tolist(), strict=True)
        ]
        if unlike is None:
            return found
        return [replace(one, unlike_training_data=bool(far)) for one, far in zip(found, unlike, strict=True)]

    def _numbers(self, outputs: np.ndarray) -> list[float]:
        return (outputs[:, 0] * float(self._document["scale"]) + float(self._document["centre"])).tolist()


def _decision(card: ModelCard, document: Mapping[str, Any]) -> Decision:
    """The decision that is saved with a model; the usual one for folders of earlier versions."""
    found = document.get("decision", {})
    names = {"temperature", "rare", "threshold"}
    if isinstance(found, Mapping) and set(found) <= names and all(map(_is_number, found.values())):
        return Decision(**found)
    raise IntegrityError(f"The tuned model '{card.id}' is damaged: its decision is not valid.", "Tune it again.")


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


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
        predictor: Learner | Outputs = head_predictor(root, document, base)
    else:
        predictor = module_predictor(root, document, base, device)
    return TunedBackbone(card, base, document, predictor, read_familiarity(root))


def _read(root: Path) -> dict[str, Any]:
    try:
        document = parse_json((root / MARKER).read_text(encoding="utf-8"), finite=False)
    except FileNotFoundError:
        raise ModelNotFound(
            f"The folder {root} contains no tuned model.", "Write one with: zoo tune -o FOLDER"
        ) from None
    except (OSError, ValueError) as error:
        raise damaged(root, error) from error
    needed = {"format", "card", "base", "task", "weights", "classes", "outputs"}
    if not isinstance(document, dict) or not needed <= set(document):
        raise damaged(root, f"{MARKER} is incomplete")
    if document["format"] not in {FORMAT, ADAPTER_FORMAT}:
        raise IntegrityError(f"{root} was written by another version of zoo.", "Upgrade: pip install -U foundation-zoo")
    return document
