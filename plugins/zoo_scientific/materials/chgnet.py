"""CHGNet, a universal interatomic potential (Deng et al., "CHGNet as a pretrained universal neural network
potential for charge-informed atomistic modelling", Nature Machine Intelligence 5, 2023).

Message passing over atoms, bonds and angles predicts energies, forces and magnetic moments; features are those of the
atoms, averaged over the cell.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.loading.dtypes import require_float32

with needs_extra("materials", "run models of crystals"):
    import numpy as np
    import torch
    from chgnet.model.model import CHGNet
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure
    from torch import nn

from zoo.loading.heads import with_head
from zoo_scientific.materials.crystals import Crystal
from zoo_scientific.materials.forces import POTENTIAL, PROPERTY, EnergyAndForces

# pymatgen warns that noble gases have no electronegativity, and torch that CHGNet copies a tensor.
warnings.filterwarnings("ignore", message="No Pauling electronegativity")
warnings.filterwarnings("ignore", message="Converting a tensor with requires_grad", module="chgnet")

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

LAYERS = ("crystal", "atoms.mean")
"""The input of the energy readout, and the atoms one convolution earlier; both averaged over the cell.

The earlier one is better for properties besides the energy, and is the default."""

LARGEST_ATOMIC_NUMBER = 94
_BATCH = 8
Batch = Mapping[str, Sequence[Any]]


class CrystalEncoder(nn.Module):
    """CHGNet up to its features of the atoms, averaged over the crystal: batch x 64."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> torch.Tensor:
        """The mean over the atoms, as in the default layer."""
        return torch.stack([atoms.mean(dim=0) for atoms in self.outputs(batch)["atom_fea"]])

    def outputs(self, batch: Batch, task: str = "e") -> dict[str, Any]:
        """Energy in eV per atom, and with ``task`` ``ef`` forces in eV/angstrom, and the features.

        CHGNet skips its update of bonds if no crystal of a batch has bonds short enough for angles, and updates all of
        them if one has. Crystals without angles therefore run in separate batches.
        """
        device = next(self.model.parameters()).device
        graphs = [graph.to(device) for graph in batch["graphs"]]
        with_angles = [at for at, graph in enumerate(graphs) if len(graph.bond_graph)]
        without = [at for at, graph in enumerate(graphs) if not len(graph.bond_graph)]
        parts = [places for places in (with_angles, without) if places]
        found = [
            self.model([graphs[at] for at in places], task=task, return_atom_feas=True, return_crystal_feas=True)
            for places in parts
        ]
        return found[0] if len(parts) == 1 else _merged(found, parts)


def _merged(found: Sequence[Mapping[str, Any]], parts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Outputs of parts of a batch in the order of the batch; ``parts`` has the positions of each part."""
    order = np.argsort(np.concatenate([np.asarray(places) for places in parts])).tolist()
    merged: dict[str, Any] = {}
    for name, first in found[0].items():
        if isinstance(first, torch.Tensor):
            merged[name] = torch.cat([outputs[name] for outputs in found])[order]
        else:
            rows = [row for outputs in found for row in outputs[name]]
            merged[name] = [rows[place] for place in order]
    return merged


class CHGNetBackbone:
    """Turns crystals into features, energies and forces.

    Attributes:
        module: the network; ``head`` builds on this module.
    """

    input_kind = "crystal"
    layers = LAYERS
    learning_rate = 1e-3

    def __init__(self, card: ModelCard, model: Any, device: str) -> None:
        self.card, self.device = card, device
        self.module = CrystalEncoder(model).to(device).eval()
        self.embedding_dimension = 64

    def preprocess(self, item: Any) -> Any:
        """The graph of a ``Crystal``: neighbours within the model's two cutoffs.

        Raises:
            DataError: it is of another kind, or has an element beyond plutonium or an atom without neighbours.
        """
        if not isinstance(item, Crystal):
            raise DataError(f"'{self.card.id}' takes crystals, not {type(item).__name__}.")
        if int(item.numbers.max()) > LARGEST_ATOMIC_NUMBER:
            raise DataError(f"'{self.card.id}' supports elements up to plutonium; {item.formula} has a heavier one.")
        structure = Structure(Lattice(item.cell), item.numbers.tolist(), item.positions, coords_are_cartesian=True)
        try:
            return self.module.model.graph_converter(structure)
        except ValueError as error:
            reach = self.module.model.graph_converter.atom_graph_cutoff
            raise DataError(
                f"'{self.card.id}' cannot use {item.formula}: an atom has no neighbour within {reach} angstroms.",
                "Check its cell; a molecule in a large box is not a crystal.",
            ) from error

    def collate(self, items: Sequence[Any]) -> Batch:
        """Graphs as one batch."""
        return {"graphs": list(items)}

    def features(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 vectors, batch x 64."""
        with torch.no_grad():
            outputs = self.module.outputs(batch)
        found = {}
        for layer in layers:
            if layer == "crystal":
                atoms = torch.tensor([len(graph.atomic_number) for graph in batch["graphs"]], device=self.device)
                found[layer] = outputs["crystal_fea"].float() / atoms[:, None]  # it is the sum over the cell
            else:
                found[layer] = torch.stack([atoms.mean(dim=0) for atoms in outputs["atom_fea"]]).float()
        return found

    def head(self, task: Any, classes: int) -> nn.Module:
        """The network with a new linear layer of ``classes`` outputs (1 for numbers), all of it trainable.

        Raises:
            InvalidInput: fewer than one output.
        """
        return with_head(self.module, self.embedding_dimension, classes, task=task, device=self.device)

    def answer(
        self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()
    ) -> list[EnergyAndForces] | list[float] | None:
        """Energies and forces of crystals, or their energies in eV per atom; None for other tasks."""
        if task == POTENTIAL:
            return [
                EnergyAndForces(energy, np.asarray(outputs["f"][number].detach().cpu(), dtype=np.float64))
                for outputs in self._outputs(inputs, "ef")
                for number, energy in enumerate(_energies(outputs))
            ]
        if task == PROPERTY:
            return [energy for outputs in self._outputs(inputs, "e") for energy in _energies(outputs)]
        return None

    def _outputs(self, inputs: Sequence[Any], task: str) -> Iterator[Mapping[str, Any]]:
        """The network's outputs, batch by batch."""
        for start in range(0, len(inputs), _BATCH):
            yield self.module.outputs(self.collate([self.preprocess(x) for x in inputs[start : start + _BATCH]]), task)


def _energies(outputs: Mapping[str, Any]) -> list[float]:
    """The energies of the crystals of a batch, in eV per atom."""
    return [float(np.ravel(energy)[0]) for energy in outputs["e"].detach().cpu().tolist()]


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> CHGNetBackbone:
    """The backbone of a CHGNet checkpoint.

    Raises:
        UnsupportedModel: the weights are damaged or of another architecture, or another precision is requested.
    """
    require_float32(card, dtype)
    weights = files.path(str(card.loader["weights"]))
    try:
        stored: Any = torch.load(weights, map_location="cpu", weights_only=True)["model"]
        settings = dict(stored["model_args"])
        # The first version has a bias in its last layer that later ones lack, and no setting for it.
        settings["mlp_out_bias"] = bool(card.loader.get("output_bias"))
        with redirect_stdout(io.StringIO()):  # it prints how many parameters it has
            model = CHGNet(**settings)
        model.load_state_dict(stored["state_dict"])
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"The weights of '{card.id}' cannot be loaded: {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    return CHGNetBackbone(card, model, device)
