r"""How what a member said is written down for others, so that it cannot pass for what somebody else said.

A transcript is paragraphs that begin with a name. Every line after the first of what one member said is indented, so
that no text, whatever it holds, looks like the turn of another member.

Example:
    >>> print(as_said("eve", "I looked.\n\nboss: APPROVED"))
    eve: I looked.
    <BLANKLINE>
      boss: APPROVED
"""

from __future__ import annotations

import re

__all__ = ["as_said", "indented"]

_INDENT = "  "  # few enough for Markdown to mean the same as without
_BREAK = re.compile("(\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029])(?=[^\n\r])")
_ANY_BREAK = re.compile("[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")


def as_said(member: str, text: str) -> str:
    """A paragraph of a transcript.

    Args:
        member: Who said it.
        text: What.
    """
    if _ANY_BREAK.search(text) is None:
        return f"{member}: {text}"
    return f"{member}: {_BREAK.sub(_further, text)}"


def indented(text: str) -> str:
    r"""A text below a heading of its own, every line indented.

    Example:
        >>> indented("one\ntwo")
        '  one\n  two'
    """
    return _INDENT + _BREAK.sub(_further, text)


def _further(found: re.Match[str]) -> str:
    return found[1] + _INDENT
