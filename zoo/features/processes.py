"""Copies of this process that prepare batches: threads would stand in line for the interpreter's lock.

An accelerator computes thousands of pictures a second, and what feeds it is made of short calls that each give the lock
away and ask for it again, so that sixteen threads prepare hardly more than two. Copies come by ``fork``, which hands
them the data set and the model's recipe as they are; they never touch the device. Tensors come back in shared memory.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from concurrent import futures
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from zoo.contract.backbone import Backbone, PreparesApart
from zoo.errors import ZooError

MAX_PROCESSES = 16
"""More than this prepare faster than any device takes."""

LEAST_SAMPLES = 2048
"""Below this it is not worth the tenths of a second that copies take to start."""

PATIENCE = 300.0
"""Seconds after which a copy that has not answered is given up."""

_PARENT_DIED = 1  # PR_SET_PDEATHSIG, prctl(2)
_workers: list[Any] = []
"""In a copy: the one whose methods are called."""


class Processes:
    """A pool of copies of this process that call methods of ``worker``, as it was when the pool was made."""

    def __init__(self, worker: Any, count: int) -> None:
        self._worker = worker
        self._pool: ProcessPoolExecutor | None = ProcessPoolExecutor(
            count, multiprocessing.get_context("fork"), initializer=_begin, initargs=(worker, os.getpid())
        )
        # All of them now, and from this thread: they end with the thread that they come from.
        for ready in [self._pool.submit(os.getpid) for _ in range(count)]:
            ready.result()

    def call(self, method: str, positions: Sequence[int]) -> Any:
        """What the method of that name gives, computed by a copy; here, where none is left or its answer is lost.

        Raises:
            ZooError, MemoryError: what the method itself raises.
        """
        if self._pool is not None:
            try:
                return self._pool.submit(_call, method, positions).result(timeout=PATIENCE)
            except (ZooError, MemoryError):
                raise
            except futures.TimeoutError:
                self._abandon()
            except BrokenProcessPool:
                self._pool = None  # killed, or no room in shared memory
            except (OSError, RuntimeError):
                pass  # the answer could not be sent
        return getattr(self._worker, method)(positions)

    def _abandon(self) -> None:
        """Do without copies that do not answer: one may wait for a lock that was held when it was made."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the copies; what they are at is finished first."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def worthwhile(device: str, samples: int, backbone: Backbone) -> int:
    """How many copies to start, 0 for none: for CUDA devices, many samples, Linux, and backbones that allow it."""
    if not (device.startswith("cuda") and sys.platform == "linux"):
        return 0
    if not (isinstance(backbone, PreparesApart) and backbone.prepares_apart):
        return 0
    count = min(MAX_PROCESSES, (os.cpu_count() or 1) - 1)
    return count if count > 1 and samples >= LEAST_SAMPLES else 0


def _begin(worker: Any, parent: int) -> None:
    """What a copy does first: leave Ctrl-C to its parent, end with it, and keep to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # OpenMP's threads did not come along, and waiting for them would be for ever.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _workers.append(worker)


def _call(method: str, positions: Sequence[int]) -> Any:
    return getattr(_workers[-1], method)(positions)
