"""What must not be imported on the way to a quick answer; names, never milliseconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "torch",
    "torchvision",
    "transformers",
    "timm",
    "sqlmodel",
    "sqlalchemy",
    "alembic",
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "datasets",
    "pyarrow",
    "PIL",
    "onnxruntime",
    "pydantic",
    "spacy",
}
SLOW_STARTERS = {*HEAVY, "huggingface_hub", "httpx", "pluggy", "rich"}

RUN = """
import json, sys
from zoo.cli import run
found = [[run(arguments), sorted({name.partition(".")[0] for name in sys.modules})] for arguments in json.loads(sys.argv[1])]
print("\\n" + json.dumps(found))
"""


def imported(code: str, *arguments: str, home: Path) -> list[object]:
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"ZOO_HOME": str(home), "PATH": "", "COLUMNS": "100"},
    )
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("module", ["zoo", "zoo.cli", "zoo.entities", "zoo.tasks", "zoo.registry", "zoo.selection"])
def test_importing_is_light(tmp_path: Path, module: str) -> None:
    code = f"import json, sys, {module}\nprint(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    assert SLOW_STARTERS.isdisjoint(imported(code, home=tmp_path))


def test_a_plugin_package_is_light(tmp_path: Path) -> None:
    names = ("zoo_vision", "zoo_language", "zoo_audio", "zoo_multimodal", "zoo_scientific", "zoo.defaults")
    code = (
        f"import json, sys, {', '.join(names)}\nprint(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    )
    assert HEAVY.isdisjoint(imported(code, home=tmp_path))


READING = (
    ("search", "vit", "--task", "image-classification"),
    ("show", "pkg:efficientnet-lite0"),
    ("compare", "pkg:efficientnet-lite0", "pkg:efficientnet-lite1"),
    ("stats",),
    ("recommend", "--help"),
    ("tune", "--help"),
)


def test_reading_commands_import_nothing_heavy(tmp_path: Path) -> None:
    imported(RUN, json.dumps([["registry", "upgrade"]]), home=tmp_path)  # The first use writes.

    found = imported(RUN, json.dumps(READING), home=tmp_path)

    # All in one process: the first command with something heavy is the one that imports it.
    for arguments, (code, modules) in zip(READING, found, strict=True):
        assert (code, HEAVY.intersection(modules)) == (0, set()), arguments


def test_help_imports_no_command(tmp_path: Path) -> None:
    code = 'import sys, json\nfrom zoo.cli import run\nrun(["--help"])\nprint("\\n" + json.dumps([n for n in sys.modules if n.startswith("zoo.")]))'
    modules = imported(code, home=tmp_path)
    assert not {"zoo.cli.find.search", "zoo.cli.choose.recommend", "zoo.registry", "zoo.data"} & set(modules)
