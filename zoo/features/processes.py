"""Copies of this process that prepare batches, since threads would wait for the interpreter's lock.

An accelerator processes thousands of images per second, and preparation consists of short calls that each release and
reacquire the lock, so that sixteen threads prepare little more than two. Copies are made by ``fork``, which passes them
the data set and the model's recipe as they are; they never touch the device. Tensors return in shared memory.
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

from zoo.contract.backbone import PreparesApart
from zoo.errors import ZooError

MAX_PROCESSES = 16
"""Number of processes beyond which they prepare faster than any device computes."""

LEAST_SAMPLES = 2048
"""Number of samples below which copies are not worth the tenths of a second that they take to start."""

PATIENCE = 300.0
"""Seconds after which a copy that does not answer is abandoned."""

_PARENT_DIED = 1  # PR_SET_PDEATHSIG, prctl(2)
_workers: list[Any] = []
"""In a copy: the worker whose methods are called."""


class Processes:
    """A pool of copies of this process that call methods of ``worker``, as it was when the pool was made."""

    def __init__(self, worker: Any, count: int) -> None:
        self._worker = worker
        self._pool: ProcessPoolExecutor | None = ProcessPoolExecutor(
            count, multiprocessing.get_context("fork"), initializer=_begin, initargs=(worker, os.getpid())
        )
        # All of them now, and from this thread: they end with the thread that started them.
        for ready in [self._pool.submit(os.getpid) for _ in range(count)]:
            ready.result()

    def call(self, method: str, positions: Sequence[int]) -> Any:
        """Call the method of that name in a copy; in this process, if no copy is left or its answer is lost.

        Raises:
            ZooError, MemoryError: raised by the method itself.
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
        """Abandon copies that do not answer: one may wait for a lock that was held when it was forked."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the copies; their current work is finished first."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def worthwhile(device: str, samples: int, backbone: object) -> int:
    """Number of copies to start, 0 for none: for CUDA devices, many samples, Linux, and backbones that allow it."""
    if not (device.startswith("cuda") and sys.platform == "linux"):
        return 0
    if not (isinstance(backbone, PreparesApart) and backbone.prepares_apart):
        return 0
    count = min(MAX_PROCESSES, (os.cpu_count() or 1) - 1)
    return count if count > 1 and samples >= LEAST_SAMPLES else 0


def _begin(worker: Any, parent: int) -> None:
    """Set up a copy: leave Ctrl-C to its parent, end with it, and use one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    # OpenMP's threads are not copied by fork, and waiting for them would never end.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _workers.append(worker)


def _call(method: str, positions: Sequence[int]) -> Any:
    return getattr(_workers[-1], method)(positions)
