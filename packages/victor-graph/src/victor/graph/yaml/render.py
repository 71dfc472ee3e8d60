"""Values as YAML text, in block or flow style, such that our reader and others read them back as they were."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from victor.core.errors import ConfigurationError
from victor.graph.yaml.source import plain

__all__ = ["render_block", "render_flow", "render_scalar"]

_WORDS: Final = frozenset({"yes", "no", "on", "off", "true", "false", "null", "~", ""})
"""What YAML 1.1 takes for something else than a text."""

_PLAIN: Final = re.compile(r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<](?:[^\n\r\t]*[^\s:])?")
_UNSAFE: Final = re.compile(r": |:$| #|[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_OLD_NUMBER: Final = re.compile(r"[-+.]?[0-9][0-9_,.:eE+\-xobXOB]*|[-+]?\.(inf|nan)", re.IGNORECASE)
_UNPRINTABLE: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]")
_WIDE: Final = 100


def render_scalar(value: Any, *, flow: bool = False, style: str = "") -> str:
    """A text, number, boolean or null on one line.

    Args:
        value: What to write.
        flow: Whether it stands inside brackets.
        style: Quotes to use where they can be.

    Raises:
        ConfigurationError: It is none of these.

    Example:
        >>> [render_scalar(value) for value in ("a b", "yes", "12", 12, None, "x: y")]
        ['a b', "'yes'", "'12'", '12', 'null', "'x: y'"]
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isfinite(value):
            text = repr(value)
            return text if "." in text or "e" not in text else text.replace("e", ".0e")
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if not isinstance(value, str):
        raise ConfigurationError(f"a workflow file cannot hold a {type(value).__name__}: {value!r:.60}")
    if not style and _can_be_plain(value, flow=flow):
        return value
    if style == '"' or _UNPRINTABLE.search(value) or any(char < " " for char in value):
        return _double(value)
    return "'" + value.replace("'", "''") + "'"


def _can_be_plain(text: str, *, flow: bool) -> bool:
    if text.lower() in _WORDS or not isinstance(plain(text), str) or _OLD_NUMBER.fullmatch(text):
        return False
    if not _PLAIN.fullmatch(text) or _UNSAFE.search(text) or text.startswith(("---", "...")):
        return False
    return not (flow and re.search(r"[,\[\]{}]|:(?=[,\[\]{}])", text))


def _double(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)


def render_flow(value: Any) -> str:
    """Any value on one line.

    Example:
        >>> render_flow({"a": [1, "b, c"], "d": {}})
        "{a: [1, 'b, c'], d: {}}"
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key, flow=True)}: {render_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(render_flow, value)) + "]"
    return render_scalar(value, flow=True)


def render_block(value: Any, column: int, *, step: int = 2, dash: int = 2, newline: str = "\n") -> str:
    r"""A value as it stands after ``key:`` or ``-``, beginning with a space or a line break.

    Args:
        value: What to write.
        column: The column its key stands in.
        step: By how much a mapping is indented below its key.
        dash: By how much a list is.
        newline: The line break of the file.

    Example:
        >>> print("inputs:" + render_block({"n": 1, "tags": ["a", "b"], "text": "one\ntwo\n"}, 0))
        inputs:
          n: 1
          tags: [a, b]
          text: |
            one
            two
    """
    if isinstance(value, Mapping) and value:
        return newline + pairs_block(value, column + step, step=step, dash=dash, newline=newline)
    if isinstance(value, (list, tuple)) and value:
        line = render_flow(value)
        if not any(isinstance(item, (Mapping, list, tuple)) for item in value) and len(line) <= _WIDE - column:
            return " " + line
        inner = column + dash
        items = (item_block(item, inner, step=step, dash=dash, newline=newline) for item in value)
        return newline + newline.join(" " * inner + item for item in items)
    if isinstance(value, str) and "\n" in value:
        literal = _literal(value, column + step, newline)
        if literal is not None:
            return literal
    return " " + render_flow(value)


def pairs_block(value: Mapping[Any, Any], column: int, *, step: int, dash: int, newline: str) -> str:
    """The lines of a mapping whose keys stand in that column."""
    options: dict[str, Any] = {"step": step, "dash": dash, "newline": newline}
    return newline.join(
        f"{' ' * column}{_key(key)}:{render_block(item, column, **options)}" for key, item in value.items()
    )


def item_block(value: Any, column: int, *, step: int, dash: int, newline: str) -> str:
    """An item of a list, with its dash, which stands in that column; the first line is not indented."""
    if isinstance(value, Mapping) and value:
        text = pairs_block(value, column + 2, step=step, dash=dash, newline=newline)
        return "- " + text[column + 2 :]
    return "-" + (
        render_block(value, column, step=2, dash=2, newline=newline)
        if not isinstance(value, (list, tuple))
        else " " + render_flow(value)
    )


def _key(key: Any, *, flow: bool = False) -> str:
    text = render_scalar(str(key), flow=flow)
    if key in ("true", "false"):  # keys are always texts here; as branches they read better so
        return str(key)
    return text


def _literal(text: str, column: int, newline: str) -> str | None:
    """A text of several lines as ``|``, where that can hold it."""
    body = text[:-1] if text.endswith("\n") else text
    lines = body.split("\n")
    if not lines[0] or lines[0][0] in " \t" or not lines[-1] or "\r" in text or _UNPRINTABLE.search(text):
        return None
    if any(char < " " and char not in "\n\t" for char in text) or any(
        line != "" and not line.strip() for line in lines
    ):
        return None
    mark = "|" if text.endswith("\n") else "|-"
    return f" {mark}{newline}" + newline.join(" " * column + line if line else "" for line in lines)
