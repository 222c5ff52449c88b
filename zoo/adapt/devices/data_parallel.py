"""Data parallelism: each process has the whole model, and computes the gradients of its share of every batch.

By accelerate, which wraps torch's ``DistributedDataParallel`` (Li et al., "PyTorch distributed: experiences on
accelerating data parallel training", 2020). Gradients are averaged by the backend of the devices (gloo on CPUs, NCCL on
CUDA GPUs); decisions are exchanged by gloo on the CPU.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import distributed, nn

from zoo.adapt.devices.sharing import OneDevice, OtherProcess
from zoo.engines.group import LostContact, ProcessFailed
from zoo.errors import UnsupportedModel, needs_extra

if TYPE_CHECKING:
    from zoo.engines.member import Member

T = TypeVar("T")

PATIENCE = 1800.0
"""Seconds after which a process that waits for the others gives up; much longer than any batch or chunk takes."""

POLL = 0.05
"""Seconds between two looks while processes wait for what only the first one does, as long as that takes."""


class SeveralDevices(OneDevice):
    """A training in several processes of this machine, one for each device.

    Attributes:
        left: whether ``leave`` was called.

    Args:
        member: this process.
        device: its device: ``cpu``, or ``cuda:1`` and the like.
        halvings, spent: see ``OneDevice``.
        patience: seconds after which a process that waits for another gives up.

    Raises:
        MissingExtra: accelerate is not installed.
        LostContact: another process does not start.
    """

    def __init__(
        self, member: Member, device: str, halvings: int = 0, spent: float = 0.0, patience: float = PATIENCE
    ) -> None:
        with needs_extra("devices", "fine-tune on several devices"):
            from accelerate import Accelerator
            from accelerate.utils import DistributedDataParallelKwargs

        self._member, self._device = member, device
        self.rank, self.count, self.halvings, self.spent = member.rank, member.count, halvings, spent
        kind = device.partition(":")[0]
        where = {"RANK": member.rank, "LOCAL_RANK": member.rank}
        sizes = {"WORLD_SIZE": member.count, "LOCAL_WORLD_SIZE": member.count}
        os.environ.update({name: str(value) for name, value in {**where, **sizes}.items()})
        store = distributed.FileStore(str(member.place / "store"), member.count)  # type: ignore[attr-defined]
        # Numbers that decide are exchanged by the CPU, gradients by the devices.
        with self.contact():
            distributed.init_process_group(
                "gloo" if kind == "cpu" else f"cpu:gloo,{kind}:{distributed.get_default_backend_for_device(kind)}",
                store=store,
                rank=member.rank,
                world_size=member.count,
                timeout=datetime.timedelta(seconds=patience),
            )
        # A parameter that no output depends on keeps no gradient, as on one device, instead of being waited for.
        behaviour = DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
        self._accelerator = Accelerator(cpu=kind == "cpu", mixed_precision="no", kwargs_handlers=[behaviour])
        self._calls = 0
        self.left = False

    def parallel(self, module: nn.Module) -> nn.Module:
        """See ``OneDevice``.

        Raises:
            UnsupportedModel: its weights are not on this process's device.
        """
        kind = self._device.partition(":")[0]
        elsewhere = {one.device.type for one in module.parameters()} - {kind}
        if elsewhere:
            raise UnsupportedModel(
                f"The model keeps its weights on {elsewhere.pop()}, so it cannot be trained on several {kind} devices.",
                "Leave --devices out.",
            )
        with self.contact():
            wrapped: nn.Module = self._accelerator.prepare_model(module, device_placement=False)
        return wrapped

    def accumulating(self, module: nn.Module) -> AbstractContextManager[None]:
        """See ``OneDevice``."""
        found: AbstractContextManager[None] = self._accelerator.no_sync(module)
        return found

    @contextmanager
    def contact(self) -> Iterator[None]:
        """See ``OneDevice``.

        Raises:
            LostContact: another process has ended or does not answer.
        """
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # the backends raise no type of their own
            reason = " ".join(str(error).split())[:200].rstrip(".")
            raise LostContact(
                f"Process {self.rank + 1} of {self.count} could not exchange results with the others: {reason}.",
                "Run it again, with fewer devices if it happens again.",
            ) from error

    def once(self, function: Callable[[], T]) -> T:
        """See ``OneDevice``; the result is pickled."""
        self._calls += 1
        place = self._member.place / f"once-{self._calls}"
        if self.first:
            found = function()
            written = place.with_suffix(".part")
            written.write_bytes(pickle.dumps(found))
            written.replace(place)
            return found
        # The first process may take hours; should it end, this one is ended, too.
        while not place.exists():
            time.sleep(POLL)
        return pickle.loads(place.read_bytes())

    def agreed(self, value: T) -> T:
        """See ``OneDevice``."""
        told = [(value, self._member.interrupted) if self.first else None]
        with self.contact():
            distributed.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        assert told[0] is not None
        if told[0][1]:
            raise KeyboardInterrupt
        return told[0][0]

    def same(self, value: object) -> None:
        """See ``OneDevice``.

        Raises:
            ProcessFailed: it is not.
        """
        digest = hashlib.sha256(pickle.dumps(value)).hexdigest()
        if len(set(self.gathered([digest], self.count))) > 1:
            raise ProcessFailed(
                "The processes do not divide the data in the same way, so they cannot train on them together.",
                "Leave --devices out.",
            )

    def gathered(self, items: Sequence[T], count: int) -> list[T]:
        """See ``OneDevice``."""
        parts: list[Any] = [None] * self.count
        with self.contact():
            distributed.all_gather_object(parts, list(items))
        return [parts[at % self.count][at // self.count] for at in range(count)]

    def total(self, value: float) -> float:
        """See ``OneDevice``."""
        summed = torch.tensor([value], dtype=torch.float64)
        with self.contact():
            distributed.all_reduce(summed)
        return summed.item()

    def polling(self) -> AbstractContextManager[None]:
        """See ``OneDevice``."""
        return self._member.polling()

    def leave(self) -> None:
        """See ``OneDevice``."""
        self.total(0.0)  # no process ends while another waits for it
        distributed.destroy_process_group()
        self.left = True
        if not self.first:
            raise OtherProcess
