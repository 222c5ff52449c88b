"""Runs zoo's commands in this process: one of its own needs seconds to import torch, which no test of an answer needs."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from zoo.cli import run


def zoo(*arguments: str, home: Path, folder: Path | None = None, **environment: str) -> CompletedProcess[str]:
    """What ``zoo ARGUMENTS`` gives and prints, without a hub.

    Args:
        home: where zoo keeps its files (``ZOO_HOME``).
        folder: the working folder; this process's where None.
        environment: further variables.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOO_")}
    before, out, errors = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder or before)
    try:
        with (
            mock.patch.dict(
                os.environ, {**kept, "ZOO_HOME": str(home), "HF_HUB_OFFLINE": "1", **environment}, clear=True
            ),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            code = run(list(arguments))
    finally:
        os.chdir(before)
    return CompletedProcess(arguments, code, out.getvalue(), errors.getvalue())
