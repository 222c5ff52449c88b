"""Writing: replacement, ownership by plugins, transactions, concurrent processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo import exchange
from zoo.entities import BenchmarkScore, Measurement, ModelCard, Run
from zoo.errors import InvalidInput, RegistryError, StorageError, UnknownModel
from zoo.registry import Registry, open_registry
from zoo.registry.writing.checking import check

CARD = ModelCard(
    "hf:some/model",
    "vision",
    ("image-classification",),
    parameters=10,
    tags=("a", "b"),
    languages=("de",),
    input={"kind": "image", "size": 224},
)
SCORE = BenchmarkScore(CARD.id, "image-classification", "ImageNet-1k", "accuracy", 0.5, source="a paper")
MEASUREMENT = Measurement(CARD.id, "image-classification", "f" * 64, "photos", "logme", 1.25, 1.0, 1.5, samples=10)
RUN = Run(
    "20260101-1", CARD.id, "image-classification", "photos", "f" * 64, "full", {"accuracy": 0.9}, {"accuracy": 0.1}
)


def test_what_goes_in_comes_out(any_registry: Registry) -> None:
    assert any_registry.add([CARD, SCORE, MEASUREMENT, RUN]) == {"models": 1, "scores": 1, "measurements": 1, "runs": 1}

    assert any_registry.card(CARD.id) == CARD
    assert any_registry.scores(CARD.id) == (SCORE,)
    assert any_registry.measurements(data=MEASUREMENT.data) == (MEASUREMENT,)
    assert any_registry.runs() == (RUN,)
    assert check(any_registry.path) == []


def test_adding_again_replaces(any_registry: Registry) -> None:
    any_registry.add([CARD, SCORE])
    changed = ModelCard(CARD.id, "vision", ("object-detection",), tags=("c",))
    any_registry.add([changed, BenchmarkScore(**{**SCORE.to_dict(), "value": 0.6})])

    assert any_registry.card(CARD.id) == changed
    assert [score.value for score in any_registry.scores(CARD.id)] == [0.6]
    assert any_registry.statistics()["tasks"] == {"object-detection": 1}
    assert check(any_registry.path) == []


def test_a_score_of_an_unknown_model_is_refused_and_nothing_is_written(any_registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="not in the registry"):
        any_registry.add([CARD, BenchmarkScore("hf:who/knows", "t", "d", "m", 1.0)])
    assert any_registry.statistics()["models"] == 0


def test_plugins_do_not_replace_what_is_the_users_own(any_registry: Registry) -> None:
    own = ModelCard(CARD.id, "vision", license="MIT")
    any_registry.add([own, SCORE])
    any_registry.add([CARD, BenchmarkScore(**{**SCORE.to_dict(), "value": 0.1})], plugin="other")

    assert any_registry.card(CARD.id) == own
    assert [score.value for score in any_registry.scores(CARD.id)] == [0.5]


def test_adding_what_a_plugin_brought_leaves_it_the_plugins(any_registry: Registry) -> None:
    any_registry.add([CARD, SCORE], plugin="other")
    any_registry.add([CARD, SCORE])

    assert list(any_registry.everything(own=True)) == []


def test_removing_takes_the_scores_along_and_leaves_the_history(any_registry: Registry) -> None:
    any_registry.add([CARD, SCORE, MEASUREMENT, RUN])
    assert any_registry.remove("some/model") == CARD

    statistics = any_registry.statistics()
    assert (statistics["models"], statistics["scores"], statistics["measurements"], statistics["runs"]) == (0, 0, 1, 1)
    assert check(any_registry.path) == []
    with pytest.raises(UnknownModel):
        any_registry.card(CARD.id)


def test_names_are_completed_only_where_one_model_has_them(any_registry: Registry) -> None:
    any_registry.add([CARD, ModelCard("hf:other/model", "vision"), ModelCard("pkg:alone", "vision")])

    assert any_registry.card("alone").id == "pkg:alone"
    assert any_registry.card("hf:some/model@v1").id == CARD.id
    with pytest.raises(InvalidInput, match="hf:other/model, hf:some/model"):
        any_registry.card("model")
    with pytest.raises(UnknownModel, match="pkg:alone"):
        any_registry.card("pkg:alon")


def test_two_processes_write_at_once(registry: Registry) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from zoo.entities import ModelCard
        from zoo.registry import Registry
        registry, who = Registry(Path(sys.argv[1])), sys.argv[2]
        for n in range(25):
            registry.add([ModelCard(f"hf:{who}/{n}", "vision", tags=("t",)), ModelCard("hf:shared/model", "vision", tags=(who,))])
    """)
    writers = [subprocess.Popen([sys.executable, "-c", script, str(registry.path), who]) for who in ("a", "b", "c")]

    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert registry.statistics()["models"] == 76
    assert check(registry.path) == []


@pytest.mark.parametrize(
    "delay", [pytest.param(0.0, marks=pytest.mark.slow), 0.05, pytest.param(0.3, marks=pytest.mark.slow)]
)
def test_a_killed_import_leaves_the_registry_as_it_was(registry: Registry, tmp_path: Path, delay: float) -> None:
    open_registry(registry.path).add([CARD, SCORE])
    before = list(registry.everything())
    fifo = tmp_path / "models.jsonl"
    os.mkfifo(fifo)
    importer = subprocess.Popen(
        [sys.executable, "-m", "zoo", "import", str(fifo)],
        env={**os.environ, "ZOO_REGISTRY": str(registry.path), "ZOO_HOME": str(tmp_path)},
    )
    with fifo.open("w") as file:
        # More than a batch, so that rows are in the transaction already; the end never comes.
        for n in range(3000):
            file.write(f'{{"kind": "model", "id": "hf:new/{n}", "domain": "vision", "description": "{"x" * 200}"}}\n')
        file.flush()
        time.sleep(delay)
        importer.send_signal(signal.SIGKILL)
        assert importer.wait(timeout=30) == -signal.SIGKILL

    assert list(registry.everything()) == before
    assert check(registry.path) == []
    assert registry.add([ModelCard("hf:after/that", "vision")])["models"] == 1


def test_a_full_disk_loses_nothing(make_disk: Callable[[str], Path]) -> None:
    from zoo.registry import creating

    disk = make_disk("1m")
    creating.create(disk / "registry.db", empty=True)
    registry = Registry(disk / "registry.db")
    registry.add([CARD, SCORE])
    with pytest.raises(StorageError, match="disk is full"):
        registry.add(ModelCard(f"hf:new/{n}", "vision", description="x" * 500) for n in range(5000))

    assert list(registry.everything()) == [CARD, SCORE]
    assert check(registry.path) == []
    _fill(disk / "filler")
    with pytest.raises(StorageError, match="no space left"):
        exchange.export(registry, str(disk / "copy.json"))
    assert not list(disk.glob(".*new"))


def _fill(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(handle, b"x" * 4096)
    except OSError:
        os.close(handle)


def test_a_read_only_registry_is_read_and_not_written(registry: Registry) -> None:
    registry.add([CARD, SCORE])
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from zoo.entities import ModelCard
        from zoo.errors import StorageError
        from zoo.registry import Registry, SearchQuery
        import zoo.registry.writing.items
        import sqlalchemy.dialects.sqlite.pysqlite
        if os.getuid() == 0:  # Root may write anywhere.
            os.setgid(65534)
            os.setuid(65534)
        registry = Registry(Path(sys.argv[1]))
        assert registry.search(SearchQuery("model")).total == 1
        try:
            registry.add([ModelCard("hf:new/model", "vision")])
        except StorageError as error:
            print(error)
    """)
    folder = registry.path.parent
    for path in (folder, *folder.glob("registry.db*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path(parent.anchor):
            parent.chmod(parent.stat().st_mode | 0o055)
    result = subprocess.run(
        [sys.executable, "-c", script, str(registry.path)], capture_output=True, text=True, check=False
    )
    folder.chmod(0o755)

    assert result.returncode == 0, result.stderr
    assert "read-only" in result.stdout


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"not a database, just some text that is long enough" * 100, "not a SQLite file"),
        (b"", "not a registry of zoo"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(content)
    with pytest.raises(RegistryError, match=text):
        open_registry(path)
    assert path.read_bytes() == content
