"""Turns errors of the Hub's client into clear messages with the next thing to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from zoo.entities import ModelId
from zoo.errors import (
    GatedModel,
    IntegrityError,
    InvalidInput,
    ModelNotFound,
    NetworkUnavailable,
    SourceError,
    StorageError,
    ZooError,
)
from zoo.sources.hub.cache import cache_folder


@contextmanager
def hub_errors(
    model: ModelId, endpoint: str, nearest: Callable[[], str], nearest_revision: Callable[[], str]
) -> Iterator[None]:
    """Translate the client's errors by their type.

    The server's own text is never repeated, because it may contain anything, including the token.

    Args:
        model: the requested model.
        endpoint: the Hub's address.
        nearest: returns a sentence with the nearest model names; called if the model does not exist.
        nearest_revision: the same for revisions.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        translated = _translate(error, model, endpoint)
        if translated is None:
            raise
        if isinstance(translated, ModelNotFound) and not translated.hint:
            translated.hint = (nearest_revision if _revision_missing(error) else nearest)()
        raise translated from _without_token(error)


def _translate(error: BaseException, model: ModelId, endpoint: str) -> ZooError | None:
    from huggingface_hub import errors as hub

    name = f"{model.source}:{model.name}"
    match error:
        case hub.LocalEntryNotFoundError():
            cause = error.__cause__
            return _translate(cause, model, endpoint) if cause is not None else _unreachable(name, endpoint)
        case hub.GatedRepoError():
            return GatedModel(
                f"'{name}' requires accepting its terms.",
                f"Accept them at {endpoint}/{model.name}, then run: hf auth login",
            )
        case hub.DisabledRepoError():
            return ModelNotFound(f"'{name}' has been disabled by the Hub.", "Choose another model.")
        case hub.RevisionNotFoundError():
            return ModelNotFound(f"'{name}' has no revision '{model.revision or 'main'}'.")
        case hub.RepositoryNotFoundError():
            if _status(error) == 401 and has_token():
                return refused_token(endpoint)
            return ModelNotFound(f"There is no model '{model.name}' at {endpoint}, or it is private.")
        case hub.EntryNotFoundError():
            return ModelNotFound(f"'{name}' does not have a file that it lists.", f"Run: zoo pull {name}")
        case hub.OfflineModeIsEnabled():
            return offline(name)
        case hub.HFValidationError():
            return InvalidInput(f"'{model.name}' is not the name of a model on the Hub.")
        case hub.HfHubHTTPError():
            return _http_error(error, endpoint)
        case hub.FileMetadataError():
            return SourceError(
                f"The server at {endpoint} does not respond like a Hub.",
                "Check HF_ENDPOINT, your proxy and your firewall.",
            )
        case _ if isinstance(error, client_http_error()):
            return _unreachable(name, endpoint)
        case OSError() if error.errno is None:
            return IntegrityError(
                f"A downloaded file of '{name}' differs in size from the published one; it was deleted.",
                f"Run: zoo pull {name}",
            )
        case OSError():
            return StorageError(
                f"Cannot write to {cache_folder()}: {error.strerror}.",
                "Free some space, or set HF_HOME to another folder.",
            )
        case ValueError() | TypeError() | KeyError() | AttributeError() | RecursionError():
            return SourceError(
                f"The client does not understand the response of {endpoint} about '{name}'.",
                "Check HF_ENDPOINT, and update the client: pip install -U huggingface_hub",
            )
    return None


def offline(name: str) -> NetworkUnavailable:
    """The error for a model that is not cached while zoo is offline."""
    return NetworkUnavailable(
        f"'{name}' is not completely in the cache, and zoo is offline (HF_HUB_OFFLINE or ZOO_OFFLINE is set).",
        f"Unset them and run: zoo pull {name}",
    )


def client_http_error() -> type[Exception]:
    """The base class of the errors of the HTTP library that the installed client uses."""
    from huggingface_hub.errors import HfHubHTTPError

    base = HfHubHTTPError.__bases__[0]
    return base if issubclass(base, Exception) else HfHubHTTPError


def has_token() -> bool:
    """Whether a token for the Hub is configured."""
    from huggingface_hub import get_token

    return bool(get_token())


def _http_error(error: BaseException, endpoint: str) -> ZooError:
    status = _status(error)
    if status in {401, 403}:
        return refused_token(endpoint)
    if status == 429:
        wait = retry_after(getattr(getattr(error, "response", None), "headers", {}))
        return NetworkUnavailable(
            f"{endpoint} limits the rate of requests{f' and asks to wait {wait} seconds' if wait else ''}.",
            "Wait and try again; with a token the limit is higher: hf auth login",
        )
    return NetworkUnavailable(f"{endpoint} answered with error {status}.", "Try again in a few minutes.")


def refused_token(endpoint: str) -> GatedModel:
    """The error for a token that a Hub refuses, without the token."""
    return GatedModel(f"{endpoint} refused the token.", "Create a new one and run: hf auth login")


def _unreachable(name: str, endpoint: str) -> NetworkUnavailable:
    return NetworkUnavailable(
        f"{endpoint} cannot be reached, and '{name}' is not completely in the cache.",
        "Check the network, HTTPS_PROXY and HF_ENDPOINT, then pull again; finished files are kept.",
    )


def _status(error: BaseException) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def retry_after(headers: Mapping[str, str]) -> int | None:
    """The seconds to wait according to ``Retry-After`` or ``ratelimit``; None without either."""
    value = str(headers.get("retry-after", "")).strip()
    if not value and ";t=" in (limit := str(headers.get("ratelimit", "")).replace(" ", "")):
        value = limit.rpartition(";t=")[2].partition(";")[0].partition(",")[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


def _revision_missing(error: BaseException) -> bool:
    from huggingface_hub.errors import RevisionNotFoundError

    return isinstance(error, RevisionNotFoundError)


def _without_token(error: BaseException) -> BaseException | None:
    """The error as the cause for ``--traceback``, unless it contains the token."""
    from huggingface_hub import get_token

    token = get_token()
    seen: BaseException | None = error
    while seen is not None and token:
        if token in str(seen):
            return None
        seen = seen.__cause__ or seen.__context__
    return error
