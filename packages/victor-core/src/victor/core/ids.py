"""Ids of runs and spans: hexadecimal digits as W3C trace context has them."""

from __future__ import annotations

import os
from itertools import count
from typing import Final

__all__ = ["new_run_id", "new_span_id"]

_MASK: Final = 2**64 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio: steps of it spread evenly, so that those who sample by an id's bits may do so."""

_ids: count[int]


def _begin() -> None:
    """Begin a sequence at a random place: at import, and in a child after a fork."""
    global _ids
    _ids = count(int.from_bytes(os.urandom(8), "big"), _GOLDEN)


_begin()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin)


def new_span_id() -> str:
    """16 digits. A step of a sequence costs a quarter of what asking the kernel does; no two of 2**64 are equal."""
    return f"{next(_ids) & _MASK:016x}"


def new_run_id() -> str:
    """32 digits, at random."""
    return os.urandom(16).hex()
