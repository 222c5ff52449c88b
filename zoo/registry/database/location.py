"""Locations of registries: SQLite files, and PostgreSQL databases by their URL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from zoo.errors import InvalidInput

_SCHEMES = ("postgresql", "postgresql+psycopg", "postgres")
_SECRET = re.compile(r"(?i)\b(password|passfile|sslpassword)=[^&\s]*")


@dataclass(frozen=True)
class Server:
    """A PostgreSQL database; ``str()`` hides the password.

    Attributes:
        url: ``postgresql+psycopg://user:password@host:port/database``.
    """

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user = f"{parts.username}@" if parts.username else ""
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
        query = f"?{_SECRET.sub(lambda found: f'{found[1]}=***', parts.query)}" if parts.query else ""
        return f"postgresql://{user}{host}{parts.path}{query}"

    @property
    def dsn(self) -> str:
        """The URL for PostgreSQL's client library."""
        return "postgresql://" + self.url.partition("://")[2]

    def without_secrets(self, text: str) -> str:
        """A text without the password."""
        password = urlsplit(self.url).password
        for secret in {password, unquote(password or "")} - {None, ""}:
            text = text.replace(str(secret), "***")
        return _SECRET.sub(lambda found: f"{found[1]}=***", text)


Location: TypeAlias = Path | Server


def located(where: str | Path) -> Location:
    """The location of a path or URL.

    Raises:
        InvalidInput: the URL of an unsupported database.
    """
    if isinstance(where, Path):
        return where.absolute()
    scheme, separator, rest = where.partition("://")
    if not separator:
        return Path(where).expanduser().absolute()
    if scheme in _SCHEMES:
        server = Server(where)
        try:
            named = urlsplit(where).path.strip("/") and str(server)
        except ValueError as error:
            raise InvalidInput(f"The port of {_named(where)} is not a number.", _LIKE) from error
        if not named:
            raise InvalidInput(f"{_named(where)} names no database.", _LIKE)
        return server
    if scheme == "sqlite":
        return Path(rest.removeprefix("/")).expanduser().absolute()
    raise InvalidInput(f"A registry cannot be stored at {scheme}://.", _LIKE)


def beside(location: Location, suffix: str) -> Path:
    """The path of an auxiliary file of a registry: next to it, or in zoo's folder if it is on a server."""
    if isinstance(location, Path):
        return location.with_name(f"{location.name}{suffix}")
    import hashlib

    from zoo.config import settings

    return settings().home / f"registry-{hashlib.sha256(str(location).encode()).hexdigest()[:12]}{suffix}"


_LIKE = "Use a path, or postgresql+psycopg://user:password@host:5432/database."


def _named(where: str) -> str:
    """A URL that cannot be parsed, without a possible password."""
    return re.sub(r"//.*@", "//***@", where, flags=re.DOTALL)
