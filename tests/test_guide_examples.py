"""The Python of the guides runs, in a folder with the files that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize(
    "page",
    [
        "quickstart",
        "features",
        "adapting",
        "data",
        "lock",
        "team",
        pytest.param("recommending", marks=pytest.mark.slow),
    ],
)
def test_the_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_REGISTRY", raising=False)
    monkeypatch.chdir(tmp_path)
    rows = [
        f"a {word} film number {n},{label}"
        for n in range(25)
        for word, label in (("charming", "good"), ("dull", "bad"))
    ]
    Path("reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)

    assert blocks
    for block in blocks:
        exec(block, {})
    assert capsys.readouterr().out.strip()
