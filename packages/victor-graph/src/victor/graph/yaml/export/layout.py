"""Python source laid out: on one line where it fits, else broken at its brackets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import frozen

__all__ = ["Code", "Group", "Text", "call", "literal", "quoted", "render"]

_WIDTH: Final = 110
_PIECE: Final = 90


@frozen
class Text:
    """A text, which may be broken into lines."""

    value: str


@frozen
class Group:
    """Something in brackets.

    Args:
        open: ``"f("``, ``"["``.
        items: What stands in it, each with what stands right before it (``"name="``).
        close: The closing bracket.
    """

    open: str
    items: tuple[tuple[str, Code], ...]
    close: str


Code = str | Text | Group
"""A piece of a program."""


def quoted(text: str) -> str:
    r"""A text as Python writes it, in double quotes.

    Example:
        >>> print(quoted('say "a"\n'))
        "say \"a\"\n"
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return ascii(text)
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def literal(value: Any) -> Code:
    """A value of a workflow file as Python writes it.

    Example:
        >>> print(render(literal({"a": [1, None], "b": "x"})))
        {"a": [1, None], "b": "x"}
    """
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Mapping):
        return Group("{", tuple((f"{quoted(str(k))}: ", literal(v)) for k, v in value.items()), "}")
    if isinstance(value, (list, tuple)):
        return Group("[", tuple(("", literal(item)) for item in value), "]")
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def call(function: str, *arguments: Code, **named: Code | None) -> Group:
    """A call; named arguments that are None are left out.

    Example:
        >>> print(render(call("f", "a", b='"x"', c=None)))
        f(a, b="x")
    """
    items: list[tuple[str, Code]] = [("", argument) for argument in arguments]
    items += [(f"{name}=", value) for name, value in named.items() if value is not None]
    return Group(f"{function}(", tuple(items), ")")


def render(code: Code, indent: int = 0, column: int = 0) -> str:
    """The source.

    Args:
        code: What is to be written.
        indent: Of the line it begins in.
        column: How much of that line is taken already.
    """
    line = _line(code)
    if line is not None and max(column, indent) + len(line) <= _WIDTH:
        return line
    if isinstance(code, Group) and code.items:
        inner = " " * (indent + 4)
        lines = [f"{inner}{before}{render(item, indent + 4, indent + 4 + len(before))}," for before, item in code.items]
        return "\n".join([code.open, *lines, " " * indent + code.close])
    if isinstance(code, Text):
        return _broken(code.value, indent)
    return code if isinstance(code, str) else line or ""


def _line(code: Code) -> str | None:
    """All of it on one line; None where it should not be."""
    if isinstance(code, str):
        return code
    if isinstance(code, Text):
        return None if "\n" in code.value.rstrip("\n") and len(code.value) > 40 else quoted(code.value)
    parts = []
    for before, item in code.items:
        line = _line(item)
        if line is None:
            return None
        parts.append(before + line)
    return code.open + ", ".join(parts) + code.close


def _broken(text: str, indent: int) -> str:
    """A long text over several lines."""
    plain = "\\" not in text and '"""' not in text and not text.endswith('"')
    if "\n" in text and plain and all(char >= " " or char == "\n" for char in text):
        return f'"""\\\n{text}"""'
    pieces = list(_pieces(text))
    if len(pieces) == 1:
        return quoted(text)
    inner = " " * (indent + 4)
    return "\n".join(["(", *(inner + quoted(piece) for piece in pieces), " " * indent + ")"])


def _pieces(text: str) -> Iterable[str]:
    while len(text) > _PIECE:
        at = text.rfind(" ", 1, _PIECE) + 1 or text.find(" ", _PIECE) + 1
        if not 0 < at < len(text):
            break
        yield text[:at]
        text = text[at:]
    yield text
