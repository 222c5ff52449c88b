"""The tests leave the user's home alone, and say which Debian packages they lack: shown on small test suites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import system_packages

TESTS = Path(__file__).parent

CACHES = """
import os, tempfile
from pathlib import Path
import huggingface_hub.constants, platformdirs, torch.hub
from zoo.config import settings
print("\\n".join(map(str, [
    Path.home(), os.path.expanduser("~"), huggingface_hub.constants.HF_HOME, huggingface_hub.constants.HF_HUB_CACHE,
    torch.hub.get_dir(), settings().home, settings().registry, platformdirs.user_cache_dir("whisper"),
    platformdirs.user_config_dir("kaggle"), tempfile.gettempdir(),
])))
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A folder of tests of its own with the conftest of this one, next to a home."""
    folder = tmp_path / "suite"
    folder.mkdir()
    for name in ("conftest.py", "isolation.py", "system_packages.py"):
        shutil.copy(TESTS / name, folder / name)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = system_packages\n")
    (tmp_path / "home").mkdir()
    return folder


def run_suite(folder: Path, code: str, *options: str, **environment: str) -> tuple[int, str]:
    """The exit code and the output of pytest on one file in the folder, run from elsewhere."""
    (folder / "test_it.py").write_text(code)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    home = str(folder.parent / "home")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={folder.parent}/cache", *options, str(folder)],
        cwd=folder.parent,
        env={**kept, "HOME": home, "TMPDIR": str(folder.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"HF_HOME": "{home}/hf", "ZOO_HOME": "{home}/zoo", "TORCH_HOME": "{home}/t"},
    ],
)
def test_every_cache_lies_outside_the_home_of_the_user(suite: Path, setting: dict[str, str]) -> None:
    home = suite.parent / "home"
    code = (
        f"import subprocess, sys\ndef test_it():\n    code = {CACHES!r}\n"
        "    print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout)\n"
    )

    status, output = run_suite(suite, code, "-s", **{name: text.format(home=home) for name, text in setting.items()})

    assert status == 0, output
    places = [line for line in output.splitlines() if line.startswith("/")]
    assert len(places) == 10
    assert all(f"{suite.parent}/zoo-tests-" in place for place in places), places
    assert not list(home.iterdir())
    assert not list(suite.parent.glob("zoo-tests-*")), "the home of the tests was not deleted"


def test_files_of_any_name_in_the_home_of_the_user_fail_the_run(suite: Path) -> None:
    strays = [str(suite.parent / "home" / name) for name in (".stray", ".cache/stray", ".config/stray/settings.json")]
    write = (
        f"from pathlib import Path\ndef test_it():\n    for path in map(Path, {strays!r}):\n"
        "        path.parent.mkdir(parents=True, exist_ok=True)\n        path.write_text('poison')\n"
    )

    status, output = run_suite(suite, write)

    assert status == 1, output
    named = output.partition("written into the home folder of the user")[2].splitlines()
    home = suite.parent / "home"
    # Of a new folder that no known program keeps, the folder is named.
    assert {f"{home}/.stray", f"{home}/.cache/stray", f"{home}/.config/stray"} <= set(named)


@pytest.mark.parametrize(("name", "workers"), [("new.json", ("-n", "1")), ("old.json", ())])
def test_a_file_in_the_home_of_the_user_fails_the_run(suite: Path, name: str, workers: tuple[str, ...]) -> None:
    hub = suite.parent / "home" / ".cache" / "huggingface" / "hub"
    hub.mkdir(parents=True)
    (hub / "old.json").write_text("{}")
    write = f"from pathlib import Path\ndef test_it():\n    Path({str(hub / name)!r}).write_text('poison')\n"

    status, output = run_suite(suite, write, *workers)

    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 passed" in output
    assert str(hub / name) in output


def test_a_home_that_cannot_be_written_does_not_stop_the_suite(suite: Path) -> None:
    status, output = run_suite(suite, "def test_it(tmp_path):\n    assert tmp_path.is_dir()\n", HOME="/proc/nowhere")

    assert status == 0, output


MARKED = """
import pytest

@pytest.fixture
def server(pytestconfig):
    import system_packages
    system_packages.require(pytestconfig, "espeak-ng")

@pytest.mark.system_packages("espeak-ng", "chromium")
def test_by_a_mark():
    pass

def test_by_a_fixture(server):
    pass

def test_without():
    pass
"""


def test_a_missing_package_skips_with_its_command_and_fails_in_ci(suite: Path) -> None:
    status, output = run_suite(suite, MARKED, "-rs", PATH="")
    assert status == 0
    assert "1 passed, 2 skipped" in output
    assert "Not installed: espeak-ng, chromium. Run: apt-get install espeak-ng chromium" in output
    assert "Not installed: espeak-ng. Run: apt-get install espeak-ng" in output

    status, output = run_suite(suite, MARKED, PATH="", PYTEST_ADDOPTS=system_packages.OPTION)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 2 errors" in output


@pytest.mark.slow
def test_ci_runs_with_the_packages_what_was_skipped_without_them(suite: Path) -> None:
    status, output = run_suite(suite, MARKED, system_packages.SKIPPED)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "no earlier run skipped a test" in output

    assert "1 passed, 2 skipped" in run_suite(suite, MARKED, "-n", "2", PATH="")[1]
    for program in ("espeak-ng", "chromium"):
        (suite.parent / program).touch(0o755)
    for _ in range(2):  # the list stays until the next whole run
        status, output = run_suite(suite, MARKED, "-n", "2", system_packages.SKIPPED, PATH=str(suite.parent))
        assert status == 0, output
        assert "2 passed" in output


def test_ci_hides_what_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    """Outermost folders alone: what lies inside a hidden one is hidden with it."""
    for name in ("games/fortunes/startrek", "games/fortunes/de/zitate", "klettres/en/alpha/a.ogg"):
        (tmp_path / "share" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "share" / name).touch()
    program = tmp_path / "espeak-ng"
    program.touch(0o755)
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    monkeypatch.setenv("PATH", str(tmp_path))

    system_packages.main("places")

    hidden = capsys.readouterr().out.splitlines()
    mine = [place for place in hidden if place.startswith(str(tmp_path))]
    assert mine == [str(program), f"{tmp_path}/share/games/fortunes", f"{tmp_path}/share/klettres"]
    system_packages.main("packages")
    assert capsys.readouterr().out.split() == list(system_packages.PACKAGES)
