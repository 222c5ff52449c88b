"""The guide for a team lead works as it is written: every command, by the person who types it, with the output it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import commands
import pytest

GUIDE = (Path(__file__).parents[2] / "docs" / "team-guide.md").read_text(encoding="utf-8")
PROMPT = re.compile(r"(ana|bo)\$ (.*)")


def steps() -> Iterator[tuple[str, str, list[str]]]:
    """Who types what and which lines follow; a TOML block is added to the policy."""
    for kind, block in re.findall(r"```(console|toml)\n(.*?)```", GUIDE, re.DOTALL):
        if kind == "toml":
            yield "ana", "", [block]
            continue
        step: tuple[str, str, list[str]] | None = None
        for line in block.splitlines():
            typed = PROMPT.fullmatch(line)
            if typed:
                if step:
                    yield step
                step = typed[1], typed[2], []
            elif step:
                step[2].append(line)
        if step:
            yield step


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    rows = [f"a {word} film {n},{label}" for n in range(25) for word, label in (("charming", "good"), ("dull", "bad"))]
    (folder / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.slow
def test_a_team_lead_gets_from_nothing_to_a_green_check(repository: Path, tmp_path: Path, monkeypatch) -> None:
    found = list(steps())
    assert {who for who, _, _ in found} == {"ana", "bo"}
    assert sum(command.startswith("zoo ") for _, command, _ in found) >= 10
    for who, command, lines in found:
        config = tmp_path / who
        config.write_text(f"[user]\n\tname = {who}\n\temail = {who}@acme.example\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
        if not command:
            with (repository / "zoo-policy.toml").open("a", encoding="utf-8") as file:
                file.write("\n" + lines[0])
            continue
        first, *arguments = shlex.split(command)
        if first == "zoo":
            monkeypatch.chdir(repository)
            result = commands.zoo(*arguments, home=tmp_path / "home", folder=repository)
        else:
            result = subprocess.run([first, *arguments], cwd=repository, capture_output=True, text=True, check=False)
        refused = any(line.startswith("Error: ") for line in lines)
        assert result.returncode == (1 if refused else 0), (command, result.stdout, result.stderr)
        shown = " ".join((result.stdout + result.stderr).split())
        for line in lines:
            for part in line.split("..."):
                assert " ".join(part.split()) in shown, (command, line, shown)
