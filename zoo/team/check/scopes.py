"""The names of a Python file: what each scope assigns to them, what is imported, and which calls there are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

MODULE, CLASS, FUNCTION = "module", "class", "function"
LOCAL_NAME = "<local>"
"""First part of a dotted name that no import of the file explains."""

_CHANGING = frozenset({"update", "setdefault", "pop", "popitem", "clear"})
_LONGEST_CHAIN = 50
_Found = tuple[ast.AST, "Scope"]

_NAMING = frozenset(
    (
        *(ast.Call, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef),
        *(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.comprehension),
        *(ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal),
        *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.For, ast.AsyncFor),
        *(ast.withitem, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
    )
)
"""The nodes that bind names, open a scope, or are calls."""

_PLAIN = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "name", "names", "module", "level", "kind", "type_comment", "returns"}
)
"""Fields without calls or names that are bound."""

_LEAVES = frozenset((ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue, str, int, bool, type(None)))
_FIELDS: dict[type, tuple[str, ...]] = {}


@dataclass
class Scope:
    """A module, class or function.

    Attributes:
        bindings: the expressions that are assigned to each name; None for a value that is not an expression of the
            file, such as a parameter.
        attributes: of a class, the same for attributes of its instances.
        owner: the class that a function belongs to.
    """

    kind: str
    parent: Scope | None = None
    owner: Scope | None = None
    bindings: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    attributes: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    outer: dict[str, Scope] = field(default_factory=dict)

    def bind(self, name: str, value: ast.expr | None) -> None:
        """Note an assignment."""
        self.outer.get(name, self).bindings.setdefault(name, []).append(value)

    def lookup(self, name: str) -> tuple[Scope, list[ast.expr | None]] | None:
        """The scope that a name belongs to, with what is assigned to it; None if the file does not assign it."""
        here: Scope | None = self
        while here is not None:
            if name in here.bindings and (here is self or here.kind != CLASS):
                return here, here.bindings[name]
            here = here.parent
        return None


class Names:
    """All names and calls of a file.

    Attributes:
        calls: each call with the scope that it is in.
        imports: by local name, the dotted names that it may stand for.
        stars: modules of which all names are imported.
        classes: the scopes of classes by name.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.calls: list[tuple[ast.Call, Scope]] = []
        self.imports: dict[str, dict[tuple[str, ...], None]] = {}
        self.stars: list[tuple[str, ...]] = []
        self.classes: dict[str, list[Scope]] = {}
        self.module = Scope(MODULE)
        self._later: list[tuple[str, str, ast.expr | None, Scope]] = []
        waiting: list[_Found] = [(tree, self.module)]
        while waiting:
            node, scope = waiting.pop()
            before = len(waiting)
            inside = self._named(node, scope, waiting) if node.__class__ in _NAMING else scope
            if inside is not None:
                self._children(node, inside, waiting)
            if len(waiting) > before + 1:  # the last one is read first
                waiting[before:] = waiting[before:][::-1]
        for name, attribute, value, scope in self._later:
            self._attribute(name, attribute, value, scope)

    def dotted(self, node: ast.expr, scope: Scope) -> list[tuple[str, ...]]:
        """The dotted names that an expression may stand for, imports and other names for the same resolved."""
        parts: list[str] = []
        for _ in range(_LONGEST_CHAIN):
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
                continue
            if not isinstance(node, ast.Name):
                break
            if node.id in self.imports:
                return [(*start, *reversed(parts)) for start in self.imports[node.id]]
            found = scope.lookup(node.id)
            if found is None:
                end = (node.id, *reversed(parts))
                return [(LOCAL_NAME, *end), *((*module, *end) for module in self.stars)]
            aliased = found[1][0] if len(found[1]) == 1 else None
            if not isinstance(aliased, (ast.Name, ast.Attribute)):
                parts.append(node.id)
                return [(LOCAL_NAME, *reversed(parts))]
            scope, node = found[0], aliased
        return [(LOCAL_NAME, "()", *reversed(parts))]

    def _children(self, node: ast.AST, scope: Scope, waiting: list[_Found]) -> None:
        """Note the expressions and statements directly in a node, to be read."""
        kind = node.__class__
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = () if kind in _LEAVES else tuple(name for name in node._fields if name not in _PLAIN)
            _FIELDS[kind] = fields
        for name in fields:
            value: Any = getattr(node, name, None)
            if value.__class__ is list:
                waiting += [(one, scope) for one in value if one.__class__ not in _LEAVES]
            elif value.__class__ not in _LEAVES:
                waiting.append((value, scope))

    def _named(self, node: ast.AST, scope: Scope, waiting: list[_Found]) -> Scope | None:
        """Note what a node means for its scope.

        Returns:
            The scope of what is in it; None if this was added to what waits to be read.
        """
        match node:
            case ast.Call():
                self.calls.append((node, scope))
                called = node.func
                if isinstance(called, ast.Attribute) and called.attr in _CHANGING:
                    self._assign(called, None, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                waiting += self._function(node, scope)
                return None
            case ast.ClassDef():
                scope.bind(node.name, None)
                inner = Scope(CLASS, scope)
                self.classes.setdefault(node.name, []).append(inner)
                waiting += [(one, scope) for one in (*node.decorator_list, *node.bases, *node.keywords)]
                waiting += [(one, inner) for one in node.body]
                return None
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return Scope(FUNCTION, scope, scope.owner)
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Global():
                scope.outer.update((name, self.module) for name in node.names)
            case ast.Nonlocal() if scope.parent is not None:
                for name in node.names:
                    found = scope.parent.lookup(name)
                    scope.outer[name] = found[0] if found else scope.parent
            case _:
                self._statement(node, scope)
        return scope

    def _statement(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.Assign():
                for target in node.targets:
                    self._assign(target, node.value, scope)
            case ast.AnnAssign() if node.value is not None:
                self._assign(node.target, node.value, scope)
            case ast.AugAssign():
                self._assign(node.target, None, scope)
            case ast.NamedExpr():
                self._assign(node.target, node.value, scope)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                if isinstance(node.iter, (ast.List, ast.Tuple, ast.Set)):
                    for element in node.iter.elts:
                        self._assign(node.target, element, scope)
                else:
                    self._assign(node.target, None, scope)
            case ast.withitem() if node.optional_vars is not None:
                self._assign(node.optional_vars, None, scope)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                scope.bind(node.name, None)
            case ast.MatchMapping() if node.rest:
                scope.bind(node.rest, None)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope) -> Iterator[_Found]:
        inner = Scope(FUNCTION, scope, scope if scope.kind == CLASS else scope.owner)
        given = node.args
        for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
            if one is not None:
                inner.bind(one.arg, None)
        yield from ((one, scope) for one in (*given.defaults, *given.kw_defaults) if one is not None)
        if isinstance(node, ast.Lambda):
            yield node.body, inner
            return
        scope.bind(node.name, None)
        yield from ((one, scope) for one in node.decorator_list)
        yield from ((one, inner) for one in node.body)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for one in node.names:
                parts = tuple(one.name.split("."))
                self._imported(one.asname or parts[0], parts if one.asname else parts[:1])
            return
        module = ("." * node.level, *(node.module or "").split(".")) if node.level else ()
        module = module or tuple((node.module or "").split("."))
        for one in node.names:
            if one.name == "*":
                self.stars.append(module)
            else:
                self._imported(one.asname or one.name, (*module, one.name))

    def _imported(self, name: str, dotted: tuple[str, ...]) -> None:
        self.imports.setdefault(name, {})[dotted] = None

    def _assign(self, target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
        match target:
            case ast.Name():
                scope.bind(target.id, value)
            case ast.Starred():
                self._assign(target.value, None, scope)
            case ast.Tuple() | ast.List():
                values: list[ast.expr] | list[None] = [None] * len(target.elts)
                pairs = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
                if pairs and not any(isinstance(one, ast.Starred) for one in (*target.elts, *value.elts)):  # type: ignore[union-attr]
                    values = value.elts  # type: ignore[union-attr]
                for one, part in zip(target.elts, values, strict=True):
                    self._assign(one, part, scope)
            case ast.Attribute() if isinstance(target.value, ast.Name):
                self._later.append((target.value.id, target.attr, value, scope))
            case ast.Subscript() if isinstance(target.value, ast.Name):
                scope.bind(target.value.id, None)

    def _attribute(self, name: str, attribute: str, value: ast.expr | None, scope: Scope) -> None:
        if attribute in _CHANGING:
            found = scope.lookup(name)
            if found is not None:
                found[1].append(None)
        elif name in {"self", "cls"} and scope.owner is not None:
            scope.owner.attributes.setdefault(attribute, []).append(value)
        else:
            for one in self.classes.get(name, ()):
                one.attributes.setdefault(attribute, []).append(value)
