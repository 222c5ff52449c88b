"""First use, upgrades, newer files, installed and removed plugins."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.entities import ModelCard
from zoo.errors import RegistryError, UnknownModel
from zoo.plugins import plugins
from zoo.registry import Registry, SearchQuery, creating, open_registry, opening
from zoo.registry.database import schema
from zoo.registry.writing.checking import check


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"


def test_the_first_use_starts_from_the_shipped_registry(home: Path) -> None:
    registry = open_registry()

    assert registry.path == home / "registry.db"
    assert registry.statistics()["models"] >= 3000
    assert registry.search(SearchQuery("efficientnet lite0", source="pkg")).total == 1
    assert check(registry.path) == []
    with sqlite3.connect(registry.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrations_give_the_tables_that_the_classes_describe(registry: Registry) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import create_engine
    from sqlmodel import SQLModel

    import zoo.registry.database.tables
    import zoo.registry.database.team_tables

    def ours(name: str | None, kind: str, parents: object) -> bool:
        return not (kind == "table" and (name or "").startswith("models_fts"))

    engine = create_engine(f"sqlite:///{registry.path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": ours})
        differences = compare_metadata(context, SQLModel.metadata)
    engine.dispose()
    assert set(SQLModel.metadata.tables) >= set(schema.TABLES)
    # SQLite cannot tell indexes over expressions apart, so they are compared by name below.
    assert [d for d in differences if isinstance(d, list) or d[0] not in {"add_index", "remove_index"}] == []
    declared = {index.name for table in schema.TABLES for index in SQLModel.metadata.tables[table].indexes}
    with sqlite3.connect(registry.path) as connection:
        made = {
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        }
    assert made == declared
    assert zoo.registry.database.tables
    assert zoo.registry.database.team_tables


def test_the_newest_migration_is_the_head() -> None:
    from alembic.script import ScriptDirectory

    from zoo.registry.migrating import configuration

    script = ScriptDirectory.from_config(configuration())
    assert script.get_heads() == [schema.HEAD]
    assert tuple(reversed([revision.revision for revision in script.walk_revisions()])) == schema.REVISIONS


def test_a_newer_registry_is_left_alone(registry: Registry) -> None:
    with sqlite3.connect(registry.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(RegistryError, match="newer zoo"):
        open_registry(registry.path)


def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE things (id)")
    connection.close()

    with pytest.raises(RegistryError, match="not a registry of zoo"):
        open_registry(path)


@pytest.mark.parametrize(("words", "owner"), [("bert", "google-bert"), ("whisper", "openai"), ("t5", "google-t5")])
def test_who_made_a_family_comes_first_where_no_downloads_are_known(home: Path, words: str, owner: str) -> None:
    (first, *_) = open_registry().search(SearchQuery(words)).models

    assert first.card.id.startswith(f"hf:{owner}/")


def test_ids_that_have_nothing_but_their_source_in_common_are_not_suggested(home: Path) -> None:
    with pytest.raises(
        UnknownModel, match=r"There is no model 'hf:nope/a' in the registry. Search for it: zoo search nope"
    ):
        open_registry().card("hf:nope/a")
    with pytest.raises(UnknownModel, match=r"Did you mean .*hf:google-bert/bert-base-uncased"):
        open_registry().card("hf:google-bert/bert-bas-uncased")


def test_two_first_uses_at_once_make_one_registry(home: Path) -> None:
    script = "from zoo.registry import open_registry; print(open_registry().statistics()['models'])"
    started = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    counts = {process.communicate(timeout=120)[0] for process in started}

    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(counts) == 1
    assert check(home / "registry.db") == []
    assert not list(home.glob(".registry*"))


def test_an_interrupted_creation_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(creating, "_place", stop)
    with pytest.raises(KeyboardInterrupt):
        open_registry()
    assert list(home.iterdir()) == []


PLUGIN = """
from zoo import BenchmarkScore, ModelCard, hookimpl

@hookimpl
def zoo_cards():
    yield ModelCard("hf:plugged/in", "vision", ("image-classification",), description="VERSION")
    yield ModelCard("hf:google/vit-large-patch16-224-in21k", "vision", description="taken over")
    yield BenchmarkScore("hf:plugged/in", "image-classification", "Plugs", "accuracy", 0.5)
"""


def install(folder: Path, version: str, body: str = PLUGIN) -> None:
    for old in folder.glob("*"):
        if old.is_dir():
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
    information = folder / f"zoo_plugged-{version}.dist-info"
    information.mkdir(parents=True)
    (folder / "zoo_plugged.py").write_text(body.replace("VERSION", version), encoding="utf-8")
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-plugged\nVersion: {version}\n")
    (information / "entry_points.txt").write_text("[zoo]\nplugged = zoo_plugged\n")


def again(path: Path) -> Registry:
    """The registry as a new process would open it."""
    sys.modules.pop("zoo_plugged", None)
    plugins.cache_clear()
    opening._opened.clear()
    return open_registry(path)


def test_cards_of_plugins_come_change_and_go(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    registry = again(home / "registry.db")
    registry.add([ModelCard("hf:my/own", "vision")])
    before = registry.card("hf:google/vit-large-patch16-224-in21k")

    install(folder, "1.0")
    assert again(registry.path).card("hf:plugged/in").description == "1.0"
    assert [s.dataset for s in registry.scores("hf:plugged/in")] == ["Plugs"]
    install(folder, "2.0")
    assert again(registry.path).card("hf:plugged/in").description == "2.0"
    install(folder, "3.0", "from zoo import hookimpl\n@hookimpl\ndef zoo_cards():\n    raise OSError('gone')\n")
    with pytest.warns(UserWarning, match="plugged"):
        assert again(registry.path).search(SearchQuery("plugged")).total == 0
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(folder)])
    assert again(registry.path).card("hf:google/vit-large-patch16-224-in21k") == before
    assert registry.card("hf:my/own").domain == "vision"
    assert check(registry.path) == []
    plugins.cache_clear()


def test_an_unchanged_environment_is_not_looked_at_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = again(home / "registry.db").path

    def refuse() -> list[object]:
        raise AssertionError("the plugins were looked for although nothing was installed")

    monkeypatch.setattr("zoo.plugins.installed", refuse)
    assert again(path).statistics()["models"] > 0


def test_the_shipped_registry_is_what_its_builder_builds(home: Path, tmp_path: Path) -> None:
    from zoo.exchange.example import build

    build(tmp_path / "built.db")

    shipped = Path(creating.__file__).parents[2] / creating.SHIPPED
    assert list(Registry(shipped).everything()) == list(Registry(tmp_path / "built.db").everything())


@pytest.mark.slow
def test_the_builder_writes_the_same_bytes_again(home: Path, tmp_path: Path) -> None:
    from zoo.exchange.example import build

    first, second = tmp_path / "first.db", tmp_path / "second.db"
    build(first)
    build(second)

    assert first.read_bytes() == second.read_bytes()


def test_a_registry_of_the_first_schema_is_upgraded(home: Path, tmp_path: Path) -> None:
    from alembic import command

    from zoo.registry.migrating import configuration
    from zoo.registry.writing.transaction import writing

    path = tmp_path / "old.db"
    with writing(path, foreign_keys=False) as session:
        config = configuration()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "0001")
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO models (key, id, source, name, domain, tasks, tags, parameters, base_model, gated) VALUES "
            "(7, 'hf:old/vit-tuned', 'hf', 'old/vit-tuned', 'vision', '[\"image-classification\"]', '[\"cats\"]', 5000, 'hf:a/b', 0)"
        )
        connection.execute("INSERT INTO benchmarks VALUES (1, 'image-classification', 'Cats', 'test', 'accuracy', 1)")
        connection.execute("INSERT INTO citations VALUES (1, 'a paper')")
        connection.execute("INSERT INTO scores VALUES (7, 1, 'reported', 0.75, 1, NULL, NULL)")
    connection.close()

    registry = open_registry(path)

    page = registry.search(SearchQuery("tuned", tag=("cats",), max_parameters=5000, min_score={"cats": 0.7}))
    assert [hit.card.id for hit in page.models] == ["hf:old/vit-tuned"]
    assert registry.family(page.models[0].card).bases[0].id == "hf:a/b"
    assert check(path) == []
