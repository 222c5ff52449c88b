"""The gate in front of stdout and stderr: whatever is written passes it without control characters and credentials.

The command line prints through ``zoo.cli.output``; what libraries, plugins, warnings and tracebacks write passes here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from zoo.errors import StorageError
from zoo.redaction import redactor
from zoo.visible import visible, visible_lines, writes_unicode


class ReaderGone(Exception):
    """The program that read stdout has ended; what is left to print is not wanted."""


class Gate:
    """A text stream that writes to another one what may be seen.

    Attributes:
        stream: where it goes.
        redact: takes credentials out.
    """

    def __init__(self, stream: Any, redact: Callable[[str], str], *, failing: bool) -> None:
        self.stream, self.redact = stream, redact
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # bytes would go around the gate
            raise AttributeError(name)
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write what may be seen of a text; what the encoding lacks becomes an escape.

        Raises:
            StorageError, ReaderGone: stdout cannot be written; stderr is given up in silence.
        """
        if not isinstance(text, str):
            raise TypeError(f"write() takes a text, not {type(text).__name__}")
        if text:  # click tries a stream out by writing nothing, and passes over an error
            shown = fitting(visible_lines(self.redact(text)), self.stream)
            with self._errors():
                self.stream.write(shown)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send on what is buffered; errors as of ``write``."""
        with self._errors():
            self.stream.flush()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            abandon(self.stream)
            if self._failing:
                if isinstance(error, BrokenPipeError):
                    raise ReaderGone from error
                reason = (error.strerror or str(error)).lower()
                raise StorageError(
                    f"The output cannot be written: {reason}.", "Make room, or write elsewhere."
                ) from error


def fitting(text: str, stream: Any) -> str:
    """A text as a stream can show it: characters that its encoding lacks become escapes."""
    return text if writes_unicode(stream) else text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def line_for(stream: Any, text: str) -> str:
    """A text as one line that may be seen on a stream, which a library is to lay out and write around the gate."""
    redact = stream.redact if isinstance(stream, Gate) else redactor()
    return fitting(visible(redact(text)), stream)


def behind(stream: Any) -> Any:
    """The stream behind gates, and behind what rich puts there while bars are drawn."""
    while isinstance(stream, Gate) or hasattr(stream, "rich_proxied_file"):
        stream = stream.stream if isinstance(stream, Gate) else stream.rich_proxied_file
    return stream


def close_gates() -> None:
    """Put gates in front of stdout and stderr again, where a library has put streams of its own there."""
    if not isinstance(sys.stdout, Gate):
        sys.stdout = Gate(sys.stdout, redactor(), failing=True)
    if not isinstance(sys.stderr, Gate):
        sys.stderr = Gate(sys.stderr, redactor(), failing=False)


@contextlib.contextmanager
def gates(arguments: Iterable[str]) -> Iterator[None]:
    """Gates in front of stdout and stderr while the block runs.

    Args:
        arguments: of the command line, the passwords of addresses in which are hidden.
    """
    before = sys.stdout, sys.stderr
    redact = redactor(arguments)
    sys.stdout = Gate(sys.stdout, redact, failing=True)
    sys.stderr = Gate(sys.stderr, redact, failing=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def abandon(stream: Any) -> None:
    """Let what is still buffered for a stream go nowhere, so that the interpreter does not fail on it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, behind(stream).fileno())
        os.close(nowhere)
