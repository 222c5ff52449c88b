"""Processes that work together: the first failure ends all of them with one sentence, and none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo.engines.group import LostContact, ProcessFailed, run_group
from zoo.engines.member import Member
from zoo.errors import DataError, InvalidInput


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


ALONE = [dict[str, str]()] * 2
LONG = 60.0
"""Seconds that a process sleeps unless it is ended; far beyond what a test waits."""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int], seconds: float = 20.0) -> bool:
    """Whether all processes end within a time."""
    until = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(alive, pids))


def run(function: Callable[[Member], Any], events: list[Any] | None = None) -> Any:
    return run_group(function, ALONE, (events if events is not None else []).append)


def test_the_result_is_that_of_the_first_process_and_prints_are_not_part_of_it() -> None:
    def work(member: Member) -> tuple[int, int, str]:
        print("what a library prints")
        member.send("event", member.rank)
        return member.rank, member.count, os.environ["ZOO_GROUP_TEST"]

    events: list[int] = []
    environments = [{"ZOO_GROUP_TEST": "first"}, {"ZOO_GROUP_TEST": "second"}]
    assert run_group(work, environments, events.append) == (0, 2, "first")
    assert 0 in events


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_others_with_one_sentence(rank: int) -> None:
    def work(member: Member) -> None:
        member.send("event", os.getpid())
        if member.rank == rank:
            time.sleep(0.3)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(LONG)

    pids: list[int] = []
    started = time.monotonic()
    with pytest.raises(ProcessFailed, match=rf"^Process {rank + 1} of 2 was killed by SIGKILL[^.]*\.") as caught:
        run(work, pids)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - started < LONG / 2
    assert pids
    assert gone(pids)


def test_the_error_that_was_meant_for_the_user_comes_before_its_consequences() -> None:
    def work(member: Member) -> None:
        if member.rank == 0:
            raise LostContact("Process 1 of 2 could not exchange results.")
        time.sleep(0.5)
        raise DataError("The image is damaged.", "Remove it.")

    with pytest.raises(DataError, match="The image is damaged") as caught:
        run(work)
    assert caught.value.hint == "Remove it."
    assert "in work" in str(caught.value.__cause__)


def test_a_process_that_exits_without_a_report_is_named_with_its_last_words() -> None:
    def work(member: Member) -> None:
        if member.rank == 1:
            print("free(): invalid pointer", file=sys.stderr, flush=True)
            os._exit(3)
        time.sleep(LONG)

    with pytest.raises(ProcessFailed, match=r"Process 2 of 2 ended with exit code 3: free\(\): invalid pointer"):
        run(work)


def test_work_that_cannot_be_sent_is_refused_before_a_process_starts() -> None:
    lock = threading.Lock()
    with pytest.raises(
        InvalidInput, match=r"cannot be sent to other processes: TypeError: cannot pickle '_thread\.lock'"
    ):
        run(lambda member: lock.locked())


SCRIPT = """
import os, sys, time
from pathlib import Path
from zoo.engines.group import run_group

place = Path(sys.argv[1])

def work(member):
    (place / str(member.rank)).write_text(str(os.getpid()))
    {body}

try:
    print("result", run_group(work, [{{}}, {{}}], print))
except KeyboardInterrupt:
    print("interrupted")
"""


def started(tmp_path: Path, body: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A script that runs a group, in a process group of its own like a terminal's, and the ids of its members."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(body=textwrap.indent(textwrap.dedent(body), "    ").strip()), encoding="utf-8")
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 60
    files = [tmp_path / "0", tmp_path / "1"]
    while not all(file.is_file() and file.read_text().strip() for file in files) and time.monotonic() < until:
        time.sleep(0.05)
    return parent, [int(file.read_text()) for file in files]


def test_no_process_outlives_a_killed_parent(tmp_path: Path) -> None:
    parent, pids = started(tmp_path, f"time.sleep({LONG})")
    parent.kill()
    parent.wait()
    assert gone(pids)


@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["from a terminal", "to the parent alone"])
def test_ctrl_c_interrupts_the_first_process(send: Callable[[int, int], None], tmp_path: Path) -> None:
    parent, pids = started(tmp_path, f"time.sleep({LONG})")
    send(parent.pid, signal.SIGINT)
    written, _ = parent.communicate(timeout=LONG / 2)
    assert written == "interrupted\n"
    assert gone(pids)


def test_a_process_that_polls_decides_itself_when_to_stop(tmp_path: Path) -> None:
    body = """
    with member.polling():
        while not member.interrupted and member.rank == 0:
            time.sleep(0.05)
    return "finished"
    """
    parent, pids = started(tmp_path, body)
    time.sleep(0.5)
    os.killpg(parent.pid, signal.SIGINT)
    written, _ = parent.communicate(timeout=LONG / 2)
    assert written == "result finished\n"
    assert gone(pids)


def test_a_second_ctrl_c_ends_processes_that_do_not_stop(tmp_path: Path) -> None:
    body = f"""
    with member.polling():
        time.sleep({LONG})
    """
    parent, pids = started(tmp_path, body)
    for _ in range(2):
        time.sleep(1.0)
        os.killpg(parent.pid, signal.SIGINT)
    written, _ = parent.communicate(timeout=LONG / 2)
    assert written == "interrupted\n"
    assert gone(pids)


PROGRESS = """
import signal, time
from zoo.engines.group import run_group

def work(member):
    with member.polling():
        if member.rank == 0:  # the one that Ctrl-C is passed on to
            member.send("event", "progress")
        while not member.interrupted and member.rank == 0:
            time.sleep(0.05)
    return "finished"

pressed = []

def show(event):
    if not pressed:
        pressed.append(1)
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
assert run_group(work, ALONE, show) == "finished"
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


def test_ctrl_c_while_progress_is_shown_is_not_lost() -> None:
    code = PROGRESS.replace("ALONE", repr(ALONE))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
