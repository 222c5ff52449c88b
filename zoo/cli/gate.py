"""The gate in front of stdout and stderr: it removes control characters and credentials from all output.

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
    """The program reading stdout has ended, so the remaining output is discarded."""


class Gate:
    """A text stream that filters what it writes to another stream.

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
        """Write a text without control characters and credentials; characters missing from the encoding are escaped.

        Raises:
            StorageError, ReaderGone: stdout cannot be written. Failures of stderr are ignored.
        """
        if not isinstance(text, str):
            raise TypeError(f"write() takes a text, not {type(text).__name__}")
        if text:  # click probes a stream by writing an empty text, and ignores an error
            shown = fitting(visible_lines(self.redact(text)), self.stream)
            with self._errors():
                self.stream.write(shown)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream; raises the same errors as ``write``."""
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
                    f"The output cannot be written: {reason}.", "Free disk space, or redirect the output."
                ) from error


def fitting(text: str, stream: Any) -> str:
    """A text in which characters missing from the stream's encoding are escaped."""
    return text if writes_unicode(stream) else text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def line_for(stream: Any, text: str) -> str:
    """A text as one filtered line, for a library that lays it out and bypasses the gate."""
    redact = stream.redact if isinstance(stream, Gate) else redactor()
    return fitting(visible(redact(text)), stream)


def behind(stream: Any) -> Any:
    """The stream behind the gates and behind rich's proxies for progress bars."""
    while isinstance(stream, Gate) or hasattr(stream, "rich_proxied_file"):
        stream = stream.stream if isinstance(stream, Gate) else stream.rich_proxied_file
    return stream


def close_gates() -> None:
    """Restore the gates after a library has replaced stdout or stderr."""
    if not isinstance(sys.stdout, Gate):
        sys.stdout = Gate(sys.stdout, redactor(), failing=True)
    if not isinstance(sys.stderr, Gate):
        sys.stderr = Gate(sys.stderr, redactor(), failing=False)


@contextlib.contextmanager
def gates(arguments: Iterable[str]) -> Iterator[None]:
    """Gates in front of stdout and stderr while the block runs.

    Args:
        arguments: arguments of the command line; passwords in their URLs are hidden.
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
    """Discard a stream's buffered output, so that the interpreter does not fail on it at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, behind(stream).fileno())
        os.close(nowhere)
