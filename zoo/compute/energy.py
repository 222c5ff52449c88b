"""Energy that the processors of this machine used, from the counters of Linux's powercap (RAPL).

Specification: https://docs.kernel.org/power/powercap/powercap.html. Most systems allow only the administrator to read
them. They count all processes of the machine. Only the zones of packages are added up: ``psys`` contains them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path("/sys/class/powercap")

MOST_WATTS = 1000.0
"""More power than one processor package takes for long; it bounds how soon a counter starts again."""


class Energy:
    """Energy since it was made.

    Args:
        folder: with a folder for each zone; those of processors have one colon, such as ``intel-rapl:0``.
        clock: seconds.
    """

    def __init__(self, folder: Path = FOLDER, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._start, self._begun = self._read(), clock()

    def joules(self) -> float | None:
        """The energy of all processors together; None if they cannot be read, or a counter may have started twice."""
        end = self._read()
        if not self._start or end.keys() != self._start.keys():
            return None
        seconds = self._clock() - self._begun
        if any(most < seconds * MOST_WATTS * 1e6 for _, most in end.values()):
            return None
        # A counter starts again at 0 after its maximum.
        spent = [(now[0] - self._start[name][0]) % (now[1] + 1) for name, now in end.items()]
        return sum(spent) / 1e6

    def _read(self) -> dict[str, tuple[int, int]]:
        """Microjoules so far and the maximum of each counter; empty if one cannot be read."""
        try:
            places = [place for place in self._folder.glob("*rapl:*") if place.name.count(":") == 1]
            places = [place for place in places if (place / "name").read_text("ascii").startswith("package-")]
            return {
                place.name: (_number(place / "energy_uj"), _number(place / "max_energy_range_uj")) for place in places
            }
        except (OSError, ValueError):
            return {}


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
