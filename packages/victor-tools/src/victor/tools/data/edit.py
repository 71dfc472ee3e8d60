"""Changes one value inside of a document and leaves the rest, comments included where the library can."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from victor.core.errors import ToolError
from victor.tools.data.formats import parse, write

__all__ = ["change", "parse_place"]

_STEP: Final = re.compile(r"\.?([^.\[\]\s\"']+)|\[(-?\d+)\]|\[(\"[^\"]*\"|'[^']*')\]")
REMOVED: Final = object()
"""Instead of a value: take what is there away."""


def parse_place(text: str) -> list[str | int]:
    """The steps of a place such as ``servers[0].name`` or ``a["b.c"]``.

    Raises:
        ToolError: It is no place.

    Example:
        >>> parse_place('servers[0]["host name"]')
        ['servers', 0, 'host name']
    """
    text = text.strip().removeprefix("$")
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise ToolError(f"{text!r} is no place; write it like servers[0].name", retry=True)
        name, number, quoted = found.groups()
        steps.append(name if name is not None else int(number) if number is not None else quoted[1:-1])
        at = found.end()
    if not steps:
        raise ToolError("the place is empty; write it like servers[0].name", retry=True)
    return steps


def change(text: str, format: str, place: str, value: Any, name: str) -> str:
    """The text with one value set (or, with `REMOVED`, taken away).

    Raises:
        ToolError: The text is not of that format, or the place is not in it.
    """
    steps = parse_place(place)
    if format == "toml":
        return _with_toml(text, steps, value, name)
    if format == "yaml":
        return _with_yaml(text, steps, value, name)
    document = parse(text, format, name)
    _set(document, steps, value)  # tells what is wrong with the place
    if format == "json":
        return _with_json(text, steps, value, name) or write(document, format)
    return write(document, format)


def _with_json(text: str, steps: list[str | int], value: Any, name: str) -> str | None:
    from victor.tools.data.json_text import removed, replaced

    try:
        return removed(text, steps) if value is REMOVED else replaced(text, steps, value)
    except ValueError as error:
        raise ToolError(f"{name!r}: {error}; change it with files_edit") from error


def _set(document: Any, steps: list[str | int], value: Any) -> None:
    at = document
    for number, step in enumerate(steps[:-1]):
        at = _below(at, step, steps[: number + 1], make=value is not REMOVED)
    last = steps[-1]
    try:
        if value is REMOVED:
            del at[last]
        elif isinstance(at, list) and last == len(at):
            at.append(value)
        elif isinstance(at, list) and not isinstance(last, int):
            raise TypeError
        else:
            at[last] = value
    except (KeyError, IndexError, TypeError) as error:
        raise _missing(at, steps) from error


def _below(at: Any, step: str | int, walked: list[str | int], *, make: bool) -> Any:
    if isinstance(at, dict) and isinstance(step, str) and make and step not in at:
        at[step] = {}
    try:
        return at[step]
    except (KeyError, IndexError, TypeError) as error:
        raise _missing(at, walked) from error


def _missing(at: Any, steps: list[str | int]) -> ToolError:
    shown = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".")
    if isinstance(at, dict):
        has = "there are: " + (", ".join(map(str, list(at)[:20])) or "no keys")
    else:
        has = f"it is a list of {len(at)}" if isinstance(at, list) else f"what is there is {at!r}"
    return ToolError(f"there is no {shown}; {has}", retry=True)


def _with_yaml(text: str, steps: list[str | int], value: Any, name: str) -> str:
    parse(text, "yaml", name)  # refuses what is wrong or explodes
    try:
        from ruamel.yaml import YAML
    except ImportError:
        if re.search(r"(?m)(^|\s)#", text):
            raise ToolError(
                "the YAML has comments, which would be lost; pip install 'victor-tools[data]', or use files_edit"
            ) from None
        document = parse(text, "yaml", name)
        _set(document, steps, value)
        return write(document, "yaml")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    document = yaml.load(text)
    _set(document, steps, value)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _with_toml(text: str, steps: list[str | int], value: Any, name: str) -> str:
    try:
        import tomlkit
    except ImportError:
        raise ToolError("TOML can be changed after pip install 'victor-tools[data]', or with files_edit") from None
    parse(text, "toml", name)
    document = tomlkit.parse(text)
    if value is None:
        raise ToolError("TOML has no null; remove the value instead", retry=True)
    _set(document, steps, value)
    return tomlkit.dumps(document)
