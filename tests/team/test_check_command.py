"""``zoo check`` on projects: which files, bad input, formats, exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import commands
import jsonschema
import pytest
from policies import HEAD, rule, write

from zoo.team.check import check, parsing
from zoo.team.check.formats import FORMATS, rendered
from zoo.team.check.report import Report
from zoo.team.findings import ERROR, WARNING, Finding

CALL = 'T.from_pretrained("a/b")\n'
C = "0123456789abcdef0123456789abcdef01234567"
LOCK = f"""lock-version = "1.0"
created-by = "zoo 0.1.0"

[[models]]
id = "hf:a/b"
revision = "{C}"
files = [{{ path = "model.safetensors", bytes = 1, sha256 = "{"0" * 64}" }}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without a repository and without a home."""
    found = tmp_path / "project"
    found.mkdir()
    monkeypatch.chdir(found)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return found


def zoo(folder: Path, *arguments: str, **environment: str) -> Any:
    return commands.zoo("check", *arguments, home=folder.parent / "home", folder=folder, **environment)


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def found(*paths: str) -> list[tuple[str, str]]:
    return [(one.file, one.code) for one in check([Path(path) for path in paths or (".",)]).findings]


# Which files.


def test_files_that_git_ignores_are_left_out(folder: Path) -> None:
    git(folder, "init", "-q")
    for name in ("a.py", "sub/b.py", "build/c.py", "gone.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(CALL)
    (folder / ".gitignore").write_text("build/\n")
    git(folder, "add", ".")
    (folder / "gone.py").unlink()
    (folder / "new.py").write_text(CALL)
    assert [file for file, _ in found()] == ["a.py", "new.py", "sub/b.py"]
    assert [file for file, _ in found("build")] == ["build/c.py"]  # named, so it is checked
    assert [file for file, _ in found("sub", "sub/b.py", "a.py")] == ["a.py", "sub/b.py"]


def test_without_git_usual_folders_and_links_are_left_out(folder: Path) -> None:
    for name in ("a.py", ".venv/b.py", "x/node_modules/c.py", "x/__pycache__/d.py", "x/e.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CALL)
    (folder / "loop").symlink_to(folder)
    (folder / "link.py").symlink_to(folder / "a.py")
    (folder / "self.py").symlink_to(folder / "self.py")
    os.mkfifo(folder / "pipe.py")
    assert [file for file, _ in found()] == ["a.py", "x/e.py"]


def test_a_repository_under_a_hook_of_another_one_is_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(folder, "init", "-q")
    (folder / "a.py").write_text(CALL)
    monkeypatch.setenv("GIT_DIR", str(folder.parent / "other"))
    assert found() == [("a.py", "unpinned-model")]


def test_each_part_of_a_project_has_its_own_lock_and_policy(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "a.py").write_text(f'T.from_pretrained("c/d", revision="{C}")\n')
    (folder / "one" / "zoo.lock").write_text(LOCK)
    write(folder / "two", HEAD + rule("deny.author = ['c']"))
    assert found() == [("one/a.py", "model-not-locked"), ("two/a.py", "model-denied")]
    assert found("one/a.py") == [("one/a.py", "model-not-locked")]


def test_a_lock_is_compared_with_the_policy_of_its_own_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a" / "src").mkdir(parents=True)
    (folder / "a" / "zoo.lock").write_text(LOCK)
    write(folder / "a", HEAD + rule("deny.source = 'hf'"))
    wrong = [("a/zoo.lock", "lock-outdated"), ("a/zoo.lock", "model-denied")]
    assert found() == found("a") == found("a/src") == wrong
    assert json.loads(zoo(folder, "a", "--json").stdout)["errors"] == 2
    (folder / "b").mkdir()
    (folder / "a" / "zoo.lock").rename(folder / "b" / "zoo.lock")
    assert found("b") == []  # the policy of a does not apply to it
    write(folder / "b", HEAD)
    monkeypatch.setenv("ZOO_POLICY", str(folder / "a" / "zoo-policy.toml"))
    assert found("b") == [("b/zoo.lock", "lock-outdated"), ("b/zoo.lock", "model-denied")]


def test_a_lock_under_an_invalid_policy_is_compared_with_the_rest(folder: Path) -> None:
    (folder / "zoo.lock").write_text(LOCK.replace("hf:a/b", "nowhere:a/b"))
    write(folder, "x")
    wrong = [("zoo-policy.toml", "policy-invalid"), ("zoo.lock", "platform-unknown")]
    assert found() == wrong
    assert [one.code for one in check([Path()], ignore=["policy-invalid"]).findings] == ["platform-unknown"]


def test_without_the_lock_a_comment_on_what_it_says_is_not_unused(folder: Path) -> None:
    (folder / "zoo.lock").write_text(LOCK.replace("revision", 'license = "CC-BY-NC-4.0"\nrevision', 1))
    write(folder, HEAD + rule('deny.license = ["non-commercial"]'))
    call = f'T.from_pretrained("a/b", revision="{C}")'
    (folder / "a.py").write_text(f"{call}  # zoo: ignore[model-denied] a demo\n")
    assert not [one for one in found() if one[0] == "a.py"]
    assert check([Path()], lock=False).findings == ()


def test_no_registry_is_created(folder: Path) -> None:
    (folder / "zoo.lock").write_text(LOCK)
    write(folder, HEAD + 'unknown = "needs-approval"\n' + rule('allow.license = ["permissive"]'))
    assert "model-not-approved" in zoo(folder).stdout
    commands.zoo("lock", "--check", home=folder.parent / "home", folder=folder)
    assert not (folder.parent / "home" / "registry.db").exists()


# Bad input: one sentence each.


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x7fELF\x00\x00\xff", "a.py has NUL bytes, so it is not Python source."),
        (b"x = 1\0\n", "a.py has NUL bytes, so it is not Python source."),
        (b"x = '\xff'\n", "a.py is not text in UTF-8."),
        (b"# coding: no-such\n", "a.py states an encoding that Python does not know."),
        (CALL.encode() + b"print 'x'\n", "a.py cannot be parsed as Python 3."),
        (CALL.encode() + b"def\n", "a.py cannot be parsed as Python 3."),
        (CALL.encode() + b"(" * 250 + b"1" + b")" * 250, "a.py cannot be parsed as Python 3."),
        (CALL.encode() + b"-" * 20_000 + b"1", "a.py is nested too deeply to be "),
        (CALL.encode() + b"x" * 6_000_000, "a.py is larger than 5 MB and is not checked."),
    ],
)
def test_a_file_that_cannot_be_parsed_is_a_warning_and_others_are_checked(content, sentence, folder: Path) -> None:
    (folder / "a.py").write_bytes(content)
    (folder / "b.py").write_text(CALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = check([Path()]).findings
    assert (first.file, first.code, first.level) == ("a.py", "file-not-checked", WARNING)
    assert first.message.startswith(sentence)
    assert (second.file, second.code) == ("b.py", "unpinned-model")


def test_long_chains_of_operations_are_read(folder: Path) -> None:
    chain = " + ".join(["'a'"] * 500)
    (folder / "a.py").write_text(f"NAME = {chain}\nT.from_pretrained(NAME)\n" + CALL)
    assert {code for _, code in found()} <= {"not-constant", "unpinned-model"}
    assert ("a.py", "unpinned-model") in found()


def test_a_file_without_permission_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.py").write_text(CALL)

    def refused(self: Path, *args: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    (finding,) = check([Path()]).findings
    assert finding.message == "a.py cannot be read: permission denied."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "There is no file or folder 'nowhere'."),
        (["notes.txt"], "'notes.txt' is not a Python file (.py), a notebook (.ipynb), a lock or a policy."),
        (["--select", "unpined-model"], "'unpined-model' is not a code of a finding. Did you mean unpinned-model"),
        (["--format", "yaml"], "Invalid value for '--format'"),
        (["--json", "--format", "sarif"], "--json and --format sarif exclude each other."),
        (["--output", "no/folder/x"], "Cannot write"),
        (["loop.py"], "'loop.py' cannot be read: too many levels of symbolic links."),
    ],
)
def test_a_check_that_is_not_possible_exits_with_2(arguments: list[str], sentence: str, folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / "loop.py").symlink_to(folder / "loop.py")
    result = zoo(folder, *arguments)
    assert (result.returncode, result.stderr.count("Error: ")) == (2, 1)
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("lock", "sentence"),
    [
        (LOCK.replace("1.0", "2.0", 1), "has the version 2.0"),
        (f"<<<<<<< HEAD\n{LOCK}", "has the marks of a merge conflict"),
        ("lock-version", "zoo.lock"),
    ],
)
def test_a_lock_that_cannot_be_read_exits_with_2(lock: str, sentence: str, folder: Path) -> None:
    (folder / "zoo.lock").write_text(lock)
    result = zoo(folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert json.loads(zoo(folder, "--format", "json").stdout)["error"]["type"] == "LockError"
    assert zoo(folder, "--no-lock").returncode == 0


# Notebooks.


def notebook(*cells: str | list[str], **more: Any) -> str:
    written = [{"cell_type": "markdown", "metadata": {}, "source": ["T.from_pretrained('a/b')"]}]
    for cell in cells:
        out = {"output_type": "stream", "text": [CALL]}
        written.append({"cell_type": "code", "metadata": {}, "outputs": [out], "source": cell})
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, **more}, indent=1)


def test_cells_of_notebooks_are_checked_together(folder: Path) -> None:
    cells = [
        "%pip install x\n!ls 'a\nfiles = !ls\nNAME = 'a/b'",
        "%%bash\nT.from_pretrained('x'",
        "T.from_pretrained(NAME)",
    ]
    text = notebook(
        cells[0].splitlines(keepends=True),
        cells[1],
        cells[2],
        "def",
        "%%time\nprint('%s'\n  % T.from_pretrained(NAME))",
    )
    (folder / "a.ipynb").write_text(text)
    first, broken, last = check([Path()]).findings
    assert (first.code, first.message) == (
        "unpinned-model",
        "'a/b' is loaded without a revision, so its files may change in cell 3.",
    )
    assert "from_pretrained(NAME)" in text.splitlines()[first.line - 1]
    assert broken.message.startswith("a.ipynb cannot be parsed as Python 3.")
    assert broken.message.endswith("(cell 4).")
    assert '"def"' in text.splitlines()[broken.line - 1]
    assert "%%time" in text.splitlines()[last.line - 1]


@pytest.mark.parametrize("magic", ["%time", "%timeit -n 3 -r2", "%prun"])
def test_statements_behind_magics_of_a_line_are_checked(folder: Path, magic: str) -> None:
    (folder / "a.ipynb").write_text(notebook(f"import x\n{magic} model = T.from_pretrained('a/b')"))
    (found,) = check([Path()]).findings
    assert found.code == "unpinned-model"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"cells": [from_pretrained', "a.ipynb is not a notebook: it is not valid JSON"),
        ("[1, 2]", "a.ipynb is not a notebook: it has no cells"),
        ('{"from_pretrained": 1}', "a.ipynb is not a notebook: it has no cells"),
        ("[" * 5000 + "]" * 5000, "a.ipynb is not a notebook: it is not valid JSON (it is nested more than"),
        ("", "a.ipynb is not a notebook: it is not valid JSON"),
        (
            '{"cells": [], "worksheets": [{"cells": 5}], "x": "from_pretrained"}',
            "a.ipynb is not a notebook: its cells are not a list",
        ),
    ],
)
def test_a_broken_notebook_is_a_warning(text: str, sentence: str, folder: Path) -> None:
    (folder / "a.ipynb").write_text(text)
    (finding,) = check([Path()]).findings
    assert finding.code == "file-not-checked"
    assert finding.message.startswith(sentence)


# Formats.

HOSTILE = (
    "::error::x.py",
    "a\n::set-output name=x::y.py",
    "a\r\n##[add-mask]x.py",
    "\x1b[31mred.py",
    " ::add-mask::x.py",
    "a,b:c%0A.py",
    "<&\"'>]]>.py",
    "\u202eyp.exe.py",
    os.fsdecode(b"\xff.py"),
    "ä é 名.py",
    "\uffff.py",
)

SARIF_PARTS = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "additionalProperties": False,
    "$defs": {
        "message": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        "run": {
            "type": "object",
            "required": ["tool", "results"],
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "properties": {
                        "driver": {
                            "type": "object",
                            "required": ["name", "rules"],
                            "properties": {
                                "name": {"type": "string"},
                                "version": {"type": "string"},
                                "informationUri": {"type": "string", "pattern": "^https://"},
                                "rules": {
                                    "type": "array",
                                    "uniqueItems": True,
                                    "items": {
                                        "type": "object",
                                        "required": ["id", "shortDescription"],
                                        "properties": {
                                            "id": {"type": "string"},
                                            "shortDescription": {"$ref": "#/$defs/message"},
                                            "helpUri": {"type": "string", "pattern": "^https://"},
                                            "defaultConfiguration": {
                                                "type": "object",
                                                "properties": {"level": {"enum": ["none", "note", "warning", "error"]}},
                                                "additionalProperties": False,
                                            },
                                        },
                                        "additionalProperties": False,
                                    },
                                },
                            },
                            "additionalProperties": False,
                        }
                    },
                },
                "originalUriBaseIds": {"type": "object"},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["message", "ruleId", "locations"],
                        "properties": {
                            "ruleId": {"type": "string"},
                            "ruleIndex": {"type": "integer", "minimum": 0},
                            "level": {"enum": ["none", "note", "warning", "error"]},
                            "message": {"$ref": "#/$defs/message"},
                            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                            "locations": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "physicalLocation": {
                                            "type": "object",
                                            "required": ["artifactLocation"],
                                            "properties": {
                                                "artifactLocation": {
                                                    "type": "object",
                                                    "properties": {
                                                        "uri": {"type": "string", "pattern": "^[!-~]+$"},
                                                        "uriBaseId": {"type": "string"},
                                                    },
                                                    "additionalProperties": False,
                                                },
                                                "region": {
                                                    "type": "object",
                                                    "properties": {
                                                        "startLine": {"type": "integer", "minimum": 1},
                                                        "startColumn": {"type": "integer", "minimum": 1},
                                                    },
                                                    "additionalProperties": False,
                                                },
                                            },
                                            "additionalProperties": False,
                                        }
                                    },
                                },
                            },
                        },
                        "additionalProperties": False,
                    },
                },
            },
            "additionalProperties": False,
        },
    },
}
"""What the schema of SARIF 2.1.0 demands of the properties that are written here."""


@pytest.fixture
def hostile(folder: Path) -> Report:
    """A report on files with hostile names and a model with a hostile name."""
    for name in HOSTILE:
        (folder / name).write_text('T.from_pretrained("::error::x\\n##[group]<y>\\x1b[31m")\n')
    return check([Path()])


def test_hostile_names_are_escaped_in_every_format(hostile: Report) -> None:
    assert len(hostile.findings) == len(HOSTILE)
    for format in FORMATS:
        text = rendered(hostile, format)
        text.encode("utf-8")  # no lone surrogates
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text), format
        assert "##[" not in text, format
        starts = [line.strip()[:2] for line in text.splitlines()]
        assert starts.count("::") == (len(HOSTILE) if format == "github" else 0), format


def test_annotations_of_github_have_their_escapes(hostile: Report) -> None:
    lines = rendered(hostile, "github").splitlines()
    assert len(lines) == len(HOSTILE) + 1
    for line in lines[:-1]:
        command, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
        assert command == "error"
        values = dict(one.split("=", 1) for one in properties.split(","))
        assert set(values) == {"file", "line", "col", "title"}
        assert message.startswith("'")
    assert any("file=a%2Cb%3Ac%250A.py," in line for line in lines)
    assert any("file=a%0A%3A%3Aset-output name=x%3A%3Ay.py," in line for line in lines)


def test_sarif_is_valid(hostile: Report) -> None:
    document = json.loads(rendered(hostile, "sarif"))
    jsonschema.validate(document, SARIF_PARTS)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len({*rules}) == len(rules)
    names = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place["uriBaseId"] in run["originalUriBaseIds"]
        names.add(os.fsdecode(os.fsencode(unquote(place["uri"], errors="surrogateescape"))))
    assert names == {*HOSTILE}
    prints = [result["partialFingerprints"]["zooFinding/v1"] for result in run["results"]]
    assert len({*prints}) == len(prints)


def test_fingerprints_survive_a_move_to_another_line(folder: Path) -> None:
    def prints(text: str) -> list[str]:
        (folder / "a.py").write_text(text)
        results = json.loads(rendered(check([Path()]), "sarif"))["runs"][0]["results"]
        return [result["partialFingerprints"]["zooFinding/v1"] for result in results]

    twice = prints(CALL + CALL)
    assert len({*twice}) == 2
    assert prints("\n\n" + CALL + "\n" + CALL) == twice


def test_junit_has_a_case_per_file(hostile: Report, folder: Path) -> None:
    (folder / "good.py").write_text("x = 1\n")
    (folder / "warned.py").write_text("T.from_pretrained(x)\n")
    root = ElementTree.fromstring(rendered(check([Path()]), "junit"))
    (suite,) = root.findall("testsuite")
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert int(suite.get("tests", "")) == len(cases) == len(HOSTILE) + 2
    assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure")) == len(HOSTILE)
    assert [*cases["good.py"]] == []
    assert [child.tag for child in cases["warned.py"]] == ["system-out"]
    assert cases["good.py"].get("classname") == "zoo.check"


def test_credentials_are_hidden() -> None:
    finding = Finding("unpinned-model", ERROR, "'https://me:secret-word@host/x' is loaded.", "", "a.py", 1, 1)
    for format in FORMATS:
        assert "secret-word" not in rendered(Report((finding,), ("a.py",)), format)


# The command.


def test_the_command_end_to_end(folder: Path) -> None:
    (folder / "a.py").write_text(CALL + "T.from_pretrained(x)\n")
    (folder / "zoo.lock").write_text(LOCK)
    result = zoo(folder)
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines() == [
        "a.py:1:1 unpinned-model error: 'a/b' is loaded without a revision, so its files may change.",
        f'    Add revision="{C}".',
        "a.py:2:1 not-constant warning: The model of from_pretrained() is not a constant in this file, so it cannot be checked.",
        "    Name it in a constant, or explain it: # zoo: ignore[not-constant] reason",
        "",
        "1 error and 1 warning, 2 files checked.",
    ]
    found = json.loads(zoo(folder, "--json").stdout)
    assert (found["errors"], found["warnings"], found["checked"]) == (1, 1, 2)
    assert found["findings"][0]["model"] == "hf:a/b"
    assert zoo(folder, "--no-code").stdout == "No problems, 1 file checked.\n"
    assert not (folder.parent / "home").exists()


def test_exit_codes_depend_on_errors_alone(folder: Path) -> None:
    (folder / "a.py").write_text("T.from_pretrained(x)\n")
    assert zoo(folder).returncode == 0
    assert zoo(folder, "--strict").returncode == 1
    assert zoo(folder, "--strict", "--ignore", "not-*").returncode == 0
    assert zoo(folder, "--strict", "--select", "unpinned-model").returncode == 0
    (folder / "a.py").write_text("")
    assert zoo(folder).stdout == "No problems, 1 file checked.\n"


def test_a_lock_is_compared_with_the_policy(folder: Path) -> None:
    (folder / "zoo.lock").write_text(LOCK)
    write(folder, HEAD + rule("deny.source = 'hf'"))
    codes = [one["code"] for one in json.loads(zoo(folder, "--json").stdout)["findings"]]
    assert codes == ["lock-outdated", "model-denied"]
    assert zoo(folder, "--no-lock").returncode == 0
    write(folder, "x")
    codes = [one["code"] for one in json.loads(zoo(folder, "--json").stdout)["findings"]]
    assert codes == ["policy-invalid"]


def test_a_report_is_written_to_a_file(folder: Path) -> None:
    (folder / "a.py").write_text(CALL)
    result = zoo(folder, "--format", "sarif", "--output", "out.sarif")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "1 error and 0 warnings, 1 file checked. Wrote out.sarif.\n"
    assert json.loads((folder / "out.sarif").read_text())["version"] == "2.1.0"
    assert sorted(path.name for path in folder.iterdir()) == ["a.py", "out.sarif"]


def test_the_limits_of_sizes_are_those_of_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
    assert f"{parsing.MOST_BYTES // 10**6} MB" in text
    assert f"{parsing.MOST_NOTEBOOK_BYTES // 10**6} MB" in text
