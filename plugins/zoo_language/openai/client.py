"""OpenAI's official client, with clear errors; the key is never printed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from zoo.errors import GatedModel, InvalidInput, ModelNotFound, NetworkUnavailable, SourceError, needs_extra

RETRIES = 5
"""Retries by the client itself, after the wait that the server asks for: on 408, 409, 429, 5xx, lost connections."""

TIMEOUT = 60.0

LONGEST = 300
"""Characters of a message of the server that are printed."""

_KEY = re.compile(r"\bsk-[\w*-]+|Bearer\s+\S+")


def client() -> Any:
    """The client for ``OPENAI_BASE_URL`` with ``OPENAI_API_KEY``.

    Raises:
        GatedModel: there is no key.
        MissingExtra: the client is not installed.
    """
    with needs_extra("openai", "reach OpenAI"):
        from openai import OpenAI
    if not os.environ.get("OPENAI_API_KEY"):
        raise GatedModel("OpenAI requires an API key.", "Set OPENAI_API_KEY.")
    return OpenAI(max_retries=RETRIES, timeout=TIMEOUT)


@contextmanager
def openai_errors(model: str) -> Iterator[None]:
    """Translate the client's errors by their type; the server's text is not repeated, since it may quote the key.

    Args:
        model: model id.
    """
    import openai

    try:
        yield
    except openai.AuthenticationError:
        raise GatedModel("OpenAI rejected the key.", "Create a new key and set OPENAI_API_KEY.") from None
    except openai.PermissionDeniedError:
        raise GatedModel(f"The key has no access to '{model}'.", "Request access, or choose another model.") from None
    except openai.NotFoundError:
        raise ModelNotFound(f"OpenAI has no model '{model}'.", "List the models: zoo sync openai") from None
    except openai.RateLimitError:
        raise NetworkUnavailable(
            f"OpenAI still limits the rate of requests after {RETRIES} retries, or the account has no credit left.",
            "Wait a while, or check the account's limits.",
        ) from None
    except openai.BadRequestError:
        raise InvalidInput(f"OpenAI rejected this input for '{model}'.", "Check the data for unusual texts.") from None
    except openai.APIStatusError as error:
        raise NetworkUnavailable(
            f"OpenAI answered with error {error.status_code}.", "Try again in a few minutes."
        ) from None
    except openai.APIConnectionError as error:
        raise NetworkUnavailable(
            f"OpenAI cannot be reached ({type(error).__name__}).", "Check the network, HTTPS_PROXY and OPENAI_BASE_URL."
        ) from None
    except openai.OpenAIError as error:
        raise SourceError(
            f"OpenAI's client failed: {type(error).__name__}.", "Update the client: pip install -U openai"
        ) from None


def printable(text: str | None) -> str:
    """A message of the server on one line, safe to print: no key, no control characters, not too long."""
    own = os.environ.get("OPENAI_API_KEY")
    found = (text or "").replace(own, "***") if own else text or ""
    found = "".join(character if character.isprintable() else " " for character in _KEY.sub("***", found))
    found = " ".join(found.split()).rstrip(".")
    return found if len(found) <= LONGEST else found[:LONGEST] + "..."
