"""``zoo search``, ``show``, ``compare``, ``stats``, ``import``, ``export`` and ``registry`` as a user types them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import commands
import pytest

from zoo.registry import creating


class Home:
    """A user's home."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def zoo(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        result = commands.zoo(*arguments, home=self.path / "home", folder=self.path, **environment)
        assert result.returncode == code, result.stderr + result.stdout
        return result

    def json(self, *arguments: str, code: int = 0) -> dict:
        return json.loads(self.zoo(*arguments, "--json", code=code).stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("registry"))


def test_search_has_the_promised_shape_and_pages(home: Home) -> None:
    first = home.json("search", "vit", "--task", "image-classification", "--limit", "2")
    second = home.json("search", "vit", "--task", "image-classification", "--limit", "2", "--after", first["next"])

    assert set(first) == {"total", "models", "next"}
    assert set(first["models"][0]) == {
        "id",
        "domain",
        "tasks",
        "architecture",
        "parameters",
        "bytes",
        "license",
        "source",
        "downloads",
        "scores",
    }
    assert first["total"] > 100
    assert not {m["id"] for m in first["models"]} & {m["id"] for m in second["models"]}


def test_every_filter_of_search(home: Home) -> None:
    page = home.json(
        "search",
        "--domain",
        "vision",
        "--task",
        "image-classification",
        "--license",
        "apache-2.0",
        "--max-parameters",
        "10M",
        "--max-size",
        "30MB",
        "--source",
        "hf",
        "--library",
        "timm",
        "--min-score",
        "imagenet-1k=0.7",
        "--sort",
        "score:imagenet-1k",
        "--limit",
        "3",
    )
    best = [max(s["value"] for s in m["scores"] if s["dataset"] == "ImageNet-1k") for m in page["models"]]
    assert best == sorted(best, reverse=True)
    for model in page["models"]:
        assert model["parameters"] <= 10_000_000
        assert model["license"] == "Apache-2.0"
    assert home.json("search", "--language", "de", "--limit", "1")["total"] >= 1
    names = [m["id"] for m in home.json("search", "--sort", "name", "--reverse", "--limit", "5")["models"]]
    assert names == sorted(names, reverse=True)


def test_search_for_people(home: Home) -> None:
    shown = home.zoo("search", "vit", "--task", "image-classification", "--limit", "2").stdout
    assert shown.splitlines()[0].split()[:2] == ["model", "task"]
    assert "2 of" in shown
    assert "zoo show" in shown
    assert "No model matches" in home.zoo("search", "zzzzz").stdout


def test_show_by_id_or_name(home: Home) -> None:
    document = home.json("show", "pkg:efficientnet-lite0")
    assert document["license"] == "Apache-2.0"
    assert {score["metric"] for score in document["scores"]} >= {"accuracy"}
    assert "Apache-2.0" in home.zoo("show", "efficientnet-lite0").stdout


def test_compare_marks_the_best(home: Home) -> None:
    document = home.json("compare", "pkg:efficientnet-lite0", "pkg:efficientnet-lite2")
    top = next(b for b in document["benchmarks"] if b["metric"] == "accuracy")
    assert top["best"] == "pkg:efficientnet-lite2"
    assert (
        f"{top['values'][top['best']]:#.4g}*"
        in home.zoo("compare", "pkg:efficientnet-lite0", "pkg:efficientnet-lite2").stdout
    )


def test_stats_count(home: Home) -> None:
    document = home.json("stats")
    assert document["models"] == sum(document["domains"].values()) >= 3000
    assert f"{document['models']:,}" in home.zoo("stats").stdout


def test_what_is_exported_is_imported_elsewhere(home: Home) -> None:
    home.zoo("export", "all.jsonl", "--domain", "audio")
    home.zoo("registry", "init", "other.db", "--empty")
    counts = json.loads(home.zoo("import", "all.jsonl", "--json", ZOO_REGISTRY="other.db").stdout)["imported"]
    home.zoo("export", "again.jsonl", "--domain", "audio", ZOO_REGISTRY="other.db")

    assert counts["models"] == home.json("stats")["domains"]["audio"] > 100
    first, second = ((home.path / name).read_text().splitlines() for name in ("all.jsonl", "again.jsonl"))
    assert sorted(second) == sorted(first)


def test_exporting_to_a_pipe(home: Home) -> None:
    lines = home.zoo("export", "-", "--format", "jsonl", "--source", "whisper").stdout.splitlines()
    assert json.loads(lines[0])["id"].startswith("whisper:")


def test_ones_own_models(home: Home) -> None:
    (home.path / "mine.json").write_text('{"models": [{"id": "hf:team/ours", "domain": "vision", "license": "MIT"}]}')
    assert home.json("import", "mine.json")["imported"]["models"] == 1
    assert home.json("search", "ours")["models"][0]["id"] == "hf:team/ours"
    assert home.json("export", "own.json", "--own")["exported"]["models"] == 1


def test_check_upgrade_and_build(home: Home) -> None:
    home.zoo("search", "vit")  # first use makes the registry
    assert home.json("registry", "check")["sound"] is True
    assert home.json("registry", "upgrade")["schema"] == "0004"
    built = home.json("registry", "build-example", "example.db")
    assert built["models"] >= 3000
    assert home.json("registry", "check", "example.db")["sound"] is True


def test_damage_is_found(home: Home) -> None:
    import sqlite3

    shutil.copy(Path(creating.__file__).parents[2] / creating.SHIPPED, home.path / "broken.db")
    with sqlite3.connect(home.path / "broken.db") as connection:
        connection.execute("DELETE FROM sets WHERE kind = 'word'")
    assert "sets of the search index" in home.json("registry", "check", "broken.db", code=1)["problems"][0]
    with connection:
        connection.execute("UPDATE models SET license = 'Homemade' WHERE key = 19")
        connection.execute("UPDATE models SET parameters = NULL, tasks = '{' WHERE key = 20")
    connection.close()
    assert len(home.json("registry", "check", "broken.db", code=1)["problems"]) == 2
    torn = home.path / "torn.db"
    shutil.copy(home.path / "broken.db", torn)
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
    assert home.json("registry", "check", "torn.db", code=1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("show", "pkg:efficientnet-lit0"), "pkg:efficientnet-lite0"),
        (("search", "--task", "image-clasification"), "image-classification"),
        (("search", "--domain", "visoin"), "vision"),
        (("search", "--sort", "score:imagenet-k1"), "ImageNet-1k"),
        (("compare", "pkg:efficientnet-lite0"), "two different models"),
        (("import", "none.json"), "none.json"),
        (("export", "models.xml"), "json, jsonl, parquet"),
        (("export", "none/models.json"), "none"),
        (("registry", "check", "none.db"), "zoo registry init"),
    ],
)
def test_bad_input_is_one_sentence(home: Home, arguments: tuple[str, ...], text: str) -> None:
    error = home.zoo(*arguments, code=1).stderr
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert text in error
