"""Runs one function in several processes of this machine that work together, such as one for each GPU.

Each process is a new interpreter, so that it has neither the parent's threads nor its connection to a device, and a
script needs no guard of its main module. It gets the pickled function in a file, reports through its standard output,
and ends when its standard input is closed: a process whose parent was killed ends, too.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from zoo.errors import InvalidInput, ZooError, needs_extra

GRACE = 5.0
"""Seconds that processes have to end by themselves after the result, before they are killed."""

SETTLED = 2.0
"""Seconds after an unexpected error in which the others may report its cause."""

FUNCTION, LENGTH = "function.pickle", struct.Struct("!Q")
"""Name of the file with the function; and the format of the length before each message."""

INTERRUPT = b"interrupt\n"
"""What a process reads from its standard input after Ctrl-C."""


class ProcessFailed(ZooError):
    """A process of a group was killed, or failed unexpectedly."""


class LostContact(ProcessFailed):
    """A process cannot exchange results with the others, most often because another has failed."""


class RemoteTraceback(Exception):
    """The traceback of an error in another process, as its cause here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


@dataclass(frozen=True)
class Message:
    """What a process reports, or that it has ended.

    Attributes:
        rank: number of the process, from 0 on.
        kind: ``event``, ``result``, ``error``, ``interrupted``; or ``ended``, with the exit code as the value.
    """

    rank: int
    kind: str
    value: Any = None


def run_group(
    function: Callable[[Any], Any], environments: Sequence[Mapping[str, str]], handle: Callable[[Any], None]
) -> Any:
    """The result of ``function`` in the first of several processes that run it at the same time.

    The first failure ends all of them. After Ctrl-C the first process gets ``KeyboardInterrupt``, or decides itself
    when to stop (see ``zoo.engines.member.Member``); after the second Ctrl-C all are killed.

    Args:
        function: of the process's ``Member``; pickled by value where it, or what it refers to, is not importable.
        environments: for each process, environment variables besides those of this process; an empty value removes one.
        handle: called here with each event that a process sends.

    Raises:
        InvalidInput: the function, or what it refers to, cannot be pickled.
        ProcessFailed: a process was killed, or failed unexpectedly.
        ZooError: raised by the function.
        KeyboardInterrupt: the function ended by it, or Ctrl-C was pressed twice.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-group-", ignore_cleanup_errors=True) as place:
        _write(function, Path(place) / FUNCTION)
        group = _Group(Path(place))
        try:
            with group.listening():
                for rank, environment in enumerate(environments):
                    group.start(rank, len(environments), environment)
                return group.result(handle)
        finally:
            group.end()


@dataclass
class _Group:
    """The processes of a group, and what they report."""

    place: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    messages: queue.Queue[Message] = field(default_factory=queue.Queue)
    interrupted: bool = False

    def start(self, rank: int, count: int, environment: Mapping[str, str]) -> None:
        """Start a process, and a thread that receives its messages."""
        variables = {**os.environ, **environment}
        with (self.place / f"{rank}.log").open("wb") as log:
            # With this process's module search path, so that no file of the working folder replaces a module.
            code = f"import sys; sys.path[:] = {sys.path!r}; from zoo.engines.member import main; main()"
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(self.place), str(rank), str(count), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={name: value for name, value in variables.items() if value},
            )
        self.processes.append(process)
        threading.Thread(target=self._receive, args=(rank, process), daemon=True).start()

    def result(self, handle: Callable[[Any], None]) -> Any:
        """Wait for the result of the first process."""
        ended = 0
        while True:
            message = self._next()
            if message.kind == "event":
                handle(message.value)
            elif message.kind == "result" and message.rank == 0:
                self._wait(GRACE)
                return message.value
            elif message.kind == "interrupted":
                raise KeyboardInterrupt
            elif message.kind == "error" or (message.kind == "ended" and message.value):
                raise self._cause(message)
            ended += message.kind == "ended"
            if ended == len(self.processes):
                raise ProcessFailed("All processes ended without a result.", "Run it again on one device.")

    def end(self) -> None:
        """Kill the processes that are left."""
        for process in self.processes:
            with contextlib.suppress(OSError):
                process.kill()
        for process in self.processes:
            process.wait()
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()

    def _next(self) -> Message:
        while True:
            try:
                # A wait without end would not let Ctrl-C through on every system.
                return self.messages.get(timeout=0.5)
            except queue.Empty:
                continue

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Pass the first Ctrl-C on to the first process, wherever it interrupts this one; the second is an error."""

        def handle(*_: Any) -> None:
            if self.interrupted or not self.processes:
                raise KeyboardInterrupt
            self.interrupted = True
            stream = self.processes[0].stdin
            assert stream is not None
            with contextlib.suppress(OSError):
                os.write(stream.fileno(), INTERRUPT)

        main = threading.current_thread() is threading.main_thread()
        if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield  # whoever handles it decides
            return
        signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))

    def _cause(self, first: Message) -> BaseException:
        """The error that explains the failure: the others fail because they lose contact with the one that did.

        A process that was killed comes first, then the errors in the order of ``_rank``.
        """
        found, until = [first], time.monotonic() + SETTLED
        while (left := until - time.monotonic()) > 0 and not _clear(found[-1]):
            with contextlib.suppress(queue.Empty):
                found.append(self.messages.get(timeout=left))
        killed = [one for one in found if one.kind == "ended" and one.value < 0]
        errors = sorted((one for one in found if one.kind == "error"), key=_rank)
        if self.interrupted and first.kind == "ended" and first.value in {-signal.SIGINT, 1}:
            return KeyboardInterrupt()  # it came before the process could handle it
        if killed or not errors:
            return self._died(killed[0] if killed else first)
        error: BaseException = errors[0].value
        return error

    def _died(self, message: Message) -> ProcessFailed:
        last = _last_line(self.place / f"{message.rank}.log")
        process = f"Process {message.rank + 1} of {len(self.processes)}"
        if message.value < 0:
            name = signal.Signals(-message.value).name if -message.value in set(signal.Signals) else -message.value
            often = ", as the system does if memory runs out" if message.value == -signal.SIGKILL else ""
            said = f"{process} was killed by {name}{often}; the others were ended."
            return ProcessFailed(said, "Use fewer devices or a smaller batch, or run it again.")
        return ProcessFailed(
            f"{process} ended with exit code {message.value}{last and ': '}{last}; the others were ended.",
            "Run it again on one device.",
        )

    def _receive(self, rank: int, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            while (body := _read(stream)) is not None:
                try:
                    message = Message(rank, *pickle.loads(body))
                    if message.kind == "error":
                        error, written = message.value
                        error.__cause__ = RemoteTraceback(written)
                        message = Message(rank, "error", error)
                    self.messages.put(message)
                except Exception as error:  # an error's own class may not be importable here
                    sentence = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                    self.messages.put(Message(rank, "error", ProcessFailed(f"A report cannot be read: {sentence}")))
        self.messages.put(Message(rank, "ended", process.wait()))


def _clear(message: Message) -> bool:
    """Whether a failure needs no other to be explained."""
    killed = message.kind == "ended" and message.value < 0
    return killed or (message.kind == "error" and _rank(message) == 0)


def _rank(message: Message) -> int:
    """How little an error explains: one that is meant for the user, an unexpected one, a consequence of another."""
    return 2 if isinstance(message.value, LostContact) else int(not isinstance(message.value, ZooError))


def _write(function: Callable[[Any], Any], path: Path) -> None:
    """Write the function."""
    with needs_extra("devices", "run on several devices"):
        import cloudpickle
    try:
        body = cloudpickle.dumps(function)
    except Exception as error:  # a plugin's objects raise any type
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".")
        raise InvalidInput(
            f"The work cannot be sent to other processes: {reason}.", "Run it on one device: leave --devices out."
        ) from error
    path.write_bytes(body)


def _read(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the end, or after half a message."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    [length] = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def _last_line(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " ".join(lines[-1].split())[:300].rstrip(".") if lines else ""
    return ""
