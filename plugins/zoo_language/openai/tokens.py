"""Number of tokens of texts for OpenAI's models, or an upper bound.

tiktoken counts them if its tables are on this machine (``TIKTOKEN_CACHE_DIR``). Otherwise the number of UTF-8 bytes is
used, which is never smaller: each token of a byte-level encoding covers at least one byte. Costs are then
overestimated, never underestimated.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

CHAT_ENCODING = "o200k_base"
AROUND_MESSAGE = 4
"""Tokens of a message besides its text: its role, and the separator to the next."""

AROUND_CONVERSATION = 3
"""Tokens at the start of an answer."""


def encoding(name: str) -> Any:
    """tiktoken's encoding if its table is on this machine, else None; it is never downloaded."""
    if not os.environ.get("TIKTOKEN_CACHE_DIR"):
        return None
    try:
        import tiktoken

        return tiktoken.get_encoding(name)
    except (ImportError, OSError, ValueError):
        return None


def counter() -> Callable[[str], int]:
    """A function that counts the tokens of a text at chat models, or its bytes, which are never fewer."""
    found = encoding(CHAT_ENCODING)
    if found is None:
        return lambda text: len(text.encode("utf-8", "replace"))
    return lambda text: len(found.encode(text, disallowed_special=()))


def conversation_tokens(messages: Sequence[Mapping[str, str]], count: Callable[[str], int]) -> int:
    """Upper bound of the tokens of a conversation."""
    return AROUND_CONVERSATION + sum(AROUND_MESSAGE + count(message["content"]) for message in messages)
