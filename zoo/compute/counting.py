"""Counts the floating-point operations of torch while they run.

Formulas are those of ``torch.utils.flop_counter``: matrix products, convolutions and attention, forward and backward,
with two operations for a multiplication and an addition. Element-wise operations, norms and the optimiser have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count
from torch.utils.flop_counter import shape_wrapper as by_shapes

UNCOUNTED = frozenset(
    (
        *("aten._transformer_encoder_layer_fwd", "aten._native_multi_head_attention", "aten.mkldnn_rnn_layer"),
        *("aten._cudnn_rnn", "aten._cudnn_rnn_backward", "aten.mkldnn_rnn_layer_backward"),
    )
)
"""Fused operations with many matrix products inside, for which torch has no formula."""

_SHAPES = frozenset(
    (
        *("aten.sym_is_contiguous", "aten.is_contiguous", "aten.is_strides_like_format", "aten.size", "aten.sym_size"),
        *("aten.is_non_overlapping_and_dense", "aten.stride", "aten.sym_stride", "aten.storage_offset", "aten.dim"),
        *("aten.sym_storage_offset", "aten.numel", "aten.sym_numel", "prim.layout"),
    )
)
"""Questions about shapes, which some types of tensors answer themselves."""


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query, key, value))


def _attention_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_backward_flop_count(gradient, query, key, value))


_CPU_ATTENTION: Mapping[Any, Callable[..., Any]] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: by_shapes(_attention),
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: by_shapes(_attention_backward),
}
"""Attention on the CPU, which torch's table lacks."""


class Operations(TorchDispatchMode):
    """Counts what runs inside the block.

    Attributes:
        flop: floating-point operations so far.
    """

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.flop = 0
        self._uncounted = False

    @property
    def known(self) -> bool:
        """Whether there are operations, and none that cannot be counted."""
        return self.flop > 0 and not self._uncounted

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation of torch, and add its own."""
        kwargs, packet = kwargs or {}, getattr(func, "_overloadpacket", None)
        if packet is None:  # an operator that takes functions, such as a condition
            self._uncounted = True
            return func(*args, **kwargs)
        if str(packet) in _SHAPES:
            return NotImplemented
        formula = _CPU_ATTENTION.get(packet) or flop_registry.get(packet)
        if formula is None and func is not torch.ops.prim.device.default:
            # In inference mode, composite operations arrive whole; their parts have formulas.
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        found = func(*args, **kwargs)
        if formula is not None:
            try:
                self.flop += int(formula(*args, **kwargs, out_val=found))
            except Exception:  # a shape that the formula does not expect must not end a training
                self._uncounted = True
        elif str(packet) in UNCOUNTED:
            self._uncounted = True
        return found
