"""The journal of a search in the terms of Optuna, which writes and samples it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.contract.space import Range

if TYPE_CHECKING:
    import optuna

_STUDY = "zoo"


def opened(path: Path) -> optuna.Study:
    """The study in a journal, which must be locked; a line that a killed process began is removed."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    _trim(path)
    storage = JournalStorage(JournalFileBackend(str(path), lock_obj=_held()))
    return optuna.create_study(storage=storage, study_name=_STUDY, direction="maximize", load_if_exists=True)


def distribution(limits: Any) -> Any:
    """The limits of a setting in the terms of Optuna."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(limits, Range):
        return CategoricalDistribution(limits.values)
    if limits.integer:
        return IntDistribution(int(limits.low), int(limits.high), log=limits.log)
    return FloatDistribution(limits.low, limits.high, log=limits.log)


def parzen(seed: int) -> Any:
    """Tree-structured Parzen estimators over all settings at once, from the fourth trial on.

    Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011.
    """
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed % 2**32, multivariate=True, n_startup_trials=4)


def _held() -> Any:
    """A lock for Optuna that does nothing, because the folder's lock is held."""
    from optuna.storages.journal._file import BaseJournalFileLock

    class Held(BaseJournalFileLock):
        def acquire(self) -> bool:
            return True

        def release(self) -> None:
            pass

    return Held()


def _trim(path: Path) -> None:
    """Remove a last line without an end."""
    if not path.exists():
        return
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        with path.open("r+b") as file:
            file.truncate(end)
