"""Pools token vectors to one vector per text, without padding: the pooling modes of sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable

import torch

Pooling = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cls(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The first token's vector. ``hidden`` is batch x tokens x d, ``mask`` batch x tokens with 1 for real tokens."""
    return hidden[:, 0]


def maximum(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The largest value of each dimension over the real tokens."""
    return hidden.masked_fill(~mask.bool().unsqueeze(-1), torch.finfo(hidden.dtype).min).amax(dim=1)


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the real tokens."""
    return _total(hidden, mask) / _count(hidden, mask)


def mean_sqrt_len(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The sum over the real tokens divided by the square root of their number."""
    return _total(hidden, mask) / _count(hidden, mask).sqrt()


def weighted_mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean weighted by position, 1 for the first token (Muennighoff, SGPT, 2022, equation 1)."""
    weights = torch.arange(1, hidden.shape[1] + 1, device=hidden.device).to(hidden.dtype) * mask.to(hidden.dtype)
    return (hidden * weights.unsqueeze(-1)).sum(dim=1) / weights.sum(dim=1, keepdim=True).clamp(min=1)


def last(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The vector of the last real token; padding is on the right."""
    position = (mask.sum(dim=1) - 1).clamp(min=0)
    return hidden[torch.arange(hidden.shape[0], device=hidden.device), position]


BY_NAME: dict[str, Pooling] = {
    "cls": cls,
    "max": maximum,
    "mean": mean,
    "mean_sqrt_len": mean_sqrt_len,
    "weightedmean": weighted_mean,
    "lasttoken": last,
    "last": last,
}


def _total(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (hidden * mask.unsqueeze(-1).to(hidden.dtype)).sum(dim=1)


def _count(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return mask.sum(dim=1, keepdim=True).clamp(min=1).to(hidden.dtype)
