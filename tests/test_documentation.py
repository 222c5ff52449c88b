"""Links resolve, the index lists every page, quoted commands exist, and the reference and changelog are up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from zoo.cli import COMMANDS, cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^\$ (?:[A-Z_]+=\S+ )*(zoo .*?)$", re.MULTILINE)


def commands(text: str) -> Iterator[str]:
    """The zoo commands after a prompt, lines that are continued put together."""
    for block in re.findall(r"```(?:console|bash|sh)\n(.*?)```", text, re.DOTALL):
        yield from (
            match.partition(" | ")[0].partition(" > ")[0] for match in COMMAND.findall(block.replace("\\\n", " "))
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", text):
        link = target[0] or target[1]
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} links to {link}"
        if anchor and found.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, f"{page.name} links to {link}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_shown_exist_with_their_options(page: Path) -> None:
    for line in commands(page.read_text(encoding="utf-8")):
        words = shlex.split(line)[1:]
        context = click.Context(cli, info_name="zoo")
        command: click.Command = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name = words.pop(0)
            found = command.get_command(context, name)
            assert found is not None, f"{page.name} shows '{line}'"
            command = found
        known = {
            opt for parameter in command.get_params(context) for opt in (*parameter.opts, *parameter.secondary_opts)
        }
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, f"{page.name} shows '{line}'"


def test_the_reference_is_what_the_commands_say() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "write_reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_a_stale_reference_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import write_reference
    finally:
        sys.path.pop(0)
    monkeypatch.setattr(write_reference, "TARGET", tmp_path / "cli.md")
    monkeypatch.setattr(sys, "argv", ["write_reference.py", "--check"])
    (tmp_path / "cli.md").write_text("something older")

    assert write_reference.main() == 1
    assert "make docs" in capsys.readouterr().err
    assert (tmp_path / "cli.md").read_text() == "something older"


def test_every_command_has_examples_that_parse() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    shown = {shlex.split(line)[1] for line in commands(text)}
    assert shown == set(COMMANDS)


def test_the_index_lists_every_page() -> None:
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((\w[\w-]*\.md)", text))
    assert linked == {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}


def test_the_changelog_has_this_version_with_its_date() -> None:
    import zoo

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(zoo.__version__)} - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)


def test_each_changelog_entry_is_one_line_that_names_its_area() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = [line for line in text.partition("\n## ")[2].splitlines() if line.startswith(("-", " "))]
    assert entries
    assert [line for line in entries if not re.match(r"- [A-Z][\w ]*: \S", line)] == []
