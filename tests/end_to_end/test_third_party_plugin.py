"""Another author's distribution, installed by pip into an environment of its own, used from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "zoo-tidepool"
version = "0.3"
dependencies = ["foundation-zoo"]

[project.entry-points.zoo]
tidepool = "zoo_tidepool"

[tool.hatch.build.targets.wheel]
packages = ["zoo_tidepool"]
"""

PLUGIN = """
import click

from zoo import BenchmarkScore, Domain, ModelCard, Task, hookimpl
from zoo.tasks import TaskMetric

TASK = Task("creature-counting", "tidepool", "Count creatures.", ("image",), "number", (TaskMetric("rmse", False),), "linear")


@hookimpl
def zoo_domains():
    return [Domain("tidepool", "What lives between the tides.", (TASK,))]


@hookimpl
def zoo_cards():
    yield ModelCard("pools:starfish", "tidepool", ("creature-counting",), "Echinoderm", parameters=5, license="MIT")
    yield BenchmarkScore("pools:starfish", "creature-counting", "Rocks", "rmse", 1.5, higher_is_better=False)


@hookimpl
def zoo_estimators():
    from zoo.transfer import Estimator

    def spread(features, targets):
        return float(features.var())

    return [Estimator("spread", "Variance of the features", spread)]


@hookimpl
def zoo_commands(cli):
    @cli.command("tides")
    @click.option("--port", default="Brest", show_default=True)
    def tides(port):
        "Say when the water is high."
        click.echo(f"High water at {port}: soon.")
"""


class Environment:
    """A virtual environment that sees what this one has installed, and its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        self.python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        site = subprocess.run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        # Through site.addsitedir, so that editable installations are followed too.
        Path(site, "_outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**kept, "ZOO_HOME": str(self.folder / "home"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )

    def zoo(self, *arguments: str) -> str:
        result = self.run("-m", "zoo", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("third-party"))
    # A registry that was there before the plugin came.
    assert "tidepool" not in environment.zoo("stats")
    project = environment.folder / "project"
    (project / "zoo_tidepool").mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (project / "zoo_tidepool" / "__init__.py").write_text(PLUGIN, encoding="utf-8")
    installed = environment.run("-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", str(project))
    assert installed.returncode == 0, installed.stderr
    return environment


def test_it_is_shown_with_version_hooks_and_health(environment: Environment) -> None:
    found = {plugin["name"]: plugin for plugin in json.loads(environment.zoo("plugins", "--json"))["plugins"]}

    assert found["tidepool"] == {
        "name": "tidepool",
        "distribution": "zoo-tidepool",
        "version": "0.3",
        "error": "",
        "healthy": True,
        "hooks": ["cards", "commands", "domains", "estimators"],
    }
    assert set(found) >= {"vision", "language", "audio", "multimodal", "scientific", "defaults"}


def test_its_card_is_found_in_its_domain_and_shown(environment: Environment) -> None:
    page = json.loads(environment.zoo("search", "--domain", "tidepool", "--task", "creature-counting", "--json"))

    assert [model["id"] for model in page["models"]] == ["pools:starfish"]
    assert "Rocks" in environment.zoo("show", "pools:starfish")


def test_its_command_is_in_the_help_and_runs(environment: Environment) -> None:
    assert "Say when the water is high." in environment.zoo("--help")
    assert environment.zoo("tides", "--port", "Saint-Malo") == "High water at Saint-Malo: soon.\n"


@pytest.mark.slow
def test_its_estimator_ranks_real_models(environment: Environment) -> None:
    data = environment.folder / "lines.csv"
    rows = [
        f"a {word} day number {n},{label}" for n in range(12) for word, label in (("sunny", "good"), ("rainy", "bad"))
    ]
    data.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")

    result = json.loads(
        environment.zoo(
            "recommend",
            str(data),
            "--task",
            "text-classification",
            "--estimator",
            "spread",
            "--json",
            "--candidates",
            "pkg:wordllama/64,pkg:wordllama/256",
        )
    )

    assert [set(candidate["measured"]) for candidate in result["candidates"]] == [{"spread"}, {"spread"}]
    scores = [candidate["score"] for candidate in result["candidates"]]
    assert scores == sorted(scores, reverse=True)


def test_removing_it_takes_its_cards_along(environment: Environment) -> None:
    environment.run("-m", "pip", "uninstall", "-y", "zoo-tidepool")

    result = environment.run("-m", "zoo", "show", "pools:starfish")

    assert result.returncode == 1
    assert result.stderr.startswith("Error: There is no model 'pools:starfish' in the registry.")
    assert "No such command" in environment.run("-m", "zoo", "tides").stderr


def test_the_example_project_is_what_the_guide_shows() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert textwrap.dedent('[project.entry-points.zoo]\npoetry = "zoo_poetry"') in guide
