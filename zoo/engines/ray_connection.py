"""Joining a Ray cluster, or starting one on this machine, and leaving it again."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from zoo.errors import InvalidInput, NetworkUnavailable, needs_extra

_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})\Z")
CONNECT_TIMEOUT = 3.0
"""Seconds to wait for an address to answer."""

HEALTH_TIMEOUT = 30.0
"""Seconds to wait for Ray's health check."""

OBJECT_STORE = 256 * 2**20
"""Bytes for results in transit on a cluster of this machine."""


@dataclass(frozen=True)
class Connection:
    """A connection to a cluster.

    Attributes:
        ray: the module.
        own: whether this process opened it, and closes it.
        silence: suppresses what Ray prints about dead workers until the connection is closed.
    """

    ray: Any
    own: bool
    silence: contextlib.ExitStack

    def close(self) -> None:
        """Leave the cluster; one that was started here is stopped."""
        if self.own and self.ray.is_initialized():
            self.ray.shutdown()
        self.silence.close()


def connect(address: str) -> Connection:
    """Join the cluster at ``HOST:PORT``, the one that runs on this machine (``auto``), or start one here (``local``).

    A process that is connected to Ray already keeps its connection.

    Raises:
        MissingExtra: Ray is not installed.
        InvalidInput: the address is malformed.
        NetworkUnavailable: nothing answers there, or no Ray cluster does.
    """
    address = address.strip()
    known = _ADDRESS.match(address)
    if address not in {"local", "auto"} and (not known or not 0 < int(known["port"]) < 65536):
        raise InvalidInput(f"'{address}' is not the address of a cluster.", "Write HOST:PORT, auto or local.")
    with needs_extra("ray", "measure on a cluster"):
        import ray
    if ray.is_initialized():
        return Connection(ray, False, contextlib.ExitStack())
    if known:
        _check(known["host"].strip("[]"), int(known["port"]), address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address == "local":
        quiet |= {"num_cpus": os.cpu_count(), "object_store_memory": OBJECT_STORE, "include_dashboard": False}
    silence = contextlib.ExitStack()
    silence.enter_context(contextlib.redirect_stdout(io.StringIO()))
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            ray.init(address=address, **quiet)
    except Exception as error:  # Ray raises bare exceptions where a node does not start
        silence.close()
        reason = " ".join(str(error).split())[:200]
        started = "Ray could not be started on this machine" if address == "local" else "No Ray cluster could be joined"
        raise NetworkUnavailable(f"{started}: {reason}", "Leave --cluster out to measure in this process.") from error
    return Connection(ray, True, silence)


def _check(host: str, port: int, address: str) -> None:
    """Make sure that a Ray cluster answers before Ray itself tries for minutes."""
    hint = "See whether it runs there (ray status), or use --cluster local."
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT).close()
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise NetworkUnavailable(f"The cluster at {address} does not answer: {reason}.", hint) from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        healthy = subprocess.run(command, capture_output=True, timeout=HEALTH_TIMEOUT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        healthy = False
    if not healthy:
        raise NetworkUnavailable(f"The service at {address} is not a healthy Ray cluster.", hint)
