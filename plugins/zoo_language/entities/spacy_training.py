"""Trains a spaCy pipeline for named entities in the core's loop, with its weights as those of a torch module.

spaCy computes loss and gradients itself. The module's parameters share their memory with spaCy's, so that the loop's
optimiser, freezing, early stopping and checkpoints work as on any other model.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from spacy.training import Example
from torch import nn

from zoo.errors import DataError
from zoo_language.entities.metrics import OUTSIDE, entities
from zoo_language.entities.spacy_parts import entities as entities_of
from zoo_language.entities.spacy_parts import finder, listens, of_factory
from zoo_language.entities.spans import NamedEntities, word_places

_DROPOUT = 0.1


class EntityLearner:
    """A pipeline prepared for entity types; its NER component is kept if it has them all, else replaced."""

    def __init__(self, model: str, pipeline: Any, classes: Sequence[str]) -> None:
        self.classes, self._model, self._pipeline = tuple(classes), model, pipeline
        self._labels = sorted({tag.partition("-")[2] for tag in self.classes if tag != OUTSIDE})
        if not listens(pipeline):
            for network in of_factory(pipeline, "tok2vec"):
                pipeline.remove_pipe(network)
        if not set(self._labels) <= set(finder(pipeline).labels):
            _renew(pipeline, self._labels)
        self.module = Weights(pipeline)
        self.pretrained: nn.Module = self.module.network

    def example(self, item: Any, target: Any) -> Example:
        """The tokens of one text, and its entities by their characters."""
        if not isinstance(item, str):
            raise DataError(f"'{self._model}' takes texts, not {type(item).__name__}.")
        places = word_places(item)
        spans = [(places[first][0], places[last - 1][1], kind) for kind, first, last in entities(target)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # entities that end within a token, which are not trained on
            return Example.from_dict(self._pipeline.make_doc(item), {"entities": spans})

    def collate(self, examples: Sequence[Example]) -> list[Example]:
        """The examples, one after the other."""
        return list(examples)

    def predict(self, inputs: Sequence[Any]) -> list[NamedEntities]:
        """The entities of each text, of the types that it was trained on."""
        for item in inputs:
            if not isinstance(item, str):
                raise DataError(f"'{self._model}' takes texts, not {type(item).__name__}.")
        found = entities_of(self._pipeline, inputs)
        return [NamedEntities(tuple(one for one in text if one.label in self._labels)) for text in found]


class Weights(nn.Module):
    """A pipeline's weights as parameters in the same memory; maps examples to their losses, batch x 1.

    Attributes:
        network: computes the vectors of the tokens.
        finder: finds entities from them.
    """

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self._pipeline = pipeline
        self.network, self.finder = nn.ParameterDict(), nn.ParameterDict()
        self._nodes: list[tuple[Any, str, nn.Parameter]] = []
        for component in pipeline.pipe_names:
            model = pipeline.get_pipe(component).model
            finds = model.has_ref("tok2vec")
            vectors = {id(node) for node in (model.get_ref("tok2vec") if finds else model).walk()}
            for place, node in enumerate(model.walk()):
                part = self.network if id(node) in vectors else self.finder
                for name in node.param_names:
                    if node.has_param(name):
                        parameter = nn.Parameter(torch.from_numpy(node.get_param(name)))
                        part[f"{component}_{place}_{name}"] = parameter
                        self._nodes.append((node, name, parameter))

    def forward(self, batch: Sequence[Example]) -> torch.Tensor:
        """The mean loss of the examples, for each of them: spaCy's own, with its gradients."""
        dropout = _DROPOUT if self.training else 0.0
        losses = self._pipeline.update(batch, drop=dropout, sgd=False)
        gradients = [self._taken(node, name) for node, name, _ in self._nodes]
        loss = sum(losses.values()) / len(batch)
        parameters = [parameter for _, _, parameter in self._nodes]
        return _Computed.apply(loss, len(batch), gradients, *parameters)

    def _apply(self, fn: Any, recurse: bool = True) -> Weights:
        """Keep the parameters in spaCy's memory."""
        return self

    @staticmethod
    def _taken(node: Any, name: str) -> torch.Tensor | None:
        """The accumulated gradient, which is reset to zero."""
        if not node.has_grad(name):
            return None
        gradient = node.get_grad(name)
        taken = torch.from_numpy(gradient.copy())
        gradient[...] = 0
        return taken


class _Computed(torch.autograd.Function):
    """A loss with precomputed gradients."""

    @staticmethod
    def forward(ctx: Any, loss: float, count: int, gradients: Any, *parameters: torch.Tensor) -> torch.Tensor:
        ctx.gradients, ctx.count = gradients, count
        return torch.full((count, 1), loss)

    @staticmethod
    def backward(ctx: Any, *received: torch.Tensor) -> Any:
        factor = received[0].sum() / ctx.count
        return (None, None, None, *(None if one is None else one * factor for one in ctx.gradients))


def _renew(pipeline: Any, labels: Sequence[str]) -> None:
    """Replace the entity component by one for other types, with the old one's weights wherever they fit."""
    old, [name] = finder(pipeline), of_factory(pipeline, "ner")
    config = {key: value for key, value in pipeline.get_pipe_config(name).items() if key != "factory"}
    pipeline.remove_pipe(name)
    new = pipeline.add_pipe("ner", name, config=config)
    for label in labels:
        new.add_label(label)
    sample = Example.from_dict(pipeline.make_doc("Words"), {"entities": []})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        new.initialize(lambda: [sample], nlp=pipeline)
    new.model.attrs["unseen_classes"].clear()  # all of them are in the data
    for ours, theirs in zip(new.model.walk(), old.model.walk(), strict=True):
        for name in theirs.param_names:
            if theirs.has_param(name) and ours.has_param(name):
                value = theirs.get_param(name)
                if ours.get_param(name).shape == value.shape:
                    ours.set_param(name, value.copy())
