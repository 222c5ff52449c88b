"""Devices for forward passes: the best available one, its fastest precision, and its memory."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

from zoo.errors import InvalidInput

_NAME = re.compile(r"(cpu|mps|(?:cuda|xpu)(?::\d+)?)\Z")
_DEVICE_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dri", "/dev/dxg")
"""Device files of accelerators on Linux: NVIDIA's driver, AMD's, any graphics card, and Windows' below WSL."""

_CPU = Path("/proc/cpuinfo")
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""CPU flags for bfloat16 matrix products, which take about half the time of float32."""

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def best_device(name: str | None = None) -> str:
    """The device called ``name``, or the fastest available if it is None: CUDA, then XPU, MPS, CPU.

    Raises:
        InvalidInput: there is no such device, or not on this machine.
    """
    if name is None:
        available = _available()
        return next((kind for kind in ("cuda", "xpu", "mps") if available.get(kind)), "cpu")
    name = name.strip().lower()
    if not _NAME.match(name):
        raise InvalidInput(f"'{name}' is not a device.", "Devices: cpu, cuda, cuda:1, mps, xpu.")
    kind, _, index = name.partition(":")
    if kind == "cpu":
        return name
    count = _available().get(kind, 0)
    if not count:
        raise InvalidInput(f"There is no {kind} device that torch can use here.", "Use --device cpu.")
    if index and int(index) >= count:
        raise InvalidInput(f"There is no device '{name}'; {kind} has {count}, counted from 0.", f"Use --device {kind}.")
    return name


def device_count(kind: str) -> int:
    """Number of devices of a kind (``cuda``, ``xpu``, ``mps``); for ``cpu``, the cores that this process may use."""
    if kind != "cpu":
        return _available().get(kind, 0)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def best_precision(device: str, domain: str = "") -> str:
    """The fastest precision for forward passes on a device whose features are precise enough for scores.

    Half precision where the device has units for it: ``bfloat16``, which has the range of float32, or ``float16`` on
    CUDA devices of before 2020 with tensor cores. CPUs with instructions for it (AVX512-BF16 or AMX) run text models
    1.5 to 2 times as fast in ``bfloat16``; image models run 1.3 times as fast there, decoding included, and
    convolutional ones lose precision with every layer, so they stay in ``float32``, as do all models on other CPUs.
    """
    kind, _, index = device.partition(":")
    if kind == "xpu" or (kind == "cpu" and domain == "language" and _multiplies_bfloat16()):
        return "bfloat16"
    if kind != "cuda":
        return "float32"
    import torch

    major, _ = torch.cuda.get_device_capability(int(index or 0))
    return "bfloat16" if major >= 8 else "float16" if major == 7 else "float32"


def memory_of(device: str) -> int | None:
    """Memory of a device in bytes, as far as a process may use it; None if it is unknown.

    A CPU has the machine's memory, or the container's limit where that is lower.
    """
    kind, _, index = device.partition(":")
    if kind in {"cuda", "xpu"}:
        import torch

        properties: Any = getattr(torch, kind).get_device_properties(int(index or 0))
        return int(properties.total_memory)
    if kind == "mps":
        import torch

        return int(torch.mps.recommended_max_memory())
    return _machine_memory()


def free_memory(device: str) -> int | None:
    """Bytes that this process can still allocate on a device; None if that is unknown.

    On a CPU the memory that Linux calls available, or less where a container or ``ulimit -v`` limits the process.
    """
    kind, _, index = device.partition(":")
    if kind == "cuda":
        import torch

        place = int(index or 0)
        kept = torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)
        return int(torch.cuda.mem_get_info(place)[0]) + kept
    if kind == "xpu":
        import torch

        return memory_of(device) - torch.xpu.memory_allocated(int(index or 0))  # type: ignore[operator]
    if kind == "mps":
        import torch

        return int(torch.mps.recommended_max_memory()) - int(torch.mps.current_allocated_memory())
    known = [_kilobytes_in(Path("/proc/meminfo"), "MemAvailable"), _free_in_container(), _free_by_limit()]
    return min((free for free in known if free is not None), default=None)


def _free_in_container() -> int | None:
    """Memory left by a container's limit; memory that only caches files is counted as free."""
    for folder, use, keeps in (
        (Path("/sys/fs/cgroup"), ("memory.max", "memory.current"), "inactive_file"),
        (Path("/sys/fs/cgroup/memory"), ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file"),
    ):
        limit, used = (_number_in(folder / name) for name in use)
        if limit is None or used is None:
            continue
        try:
            rows = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        except (OSError, ValueError):
            rows = {}
        return limit - used + int(rows.get(keeps, 0))
    return None


def _free_by_limit() -> int | None:
    """Memory left by a limit on the process's address space."""
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    used = _kilobytes_in(Path("/proc/self/status"), "VmSize")
    return None if limit == resource.RLIM_INFINITY or used is None else limit - used


def _kilobytes_in(path: Path, name: str) -> int | None:
    """A figure of a file of ``name: number kB`` lines, in bytes."""
    try:
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _available() -> dict[str, int]:
    """Number of usable devices by kind, without the CPU; nothing if torch is not installed."""
    if importlib.util.find_spec("torch") is None or not _may_have_accelerator():
        return {}
    import torch

    return {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "xpu": torch.xpu.device_count() if torch.xpu.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }


def _may_have_accelerator() -> bool:
    """False if the system has none, so that torch, which takes seconds to import, need not be imported."""
    return not sys.platform.startswith("linux") or any(os.path.exists(path) for path in _DEVICE_FILES)


@functools.lru_cache(maxsize=1)
def _multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions that multiply bfloat16, as far as Linux reports it."""
    try:
        return not _BFLOAT16.isdisjoint(_CPU.read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return False


def _machine_memory() -> int | None:
    limits = [limit for path in _CGROUP_LIMITS if (limit := _number_in(Path(path)))]
    if hasattr(os, "sysconf") and {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(os.sysconf_names):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(limits, default=None)


def _number_in(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdigit() else None
