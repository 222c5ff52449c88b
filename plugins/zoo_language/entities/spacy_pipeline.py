"""spaCy's pipelines for named entities, from an installed package or a folder: their entities, and their features.

A pipeline's ``config.cfg`` names the functions that build it. Only those of spaCy's own convolutional networks are
called, so no code that came with the weights is run; its files are msgpack, JSON and plain numbers.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, WeightsNotice, needs_extra
from zoo.untrusted import parse_json
from zoo_language.entities.spacy_parts import entities, finder, networks, pieces

with needs_extra("entities", "use pipelines of spaCy"):
    import numpy as np
    import spacy
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from spacy.about import __version__ as spacy_version

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo_language.entities.spacy_training import EntityLearner
    from zoo_language.entities.spans import NamedEntities

CONFIG = "config.cfg"
META = "meta.json"
_COMPONENTS = ("tok2vec", "ner")
_KNOWN = re.compile(
    r"spacy(-legacy)?\.(TransitionBasedParser|Tok2Vec|Tok2VecListener|HashEmbedCNN|MultiHashEmbed|CharacterEmbed"
    r"|MaxoutWindowEncoder|MishWindowEncoder|Tokenizer|Vectors|ner_scorer)\.v\d\Z"
)
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z")
_CALLBACKS = ("before_creation", "after_creation", "after_pipeline_creation")


class SpacyBackbone:
    """A pipeline that finds named entities; its features are the vectors of its tokens, averaged over the text.

    It computes in float32 on the CPU.

    Attributes:
        layers: ``tok2vec.mean`` if the pipeline has a shared network (spaCy's own ``Doc.vector``), ``ner.mean`` if the
            entity component has its own.
    """

    input_kind = "text"
    learning_rate = 1e-3
    """The default for fine-tuning: the rate of spaCy's own optimiser."""

    def __init__(self, card: ModelCard, folder: Path, pipeline: Any) -> None:
        self.card, self._folder, self._pipeline = card, folder, pipeline
        self._networks = dict(networks(pipeline))
        self.layers = tuple(self._networks)
        self.embedding_dimension = int(self._networks[self.layers[-1]].get_dim("nO")) if self.layers else 0
        self._lock = threading.Lock()  # the table of known words is shared

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of entities that it predicts."""
        return tuple(finder(self._pipeline).labels)

    def preprocess(self, item: Any) -> list[Any]:
        """The tokens of one text, as documents of spaCy: one, or several of a long text."""
        with self._lock:
            return [self._pipeline.make_doc(piece) for _, piece in pieces(self._text(item))]

    def length(self, item: Sequence[Any]) -> int:
        """Number of tokens of a preprocessed text."""
        return sum(len(document) for document in item)

    def collate(self, items: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """The texts, one after the other; there is no padding."""
        return list(items)

    def features(self, batch: Sequence[Sequence[Any]], layers: Sequence[str]) -> dict[str, np.ndarray]:
        """Layer name to the mean of the tokens' vectors, batch x d, float32; zeros for a text without tokens."""
        unknown = [layer for layer in layers if layer not in self._networks]
        if unknown:
            raise UnsupportedModel(
                f"'{self.card.id}' has no layer '{unknown[0]}'.", f"Layers: {', '.join(self.layers)}."
            )
        documents = [document for item in batch for document in item if len(document)]
        found = {}
        for layer in layers:
            network = self._networks[layer]
            vectors = iter(network.predict(documents) if documents else ())
            means = np.zeros((len(batch), int(network.get_dim("nO"))), dtype=np.float32)
            for row, item in enumerate(batch):
                sums = [next(vectors).sum(axis=0, dtype=np.float64) for document in item if len(document)]
                if sums:
                    means[row] = sum(sums) / self.length(item)
            found[layer] = means
        return found

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[NamedEntities] | None:
        """The entities of each text; None for other tasks."""
        return entities(self._pipeline, map(self._text, inputs)) if task == "token-classification" else None

    def learner(self, task: str, classes: Sequence[str]) -> EntityLearner | None:
        """A learner for named entities; None for other tasks."""
        if task != "token-classification":
            return None
        from zoo_language.entities.spacy_training import EntityLearner

        return EntityLearner(self.card.id, read(self.card, self._folder), classes)

    def _text(self, item: Any) -> str:
        if not isinstance(item, str):
            raise DataError(f"'{self.card.id}' takes texts, not {type(item).__name__}.")
        return item


def load(card: ModelCard, folder: Path) -> SpacyBackbone:
    """The backbone of a pipeline's folder.

    Raises:
        UnsupportedModel: see ``read``.
    """
    return SpacyBackbone(card, Path(folder), read(card, Path(folder)))


def read(card: ModelCard, folder: Path) -> Any:
    """The pipeline in a folder: its entity component and the network that this uses, without the rest.

    Raises:
        UnsupportedModel: it finds no entities, uses functions that are not spaCy's own, was made for spaCy 2, or its
            files cannot be read.
    """
    try:
        meta = parse_json((folder / META).read_text(encoding="utf-8"), finite=False)
        config = spacy.util.load_config(folder / CONFIG) if (folder / CONFIG).is_file() else None
        if config is None:
            raise UnsupportedModel(
                f"'{card.id}' has no {CONFIG}: it was made for spaCy {meta.get('spacy_version', '2')}, whose pipelines "
                "later versions do not read.",
                "Choose a pipeline for spaCy 3.",
            )
        _check(card, config)
        _warn_of_version(card, meta)
        others = [name for name, one in config["components"].items() if one.get("factory") not in _COMPONENTS]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return spacy.util.load_model_from_path(folder, meta=meta, exclude=others)
    except UnsupportedModel:
        raise
    except Exception as error:  # spaCy raises many types of errors: for files, msgpack and the configuration
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise UnsupportedModel(f"spaCy cannot load '{card.id}': {reason}.", f"Run: zoo verify {card.id}") from error


def _check(card: ModelCard, config: Mapping[str, Any]) -> None:
    """Reject a configuration that uses anything but spaCy's own networks for entities."""
    language, components = config["nlp"], config.get("components", {})
    kept = {name: one for name, one in components.items() if one.get("factory") in _COMPONENTS}
    count = sum(one["factory"] == "ner" for one in kept.values())
    if count != 1:
        raise UnsupportedModel(
            f"'{card.id}' has {count or 'no'} components that find entities ('ner'); one is needed. Its components: "
            f"{', '.join(components) or 'nothing'}.",
            "Choose a pipeline with one.",
        )
    if not _LANGUAGE.match(str(language.get("lang"))):
        raise UnsupportedModel(
            f"'{card.id}' has the language {str(language.get('lang'))[:20]!r}, which is not a language code."
        )
    foreign = [name for name in _functions({"nlp": language, **kept}) if not _KNOWN.match(name)]
    foreign += [f"{key} {language[key]}" for key in _CALLBACKS if language.get(key)]
    foreign += [f"the component '{name}' of another pipeline" for name, one in components.items() if "source" in one]
    if foreign:
        raise UnsupportedModel(
            f"'{card.id}' is built by {foreign[0][:80]}, which zoo does not run; it runs pipelines of spaCy's own "
            "convolutional networks.",
            "Choose such a pipeline, for instance one whose name ends in sm, md or lg.",
        )


def _functions(value: Any) -> Iterator[str]:
    """The functions named in a section of a configuration."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.startswith("@"):
                yield str(inner)
            else:
                yield from _functions(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _functions(inner)


def _warn_of_version(card: ModelCard, meta: Mapping[str, Any]) -> None:
    asked = str(meta.get("spacy_version") or "")
    try:
        fits = SpecifierSet(asked).contains(spacy_version, prereleases=True)
    except InvalidSpecifier:
        return
    if not fits:
        warnings.warn(
            f"'{card.id}' was made for spaCy {asked}, but {spacy_version} is installed: it may find fewer entities.",
            WeightsNotice,
            stacklevel=3,
        )
