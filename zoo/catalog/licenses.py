"""The SPDX identifiers that the catalog uses, and how others' licence names map to them."""

from __future__ import annotations

OTHER = "other"
"""A licence that is stated but has no SPDX identifier, such as a community or research licence."""

SPDX = frozenset(
    {
        "AGPL-3.0-only",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSD-3-Clause-Clear",
        "CC-BY-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-SA-4.0",
        "CC0-1.0",
        "GPL-3.0-only",
        "LGPL-3.0-only",
        "MIT",
        "MPL-2.0",
        "Unlicense",
    }
)

_UNSTATED = frozenset({"", "unknown", "unreleased", "not specified", "none"})
_BY_LOWER_CASE = {identifier.lower(): identifier for identifier in SPDX} | {
    "agpl-3.0": "AGPL-3.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "https://github.com/facebookresearch/swag/blob/main/license": "CC-BY-NC-4.0",
}


def spdx(name: str) -> str:
    """The SPDX identifier for a licence by any of its usual names.

    ``other`` where the name has none, and an empty string where no licence is stated.
    """
    lowered = name.strip().lower()
    if lowered in _UNSTATED:
        return ""
    return _BY_LOWER_CASE.get(lowered, OTHER)
