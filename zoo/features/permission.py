"""What a loaded model may be used for: each use is decided on when it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.entities import ModelCard
    from zoo.sources.permitting import Known

LOAD = "load"


@dataclass(frozen=True)
class Permission:
    """The action that a model was loaded for.

    Attributes:
        action: one of ``zoo.contract.deciding.ACTIONS``. After ``load``, other actions are decided on when they happen;
            one that was loaded for another purpose is used for that only.
        known: what was found out about the model then, so that it need not be again.
    """

    action: str = LOAD
    known: Known | None = None

    def check(self, card: ModelCard, action: str, task: str | None = None) -> None:
        """Allow a use of the model for a task, or refuse it.

        Raises:
            PolicyRefusal: a policy denies it, or requires an approval.
        """
        from zoo.sources.permitting import permit_use

        if self.action == LOAD:
            permit_use(card, action, known=self.known, task=task)
