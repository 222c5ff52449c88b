"""Checks of a plugin itself, without loading models."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from typing import Any

from zoo import extras
from zoo.entities import BenchmarkScore, LocalFiles, ModelCard, ModelId
from zoo.plugins import plugins
from zoo.tasks import Domain
from zoo.testing.subject import Skipped, Subject
from zoo.untrusted import parse_json

_TASK_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_REGISTER = """
import json, socket, sys
from importlib import metadata
reached = []
def refuse(self, address, *rest):
    reached.append(str(address))
    raise OSError("no network while a plugin is imported")
socket.socket.connect = socket.socket.connect_ex = refuse
for entry in metadata.entry_points(group="zoo"):
    if entry.name == sys.argv[1]:
        plugin = entry.load()
        if hasattr(plugin, "zoo_domains"):
            plugin.zoo_domains()
print(json.dumps([sorted(name for name in sys.modules if "." not in name), reached]))
"""


def is_healthy(subject: Subject) -> None:
    """It can be imported, the names of its hooks are valid, and its hooks that list things work."""
    kinds: dict[str, Any] = {"zoo_domains": Domain, "zoo_cards": (ModelCard, BenchmarkScore)}
    plugins().check(kinds)
    assert subject.report.healthy, subject.report.error
    assert subject.report.hooks, "it implements no hook"


def imports_nothing_heavy(subject: Subject) -> None:
    """Importing the plugin and naming its domains imports no optional package, so ``zoo search`` starts quickly."""
    modules, _ = _registered(subject)
    found = sorted(extras.modules() & set(modules))
    assert not found, f"importing the plugin imports {', '.join(found)}; import inside the functions that need it"


def imports_without_network(subject: Subject) -> None:
    """Importing the plugin opens no connection."""
    _, reached = _registered(subject)
    assert not reached, f"importing the plugin connects to {reached[0]}"


def ids_are_ids(subject: Subject) -> None:
    """Every card has a unique id ``source:name``, without a revision."""
    cards = subject.cards
    if not cards:
        raise Skipped("it has no cards")
    for card in cards:
        assert str(ModelId.parse(card.id)) == card.id, f"'{card.id}' is not an id of the form source:name"
    twice = [name for name, count in Counter(card.id for card in cards).items() if count > 1]
    assert not twice, f"the card of '{twice[0]}' appears twice"


def tasks_are_known(subject: Subject) -> None:
    """Tasks and domains that its cards and scores name exist, and its own are named in the usual style."""
    known, domains = plugins().tasks, plugins().domains
    for domain in subject.items("zoo_domains"):
        for task in domain.tasks:
            assert _TASK_NAME.match(task.name), f"'{task.name}' is not a valid task name; write lower-case-words"
            assert task.inputs and task.metrics, f"the task '{task.name}' has no inputs or no metrics"
    for card in subject.cards:
        assert card.domain in domains, f"'{card.id}' has the domain '{card.domain}', which no plugin serves"
        for name in card.tasks:
            assert name in known, f"'{card.id}' names the task '{name}', which no plugin defines"


def scores_have_models(subject: Subject) -> None:
    """Every score follows the card of its model, and names its source."""
    seen: set[str] = set()
    for item in subject.offered:
        if isinstance(item, ModelCard):
            seen.add(item.id)
            continue
        assert item.model in seen, f"a score of '{item.model}' comes before the model's card, or has none"
        assert item.source, f"the score of '{item.model}' on {item.dataset} names no source"


def passes_on_what_is_not_its_own(subject: Subject) -> None:
    """``zoo_load`` and ``zoo_predict`` return None for a model of another domain, so that other plugins are called."""
    card = ModelCard("file:/nowhere", "served-by-no-plugin", library="nothing")
    arguments = {"card": card, "files": LocalFiles.from_dict({"root": "."}), "device": "cpu", "dtype": "float32"}
    for _, found in plugins().each("zoo_load", subject.name, **arguments):
        raise AssertionError(f"zoo_load returns a {type(found).__name__} for a model of another domain")


def readers_refuse_quietly(subject: Subject) -> None:
    """Readers return False for data that they do not support, without raising."""
    readers = subject.items("zoo_readers")
    if not readers:
        raise Skipped("it has no readers")
    for reader in readers:
        for name in ("", "no such thing", "nowhere/at/all.nothing", "\0"):
            assert reader.accepts(name) is False, f"the reader '{reader.name}' accepts {name!r}"


def _registered(subject: Subject) -> tuple[list[str], list[str]]:
    """Modules loaded and addresses contacted when a separate process imports the plugin."""
    done = subprocess.run(
        [sys.executable, "-c", _REGISTER, subject.name], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"importing it fails: {done.stderr.strip().splitlines()[-1]}"
    modules, reached = parse_json(done.stdout.strip().splitlines()[-1])
    return modules, reached


CHECKS = (
    is_healthy,
    imports_nothing_heavy,
    imports_without_network,
    ids_are_ids,
    tasks_are_known,
    scores_have_models,
    passes_on_what_is_not_its_own,
    readers_refuse_quietly,
)
