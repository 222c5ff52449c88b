"""Processor time of ``zoo check`` on a project of 2,000 Python files.

    python benchmarks/check.py [--files 2000] [--repeat 3]

Two projects, each in a git repository: ``typical`` has modules of installed packages besides transformers, to every
20th of which a call that loads a model is appended; ``transformers`` has the first modules of the installed
transformers, of which a third mention such calls. Time is the processor time of this process and of git, the fastest
of the repetitions, without starting Python; ``parsing`` is that of ``ast.parse`` on the same files.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from zoo.team.check import check

CALL = (
    "\n\ndef _model():\n    from transformers import AutoModel\n\n    return AutoModel.from_pretrained('owner/name')\n"
)
LOADING = 20
"""Every which file of the typical project loads a model."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    packages = Path(sysconfig.get_path("purelib"))
    own = sorted((packages / "transformers").rglob("*.py"))
    others = sorted({*packages.rglob("*.py")} - {*own})
    apart = max(1, len(others) // arguments.files)
    found = {
        "typical": measured(packages, others[::apart][: arguments.files], LOADING, arguments.repeat),
        "transformers": measured(packages, own[: arguments.files], 0, arguments.repeat),
    }
    print(json.dumps(found, indent=2))


def measured(place: Path, paths: Sequence[Path], every: int, repeat: int) -> dict[str, float]:
    """Seconds of the check and of parsing, for copies of files below a folder."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        contents = []
        for at, path in enumerate(paths):
            content = path.read_bytes() + (CALL.encode() if every and at % every == 0 else b"")
            copy = root / path.relative_to(place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            contents.append(content)
        subprocess.run(["git", "init", "-q", folder], check=True)
        report = check([root])
        seconds = min(checking(root) for _ in range(repeat))
        return {
            "files": len(contents),
            "megabytes": round(sum(map(len, contents)) / 1e6, 1),
            "findings": len(report.findings),
            "seconds": round(seconds, 2),
            "parsing": round(parsing(contents), 2),
        }


def checking(root: Path) -> float:
    """Processor time of one check, that of git included."""
    before = os.times()
    check([root])
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def parsing(contents: Sequence[bytes]) -> float:
    """Processor time of parsing all files."""
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for content in contents:
            try:
                ast.parse(content)
            except (SyntaxError, ValueError):
                continue
    return time.process_time() - started


if __name__ == "__main__":
    main()
