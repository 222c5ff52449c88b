"""Names of models on Kaggle: handles, addresses of pages, and the old handles of TensorFlow Hub."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from zoo.errors import InvalidInput, ModelNotFound, NetworkUnavailable

TFHUB = "https://tfhub.dev"
"""The old address of TensorFlow Hub, which redirects each model to its page on Kaggle."""

TIMEOUT = 30.0
_SLUG = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_HANDLE = re.compile(rf"({_SLUG})/({_SLUG})/({_SLUG})/({_SLUG})(?:/(\d+))?\Z")
_PAGE = re.compile(
    rf"/models/({_SLUG})/({_SLUG})/(?:frameworks/)?({_SLUG})/(?:variations/)?({_SLUG})(?:/(?:versions/)?(\d+))?/?\Z"
)


@dataclass(frozen=True)
class Handle:
    """``owner/model/framework/variation``, with a version or without."""

    owner: str
    model: str
    framework: str
    variation: str
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.owner}/{self.model}/{self.framework}/{self.variation}"

    @classmethod
    def parse(cls, name: str, revision: str | None = None) -> Handle:
        """Parse a model's name; a name of tfhub.dev takes one request.

        Raises:
            InvalidInput: the name is not valid, or the version is not a whole number.
            ModelNotFound: tfhub.dev does not redirect it to a model.
        """
        parts = urlsplit(name if "://" in name else f"https://{name}")
        if parts.hostname == "tfhub.dev":
            found = _PAGE.match(_page_on_kaggle(parts.path))
        elif parts.hostname in {"kaggle.com", "www.kaggle.com"}:
            found = _PAGE.match(parts.path)
        else:
            found = _HANDLE.match(name)
        version = revision or (found and found[5])
        if found is None or (version is not None and not re.fullmatch(r"[1-9]\d{0,8}", version)):
            raise InvalidInput(
                f"'kaggle:{name}{f'@{revision}' if revision else ''}' is not the name of a model on Kaggle.",
                "It looks like kaggle:google/bert/tensorFlow2/bert-en-uncased-l-2-h-128-a-2@2, or tfhub.dev/...",
            )
        return cls(found[1], found[2], found[3], found[4], int(version) if version else None)


def _page_on_kaggle(path: str) -> str:
    """The path of the page to which tfhub.dev redirects a model."""
    request = urllib.request.Request(f"{TFHUB}{path}", headers={"User-Agent": "zoo"}, method="HEAD")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT):
            location = ""
    except urllib.error.HTTPError as error:
        location = error.headers.get("Location") or ""
        error.close()
    except OSError as error:
        raise NetworkUnavailable(
            f"tfhub.dev cannot be reached to look up '{path.strip('/')}' on Kaggle ({type(error).__name__}).",
            "Use its name on Kaggle: kaggle:owner/model/framework/variation",
        ) from error
    parts = urlsplit(location)
    if parts.hostname not in {"kaggle.com", "www.kaggle.com"} or not _PAGE.match(parts.path):
        raise ModelNotFound(
            f"tfhub.dev does not redirect '{path.strip('/')}' to a model on Kaggle.",
            "Look for it on kaggle.com/models.",
        )
    return parts.path


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *arguments: Any) -> None:
        return None
