"""The facts of a model that rules compare: each a known value, or None if it is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Generic, TypeVar, overload

from zoo.contract.deciding import Use
from zoo.entities import ModelCard, ModelFile
from zoo.registry.index.lineage import BASE_TAG, tag_source
from zoo.sources.files.paths import COMMIT
from zoo.team.policy.ids import author, canonical, is_plain

CLEAN = "clean"
"""The scan of weights in formats that cannot hold code."""

_WITHOUT_CODE = frozenset({"safetensors", "onnx", "gguf"})
_BARE_DOMAIN = "other"
_Owner = TypeVar("_Owner")
_Value = TypeVar("_Value")


class Lazy(Generic[_Owner, _Value]):
    """An attribute that is computed when first read; ``functools.cached_property`` locks, which costs more than most
    facts.
    """

    def __init__(self, compute: Callable[[_Owner], _Value]) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    @overload
    def __get__(self, facts: None, owner: type) -> Lazy[_Owner, _Value]: ...

    @overload
    def __get__(self, facts: _Owner, owner: type) -> _Value: ...

    def __get__(self, facts: _Owner | None, owner: type) -> Any:
        if facts is None:
            return self
        value = facts.__dict__[self.compute.__name__] = self.compute(facts)
        return value


@lru_cache(maxsize=10_000)
def _format_of(path: str) -> str | None:
    from zoo.sources.files.model_files import format_of

    return format_of(path)


@lru_cache(maxsize=1000)
def _formats(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


class Facts:
    """The facts of one use of a model.

    Attributes:
        id: canonical id of the card.
        known_as: all canonical ids of the model, its card's first.
        plain: whether its ids can be compared with names.
    """

    def __init__(self, card: ModelCard, use: Use) -> None:
        self.card, self.use = card, use
        self.id = id = canonical(card.id)
        self.known_as: tuple[str, ...] = (id,)
        self.plain = is_plain(card.id)
        if use.names:
            self.known_as = tuple(dict.fromkeys((self.id, *map(canonical, use.names))))
            self.plain = self.plain and all(map(is_plain, use.names))

    @Lazy
    def bases(self) -> tuple[str, ...]:
        """Canonical ids of the models that it is derived from."""
        card = self.card
        found = [tag for tag in card.tags if tag.startswith(BASE_TAG)]
        if found:
            source = tag_source(card)
            found = [f"{source}:{tag.rpartition(':')[2]}" for tag in found]
        if card.base_model and card.base_model not in found:
            found.append(card.base_model)
        if self.use.bases:
            found += [base.id for base in self.use.bases]
        return tuple([canonical(id) for id in found]) if found else ()

    @property
    def authors(self) -> tuple[str, ...]:
        """Who published the model under its own ids."""
        return tuple(found for id in self.known_as if (found := author(id)))

    @property
    def base_authors(self) -> tuple[str, ...]:
        """Who published the models that it is derived from."""
        return tuple(found for id in self.bases if (found := author(id)))

    @property
    def license(self) -> str | None:
        """The stated licence."""
        return self.card.license or None

    @property
    def base_licenses(self) -> tuple[str, ...]:
        """The stated licences of the models that it is derived from."""
        return tuple(base.license for base in self.use.bases if base.license)

    @property
    def source(self) -> str:
        """The platform."""
        return self.id.partition(":")[0]

    @property
    def bare(self) -> bool:
        """Whether nothing but the id is known."""
        card = self.card
        return card.domain == _BARE_DOMAIN and not card.tasks and not card.tags

    @property
    def tags(self) -> frozenset[str] | None:
        """Its tags in lower case."""
        if not self.card.tags and self.bare:
            return None
        return frozenset(map(str.lower, self.card.tags))

    @property
    def domain(self) -> str | None:
        """The domain."""
        return None if self.card.domain == _BARE_DOMAIN else self.card.domain.lower()

    @property
    def architecture(self) -> str | None:
        """The architecture in lower case."""
        return self.card.architecture.lower() if self.card.architecture else None

    @property
    def parameters(self) -> int | None:
        """Number of parameters."""
        return self.card.parameters

    @property
    def size(self) -> int | None:
        """Bytes of the files."""
        return self.card.bytes

    @property
    def memory(self) -> int | None:
        """Bytes of memory: those of the use, or an estimate for running the model on a CPU."""
        if self.use.memory is not None:
            return self.use.memory
        from zoo.selection.request.memory import to_run

        return to_run(self.card)

    @property
    def released(self) -> str | None:
        """ISO date, month or year."""
        from zoo.team.policy.vocabulary import is_date

        found = (self.card.released or "")[:10]
        return found if is_date(found) else None

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """The files of the use, or else of the card."""
        return self.use.files or self.card.files

    @Lazy
    def weight_files(self) -> list[tuple[str, ModelFile]]:
        """The files with weights, each with its format."""
        files = self.use.files or self.card.files
        return [(found, file) for file in files if (found := _format_of(file.path))]

    @Lazy
    def weights(self) -> frozenset[str] | None:
        """The formats of the weights."""
        if files := self.weight_files:
            return _formats(tuple([found for found, _ in files]))
        stated = self.card.loader.get("format")
        return frozenset((stated.lower(),)) if isinstance(stated, str) and stated else None

    @Lazy
    def hashes(self) -> bool | None:
        """Whether every file of weights has a published SHA-256."""
        files = self.weight_files
        return None not in [file.sha256 for _, file in files] if files else None

    @property
    def revision(self) -> str | None:
        """The revision of the use, or else of the card."""
        return self.use.revision or self.card.revision

    @property
    def pinned(self) -> bool | None:
        """Whether the revision is a commit, or a version whose weights have published hashes."""
        revision = self.use.revision or self.card.revision
        if not revision:
            return None
        if COMMIT.match(revision):
            return True
        return self.source != "hf" and self.hashes is True

    @Lazy
    def remote_code(self) -> bool | None:
        """Whether loading it runs code that comes with it."""
        loader = self.card.loader
        if loader.get("remote_code") or self.card.library == "torchhub":
            return True
        return None if self.bare else False

    @property
    def scan(self) -> str | None:
        """``clean`` if all weights are in formats without code; other weights are not scanned, so unknown."""
        return CLEAN if self.weights and self.weights <= _WITHOUT_CODE and self.remote_code is False else None

    def to_dict(self) -> dict[str, Any]:
        """All facts by name, as JSON values; unknown ones are None."""
        lists = {
            "id": self.known_as,
            "base": self.bases,
            "author": self.authors or None,
            "tags": self.tags,
            "weights": self.weights,
        }
        single: Mapping[str, Any] = {
            "license": self.license,
            "source": self.source,
            "domain": self.domain,
            "architecture": self.architecture,
            "parameters": self.parameters,
            "memory": self.memory,
            "size": self.size,
            "released": self.released,
            "pinned": self.pinned,
            "hashes": self.hashes,
            "remote-code": self.remote_code,
            "scan": self.scan,
            "signature": None,
        }
        found = {name: None if values is None else sorted({*values}) for name, values in lists.items()}
        return {**found, **single}
