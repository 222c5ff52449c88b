"""Families of licences, for policies; not legal advice."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

FAMILIES = {
    "public-domain": ("CC0-1.0", "Unlicense", "0BSD", "WTFPL", "PDDL-1.0"),
    "permissive": (
        "Apache-2.0",
        "MIT",
        "MIT-0",
        "BSD-*",
        "ISC",
        "Zlib",
        "BSL-1.0",
        "PostgreSQL",
        "NCSA",
        "AFL-3.0",
        "Artistic-2.0",
        "ECL-2.0",
        "CC-BY-4.0",
        "CC-BY-3.0",
        "CDLA-Permissive-*",
        "CC0-1.0",
        "Unlicense",
        "0BSD",
        "WTFPL",
        "PDDL-1.0",
    ),
    "weak-copyleft": ("LGPL-*", "MPL-*", "EPL-*", "CDDL-*", "OSL-3.0"),
    "copyleft": ("GPL-*", "AGPL-*", "EUPL-*", "CC-BY-SA-*", "ODbL-1.0"),
    "non-commercial": ("CC-BY-NC-*", "PolyForm-Noncommercial-*"),
}
"""SPDX identifiers, or patterns of them. Permissive licences require attribution at most, as does ``CC-BY`` for data
and weights; public domain is permissive as well. ``other`` (community and research licences) is in no family, so
someone has to read it."""


def matches(license: str | None, policy: Iterable[str]) -> bool:
    """Whether a policy includes a licence.

    Args:
        license: SPDX identifier, or None if unknown; no policy includes an unknown licence.
        policy: SPDX identifiers, patterns of them such as ``BSD-*``, or names of ``FAMILIES``, in any case.
    """
    if not license:
        return False
    patterns = [pattern for name in policy for pattern in FAMILIES.get(name.lower(), (name,))]
    return any(fnmatchcase(license.lower(), pattern.lower()) for pattern in patterns)


def family(license: str | None) -> str | None:
    """The first family of a licence; None if it is unknown or in no family."""
    return next((name for name in FAMILIES if matches(license, (name,))), None)
