"""A process of a group, started by ``zoo.engines.group``."""

from __future__ import annotations

import _thread
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PARENT_DIED = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""


class Member:
    """A process of a group.

    Attributes:
        rank: its number, from 0 on.
        count: number of processes.
        place: a folder that all of them share.
    """

    def __init__(self, place: Path, rank: int, count: int, channel: IO[bytes]) -> None:
        self.place, self.rank, self.count = place, rank, count
        self._channel, self._writing = channel, threading.Lock()
        self._polls = 0
        self._interrupted = threading.Event()

    def send(self, kind: str, value: Any = None) -> None:
        """Send a message to the parent."""
        from zoo.engines.group import LENGTH

        body = pickle.dumps((kind, value))
        with self._writing:
            self._channel.write(LENGTH.pack(len(body)) + body)
            self._channel.flush()

    @contextmanager
    def polling(self) -> Iterator[None]:
        """Inside the block, Ctrl-C sets ``interrupted`` instead of raising ``KeyboardInterrupt``."""
        self._polls += 1
        try:
            yield
        finally:
            self._polls -= 1

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._interrupted.is_set()

    def watch(self) -> None:
        """Wait for Ctrl-C in the parent, and for the parent's end, which ends this process."""
        while os.read(0, 64):
            self._interrupted.set()
            if not self._polls:
                _interrupt_main()
        os._exit(1)

    def handle(self, *_: Any) -> None:
        """Handle SIGINT: the terminal sends it to every process, but only the parent's word counts."""
        if self._interrupted.is_set() and not self._polls:
            raise KeyboardInterrupt


def main() -> None:
    """Run the function of the group, report its result or its error, and exit.

    The arguments of the process: folder of the group, rank, number of processes, id of the parent.
    """
    place, (rank, count, parent) = Path(sys.argv[1]), map(int, sys.argv[2:])
    # What libraries print must not get between the messages.
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    member = Member(place, rank, count, channel)
    signal.signal(signal.SIGINT, member.handle)
    _end_with(parent)
    threading.Thread(target=member.watch, daemon=True).start()
    try:
        member.send("result", _function(place)(member))
    except KeyboardInterrupt:
        member.send("interrupted")
    except BaseException as error:
        member.send("error", (_sendable(error), traceback.format_exc()))
        sys.exit(1)


def _interrupt_main() -> None:
    """Raise SIGINT in the main thread; where the system can, by a real signal, which ends a system call that waits."""
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _end_with(parent: int) -> None:
    """Let Linux kill this process when the parent ends, at once and even inside a library's call."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PARENT_DIED, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _function(place: Path) -> Any:
    from zoo.engines.group import FUNCTION

    return pickle.loads((place / FUNCTION).read_bytes())


def _sendable(error: BaseException) -> BaseException:
    """The error, or one with its text if it cannot be pickled."""
    from zoo.engines.group import ProcessFailed

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return ProcessFailed(" ".join(f"{type(error).__name__}: {error}".split())[:500])
    return error
