"""All that is printed passes the gate: no control characters, no credentials, whatever the encoding."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.cli import run
from zoo.cli.gate import Gate, ReaderGone, gates
from zoo.cli.output import Column, Output
from zoo.errors import StorageError

ROOT = Path(__file__).parents[2]
EVIL = "evil\x1b]0;PWNED\x07\x1b[2J\x9b31m\u202egnp\u2066\x7f[red]markup[/red]"
SHOWN = r"evil\x1b]0;PWNED\x07\x1b[2J\x9b31m\u202egnp\u2066\x7f[red]markup[/red]"
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from("\x1b\x9b\u202e\r\n\t")))
def test_any_text_comes_out_without_control_characters(text: str) -> None:
    raw = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    print(text, file=Gate(raw, str, failing=True), flush=True)
    assert not UNSEEN.search(raw.buffer.getvalue().decode("utf-8"))


@given(st.text(st.characters(exclude_categories=())), st.sampled_from(["cp1252", "ascii", "latin-1", "utf-8"]))
def test_any_text_can_be_written_in_any_encoding(text: str, encoding: str) -> None:
    raw = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    Gate(raw, str, failing=True).write(text)
    raw.flush()
    assert not UNSEEN.search(raw.buffer.getvalue().decode(encoding))


def test_what_libraries_write_passes_the_gate(capsys: pytest.CaptureFixture[str]) -> None:
    with gates([]):
        print(EVIL)
        print(EVIL, file=sys.stderr)
        click.echo(EVIL)
        click.echo(EVIL, err=True)
        sys.stdout.writelines([EVIL])
        try:
            raise ValueError(EVIL)
        except ValueError:
            traceback.print_exc()
    captured = capsys.readouterr()
    assert not UNSEEN.search(captured.out + captured.err)
    assert captured.out.count(SHOWN) == captured.err.count(SHOWN) == 2
    assert captured.out.count("PWNED") == captured.err.count("PWNED") == 3  # click drops some escapes itself


def test_bytes_cannot_go_around_the_gate() -> None:
    gate = Gate(sys.__stdout__, str, failing=True)
    assert not hasattr(gate, "buffer")
    with pytest.raises(TypeError):
        gate.write(b"x")  # type: ignore[arg-type]


class Failing(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error


def test_a_stream_that_fails_differs_from_a_reader_that_has_gone() -> None:
    with pytest.raises(StorageError, match="no space left"):
        Gate(Failing(OSError(28, "No space left on device")), str, failing=True).write("x")
    with pytest.raises(ReaderGone):
        Gate(Failing(BrokenPipeError(32, "Broken pipe")), str, failing=True).write("x")
    assert Gate(Failing(OSError(28, "No space left on device")), str, failing=False).write("x") == 1


def test_a_name_with_a_line_end_breaks_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()
    output.table([Column("na\nme"), Column("n", number=True)], [["a\nb\tc", "1"], [EVIL, "2"]], title="t\ni")
    output.text("x\ny")
    output.paragraph("p\nq")
    output.note("n\no")
    captured = capsys.readouterr()
    width = len(SHOWN)
    assert captured.out.splitlines() == [
        r"t\ni",
        r"na\nme".ljust(width) + "  n",
        r"a\nb\tc".ljust(width) + "  1",
        f"{SHOWN}  2",
        r"x\ny",
        r"p\nq",
    ]
    assert captured.err == "n\\no\n"


def import_card(tmp_path: Path, **fields: str) -> str:
    path = tmp_path / "cards.jsonl"
    path.write_text(json.dumps({"kind": "model", "id": "hf:evil/x", "domain": "vision", **fields}) + "\n")
    assert run(["import", str(path)]) == 0
    return "hf:evil/x"


def data(tmp_path: Path) -> str:
    path = tmp_path / "data.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "label"], *([f"words {n}", f"{EVIL}{n % 2}"] for n in range(20))])
    return str(path)


def test_cards_labels_and_errors_are_shown_harmless(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = import_card(tmp_path, description=EVIL, architecture=EVIL, license=EVIL, base_model="hf:evil/y")
    for command in (
        ["show", model],
        ["show", model, "--json"],
        ["search", "evil"],
        ["search", "evil", "--json"],
        ["compare", model, "pkg:mobilenet-v2"],
        ["profile", data(tmp_path)],
        ["profile", data(tmp_path), "--json"],
        ["export", "-", "--own", "--format", "json"],
        ["export", "-", "--own", "--format", "jsonl"],
        ["show", EVIL],
        ["show", EVIL, "--json", "--traceback"],
        ["profile", EVIL],
        [EVIL],
        ["show", f"--{EVIL}"],
        ["search", "--task", EVIL],
        ["profile", data(tmp_path), "--target-column", EVIL],
    ):
        run(command)
        captured = capsys.readouterr()
        assert not UNSEEN.search(captured.out + captured.err), command
        assert "PWNED" in captured.out + captured.err, command


def test_json_holds_the_text_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = import_card(tmp_path, description=EVIL)
    capsys.readouterr()
    run(["show", model, "--json"])
    assert json.loads(capsys.readouterr().out)["description"] == EVIL
    run(["export", "-", "--own", "--format", "jsonl"])
    assert json.loads(capsys.readouterr().out.splitlines()[0])["description"] == EVIL


def on_a_terminal(code: str) -> str:
    """What a program writes to a terminal of 200 columns."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm-256color", "NO_COLOR": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    text = b""
    try:
        while chunk := os.read(leader, 4096):
            text += chunk
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    assert process.wait() == 0, text
    return text.decode("utf-8")


def test_tables_bars_and_prints_on_a_terminal_carry_no_escapes_of_others() -> None:
    code = f"""
import sys, warnings
warnings.simplefilter("always")
from zoo.cli.gate import gates
from zoo.cli.output import Column, Output
evil = {EVIL!r}
with gates([]):
    output = Output()
    output.table([Column(evil), Column("b", fold=True)], [[evil, evil]], title=evil)
    with output.progress().step(evil, 2) as step:
        step.advance()
        print(evil)
        print(evil, file=sys.stderr)
        warnings.warn(evil)
        output.note(evil)
        output.table([Column("a")], [[evil]])
    print(evil)
"""
    text = on_a_terminal(code)
    assert "\x1b]0" not in text
    assert "\x07" not in text
    assert "\x1b[2J" not in text
    assert not re.search("[\x7f-\x9f\u202e\u2066]", text)
    assert text.count("[red]markup[/red]") >= 9


@pytest.mark.parametrize("command", [["profile"], ["profile", "--json"]])
def test_what_an_encoding_lacks_is_replaced(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "emoji.csv"
    rows = "".join(f"words {n} שלום,{'😀é' if n % 2 else '😡'}\n" for n in range(20))
    path.write_text(f"text,label\n{rows}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *command, str(path)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("cp1252")
    if "--json" in command:
        assert set(json.loads(text)["classes"]) == {"😀é", "😡"}
    else:
        assert "\\U0001f600é" in text


def test_half_characters_in_labels_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "half.jsonl"
    lines = [json.dumps({"text": f"words {n} \ud83d", "label": f"x{n % 2}\ud800"}) for n in range(20)]
    path.write_text("\n".join(lines))
    assert run(["profile", str(path)]) == 0
    assert r"x0\ud800" in capsys.readouterr().out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("command", ["list --json", "--help"])
@pytest.mark.parametrize("buffered", [True, False])
def test_a_full_disk_is_one_sentence_and_exit_code_1(command: str, buffered: bool) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    if not buffered:
        environment["PYTHONUNBUFFERED"] = "1"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "zoo", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert (
        done.stderr
        == "Error: The output cannot be written: no space left on device. Free disk space, or redirect the output.\n"
    )


def around_the_gate(path: Path) -> Iterator[str]:
    """Uses of what prints, in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = f"line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Name) and node.id == "print":
            yield f"{place}: print"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if re.fullmatch(
                r"sys\.(__)?std(out|err)(__)?|click\.s?echo\w*|click\.pager|os\.write", name
            ) or re.fullmatch(r"traceback\.print_\w+|logging\.(basicConfig|StreamHandler)|pprint\.\w+", name):
                yield f"{place}: {name}"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names]
            module = getattr(node, "module", "") or ""
            if module == "rich.console" or {"tqdm", "pprint"} & {*names, module} or {"echo", "secho"} & {*names}:
                yield f"{place}: {module} {names}"


def test_nothing_prints_around_the_gate() -> None:
    allowed = {"zoo/cli/output.py", "zoo/cli/gate.py", "zoo/cli/progress.py", "zoo/cli/__init__.py"}
    # 'zoo export -' writes JSON and YAML, whose own escapes leave nothing for the gate to do.
    allowed.add("zoo/exchange/exporting.py")
    # It writes to the pipe of a process of zoo's own, from a signal handler, where buffered writing may deadlock.
    allowed.add("zoo/engines/group.py")
    found = {
        name: uses
        for folder in ("zoo", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        if (name := str(path.relative_to(ROOT))) not in allowed and (uses := list(around_the_gate(path)))
    }
    assert found == {}
