"""SevenNet, an equivariant interatomic potential (Park et al., "Scalable parallel algorithm for graph neural network
interatomic potentials in molecular dynamics simulations", J. Chem. Theory Comput. 20, 2024).

Equivariant convolutions over atoms within five angstroms predict energies and forces; features are the atoms' scalars
after the last convolution, averaged over the cell.
"""

from __future__ import annotations

import io
import logging
import pickle
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra

with needs_extra("materials", "run models of crystals"):
    import ase
    import numpy as np
    import torch
    from torch import nn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sevenn._keys as keys
        from sevenn.atom_graph_data import AtomGraphData
        from sevenn.train.dataload import unlabeled_atoms_to_graph
        from sevenn.util import load_checkpoint
        from torch_geometric.data import Batch

from zoo.loading.heads import with_head
from zoo_scientific.materials.crystals import Crystal
from zoo_scientific.materials.forces import POTENTIAL, PROPERTY, EnergyAndForces

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

LAYERS = ("atoms.mean",)
_BATCH = 8


class AtomsEncoder(nn.Module):
    """The potential up to the scalars of its atoms, averaged over the crystal: batch x d."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        gates = [name for name, _ in model.named_children() if name.endswith("_equivariant_gate")]
        self._last = gates[-1]

    def forward(self, batch: Any) -> torch.Tensor:
        """The mean over the atoms of each crystal."""
        before = self.model.training
        # Otherwise the derivative for the forces frees the graph; nothing else depends on the mode.
        self.model.train()
        try:
            return self.outputs(batch)[1]
        finally:
            self.model.train(before)

    def outputs(self, batch: Any) -> tuple[Any, torch.Tensor]:
        """All outputs of the potential, and the means."""
        kept: list[torch.Tensor] = []
        hook = self.model.get_submodule(self._last).register_forward_hook(
            lambda module, arguments, output: kept.append(output[keys.NODE_FEATURE])
        )
        try:
            found = self.model(batch.clone())
        finally:
            hook.remove()
        counts = torch.bincount(batch.batch, minlength=batch.num_graphs)
        sums = kept[0].new_zeros(batch.num_graphs, kept[0].shape[1]).index_add(0, batch.batch, kept[0])
        return found, sums / counts[:, None]


class SevenNetBackbone:
    """Turns crystals into features, energies and forces.

    Attributes:
        module: the network; ``head`` builds on this module.
    """

    input_kind = "crystal"
    layers = LAYERS
    learning_rate = 1e-3

    def __init__(self, card: ModelCard, model: Any, config: Any, device: str) -> None:
        self.card, self.device = card, device
        self._reach, self._known = float(config[keys.CUTOFF]), set(config[keys.TYPE_MAP])
        model.set_is_batch_data(True)
        self.module = AtomsEncoder(model).to(device).eval()
        self.embedding_dimension = int(card.embedding_dimension or 0)

    def preprocess(self, item: Any) -> Any:
        """The graph of a ``Crystal``: neighbours within the model's cutoff.

        Raises:
            DataError: it is of another kind, has an element that the model does not support, or no neighbours.
        """
        if not isinstance(item, Crystal):
            raise DataError(f"'{self.card.id}' takes crystals, not {type(item).__name__}.")
        strange = sorted({int(number) for number in item.numbers} - self._known)
        if strange:
            raise DataError(f"'{self.card.id}' does not support the element {strange[0]} in {item.formula}.")
        atoms = ase.Atoms(item.numbers, positions=item.positions, cell=item.cell, pbc=True)
        graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(atoms, self._reach, with_shift=False))
        if not graph[keys.EDGE_IDX].shape[1]:
            raise DataError(
                f"'{self.card.id}' cannot use {item.formula}: it has no neighbours within {self._reach} angstroms.",
                "Check its cell; a molecule in a large box is not a crystal.",
            )
        return graph

    def collate(self, items: Sequence[Any]) -> Any:
        """Graphs as one batch."""
        return Batch.from_data_list(list(items)).to(self.device)

    def features(self, batch: Any, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 vectors, batch x d."""
        means = self.module(batch.to(self.device)).detach().float()
        return dict.fromkeys(layers, means)

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
            return self._potentials(inputs)
        if task == PROPERTY:
            return [found.energy for found in self._potentials(inputs)]
        return None

    def _potentials(self, inputs: Sequence[Any]) -> list[EnergyAndForces]:
        answers: list[EnergyAndForces] = []
        for start in range(0, len(inputs), _BATCH):
            batch = self.collate([self.preprocess(item) for item in inputs[start : start + _BATCH]])
            found, _ = self.module.outputs(batch)
            counts = torch.bincount(batch.batch).tolist()
            energies = found[keys.PRED_TOTAL_ENERGY].detach().cpu().tolist()
            forces = found[keys.PRED_FORCE].detach().cpu().split(counts)
            answers += [
                EnergyAndForces(energy / count, np.asarray(force, dtype=np.float64))
                for energy, count, force in zip(energies, counts, forces, strict=True)
            ]
        return answers


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> SevenNetBackbone:
    """The backbone of a SevenNet checkpoint.

    Raises:
        UnsupportedModel: the weights are damaged or contain more than tensors and arrays, or another precision is
            requested.
    """
    if dtype != "float32":
        raise UnsupportedModel(f"'{card.id}' runs in float32, not in {dtype}.", "Leave --dtype out.")
    path = files.path(str(card.loader["weights"]))
    logging.getLogger("sevenn").setLevel(logging.ERROR)
    try:
        strange = set(torch.serialization.get_unsafe_globals_in_checkpoint(path)) - {
            "numpy.core.multiarray._reconstruct",
            "numpy.ndarray",
            "numpy.dtype",
        }
        if strange:
            raise UnsupportedModel(f"The weights of '{card.id}' contain code: {sorted(strange)[0]}.")
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            checkpoint = load_checkpoint(path)
            model = checkpoint.build_model()
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"The weights of '{card.id}' cannot be loaded: {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    return SevenNetBackbone(card, model, checkpoint.config, device)
