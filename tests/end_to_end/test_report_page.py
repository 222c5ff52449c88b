"""``zoo recommend --report`` as a browser shows it: real models, a real headless Chromium."""

from __future__ import annotations

import subprocess
from pathlib import Path

import commands
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
    options = ("--samples", "100", "--race", "--candidates", "pkg:efficientnet-lite0,pkg:mobilenet-v2")
    done = commands.zoo("recommend", "sklearn:digits:120", *options, "--report", str(target), home=folder / "home")
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
    done = commands.zoo("recommend", "sklearn:digits", "--report", str(tmp_path / "no" / "out.html"), home=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("Error: There is no folder '")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of ``zoo tune`` and of ``zoo evaluate``."""
    folder = tmp_path_factory.mktemp("pages")
    rows = [f"a {word} {thing},{label}" for label, words in WORDS.items() for word in words for thing in THINGS]
    rows += [f"<b>{THINGS[n % 10]}</b> number {n} as usual,{'good' if n * 7 % 3 else 'bad'}" for n in range(40)]
    (folder / "reviews.csv").write_text("text,label\n" + "\n".join(rows) + "\n")

    def zoo(*arguments: str) -> Path:
        page = folder / f"{arguments[0]}.html"
        done = commands.zoo(*arguments, "--report", page.name, home=folder / "home", folder=folder)
        assert done.returncode == 0, done.stderr
        assert f"Report: {page.name}" in done.stdout
        return page

    return {
        "tune": zoo("tune", "pkg:wordllama/64", "reviews.csv", "-o", "tuned", "--no-save-run"),
        "evaluate": zoo("evaluate", "file:tuned", "reviews.csv"),
    }


@needs_chromium
@pytest.mark.parametrize("command", ["tune", "evaluate"])
def test_the_page_of_a_test_shows_its_mistakes(pages: dict[str, Path], tmp_path: Path, command: str) -> None:
    """Metrics, classes, calibration and the worst mistakes."""
    shown = chromium(tmp_path / "profile", "--dump-dom", pages[command].as_uri()).stdout
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
    chromium(tmp_path / "profile", "--window-size=900,1600", f"--screenshot={image}", pages[command].as_uri())
    assert len(Image.open(image).convert("L").getcolors(256) or []) > 20


WORDS = {"good": ("great", "lovely", "superb", "happy"), "bad": ("awful", "terrible", "poor", "broken")}
THINGS = ("film", "book", "phone", "meal", "song", "game", "shop", "room", "coat", "car")
