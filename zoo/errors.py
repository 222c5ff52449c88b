"""The errors that a user may see: what happened, why, and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager


class ZooError(Exception):
    """One sentence for the user, and a hint: the next thing to try, often a command that can be pasted.

    Raised anywhere, caught once, in ``zoo.cli``. Tell errors apart by type, never by text.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint))

    def to_dict(self) -> dict[str, str]:
        """The error as ``--json`` shows it: type, message, hint."""
        return {"type": type(self).__name__, "message": self.message, "hint": self.hint}


def _rebuild(kind: type[ZooError], message: str, hint: str) -> ZooError:
    error = kind.__new__(kind)
    ZooError.__init__(error, message, hint)
    return error


class InvalidInput(ZooError):
    """A value from the user is invalid."""


class UnknownModel(ZooError):
    """No model of that name in the registry."""


class UnknownTask(ZooError):
    """No task of that name in any domain."""


class DataError(ZooError):
    """A data set that cannot be read, or cannot serve the task."""


class RegistryError(ZooError):
    """The registry cannot be read, written or upgraded."""


class SourceError(ZooError):
    """A platform could not deliver a model."""


class ModelNotFound(SourceError):
    """The platform does not have this model, revision or file."""


class GatedModel(SourceError):
    """The platform requires a token, or acceptance of its terms, before the download."""


class NetworkUnavailable(SourceError):
    """The platform cannot be reached and nothing usable is cached."""


class IntegrityError(SourceError):
    """A download, or a file on disk, differs from what was published."""


class StorageError(ZooError):
    """A file or folder cannot be written: read-only, full, or missing."""


class MissingDependency(ZooError):
    """Something outside zoo's own dependencies is missing; the hint is the command that installs it."""


class MissingExtra(MissingDependency):
    """An optional Python package is needed and not installed."""


class MissingProgram(MissingDependency):
    """A program of the system is needed and not installed."""


class UnsupportedModel(ZooError):
    """No plugin can load, train or run this model for this purpose."""


class UnsupportedPrecision(UnsupportedModel):
    """This model does not run in the requested precision; with ``auto``, it is loaded in float32."""


class PluginError(ZooError):
    """A plugin is broken, or returned something that its hook does not allow."""


class PolicyError(ZooError):
    """A policy cannot be read, so every use that it governs is denied.

    Attributes:
        line: line of the policy's own file, from 1; None if it is not known.
    """

    line: int | None = None


class LockError(ZooError):
    """A lock file cannot be read, or does not hold what was asked for."""


class PolicyRefusal(ZooError):
    """A policy denies this use of a model, or requires an approval for it."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during long work; the message says which results are saved."""


class PluginWarning(UserWarning):
    """A plugin is broken and was skipped. The command line shows it in one line."""


class WeightsNotice(UserWarning):
    """Weights contain tensors that their architecture lacks; one sentence, shown verbatim."""


class CostNotice(UserWarning):
    """The cost of an operation, reported before and after it. The command line shows it in one line."""


class PolicyNotice(UserWarning):
    """A policy warns of a use of a model; one sentence, shown verbatim."""


class StandardNotice(UserWarning):
    """A standard that is used is deprecated. The command line shows it in one line."""


class LockNotice(UserWarning):
    """A lock is used as far as this version of zoo understands it; one sentence, shown verbatim."""


class PlatformNotice(UserWarning):
    """Progress of a long operation on a platform, as the platform reports it. The command line shows it in one line."""


def suggest(name: str, known: Iterable[str], count: int = 3, *, shown: Mapping[str, str] | None = None) -> str:
    """The names of ``known`` nearest to ``name`` as a sentence, or an empty string when none is near.

    Args:
        shown: how to show a name in the sentence; None shows it unchanged.
    """
    lowered = {candidate.lower(): shown[candidate] if shown else candidate for candidate in known}
    nearest = difflib.get_close_matches(name.lower(), lowered, n=count, cutoff=0.5)
    return f"Did you mean {' or '.join(lowered[match] for match in nearest)}?" if nearest else ""


@contextmanager
def needs_extra(extra: str, purpose: str) -> Iterator[None]:
    """Turn a failed import inside the block into an error with the pip command that fixes it.

    Args:
        extra: the optional-dependency group of this distribution that installs the package.
        purpose: what the user wanted, to follow "is needed to", for example ``"read images"``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        raise MissingExtra(
            f"The package '{package}' is needed to {purpose} and is not installed.",
            f"Run: pip install 'foundation-zoo[{extra}]'",
        ) from error


def needs_program(name: str, purpose: str, hint: str) -> str:
    """The path of a program of the system.

    Args:
        purpose: what the user wanted, to follow "is needed to", for example ``"turn texts into phonemes"``.
        hint: the command that installs it.

    Raises:
        MissingProgram: it is not on the path.
    """
    import shutil

    found = shutil.which(name)
    if found is None:
        raise MissingProgram(f"The program '{name}' is needed to {purpose} and is not installed.", hint)
    return found


@contextmanager
def storage_errors(target: object, doing: str = "write") -> Iterator[None]:
    """Turn a failed file operation on ``target`` into a clear error: read-only, full disk, or missing folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"Cannot {doing} {target}: {reason[:1].lower()}{reason[1:]}.",
            "Choose a writable folder with free space (ZOO_HOME sets where zoo keeps its own files).",
        ) from error
