"""Which model a call loads, and at which revision."""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from zoo.sources.files.paths import COMMIT
from zoo.team.check.loaders import Loader, loader_of
from zoo.team.check.scopes import Names, Scope
from zoo.team.check.values import Other, Value, Values

_PATH = re.compile(r"[./~\\]|[A-Za-z]:[\\/]|file:|local-dir:")
_HUB_PREFIX = re.compile(r"(?:hf-hub|hf_hub):")
_ID = re.compile(r"[a-z][a-z0-9_-]*:.")
_NAME = re.compile(r"[\w.-]+(?:/[\w.-]+)?\Z")
_HINTS: Mapping[str, str] = {
    "hub": 'Add revision="{revision}".',
    "repository": "Write '{repository}:{revision}'.",
    "flagged": "Write 'hf-hub:{hub}@{revision}'.",
    "tagged": 'Download the file with hf_hub_download(..., revision="{revision}"), and pass its path.',
    "packaged": "Name the exact version.",
    "weights": "Name the exact weights.",
    "versioned": "Add the number of the version at the end.",
    "zoo": "Write '{id}@{revision}', or use a standard (std:TASK).",
}


class Pin(enum.Enum):
    """How well a use determines the files."""

    PINNED = "a commit, or files that are known by their hash"
    MISSING = "no revision"
    MOVING = "a branch, tag or alias"
    UNKNOWN = "not a constant"


@dataclass(frozen=True)
class ModelUse:
    """One model that one call loads.

    Attributes:
        node: the call.
        function: its name, for messages.
        form: see ``Loader``.
        name: the model as the code names it; empty if it is not a constant.
        id: zoo's id of it; None if it is not known.
        revision: the revision as it is given.
        action: what a policy decides on.
        task: name of the task, if the call names one.
    """

    node: ast.Call
    function: str
    form: str
    name: str
    pin: Pin
    id: str | None = None
    revision: str | None = None
    action: str = "load"
    task: str | None = None

    def hint(self, revision: str | None) -> str:
        """How to pin it.

        Args:
            revision: the one of the lock; None if it has none.
        """
        hub = (self.id or "").partition(":")[2]
        return _HINTS[self.form].format(
            revision=revision or "COMMIT", repository=self.name.partition(":")[0], hub=hub, id=self.id or self.name
        )


class Arguments:
    """The arguments of a call."""

    def __init__(self, node: ast.Call, scope: Scope, values: Values) -> None:
        self._values, self._scope = values, scope
        self._positional: list[ast.expr] = []
        self._named: dict[str, tuple[ast.expr, Scope]] = {}
        self._more_positional = self._more_named = False
        for one in node.args:
            if isinstance(one, ast.Starred):
                self._more_positional = True
                break
            self._positional.append(one)
        for keyword in node.keywords:
            if keyword.arg is not None:
                self._named[keyword.arg] = (keyword.value, scope)
                continue
            entries = values.entries(keyword.value, scope)
            self._named.update(entries or {})
            self._more_named = self._more_named or entries is None

    def of(self, *names: str, position: int | None = None) -> tuple[Value, ...]:
        """The values that an argument may have; ``Other.MISSING`` if it is not given."""
        for name in names:
            if name in self._named:
                return self._values.of(*self._named[name])
        if position is not None and position < len(self._positional):
            return self._values.of(self._positional[position], self._scope)
        more = self._more_named or (position is not None and self._more_positional)
        return (Other.UNKNOWN if more else Other.MISSING,)

    def first(self, *names: str, position: int | None = None) -> Value:
        """The value of an argument that has one; ``Other.UNKNOWN`` if it may have several."""
        found = self.of(*names, position=position)
        return found[0] if len(found) == 1 else Other.UNKNOWN


class Uses:
    """Finds the models that the calls of one file load.

    Args:
        exists: whether a path is on this machine.
    """

    def __init__(self, tree: ast.Module, exists: Callable[[str], bool]) -> None:
        self.names = Names(tree)
        self.values = Values(self.names, lambda dotted: loader_of(dotted) is not None)
        self._exists = exists

    def __iter__(self) -> Iterator[ModelUse]:
        for node, scope in self.names.calls:
            dotted = self.names.dotted(node.func, scope)
            loader = loader_of(dotted)
            if loader is None:
                continue
            blank = ModelUse(node, dotted[0][-1], loader.form, "", Pin.UNKNOWN)
            found = _FORMS[loader.form](self, loader, Arguments(node, scope, self.values), blank)
            yield from dict.fromkeys(found)

    def _model(self, value: Value) -> str | None:
        """The name of a model; None if the value is a path, nothing, or what is loaded already."""
        if not isinstance(value, str) or not value.strip() or _PATH.match(value) or self._exists(value):
            return None
        return value.strip()

    def hub(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """A repository of the Hub, with ``revision=``."""
        if given.first("repo_type") in {"dataset", "space"}:
            return
        models = given.of(*loader.keywords, position=loader.position)
        task = given.first("task", position=0) if loader.position == 1 and loader.package else Other.MISSING
        blank = replace(blank, task=task if isinstance(task, str) else None)
        if blank.function.endswith("download"):
            blank = replace(blank, action="pull")
        for model, revision in product(models, given.of("revision")):
            if model is Other.UNKNOWN:
                fixed = isinstance(revision, str) and COMMIT.match(revision)
                yield replace(blank, pin=Pin.PINNED if fixed else Pin.UNKNOWN)
                continue
            if blank.function == "pipeline" and model in {None, Other.MISSING} and task is not Other.MISSING:
                yield replace(blank, pin=Pin.MISSING)
                continue
            name = self._model(model)
            if name is None or (name.count("/") > 1 and "://" not in name):
                continue
            full = name if "/" in name else f"{loader.prefix}{name}"
            yield _pinned(replace(blank, name=name, id=_hub_id(full)), revision)

    def repository(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """A repository of GitHub: ``owner/name:revision``, with the name of a function in it."""
        if given.first("source") == "local":
            return
        entry = given.first("model", position=1)
        for value in given.of(*loader.keywords, position=loader.position):
            if value is Other.UNKNOWN:
                yield blank
            elif (name := self._model(value)) is not None:
                place, _, revision = name.partition(":")
                id = f"torchhub:{place}:{entry}" if isinstance(entry, str) else None
                yield _pinned(replace(blank, name=name, id=id), revision or None)

    def flagged(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """A name whose weights are loaded with ``pretrained=True``, or ``hf-hub:owner/name@revision``."""
        flags = given.of("pretrained", position=1)
        if all(flag is Other.MISSING or (not isinstance(flag, Other) and not flag) for flag in flags):
            return
        for value in given.of(*loader.keywords, position=loader.position):
            if value is Other.UNKNOWN or (Other.UNKNOWN in flags and self._model(value)):
                yield replace(blank, name=value if isinstance(value, str) else "")
            elif (name := self._model(value)) is not None:
                yield self._named(loader, name, blank)

    def tagged(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """A name and a tag of its weights, or ``hf-hub:owner/name``."""
        tags = given.of("pretrained", position=1)
        for value, tag in product(given.of(*loader.keywords, position=loader.position), tags):
            if value is Other.UNKNOWN:
                yield blank
            elif (name := self._model(value)) is None:
                continue
            elif _HUB_PREFIX.match(name):
                yield self._named(loader, name, blank)
            elif tag is Other.UNKNOWN:
                yield replace(blank, name=name)
            elif (weights := self._model(tag)) is not None:
                pin = Pin.PINNED if weights.lower() in loader.fixed else Pin.MISSING
                id = f"{loader.prefix}{name}/{weights}"
                yield replace(blank, name=f"{name}/{weights}", id=id, pin=pin)

    def packaged(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """A name whose files the package knows by their hash; an alias stands for others after an update."""
        for value in given.of(*loader.keywords, position=loader.position):
            if value is Other.UNKNOWN:
                yield blank
            elif (name := self._model(value)) is not None and not name.endswith((".pt", ".pth")):
                moving = name in loader.moving
                pin = Pin.MOVING if moving else Pin.PINNED
                yield replace(blank, name=name, id=f"{loader.prefix}{name}", pin=pin, revision=name if moving else None)

    def weights(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """A function of a model, with ``weights=`` that the package knows by their hash."""
        name = blank.function
        if name == "get_model":
            named = given.first("name", position=0)
            name = named if isinstance(named, str) else ""
        id = f"{loader.prefix}{name}" if name else None
        for value in given.of(*loader.keywords):
            if value is Other.UNKNOWN:
                yield replace(blank, name=name)
            elif isinstance(value, str) and value and (name or value.rpartition(".")[2] in loader.moving):
                chosen = value.rpartition(".")[2]
                moving = chosen in loader.moving
                pin = Pin.MOVING if moving else Pin.PINNED
                yield replace(blank, name=name or value, id=id, pin=pin, revision=chosen if moving else None)

    def versioned(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """``owner/model/framework/variation/version``."""
        for value in given.of(*loader.keywords, position=loader.position):
            if value is Other.UNKNOWN:
                yield replace(blank, action="pull")
            elif (name := self._model(value)) is not None:
                start, _, version = name.rpartition("/")
                numbered = name.count("/") == 4 and version.isdigit()
                id = f"{loader.prefix}{start if numbered else name}"
                pin = Pin.PINNED if numbered else Pin.MISSING
                revision = version if numbered else None
                yield replace(blank, name=name, id=id, pin=pin, revision=revision, action="pull")

    def zoo(self, loader: Loader, given: Arguments, blank: ModelUse) -> Iterator[ModelUse]:
        """An id of zoo: ``source:name@revision``."""
        task = given.first("task")
        action = {"predict_table": "predict", "label_errors": "features"}.get(blank.function, blank.function)
        blank = replace(blank, action=action, task=task if isinstance(task, str) else None)
        for value in given.of(*loader.keywords, position=loader.position):
            if value is Other.UNKNOWN:
                yield blank
            elif (name := self._model(value)) is not None and _ID.match(name):
                id, at, revision = name.rpartition("@")
                source = name.partition(":")[0]
                use = replace(blank, name=id if at else name, id=id if at else name)
                if source in loader.fixed:
                    yield replace(use, name=name, pin=Pin.PINNED, revision=revision if at else None)
                elif at and source not in {"hf", "torchhub"}:
                    yield replace(use, pin=Pin.PINNED, revision=revision)
                else:
                    yield _pinned(use, revision if at else None)

    def _named(self, loader: Loader, name: str, blank: ModelUse) -> ModelUse:
        prefixed = _HUB_PREFIX.match(name)
        place, _, revision = name[prefixed.end() if prefixed else 0 :].partition("@")
        full = place if prefixed or loader.form != "flagged" else f"{loader.prefix}{place}"
        return _pinned(replace(blank, name=name.partition("@")[0], id=_hub_id(full)), revision or None)


def _hub_id(name: str) -> str | None:
    return f"hf:{name}" if _NAME.match(name) else None


def _pinned(use: ModelUse, revision: Value) -> ModelUse:
    """A use with its revision."""
    if isinstance(revision, str) and revision:
        pin = Pin.PINNED if COMMIT.match(revision) else Pin.MOVING
        return replace(use, pin=pin, revision=revision)
    missing = revision in {None, "", Other.MISSING}
    return replace(use, pin=Pin.MISSING if missing else Pin.UNKNOWN)


_Form = Callable[[Uses, Loader, Arguments, ModelUse], Iterator[ModelUse]]
_FORMS: Mapping[str, _Form] = {
    name: getattr(Uses, name)
    for name in ("hub", "repository", "flagged", "tagged", "packaged", "weights", "versioned", "zoo")
}
