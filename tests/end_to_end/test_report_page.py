"""``zoo recommend --report`` as a browser shows it: real models, a real headless Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import system_packages
from PIL import Image

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)

needs_chromium = pytest.mark.system_packages("chromium")


def chromium(profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(system_packages.places("chromium")[0]), *QUIET, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    target = folder / "out.html"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "zoo",
            "recommend",
            "sklearn:digits:120",
            "--samples",
            "100",
            "--race",
            "--candidates",
            "pkg:efficientnet-lite0,pkg:mobilenet-v2",
            "--report",
            str(target),
        ],
        env={**os.environ, "ZOO_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"Report: {target}" in done.stdout
    return target


@needs_chromium
def test_the_page_loads_without_complaint_and_shows_every_part(report: Path, tmp_path: Path):
    done = chromium(tmp_path, "--enable-logging=stderr", "--dump-dom", report.as_uri())

    assert "CONSOLE" not in done.stderr
    for part in ("Start from", "The candidates", "Why", "The data", "To repeat it"):
        assert part in done.stdout


@needs_chromium
@pytest.mark.parametrize("width", [1280, 500])
def test_nothing_is_wider_than_the_window(report: Path, tmp_path: Path, width: int):
    measuring = tmp_path / "measured.html"
    script = "<script>document.title = `${document.documentElement.scrollWidth} of ${innerWidth}`</script></body>"
    page = report.read_text(encoding="utf-8").replace(
        "default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';"
    )
    measuring.write_text(page.replace("</body>", script), encoding="utf-8")

    dom = chromium(tmp_path / "profile", f"--window-size={width},900", "--dump-dom", measuring.as_uri()).stdout

    wide, _, window = dom.partition("<title>")[2].partition("</title>")[0].partition(" of ")
    assert int(wide) <= int(window) == width


@needs_chromium
@pytest.mark.parametrize(("scheme", "page"), [("1", (255, 255, 255)), ("0", (20, 23, 27))])
def test_it_follows_the_colours_of_the_system(report: Path, tmp_path: Path, scheme: str, page: tuple[int, int, int]):
    screenshot = tmp_path / "page.png"

    chromium(
        tmp_path / "profile",
        f"--blink-settings=preferredColorScheme={scheme}",
        "--window-size=900,1200",
        f"--screenshot={screenshot}",
        report.as_uri(),
    )

    with Image.open(screenshot) as shown:
        assert shown.convert("RGB").getpixel((5, 600)) == page
        assert len(shown.convert("RGB").getcolors(1 << 24)) > 100


@needs_chromium
def test_it_prints_on_a_few_pages(report: Path, tmp_path: Path):
    paper = tmp_path / "page.pdf"

    chromium(tmp_path / "profile", f"--print-to-pdf={paper}", "--no-pdf-header-footer", report.as_uri())

    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert 1 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") + content.count(b"/Type/Page/") <= 8


def test_a_report_that_cannot_be_written_is_refused_before_measuring(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "recommend", "sklearn:digits", "--report", str(tmp_path / "no" / "out.html")],
        env={**os.environ, "ZOO_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no folder '")


@pytest.mark.parametrize("command", ["tune", "evaluate"])
@needs_chromium
def test_the_page_of_a_test_shows_its_mistakes(tmp_path: Path, command: str) -> None:
    """The page of ``zoo tune`` and of ``zoo evaluate``: metrics, classes, calibration and the worst mistakes."""
    rows = [f"a {word} {thing},{label}" for label, words in WORDS.items() for word in words for thing in THINGS]
    rows += [f"<b>{THINGS[n % 10]}</b> number {n} as usual,{'good' if n * 7 % 3 else 'bad'}" for n in range(40)]
    (tmp_path / "reviews.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    environment = {**os.environ, "ZOO_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}

    def zoo(*arguments: str) -> None:
        line = [sys.executable, "-m", "zoo", *arguments]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stderr
        assert "Report: page.html" in done.stdout

    zoo("tune", "pkg:wordllama/64", "reviews.csv", "-o", "tuned", "--report", "page.html", "--no-save-run")
    if command == "evaluate":
        zoo("evaluate", "file:tuned", "reviews.csv", "--report", "page.html")

    shown = chromium(tmp_path / "profile", "--dump-dom", (tmp_path / "page.html").as_uri()).stdout
    for words in (
        "95 % interval",
        "By class",
        "Confusion matrix",
        "Calibration",
        "The most confident wrong predictions",
    ):
        assert words in shown
    assert "&lt;/b&gt; number" in shown
    assert "<script" not in shown
    image = tmp_path / "page.png"
    chromium(tmp_path / "profile", "--window-size=900,1600", f"--screenshot={image}", (tmp_path / "page.html").as_uri())
    assert len(Image.open(image).convert("L").getcolors(256) or []) > 20


WORDS = {"good": ("great", "lovely", "superb", "happy"), "bad": ("awful", "terrible", "poor", "broken")}
THINGS = ("film", "book", "phone", "meal", "song", "game", "shop", "room", "coat", "car")
