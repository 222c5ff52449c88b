"""A small real plugin: its models turn texts into numpy features, one of them well, one badly, one not at all."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from zoo.registry.registry import Registry

PLUGIN = """
    import hashlib
    import os
    import signal
    import time
    from pathlib import Path

    import numpy as np

    from zoo import Domain, ModelCard, Task, hookimpl
    from zoo.contract.kind import Kind
    from zoo.entities import LocalFiles
    from zoo.kinds.text import Texts
    from zoo.errors import ModelNotFound, suggest
    from zoo.tasks import TaskMetric

    TASK = Task("poem-classification", "poetry", "Poems", ("text",), "class", (TaskMetric("accuracy"),), "linear")
    GRADING = Task("poem-grading", "poetry", "Grades", ("text",), "grade", (TaskMetric("accuracy"),), "linear")
    VERSES = Task("verse-classification", "poetry", "Verses", ("verse",), "class", (TaskMetric("accuracy"),), "linear")
    FORWARD_PASSES = []
    INTERRUPTED = set()

    def card(name, parameters, **fields):
        tasks = ("poem-classification",)
        return ModelCard(f"poems:{name}", "poetry", tasks, parameters=parameters, bytes=parameters * 4, **fields)

    CARDS = [
        card("careful", 4_000, license="MIT", revision="1", pretraining=("sonnets",)),
        card("sloppy", 1_000, license="Apache-2.0", revision="1"),
        card("broken", 2_000, license="MIT", revision="1"),
    ]

    class Poems:
        name, title = "poems", "Poems"

        def fetch(self, card, store, progress):
            return self.locate(card)

        def locate(self, card):
            return LocalFiles(Path("."))

        def describe(self, name, revision=None):
            known = {card.id: card for card in CARDS}
            if f"poems:{name}" not in known:
                raise ModelNotFound(f"There are no poems called '{name}'.", suggest(f"poems:{name}", known))
            return known[f"poems:{name}"]

        def verify(self, card, progress):
            return []

        def remove(self, card):
            return 0

        def local(self):
            return iter(())

    class Reader:
        input_kind, layers, embedding_dimension = "text", ("letters", "words"), 8

        def __init__(self, card):
            self.card = card
            self.source_classes = 3 if card.name == "careful" else 0

        def preprocess(self, item):
            return item

        def collate(self, items):
            return list(items)

        def features(self, batch, layers):
            FORWARD_PASSES.append(self.card.id)
            marker = os.environ.get("POEMS_KILL_ONCE")
            if marker and len(FORWARD_PASSES) > 1 and not Path(marker).exists():
                Path(marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            waiting = os.environ.get("POEMS_WAIT_FROM")  # id of a model, number of its forward pass, a file to touch
            if waiting:
                model, number, told = waiting.split(",")
                if self.card.id == model and FORWARD_PASSES.count(model) >= int(number):
                    Path(told).touch()
                    time.sleep(300)
            fault = os.environ.get("POEMS_FAULT") if self.card.name == "careful" else None
            if fault == "memory":
                raise MemoryError
            if self.card.id in INTERRUPTED:
                raise KeyboardInterrupt
            vectors = np.stack([self.vector(text) for text in batch])
            if fault == "finite":
                vectors[[n for n, text in enumerate(batch) if " 7 " in text]] = np.nan
            if fault == "width" and FORWARD_PASSES.count(self.card.id) > 1:
                vectors = vectors[:, :7]
            found = {"words": vectors, "letters": np.roll(vectors[:, 2:], 1, axis=1)}
            odds = np.exp(vectors[:, :3])
            found["probabilities"] = odds / odds.sum(axis=1, keepdims=True)
            return {layer: found[layer] for layer in layers}

        def vector(self, text):
            noise = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint8)[:8] / 255.0
            if self.card.name == "careful":
                noise[0] += 3.0 * ("rose" in text)
                noise[1] += 3.0 * ("rain" in text)
            return noise.astype(np.float32)

    class Verses(Texts):
        name = "verse"

    class Grades(Kind):
        name, estimable = "grade", True

        def array(self, targets):
            return np.array(["poor fair good".split().index(grade) for grade in targets], dtype=np.int64)

        def strata(self, targets):
            return self.array(targets)

        def baseline(self, inputs, targets, task):
            return np.full(len(inputs), np.bincount(self.array(targets)).argmax())

    @hookimpl
    def zoo_domains():
        return [Domain("poetry", "Poems.", (TASK, GRADING, VERSES))]

    @hookimpl
    def zoo_kinds():
        return [Grades(), Verses()]

    @hookimpl
    def zoo_cards():
        return CARDS

    @hookimpl
    def zoo_sources():
        return [Poems()]

    @hookimpl
    def zoo_load(card, files, device, dtype):
        if card.source != "poems":
            return None
        if card.name == "broken":
            from zoo.errors import UnsupportedModel
            raise UnsupportedModel("The poem model is broken.", "Fix it.")
        return Reader(card)
"""


@pytest.fixture
def poetry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The plugin installed, an empty home, and the module of the plugin to look into."""
    from zoo.plugins import plugins

    packages = tmp_path / "packages"
    information = packages / "zoo_poetry-1.0.dist-info"
    information.mkdir(parents=True)
    (packages / "zoo_poetry.py").write_text(textwrap.dedent(PLUGIN), encoding="utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zoo-poetry\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text("[zoo]\npoetry = zoo_poetry\n", encoding="utf-8")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    monkeypatch.syspath_prepend(str(packages))
    plugins.cache_clear()
    yield __import__("zoo_poetry")
    plugins.cache_clear()
    sys.modules.pop("zoo_poetry", None)


@pytest.fixture
def poems(tmp_path: Path) -> Path:
    """A table of 60 poems about roses, rain and neither."""
    path = tmp_path / "poems.csv"
    words = {"love": "rose", "weather": "rain", "other": "stone"}
    lines = ["text,label"]
    lines += [f"the {word} number {n} speaks,{label}" for label, word in words.items() for n in range(20)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def many_poems(tmp_path: Path) -> Path:
    """A table of 600 poems."""
    path = tmp_path / "many.csv"
    words = {"love": "rose", "weather": "rain", "other": "stone"}
    lines = ["text,label"]
    lines += [f"the {word} number {n} speaks,{label}" for label, word in words.items() for n in range(200)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def registry(empty_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry without a card; that of the user, which past runs are looked up in, is a fresh one."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    shutil.copyfile(empty_registry, tmp_path / "registry.db")
    return Registry(tmp_path / "registry.db")
