"""Processes that propose and approve at once, and that are killed: one standard per slot, an intact chain, no losses."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from people import ANA, Become
from proposing_worker import SLOTS, TASK

from zoo.entities import ModelCard
from zoo.registry import Registry
from zoo.team import audit
from zoo.team.identity.tokens import create_token
from zoo.team.identity.users import add_user
from zoo.team.standards.reading import history, proposals, standards

WORKER = Path(__file__).with_name("proposing_worker.py")
SIZES = [(3, 5), pytest.param((8, 50), marks=pytest.mark.slow)]
ROUNDS = [2, pytest.param(25, marks=pytest.mark.slow)]
"""Rounds in which two processes are killed, each at a point of its own."""


def prepare(registry: Registry, workers: int, models: int) -> list[str]:
    """Add the models and users; return a token for each worker."""
    registry.add(
        ModelCard(f"hf:team/{w}-{n}", "language", (TASK,), revision=f"{w:08x}{n:032x}")
        for w in range(workers)
        for n in range(models)
    )
    add_user(registry.path, ANA, role="admin")
    tokens = []
    for w in range(workers):
        add_user(registry.path, f"w{w}@acme.example", role="approver", scope=TASK)
        tokens.append(create_token(registry.path, user=f"w{w}@acme.example")[0])
    return tokens


def start(registry: Registry, token: str, number: int, first: int, count: int) -> subprocess.Popen[str]:
    path = registry.path
    environment = {
        **os.environ,
        "ZOO_TOKEN": token,
        "ZOO_REGISTRY": str(path) if isinstance(path, Path) else path.url,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, str(WORKER), str(number), str(first), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def check_all(registry: Registry) -> Counter[str]:
    """Check that all tables agree with the audit; return the number of events by action."""
    path = registry.path
    found = audit.verify(path)
    assert found.bad is None, found.problem
    actions = Counter(event.action for event in audit.events(path))
    proposed, periods, current = proposals(path), history(path, TASK), standards(path)
    assert len(proposed) == actions["propose"]
    assert sum(len(one.approvals) for one in proposed) == actions["approve"]
    assert sum(one.state == "approved" for one in proposed) == actions["make current"] == len(periods)
    assert len({one.slot for one in current}) == len(current)
    for slot in SLOTS:
        own = [one for one in periods if one.slot == slot]
        assert [one.to_time is None for one in own] == [False] * (len(own) - 1) + [True] * bool(own)
        assert all(before.to_time == after.from_time for before, after in itertools.pairwise(own))
    return actions


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_processes_propose_and_approve_at_once(any_registry: Registry, be: Become, size: tuple[int, int]) -> None:
    workers, count = size
    tokens = prepare(any_registry, workers, count)
    running = [start(any_registry, token, number, 0, count) for number, token in enumerate(tokens)]
    lines = []
    for process in running:
        out, errors = process.communicate()
        assert process.returncode == 0, errors
        lines += out.split("\n")

    actions = check_all(any_registry)
    assert actions["propose"] == workers * count == sum(line.startswith("proposed") for line in lines)
    assert actions["approve"] == sum(line.startswith("approved") for line in lines) > 0
    assert len(standards(any_registry.path)) == len(SLOTS)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_killed_processes_leave_an_intact_chain(any_registry: Registry, be: Become, rounds: int) -> None:
    chance = random.Random(rounds)
    tokens = prepare(any_registry, 2, rounds * 100)
    seen: list[str] = []
    for point in range(rounds):
        running = [start(any_registry, token, number, point * 100, 100) for number, token in enumerate(tokens)]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        assert running[0].stdout is not None
        seen.append(running[0].stdout.readline())
        for process in running:
            time.sleep(chance.uniform(0.0, 0.3))
            process.send_signal(signal.SIGKILL)
        for process in running:
            out, errors = process.communicate()
            assert process.returncode == -signal.SIGKILL, errors
            seen += [line for line in out.split("\n") if line.startswith("proposed ")]
        check_all(any_registry)

    assert {int(line.split()[1]) for line in seen} <= {one.key for one in proposals(any_registry.path)}
