"""Takes credentials out of text: passwords in addresses, and the tokens and passwords that the environment holds."""

from __future__ import annotations

import base64
import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

HIDDEN = "***"
"""Replaces a credential."""

SHORTEST = 8
"""Minimum length of an environment value that is hidden everywhere; shorter ones are hidden in addresses only."""

_SECRET_NAME = re.compile(r"(?i)(?:PASSWORD|PASSWD|(?:^|_)(?:TOKEN|KEY|SECRET|PASSPHRASE|PASS|CREDENTIALS?))\Z")
_USER = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?P<user>[^\s/?#'\"<>]*)@")
_WEB = re.compile(r"(?i)(?:[a-z]+\+)?(?:https?|wss?|ftp)://\Z")
_PARAMETER = re.compile(
    r"(?i)(?P<name>[?&;](?:[\w-]*(?:password|passwd|passphrase|passfile|secret|token|signature|credential)"
    r"|api[_-]?key|access[_-]?key|sig)=)[^&\s'\"<>#]+"
)
_KEYWORD = re.compile(r"(?i)(?P<name>\b(?:password|passwd|sslpassword)\s*=\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&'\"]+)")
_HEADER = re.compile(
    r"(?i)(?P<name>\bauthorization['\"]?\s*[:=,]\s*b?['\"]?(?:bearer|basic|token)\s+)[^\s'\",;]+"
    r"|(?P<bearer>\bBearer\s+)[\w.~+/=-]{16,}"
)


def redactor(arguments: Iterable[str] = ()) -> Callable[[str], str]:
    """``redacted`` with the secrets that the environment holds now, for many texts.

    Args:
        arguments: of the command line; the passwords of addresses among them are hidden too.
    """
    secrets = _secrets(arguments)
    literal = _literal(secrets) if secrets else None

    def redact(text: str) -> str:
        if literal is not None:
            text = literal.sub(HIDDEN, text)
        if "://" in text:
            text = _USER.sub(_without_user, text)
        if "=" in text:
            text = _KEYWORD.sub(_after_name, _PARAMETER.sub(_after_name, text))
        if "earer" in text or "uthorization" in text.lower():
            text = _HEADER.sub(_after_name, text)
        return text

    return redact


def redacted(text: str) -> str:
    """A text to be shown or kept, with ``***`` for every credential in it.

    Hidden are user names and passwords in web addresses, passwords in those of databases, parameters of addresses whose
    name says that they are secret, headers that authorise, the Hub's token, and every value of at least ``SHORTEST``
    characters in an environment variable whose name ends like that of a secret (``HF_TOKEN``, ``KAGGLE_KEY``) or
    that is the password of an address there (``HTTPS_PROXY``).
    """
    return redactor()(text)


def redacted_values(document: Any) -> Any:
    """A document of JSON's types with every text in it redacted, keys included."""
    return _each(document, redactor())


def _each(document: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(document, str):
        return redact(document)
    if isinstance(document, Mapping):
        return {redact(key) if isinstance(key, str) else key: _each(v, redact) for key, v in document.items()}
    if isinstance(document, (list, tuple)):
        return [_each(value, redact) for value in document]
    return document


def without_credentials(address: str) -> str:
    """A working address without user name, password and secret parameters, to be stored.

    Any other text is only redacted, see ``redacted``.
    """
    return redacted(_USER.sub(lambda found: found["scheme"], address))


def _after_name(found: re.Match[str]) -> str:
    names = found.groupdict()
    return f"{names['name'] or names.get('bearer') or ''}{HIDDEN}"


def _without_user(found: re.Match[str]) -> str:
    scheme, user = found["scheme"], found["user"]
    if _WEB.match(scheme):
        return f"{scheme}{HIDDEN}@"  # a token is often given as the user name
    return f"{scheme}{user.partition(':')[0]}:{HIDDEN}@" if ":" in user else found[0]


@functools.lru_cache(maxsize=4)
def _literal(secrets: tuple[str, ...]) -> re.Pattern[str]:
    # A short one may be a word, of which only whole occurrences are hidden.
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.compile(
        "|".join(
            re.escape(secret) if len(secret) >= 2 * SHORTEST else rf"(?<!\w){re.escape(secret)}(?!\w)"
            for secret in longest_first
        )
    )


def _secrets(arguments: Iterable[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for value in arguments:
        found.update(_of_address(value))
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name):
            found.add(value.strip())
        elif "://" in value:
            found.update(_of_address(value))
    found.update(_hub_token())
    return tuple(sorted(secret for secret in found if len(secret) >= SHORTEST))


def _of_address(value: str) -> Iterator[str]:
    """The passwords in an address, as written and decoded."""
    user, at, _ = value.partition("://")[2].rpartition("@")
    name, colon, password = user.partition(":")
    if at and colon:
        yield password
        yield unquote(password)
        yield base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    for found in _PARAMETER.finditer(value):
        secret = found[0].removeprefix(found["name"])
        yield secret
        yield unquote(secret)


def _hub_token() -> tuple[str, ...]:
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    path = Path(os.environ.get("HF_TOKEN_PATH") or os.path.join(home, "token")).expanduser()
    try:
        return _read_token(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return ()


@functools.lru_cache(maxsize=4)
def _read_token(path: Path, changed: int) -> tuple[str, ...]:
    return (path.read_text(encoding="utf-8")[:1000].strip(),)
