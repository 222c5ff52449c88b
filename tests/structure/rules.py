"""What holds of the structure and the wording of the whole repository: each rule lists what breaks it."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping

from domain_words import DOMAIN_WORDS
from forbidden_words import AS_WRITTEN, EXCEPTIONS, FORBIDDEN
from repository import ROOT, Repository
from words import Finder

from architecture import BESIDE, FOR_PLUGINS, LEVEL, Code, Import, Module  # isort: skip

LINES, FILES, CIRCLE = 300, 20, 2
"""Maximum lines of a module, Python files in a folder, and modules that import one another."""

QUOTING = ("tests/structure/forbidden_words.py", "tests/structure/test_rules.py")
"""Files that have to write what they forbid."""

_FORMAT = re.compile(r"#\s*fmt\s*:[^\n]*")
_DOMAINS, _LANGUAGE = Finder(DOMAIN_WORDS), Finder(FORBIDDEN)


def layers(repository: Repository) -> Iterator[str]:
    """A module of zoo imports only packages of lower layers, and its own."""
    code = repository.code
    for package in code.packages:
        if package not in {*LEVEL, *BESIDE}:
            yield f"zoo/{package} has no layer: add it to LAYERS in tools/architecture.py."
    for here, there, found in _imports(code, "zoo"):
        known = {*LEVEL, *BESIDE}
        if there.top != "zoo" or here.package == there.package or here.package in BESIDE:
            continue
        if here.package not in known or there.package not in known:
            continue
        if there.package in BESIDE:
            why = f"no module imports zoo.{there.package}"
        elif LEVEL[there.package] > LEVEL[here.package]:
            why = f"zoo.{there.package} is in a layer above zoo.{here.package}"
        elif LEVEL[there.package] == LEVEL[here.package]:
            why = f"zoo.{there.package} is in the same layer as zoo.{here.package}"
        else:
            continue
        yield f"{_at(here, found)} imports {found.target}, but {why}."


def plugins(repository: Repository) -> Iterator[str]:
    """A domain plugin imports what it may of zoo and no other plugin; zoo imports no domain plugin."""
    code = repository.code
    for here, there, found in _imports(code, "zoo"):
        if there.top != "zoo":
            yield f"{_at(here, found)} imports {found.target}, a domain plugin; zoo knows none."
    for plugin in code.plugins:
        for here, there, found in _imports(code, plugin):
            if there.top not in {"zoo", plugin}:
                yield f"{_at(here, found)} imports {found.target} of another plugin."
            elif there.top == "zoo" and there.package not in FOR_PLUGINS:
                yield f"{_at(here, found)} imports {found.target}; plugins may not import zoo.{there.package}."


def circles(repository: Repository) -> Iterator[str]:
    """At most two modules import one another, imports for type checkers and inside functions counted."""
    code = repository.code
    for group in code.circles:
        if len(group) > CIRCLE:
            for name in sorted(group):
                way = " -> ".join(_shortest_way_back(code, name, group))
                yield f"{code.modules[name].path} is one of {len(group)} modules that import one another: {way}."


def domain_words(repository: Repository) -> Iterator[str]:
    """No file of zoo outside the catalog's tables mentions formats, libraries or models of one domain."""
    for path, text in repository.texts.items():
        if path.startswith("zoo/") and not path.startswith("zoo/catalog/tables/"):
            for match in _DOMAINS(text):
                yield f"{path}:{match.line} mentions '{match.text}', which only {match.word.instead} may know."


def folders(repository: Repository) -> Iterator[str]:
    """At most 20 Python files lie directly in one folder of zoo or of a plugin."""
    counts = Counter(module.path.rpartition("/")[0] for module in repository.code.modules.values())
    for folder, count in sorted(counts.items()):
        if count > FILES:
            yield f"{folder} has {count} Python files; at most {FILES} are allowed."


def lengths(repository: Repository) -> Iterator[str]:
    """A module of zoo or of a plugin has at most 300 lines."""
    for module in repository.code.modules.values():
        count = len(repository.texts[module.path].splitlines())
        if count > LINES:
            yield f"{module.path} has {count} lines; at most {LINES} are allowed."


def formatting(repository: Repository) -> Iterator[str]:
    """No comment switches the formatter off."""
    for path, text in repository.texts.items():
        if path in QUOTING:
            continue
        for match in _FORMAT.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path}:{line} has '{match.group().strip()}'; let the formatter format every line."


def language(repository: Repository) -> Iterator[str]:
    """Code, help, messages and docs use the words of the field."""
    unused = set(EXCEPTIONS) if repository.root == ROOT else set()
    for path, text in repository.texts.items():
        if path in QUOTING:
            continue
        lines = text.split("\n")
        found = [(match.line, match.text, match.word.instead) for match in _LANGUAGE(text)]
        for expression, instead in AS_WRITTEN:
            for match in expression.finditer(text):
                found.append((text.count("\n", 0, match.start()) + 1, match.group().strip(), instead))
        for number, said, instead in sorted(found):
            exception = (path, lines[number - 1].strip())
            if exception in EXCEPTIONS:
                unused.discard(exception)
            else:
                yield f"{path}:{number} says '{said}'; write instead: {instead}."
    for path, line in sorted(unused):
        yield f"{path} has no line '{line}' that needs an exception; remove it from EXCEPTIONS."


RULES: Mapping[str, Callable[[Repository], Iterator[str]]] = {
    rule.__name__: rule for rule in (layers, plugins, circles, domain_words, folders, lengths, formatting, language)
}


def _imports(code: Code, top: str) -> Iterator[tuple[Module, Module, Import]]:
    """Who imports what, for all modules below one top: the importing module, the imported one, and the import."""
    for name, imports in code.imports.items():
        if code.modules[name].top == top:
            for found in imports:
                yield code.modules[name], code.modules[found.target], found


def _at(module: Module, found: Import) -> str:
    return f"{module.path}:{found.line}"


def _shortest_way_back(code: Code, start: str, group: frozenset[str]) -> list[str]:
    """The fewest modules of a group that lead from one back to it."""
    ways = deque([[start]])
    seen: set[str] = set()
    while ways:
        way = ways.popleft()
        for target in sorted({found.target for found in code.imports[way[-1]]} & group - seen):
            if target == start:
                return [*way, start]
            seen.add(target)
            ways.append([*way, target])
    return [start]
