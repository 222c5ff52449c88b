"""One broken plugin costs one line and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo.errors import UnsupportedModel
from zoo.plugins import Plugins, installed
from zoo.tasks import Domain

GOOD = """
from zoo import Domain, hookimpl
@hookimpl
def zoo_domains():
    return [Domain("NAME", "A good one.", ())]
@hookimpl
def zoo_predict(backbone, inputs, task):
    return ["NAME"] if task == "say" else None
"""

BROKEN = {
    "import": ("raise RuntimeError('the moon is full')", "RuntimeError: the moon is full."),
    "syntax": ("def (", "SyntaxError"),
    "missing": ("import surely_not_installed", "No module named 'surely_not_installed'"),
    "exit": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "misspelt": ("from zoo import hookimpl\n@hookimpl\ndef zoo_domans():\n    return []", "zoo_domans"),
    "argument": ("from zoo import hookimpl\n@hookimpl\ndef zoo_predict(backbone, colour):\n    return []", "colour"),
}

FAILING = {
    "raises": ("    raise ValueError('no luck')", "zoo_domains raised ValueError: no luck."),
    "midway": ("    yield Domain('half', 'Half.', ())\n    raise ValueError('no luck')", "ValueError: no luck."),
    "type": ("    return ['text']", "returned a str instead of Domain"),
    "none": ("    return 3", "TypeError"),
    "exits": ("    raise SystemExit(2)", "SystemExit: 2"),
}


class Folder:
    """Distributions that need no pip: a module, and a folder with what was installed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(self, module: str, body: str, version: str = "1.0", name: str | None = None) -> None:
        information = self.path / f"{module}-{version}.dist-info"
        information.mkdir(parents=True)
        (self.path / f"{module}.py").write_text(body, encoding="utf-8")
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
        (information / "entry_points.txt").write_text(f"[zoo]\n{name or module} = {module}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Folder(tmp_path)
    for name in set(sys.modules) - before:
        if name.startswith("toy_"):
            del sys.modules[name]


def load(lines: list[str]) -> Plugins:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.plugins.manager._warn_user", lines.append)
        loaded = Plugins()
    loaded.warn = lines.append
    return loaded


@pytest.mark.parametrize("kind", BROKEN)
def test_a_plugin_that_cannot_be_loaded_is_named_in_one_line_and_left_out(folder: Folder, kind: str) -> None:
    body, cause = BROKEN[kind]
    folder.install("toy_broken", body, "3.2")
    folder.install("toy_good", GOOD.replace("NAME", "good"))
    lines: list[str] = []

    loaded = load(lines)

    (line,) = lines
    assert line.startswith("Plugin 'toy_broken' of toy_broken 3.2 was left out: ")
    assert cause in line
    assert "\n" not in line
    assert "pip install -U toy_broken" in line
    reports = {report.name: report for report in loaded.reports}
    assert not reports["toy_broken"].healthy
    assert "good" in loaded.domains
    assert "vision" in loaded.domains


@pytest.mark.parametrize("kind", FAILING)
def test_a_hook_that_fails_is_named_in_one_line_and_the_others_continue(folder: Folder, kind: str) -> None:
    body, cause = FAILING[kind]
    folder.install("toy_a", f"from zoo import Domain, hookimpl\n@hookimpl\ndef zoo_domains():\n{body}\n")
    folder.install("toy_b", GOOD.replace("NAME", "good"))
    lines: list[str] = []
    loaded = load(lines)

    names = [domain.name for domain in loaded.items("zoo_domains", Domain)]

    assert {"good", "vision"} <= set(names)
    (line,) = lines
    assert line.startswith("Plugin 'toy_a': ")
    assert cause in line
    assert {r.name for r in loaded.reports if not r.healthy} == {"toy_a"}


def test_the_same_failure_is_reported_once(folder: Folder) -> None:
    folder.install(
        "toy_a", "from zoo import hookimpl\n@hookimpl\ndef zoo_domains():\n    raise ValueError('no luck')\n"
    )
    lines: list[str] = []
    loaded = load(lines)

    for _ in range(3):
        list(loaded.items("zoo_domains", Domain))

    assert len(lines) == 1


def test_of_two_plugins_with_one_name_the_second_is_left_out(folder: Folder) -> None:
    folder.install("toy_a", GOOD.replace("NAME", "first"), name="toy")
    folder.install("toy_b", GOOD.replace("NAME", "second"), name="toy")
    lines: list[str] = []

    loaded = load(lines)

    assert "first" in loaded.domains
    assert "second" not in loaded.domains
    assert lines == [
        "Plugin 'toy' of toy_b 1.0 was left out: PluginError: toy_a already has a plugin of that name. "
        "Update it (pip install -U toy_b) or remove it."
    ]


def test_others_answer_first_by_name_and_the_defaults_last(folder: Folder) -> None:
    folder.install("toy_b", GOOD.replace("NAME", "b"))
    folder.install("toy_a", GOOD.replace("NAME", "a"))

    names = [point.name for point in installed()]

    assert names[:2] == ["toy_a", "toy_b"]
    assert names[-1] == "defaults"
    assert load([]).first("zoo_predict", backbone=None, inputs=[], task="say") == ["a"]


def test_a_plugin_that_passes_leaves_it_to_the_next(folder: Folder) -> None:
    folder.install("toy_a", GOOD.replace("NAME", "a"))
    folder.install("toy_b", GOOD.replace("NAME", "b").replace('"say"', '"sing"'))
    loaded = load([])

    assert loaded.first("zoo_predict", backbone=None, inputs=[], task="sing") == ["b"]
    assert loaded.first("zoo_predict", backbone=None, inputs=[], task="dance") is None


def test_an_error_meant_for_the_user_ends_the_search(folder: Folder) -> None:
    folder.install(
        "toy_a",
        "from zoo import hookimpl\nfrom zoo.errors import UnsupportedModel\n@hookimpl\n"
        "def zoo_predict(backbone, inputs, task):\n    raise UnsupportedModel('Too old.', 'Update it.')\n",
    )
    folder.install("toy_b", GOOD.replace("NAME", "b"))

    with pytest.raises(UnsupportedModel, match="Too old"):
        load([]).first("zoo_predict", backbone=None, inputs=[], task="say")


def test_one_plugin_alone_can_be_asked(folder: Folder) -> None:
    folder.install("toy_a", GOOD.replace("NAME", "a"))
    folder.install("toy_b", GOOD.replace("NAME", "b"))

    assert [d.name for d in load([]).items("zoo_domains", Domain, only="toy_b")] == ["b"]


def test_a_domain_of_two_plugins_has_the_tasks_of_both_and_core_tasks_keep_their_meaning(folder: Folder) -> None:
    body = """
from zoo import Domain, Task, hookimpl
from zoo.tasks import TaskMetric
def task(name):
    return Task(name, "vision", "New.", ("text",), "number", (TaskMetric("rmse", False),), "linear")
@hookimpl
def zoo_domains():
    return [Domain("vision", "Mine.", (task("smell"), task("image-classification")))]
"""
    folder.install("toy_a", body)
    loaded = load([])

    assert {"smell", "object-detection"} <= {task.name for task in loaded.domains["vision"].tasks}
    assert loaded.tasks["image-classification"].inputs == ("image",)
    assert loaded.tasks["smell"].target == "number"
