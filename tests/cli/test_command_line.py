"""What every command does alike: help, JSON, errors, interruptions, pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from zoo.cli import COMMANDS, cli, run


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    return tmp_path / "home"


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_help_says(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1].removesuffix(".") or (
        command.get_short_help_str(limit=200) == COMMANDS[name][1]
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = cli.get_command(click.Context(cli), name)
    below = list(command.commands) if isinstance(command, click.Group) else []

    for path in [[name, sub] for sub in below] or [[name]]:
        assert run([*path, "--help"]) == 0
        text = capsys.readouterr().out
        assert "Examples:" in text
        assert f"zoo {' '.join(path)}" in text
        assert "--json" in text


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in COMMANDS)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    import zoo

    assert run(["--version"]) == 0
    assert zoo.__version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["serch", "vit"], "search"),
        (["search", "--tsk", "x"], "--task"),
        (["show"], "MODEL"),
        (["search", "--limit", "0"], "limit"),
        (["search", "--max-size", "big"], "500MB"),
        (["search", "--min-score", "imagenet"], "BENCHMARK=VALUE"),
        (["recommend", "x", "--budget", "soon"], "90s"),
    ],
)
def test_misuse_is_reported_with_the_usage_and_exit_code_2(arguments: list[str], text: str, capsys) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    usage, *_, last = captured.err.splitlines()
    assert usage.startswith("Usage: zoo ")
    assert last.startswith("Error: ")
    assert text in last


def test_an_error_is_one_line_and_with_json_a_document_as_well(capsys) -> None:
    assert run(["show", "pkg:efficientnet-lit0"]) == 1
    assert capsys.readouterr().out == ""
    assert run(["show", "pkg:efficientnet-lit0", "--json"]) == 1
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error["type"] == "ModelNotFound"
    assert "pkg:efficientnet-lite0" in error["hint"]
    assert captured.err == f"Error: {error['message']} {error['hint']}\n"


def test_an_unexpected_error_is_one_sentence_unless_the_traceback_is_asked_for(capsys, monkeypatch) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("the moon is full")

    monkeypatch.setattr("zoo.registry.search", broken)
    assert run(["search", "vit"]) == 1
    short = capsys.readouterr().err
    assert run(["search", "vit", "--traceback"]) == 1
    long = capsys.readouterr().err

    assert short.count("\n") == 1
    assert "the moon is full" in short
    assert "--traceback" in short
    assert "Traceback (most recent call last)" in long
    assert "the moon is full" in long


@pytest.mark.parametrize("text", ["a" * 5000, "hf:" + "b" * 5000, "[" * 5000, "{" + "c " * 3000])
@pytest.mark.parametrize("arguments", [["show"], ["profile"], ["tune", "pkg:wordllama/64"], ["import"], ["recommend"]])
def test_names_that_are_too_long_are_refused_in_a_short_sentence(arguments: list[str], text: str, capsys) -> None:
    assert run([*arguments, text]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("Error: ")
    assert len(message) < 1000
    assert not re.search("unexpected|registry /", message)


def test_control_c_ends_in_one_line(capsys, monkeypatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.registry.search", interrupted)
    assert run(["search", "vit"]) == 130
    assert capsys.readouterr().err.strip() == "Interrupted. Finished work is kept."


def test_a_real_interrupt_ends_a_real_process(home: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "zoo", "import", "-"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - ignored in the background
    )
    ends = time.monotonic() + 60
    while not (home / "registry.db").exists() and time.monotonic() < ends:
        time.sleep(0.05)  # the command is under way once it has opened the registry
    time.sleep(0.5)
    started.send_signal(signal.SIGINT)
    _, stderr = started.communicate(timeout=30)
    # Under ``python -m``, an interrupt that met code run from a string, as imports do, ends the process by the signal
    # itself (CPython's unhandled_keyboard_interrupt); a shell shows both as 130.
    assert started.returncode in {130, -signal.SIGINT}, stderr
    assert stderr.strip().count("\n") == 0
    assert "Traceback" not in stderr


def test_a_closed_pipe_ends_in_silence(home: Path) -> None:
    command = f"{sys.executable} -m zoo search --limit 3000 | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.stdout.startswith("model")


def test_ids_are_never_cut(home: Path) -> None:
    result = process("search", "--sort", "name", "--limit", "300", COLUMNS="40")
    page = json.loads(process("search", "--sort", "name", "--limit", "300", "--json").stdout)
    assert all(model["id"] in result.stdout for model in page["models"])


def test_a_narrow_terminal_folds_and_keeps_ids(home: Path) -> None:
    """On a terminal of 40 columns, which ``script`` makes."""
    import pty

    leader, follower = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    shown = subprocess.Popen(
        [sys.executable, "-m", "zoo", "list", "--help"], stdout=follower, stderr=follower, close_fds=True
    )
    os.close(follower)
    text = b""
    try:
        while chunk := os.read(leader, 4096):
            text += chunk
    except OSError:
        pass
    os.close(leader)
    assert shown.wait(timeout=60) == 0
    assert b"List the models" in text
