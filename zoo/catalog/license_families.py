"""Licences by family, so that a policy can be said in a word; no legal advice."""

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
"""SPDX identifiers and patterns of them. Permissive ones ask for attribution at most; ``CC-BY`` counts as one because
it asks the same of data and weights. Public domain is permissive too. ``other`` (community and research licences) is in
no family: someone has to read it."""


def matches(license: str | None, policy: Iterable[str]) -> bool:
    """Whether a licence is one that a policy names.

    Args:
        license: SPDX identifier, or None where it is unknown; nothing matches an unknown licence.
        policy: SPDX identifiers, patterns of them such as ``BSD-*``, or names of ``FAMILIES``; case does not count.
    """
    if not license:
        return False
    patterns = [pattern for name in policy for pattern in FAMILIES.get(name.lower(), (name,))]
    return any(fnmatchcase(license.lower(), pattern.lower()) for pattern in patterns)


def family(license: str | None) -> str | None:
    """The first family of a licence; None for one that is unknown or in no family."""
    return next((name for name in FAMILIES if matches(license, (name,))), None)
