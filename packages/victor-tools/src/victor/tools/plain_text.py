"""Texts of strangers, for models and terminals."""

from __future__ import annotations

import unicodedata
from typing import Final

from victor.core.cut import cut_middle

__all__ = ["plain"]

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def plain(text: str, most: int = 8_000) -> str:
    r"""A text, bounded, without control characters and those nobody sees.

    The former can draw over a terminal, where somebody is to answer a question; the latter can hide orders to a model.

    Example:
        >>> plain("Reads\u200b a\u202e file.\x1b[2J")
        'Reads a file.[2J'
    """
    if not text.isprintable():
        text = "".join(char for char in text[: most * 2] if char in "\n\t" or unicodedata.category(char) not in _UNSEEN)
    return cut_middle(text, most)
