"""Runs a command in a pseudo-terminal and draws its output as SVG, for the README.

python tools/terminal_image.py docs/images/demo.svg --width 166 -- \\
    zoo recommend sklearn:digits --task image-classification --samples 300
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

_REMOTE_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_LOCAL_FONTS = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace'


def main() -> int:
    """Draw one image."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("image", type=Path, help="SVG file to write")
    parser.add_argument("--width", type=int, default=120, help="columns of the terminal")
    parser.add_argument("command", nargs="+", help="the command, after --")
    options = parser.parse_args()
    printed, code = run_in_terminal(options.command, options.width)
    if code:
        print(f"{shlex.join(options.command)} ended with exit code {code}; no image was drawn.", file=sys.stderr)
        return 1
    options.image.parent.mkdir(parents=True, exist_ok=True)
    options.image.write_text(drawn(options.command, printed, options.width), encoding="utf-8")
    return 0


def run_in_terminal(command: list[str], width: int) -> tuple[str, int]:
    """The output of a command on a terminal of this width, with its colours, without progress on stderr."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 100, width, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(width)}
    program = shutil.which(command[0], path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    process = subprocess.Popen(
        [program or command[0], *command[1:]], stdout=follower, stderr=subprocess.DEVNULL, env=environment
    )
    os.close(follower)
    printed = b""
    try:
        while block := os.read(leader, 65536):
            printed += block
    except OSError:
        pass  # Linux ends the stream of a terminal that no process holds open with an error.
    os.close(leader)
    return printed.decode("utf-8").replace("\r\n", "\n"), process.wait()


def drawn(command: list[str], printed: str, width: int) -> str:
    """The command and its output as SVG, with common fonts."""
    console = Console(width=width, record=True, file=open(os.devnull, "w", encoding="utf-8"), highlight=False)  # noqa: SIM115
    console.print(Text(f"$ {shlex.join(command)}", style="bold"), soft_wrap=False)
    console.print(Text.from_ansi(printed.rstrip()))
    svg = console.export_svg(title="zoo", theme=SVG_EXPORT_THEME, unique_id="zoo")
    return (
        _REMOTE_FONTS.sub("", svg)
        .replace("Fira Code", "monospace")
        .replace("font-family: monospace", f"font-family: {_LOCAL_FONTS}")
    )


if __name__ == "__main__":
    sys.exit(main())
