"""Energies and forces of crystals: mean absolute errors, as papers on interatomic potentials report them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.contract.metric import Metric
from zoo.errors import DataError
from zoo.legacy.kinds import TargetKind

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.crystals import EnergyAndForces


def energy_mae(targets: Sequence[EnergyAndForces], predictions: Sequence[EnergyAndForces]) -> float:
    """Mean absolute error of the energy, eV an atom."""
    import numpy as np

    truth, found = (np.array([item.energy for item in _checked(items)]) for items in (targets, predictions))
    if np.isnan(truth).any():
        raise DataError("'energy_mae' needs an energy for each structure.")
    return float(np.abs(truth - found).mean())


def force_mae(targets: Sequence[EnergyAndForces], predictions: Sequence[EnergyAndForces]) -> float:
    """Mean absolute error over all components of the forces on all atoms, eV/angstrom."""
    import numpy as np

    differences: list[np.ndarray] = []
    for truth, found in zip(_checked(targets), _checked(predictions), strict=True):
        if truth.forces.shape != found.forces.shape:
            raise DataError(f"'force_mae' compares forces of the shape {truth.forces.shape} with {found.forces.shape}.")
        differences.append(np.abs(truth.forces - found.forces).ravel())
    return float(np.concatenate(differences).mean())


METRICS = (
    Metric("energy_mae", energy_mae, False, "Mean absolute error of the energy in eV an atom; 0 and up."),
    Metric("force_mae", force_mae, False, "Mean absolute error of the forces' components in eV/angstrom; 0 and up."),
)


def _checked(items: Sequence[Any]) -> Sequence[EnergyAndForces]:
    if not len(items) or not all(hasattr(item, "forces") and hasattr(item, "energy") for item in items):
        raise DataError("Energies and forces are judged of crystals that have both.")
    return items


def _guess(inputs: Sequence[Any], known: Sequence[Any], task: str) -> list[Any]:
    """The mean energy, and no force."""
    import numpy as np

    from zoo.data.crystals import EnergyAndForces

    mean = float(np.nanmean([target.energy for target in known]))
    return [EnergyAndForces(mean, np.zeros_like(inputs[index].positions)) for index in range(len(inputs))]


def _answer(item: Any, answer: Any) -> EnergyAndForces:
    import numpy as np

    from zoo.data.crystals import EnergyAndForces

    return EnergyAndForces(float(answer["energy"]), np.asarray(answer["forces"], dtype=np.float64))


KIND = TargetKind("forces", _guess, _answer)
