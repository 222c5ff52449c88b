"""Calls Kaggle's own client silently, because its verbose output includes the token."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import (
    GatedModel,
    IntegrityError,
    ModelNotFound,
    NetworkUnavailable,
    SourceError,
    ZooError,
    needs_extra,
    storage_errors,
)
from zoo.sources.files.paths import check_path
from zoo.sources.kaggle.names import Handle

_quiet = threading.Lock()


class KaggleClient:
    """The calls that zoo uses; a wrong or missing token raises a clear error without the token."""

    def instance(self, handle: Handle) -> Any:
        """Kaggle's metadata of one variation of a model."""
        with _calling(str(handle)) as sdk:
            request = sdk.service.ApiGetModelInstanceRequest()
            return sdk.models.get_model_instance(_filled(request, handle))

    def files(self, handle: Handle, version: int) -> dict[str, int]:
        """The files of a version with their sizes in bytes; the names are validated.

        Raises:
            IntegrityError: a name would leave the folder that it is written to.
        """
        found: dict[str, int] = {}
        token = ""
        with _calling(str(handle)) as sdk:
            while True:
                request = _filled(sdk.service.ApiListModelInstanceVersionFilesRequest(), handle)
                request.version_number, request.page_size, request.page_token = version, 100, token
                page = sdk.models.list_model_instance_version_files(request)
                before = len(found)
                found.update({check_path(file.name, f"'kaggle:{handle}'"): file.size for file in page.files or ()})
                token = page.next_page_token or ""
                if not token or len(found) == before:
                    return found

    def page(self, token: str, size: int) -> tuple[list[Any], str]:
        """Models with their variations, the most popular first, and the token of the next page."""
        with _calling("the list of models") as sdk:
            request = sdk.service.ApiListModelsRequest()
            request.page_size, request.page_token = size, token
            page = sdk.models.list_models(request)
            return list(page.models or ()), page.next_page_token or ""

    def download(self, handle: Handle, version: int, path: str) -> Path:
        """Download a file into Kaggle's own cache; the client verifies its MD5 if the storage has one."""
        with _calling(str(handle)), storage_errors(path):
            import kagglehub

            return Path(kagglehub.model_download(f"{handle}/{version}", path=path))


class _Sdk:
    def __init__(self, client: Any, service: Any) -> None:
        self.models, self.service = client.models.model_api_client, service


@contextlib.contextmanager
def _calling(name: str) -> Iterator[_Sdk]:
    with needs_extra("kaggle", "reach Kaggle"):
        from kagglehub.clients import build_kaggle_client
        from kagglesdk.models.types import model_api_service
    logging.getLogger("kagglehub").setLevel(logging.CRITICAL)
    sink = io.StringIO()
    # One call at a time, because the output of the whole process is captured.
    with _quiet, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        try:
            with build_kaggle_client() as client:
                yield _Sdk(client, model_api_service)
        except ZooError:
            raise
        except Exception as error:
            translated = _translate(error, name)
            if translated is None:
                raise
            raise translated from None


def _translate(error: Exception, name: str) -> ZooError | None:
    """The error to raise for an error of the client, by its type; the server's text may contain the token."""
    import requests
    from kagglehub.exceptions import DataCorruptionError

    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(error, DataCorruptionError):
        return IntegrityError(
            f"A downloaded file of 'kaggle:{name}' has another MD5 than published; it was deleted.",
            f"Run: zoo pull kaggle:{name}",
        )
    if status in {401, 403}:
        return GatedModel(
            f"Kaggle refused access to 'kaggle:{name}': the token is wrong, missing, or the terms are not accepted.",
            f"Create a token at kaggle.com/settings, set KAGGLE_API_TOKEN; the terms are at kaggle.com/models/{name}",
        )
    if status == 404:
        return ModelNotFound(
            f"There is no model '{name}' on Kaggle, or it is private.", "Look for it on kaggle.com/models."
        )
    if status is not None:
        return NetworkUnavailable(f"Kaggle answered with error {status} about '{name}'.", "Try again in a few minutes.")
    if isinstance(error, requests.RequestException):
        return NetworkUnavailable(
            f"Kaggle cannot be reached ({type(error).__name__}).", "Check the network and HTTPS_PROXY, then try again."
        )
    if isinstance(error, (ValueError, TypeError, KeyError, AttributeError)):
        return SourceError(
            f"Kaggle's client does not understand the answer about '{name}' ({type(error).__name__}).",
            "Update it: pip install -U kagglehub",
        )
    return None


def _filled(request: Any, handle: Handle) -> Any:
    from kagglehub.handle import parse_model_handle

    request.owner_slug, request.model_slug, request.instance_slug = handle.owner, handle.model, handle.variation
    request.framework = parse_model_handle(str(handle)).framework_enum()
    return request
