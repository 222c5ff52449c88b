"""Whether the losses of a batch can be computed in parts."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class HasIndependentLosses(Protocol):
    """A learner whose loss of an example does not depend on the other examples, so that devices can divide a batch."""

    @property
    def independent_losses(self) -> bool:
        """Whether that is so, up to rounding, but for random numbers such as those of dropout."""
        ...
