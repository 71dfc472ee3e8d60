"""Texts and numbers from anywhere, as databases, exporters and people can take them.

Names and texts come from programs, models and strangers: a half of a pair of surrogates (as in a file name that is no
UTF-8) cannot be encoded, and one name of a megabyte would be in every label of every export.
"""

from __future__ import annotations

from typing import Any, Final

from victor.core.redact import redact

__all__ = ["LONGEST_NAME", "MOST", "sound_amount", "sound_count", "sound_name", "sound_text", "sound_value"]

LONGEST_NAME: Final = 120
"""Characters of a name; of a longer one the rest is cut off."""

MOST: Final = 1 << 40
"""The greatest count of tokens that is believed, and the greatest sum of dollars."""

_KNOWN: Final = 10_000
_names: dict[str, str] = {}


def sound_name(name: str) -> str:
    """A name as it is counted, kept and shown: with what is secret redacted, short, and encodable.

    Example:
        >>> sound_name("search"), sound_name("caf" + chr(0xDCE9))
        ('search', 'caf?')
    """
    try:
        return _names[name]
    except KeyError:
        pass
    if len(_names) >= _KNOWN:
        _names.clear()
    sound = sound_text(name if len(name) <= 4 * LONGEST_NAME else name[: 4 * LONGEST_NAME])
    sound = str(redact(sound))
    if len(sound) > LONGEST_NAME:
        sound = sound[: LONGEST_NAME - 1] + "…"
    _names[name] = sound
    return sound


def sound_text(text: str) -> str:
    """A text that can be encoded: halves of characters become question marks."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def sound_value(value: Any) -> Any:
    """Plain data all of whose texts can be encoded."""
    kind = type(value)
    if kind is str:
        return sound_text(value)
    if kind is dict:
        return {sound_value(key): sound_value(one) for key, one in value.items()}
    if kind is list or kind is tuple:
        return [sound_value(one) for one in value]
    return value


def sound_count(value: Any) -> int | None:
    """A count of tokens; None for what cannot be one.

    Example:
        >>> sound_count(7), sound_count(-7), sound_count(2**64), sound_count("7")
        (7, None, None, None)
    """
    return value if isinstance(value, int) and 0 <= value <= MOST else None


def sound_amount(value: Any) -> float | None:
    """A sum of dollars; None for what cannot be one.

    Example:
        >>> sound_amount(1), sound_amount(-1), sound_amount(float("nan")), sound_amount(10**400)
        (1.0, None, None, None)
    """
    return float(value) if isinstance(value, int | float) and 0 <= value <= MOST else None
