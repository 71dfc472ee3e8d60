"""What a docstring (Google, NumPy, reStructuredText) says of a function or class and of its parameters.

Nothing is parsed before it is asked for: the parser is imported at the first question.
"""

from __future__ import annotations

import inspect
from typing import Any

from attrs import field, frozen

__all__ = ["Docstring", "parse_docstring", "summary_of"]


@frozen
class Docstring:
    """A docstring in parts.

    Args:
        summary: All text before the sections: what to tell a model.
        parameters: Descriptions of parameters and attributes, by name.
        returns: What comes back.
    """

    summary: str = ""
    parameters: dict[str, str] = field(factory=dict)
    returns: str = ""


def parse_docstring(text: str | None) -> Docstring:
    """The parts of a docstring.

    Example:
        >>> found = parse_docstring('''Find files.
        ...
        ... Args:
        ...     pattern: Such as ``*.py``.
        ... ''')
        >>> found.summary, found.parameters
        ('Find files.', {'pattern': 'Such as ``*.py``.'})
    """
    if not text or not text.strip():
        return Docstring()
    text = inspect.cleandoc(text)
    if "\n" not in text:
        return Docstring(text)
    import docstring_parser

    try:
        parsed = docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return Docstring(text)
    parts = [parsed.short_description or "", parsed.long_description or ""]
    parameters = {item.arg_name.lstrip("*"): _line(item.description) for item in parsed.params if item.description}
    returns = _line(parsed.returns.description) if parsed.returns is not None else ""
    between = "\n\n" if parsed.blank_after_short_description else "\n"
    return Docstring(between.join(part.strip() for part in parts if part.strip()), parameters, returns)


def summary_of(target: Any) -> str:
    """What the docstring of a function or class says before its sections; ``""`` without one.

    Example:
        >>> def add(a: int, b: int) -> int:
        ...     "Add two numbers."
        ...     return a + b
        >>> summary_of(add)
        'Add two numbers.'
    """
    text = getattr(target, "__doc__", None)
    if not isinstance(text, str) or (not inspect.isroutine(target) and text == type(target).__doc__):
        return ""
    return parse_docstring(text).summary


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
