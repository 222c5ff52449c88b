"""Energies and forces of crystals: the kind of answer, and mean absolute errors as reported in papers on potentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from zoo.contract.kind import Kind
from zoo.contract.metric import Metric
from zoo.errors import DataError, UnsupportedModel
from zoo.pages import parts

if TYPE_CHECKING:
    import numpy as np


POTENTIAL, PROPERTY = "interatomic-potential", "materials-property-prediction"
"""Tasks of models of crystals."""


@dataclass(frozen=True, eq=False)
class EnergyAndForces:
    """What an interatomic potential predicts.

    Attributes:
        energy: in eV per atom; NaN if unknown.
        forces: n x 3 in eV/angstrom, float64.
    """

    energy: float
    forces: np.ndarray


def energy_mae(targets: Sequence[EnergyAndForces], predictions: Sequence[EnergyAndForces]) -> float:
    """Mean absolute error of the energy, eV per atom."""
    import numpy as np

    known, found = (
        np.array([item.energy for item in _checked("energy_mae", items)]) for items in (targets, predictions)
    )
    if np.isnan(known).any():
        raise DataError("'energy_mae' needs an energy for each structure.")
    return float(np.abs(known - found).mean())


def force_mae(targets: Sequence[EnergyAndForces], predictions: Sequence[EnergyAndForces]) -> float:
    """Mean absolute error over all components of the forces on all atoms, eV/angstrom."""
    import numpy as np

    differences: list[np.ndarray] = []
    for known, found in zip(_checked("force_mae", targets), _checked("force_mae", predictions), strict=True):
        if known.forces.shape != found.forces.shape:
            raise DataError(f"'force_mae' compares forces of the shape {known.forces.shape} with {found.forces.shape}.")
        differences.append(np.abs(known.forces - found.forces).ravel())
    return float(np.concatenate(differences).mean())


METRICS = (
    Metric(
        "energy_mae", energy_mae, False, "Mean absolute error of the energy in eV per atom; 0 and up.", bounds=(0, inf)
    ),
    Metric(
        "force_mae",
        force_mae,
        False,
        "Mean absolute error of the forces' components in eV/angstrom; 0 and up.",
        bounds=(0, inf),
    ),
)


class Forces(Kind):
    """An energy and the forces on all atoms for each crystal."""

    name = "forces"
    noun, nouns, per_sample = "energy and forces", "energies and forces", "energy and forces"
    baseline_title = "mean energy, no forces"
    metrics = METRICS

    def comparable(self, item: Any, answer: Any, classes: Sequence[str] = ()) -> EnergyAndForces:
        """The answer; raises ``UnsupportedModel`` if it is of another kind."""
        if not isinstance(answer, EnergyAndForces):
            raise UnsupportedModel("The model does not predict energies and forces, so it cannot be evaluated on them.")
        return answer

    def baseline(self, inputs: Sequence[Any], targets: Sequence[Any], task: str) -> list[EnergyAndForces]:
        """The mean energy, and no force."""
        import numpy as np

        mean = float(np.nanmean([target.energy for target in targets]))
        return [EnergyAndForces(mean, np.zeros_like(inputs[at].positions)) for at in range(len(inputs))]

    def summary(self, answer: Any) -> Sequence[tuple[str, str]]:
        """The energy."""
        return [(f"{answer.energy:.4f} eV per atom", "")]

    def to_json(self, answer: Any) -> Mapping[str, Any]:
        """Energy, and forces as n x 3 numbers."""
        return {"energy": answer.energy, "forces": answer.forces.tolist()}

    def html(self, item: Any, answer: Any) -> str:
        """The energy, and the forces of the first atoms as a table."""
        forces = answer.forces.tolist()
        rows = [
            (
                str(number),
                *(f"{round(part, 4) + 0.0:+.4f}" for part in force),  # no minus sign before a rounded zero
                f"{sum(part**2 for part in force) ** 0.5:.4f}",
            )
            for number, force in enumerate(forces[: parts.SHOWN], start=1)
        ]
        table = parts.table(("Atom", "x", "y", "z", "Length"), rows, f"Forces in eV/angstrom.{parts.rest(forces)}")
        return f'<p class="lead">Energy: {answer.energy:.4f} eV per atom</p>{table}'

    def ordinary(self) -> Sequence[Any]:
        """One atom at rest, and two that repel each other."""
        import numpy as np

        return (
            EnergyAndForces(-3.5, np.zeros((1, 3))),
            EnergyAndForces(-1.25, np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]])),
        )

    def extreme(self, task: str = "") -> Sequence[tuple[str, Any]]:
        """An energy that is not known, and forces beyond any that are real."""
        import numpy as np

        return [
            ("an unknown energy", EnergyAndForces(float("nan"), np.zeros((1, 3)))),
            ("huge forces", EnergyAndForces(1e9, np.full((100, 3), 1e12))),
        ]


def _checked(name: str, items: Sequence[Any]) -> Sequence[EnergyAndForces]:
    if not len(items) or not all(isinstance(item, EnergyAndForces) for item in items):
        raise DataError(f"'{name}' needs energies and forces of crystals.")
    return items
