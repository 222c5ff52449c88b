"""Trains an ESMFold on known structures, with those losses of its paper that need only the backbone.

The frame aligned point error and the distogram's cross entropy are those of AlphaFold 2 (Jumper et al., Nature 596,
2021, supplementary sections 1.9.2 and 1.9.8), the confidence's of section 1.9.6, and the smooth lDDT is AlphaFold 3's.
Side chains are not trained; the language model is frozen, as it was for ESMFold (Lin et al., Science 379, 2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from zoo.errors import DataError, needs_extra
from zoo_scientific.proteins.structures import Structure

with needs_extra("scientific", "fold proteins"):
    import torch
    from torch import nn
    from torch.nn import functional

if TYPE_CHECKING:
    from zoo_scientific.proteins.folding_metrics import Fold


class Folder(Protocol):
    """A model that folds sequences.

    Attributes:
        folder: its ``EsmForProteinFolding``.
    """

    folder: Any

    def fold(self, sequences: Sequence[str]) -> list[Fold]:
        """The structure of each sequence."""
        ...


Batch = Mapping[str, torch.Tensor]

RESIDUES = "ARNDCQEGHILKMFPSTWYV"
"""In the order of AlphaFold's types."""

CLAMP, SCALE = 10.0, 10.0
"""Angstroms at which a point's error is clamped, and the unit of the error."""

UNCLAMPED = 0.1
"""Weight of the unclamped error, as often as the paper does not clamp it (section 1.11.5)."""

DISTOGRAM, CONFIDENCE = 0.3, 0.01
"""Weights of these losses relative to the point error."""

NEAREST, FARTHEST = 2.3125, 21.6875
"""Edges in angstroms of the first and the last bin of the distogram."""

_ALPHA_CARBON = 1
_BETA = (-0.58273431, 0.56802827, -0.54067466)
_REACH, _TOLERANCES = 15.0, (0.5, 1.0, 2.0, 4.0)


class FoldingLoss(nn.Module):
    """The model with its losses, summed."""

    def __init__(self, folder: nn.Module) -> None:
        super().__init__()
        self.folder = folder

    def forward(self, batch: Batch) -> torch.Tensor:
        """The loss of each chain, batch x 1; incomplete residues do not count."""
        seen = batch["seen"]
        output = self.folder(batch["aatype"], batch["mask"], position_ids=batch["places"])
        true_frames = frames_of(batch["backbone"])
        alpha = batch["backbone"][:, :, _ALPHA_CARBON]
        errors = [
            point_error((_rotations(frames[..., :4]), frames[..., 4:]), frames[..., 4:], true_frames, alpha, seen)
            for frames in output["frames"]
        ]
        folded = torch.stack(errors).mean(dim=0)
        local = _local_loss(output["frames"][-1][..., 4:], alpha, seen)
        distances = _distogram_loss(output["distogram_logits"], batch["backbone"], seen)
        sure = _confidence_loss(output["lddt_head"][-1], output["frames"][-1][..., 4:], alpha, seen)
        return (folded + local + DISTOGRAM * distances + CONFIDENCE * sure)[:, None]


class FoldingLearner:
    """An ESMFold prepared to be trained on structures."""

    classes: tuple[str, ...] = ()

    def __init__(self, backbone: Folder) -> None:
        self._backbone = backbone
        self.pretrained: nn.Module = backbone.folder
        self.module: nn.Module = FoldingLoss(backbone.folder)

    def example(self, item: Any, target: Any) -> dict[str, torch.Tensor]:
        """A sequence and its ``Structure``.

        Raises:
            DataError: the structure has another length, or its backbone was not read.
        """
        if not isinstance(target, Structure) or target.backbone is None or len(target) != len(item):
            raise DataError(f"Training needs a structure with its backbone for the {len(item)} residues of a sequence.")
        backbone = torch.tensor(target.backbone, dtype=torch.float32)
        seen = torch.isfinite(backbone).all(dim=-1).all(dim=-1)
        return {
            "aatype": torch.tensor([RESIDUES.index(letter) for letter in str(item)]),
            "backbone": torch.where(seen[:, None, None], backbone, torch.eye(3).repeat(2, 1)[:4]),
            "seen": seen,
        }

    def collate(self, examples: Sequence[Any]) -> dict[str, torch.Tensor]:
        """Chains padded at the end; padding is marked as unresolved."""
        longest = max(len(example["aatype"]) for example in examples)
        filler = torch.eye(3).repeat(2, 1)[:4]
        rows = []
        for example in examples:
            count = len(example["aatype"])
            rest = longest - count
            rows.append(
                {
                    "aatype": functional.pad(example["aatype"], (0, rest)),
                    "mask": torch.tensor([1] * count + [0] * rest),
                    "places": torch.arange(longest),
                    "seen": functional.pad(example["seen"], (0, rest)),
                    "backbone": torch.cat([example["backbone"], filler.expand(rest, 4, 3)]),
                }
            )
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}

    def predict(self, inputs: Sequence[Any]) -> list[Fold]:
        """Structures, one for each sequence."""
        return self._backbone.fold(inputs)


Frames = tuple[torch.Tensor, torch.Tensor]
"""Rotations, ... x 3 x 3, from local to global axes, and origins, ... x 3."""


def frames_of(backbone: torch.Tensor) -> Frames:
    """The frame of each residue from its N, CA and C (Jumper et al., supplement, algorithm 21).

    Args:
        backbone: batch x n x 4 x 3 positions of N, CA, C and O.
    """
    nitrogen, alpha, carbon = backbone[..., 0, :], backbone[..., 1, :], backbone[..., 2, :]
    first = functional.normalize(carbon - alpha, dim=-1)
    second = nitrogen - alpha
    second = functional.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    third = torch.linalg.cross(first, second, dim=-1)
    return torch.stack([first, second, third], dim=-1), alpha


def point_error(
    frames: Frames, points: torch.Tensor, true_frames: Frames, true_points: torch.Tensor, seen: torch.Tensor
) -> torch.Tensor:
    """The frame aligned point error of each chain, 0 to 1 (Jumper et al., supplement, algorithm 28).

    Args:
        points, true_points: batch x n x 3.
        seen: batch x n, which residues count.
    """
    local, true_local = _seen_from(frames, points), _seen_from(true_frames, true_points)
    distance = ((local - true_local).square().sum(dim=-1) + 1e-4).sqrt() / SCALE
    return _mean((1 - UNCLAMPED) * distance.clamp(max=CLAMP / SCALE) + UNCLAMPED * distance, _both(seen))


def _seen_from(frames: Frames, points: torch.Tensor) -> torch.Tensor:
    """Each point in the axes of each frame, batch x n frames x n points x 3."""
    rotations, origins = frames
    return torch.einsum("bfji,bfpj->bfpi", rotations, points[:, None] - origins[:, :, None])


def _rotations(quaternions: torch.Tensor) -> torch.Tensor:
    """Rotation matrices of quaternions, the real part first; any length but 0."""
    w, x, y, z = functional.normalize(quaternions, dim=-1).unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _distogram_loss(logits: torch.Tensor, backbone: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the binned distances of the beta carbons, for each chain."""
    first, second = backbone[..., 1, :] - backbone[..., 0, :], backbone[..., 2, :] - backbone[..., 1, :]
    across = torch.linalg.cross(first, second, dim=-1)
    beta = _BETA[0] * across + _BETA[1] * first + _BETA[2] * second + backbone[..., 1, :]
    edges = torch.linspace(NEAREST, FARTHEST, logits.shape[-1] - 1, device=logits.device)
    bins = torch.bucketize(torch.cdist(beta, beta), edges)
    losses = functional.cross_entropy(logits.permute(0, 3, 1, 2).float(), bins, reduction="none")
    return _mean(losses, _both(seen))


def _local_loss(found: torch.Tensor, known: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """1 - smooth lDDT of the alpha carbons of each chain (Abramson et al., Nature 630, 2024, algorithm 27)."""
    actual, now = _distances(known), _distances(found.float())
    apart = ~torch.eye(actual.shape[1], dtype=torch.bool, device=actual.device)
    off = (actual - now).abs()
    kept = torch.stack([torch.sigmoid(tolerance - off) for tolerance in _TOLERANCES]).mean(dim=0)
    return 1 - _mean(kept, _both(seen) & apart & (actual < _REACH))


def _distances(points: torch.Tensor) -> torch.Tensor:
    """Distances of all points of each chain, batch x n x n, with a gradient even at distance 0."""
    return ((points[:, :, None] - points[:, None]).square().sum(dim=-1) + 1e-6).sqrt()


def _confidence_loss(
    logits: torch.Tensor, found: torch.Tensor, known: torch.Tensor, seen: torch.Tensor
) -> torch.Tensor:
    """Cross entropy of the binned current lDDT of each alpha carbon, for each chain."""
    with torch.no_grad():
        actual, now = torch.cdist(known, known), torch.cdist(found.float(), found.float())
        apart = ~torch.eye(actual.shape[1], dtype=torch.bool, device=actual.device)
        counted = _both(seen) & apart & (actual < _REACH)
        kept = torch.stack([(actual - now).abs() < tolerance for tolerance in _TOLERANCES]).float().mean(dim=0)
        local = (kept * counted).sum(dim=-1) / counted.sum(dim=-1).clamp(min=1)
        bins = (local * logits.shape[-1]).long().clamp(max=logits.shape[-1] - 1)
    losses = functional.cross_entropy(logits[:, :, _ALPHA_CARBON].permute(0, 2, 1).float(), bins, reduction="none")
    return (losses * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1)


def _both(seen: torch.Tensor) -> torch.Tensor:
    return seen[:, :, None] & seen[:, None, :]


def _mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """The mean of each chain's pairs that count."""
    return (values * counted).sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp(min=1)
