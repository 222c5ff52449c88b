"""Energy that the processors of this machine used, from the counters of Linux's powercap (RAPL).

Specification: https://docs.kernel.org/power/powercap/powercap.html. Most systems allow only the administrator to read
them. They count all processes of the machine.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path("/sys/class/powercap")


class Energy:
    """Energy since it was made.

    Args:
        folder: with a folder for each processor, whose names have one colon, such as ``intel-rapl:0``.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._start = self._read()

    def joules(self) -> float | None:
        """The energy of all processors together; None if they cannot be read."""
        end = self._read()
        if not self._start or end.keys() != self._start.keys():
            return None
        # A counter starts again at 0 after its maximum.
        spent = [(now[0] - self._start[name][0]) % (now[1] + 1) for name, now in end.items()]
        return sum(spent) / 1e6

    def _read(self) -> dict[str, tuple[int, int]]:
        """Microjoules so far and the maximum of each counter; empty if one cannot be read."""
        try:
            places = [place for place in self._folder.glob("*rapl:*") if place.name.count(":") == 1]
            return {
                place.name: (_number(place / "energy_uj"), _number(place / "max_energy_range_uj")) for place in places
            }
        except (OSError, ValueError):
            return {}


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
