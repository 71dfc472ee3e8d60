"""What the commands print with: color where it is wanted, tables, notes. Light: no rich.

Packages with commands of their own use it too, so that all of ``victor`` looks alike.

Example:
    >>> print(format_table([("ada", "36"), ("al", "7")], header=("name", "age")))
    name  age
    ada   36
    al    7
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

__all__ = [
    "format_table",
    "is_terminal",
    "note",
    "print_json",
    "print_table",
    "printable",
    "set_color",
    "style",
    "terminal_width",
    "uses_color",
    "wrap",
]

_CODES: Final[Mapping[str, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}
_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it; new lines and tabs are left."""

_wish = "auto"


def set_color(wish: str) -> str:
    """Follow the setting ``color`` from now on: ``"auto"``, ``"always"`` or ``"never"``. Returns what held before."""
    global _wish
    was, _wish = _wish, wish
    return was


def is_terminal(stream: TextIO | None = None) -> bool:
    """True when a person is likely to read the stream (stdout by default)."""
    stream = sys.stdout if stream is None else stream
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # replaced by something else, or closed
        return False


def uses_color(stream: TextIO | None = None) -> bool:
    """Whether to color the stream: ``NO_COLOR`` and ``color = "never"`` win, then ``FORCE_COLOR``, else terminals."""
    if os.environ.get("NO_COLOR") or _wish == "never":
        return False
    if os.environ.get("FORCE_COLOR") or _wish == "always":
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def style(text: str, *names: str, stream: TextIO | None = None) -> str:
    """The text in color, where the stream shows color.

    Args:
        text: What to show.
        *names: Of ``bold dim red green yellow blue magenta cyan``.
        stream: Where it will be printed; stdout by default.
    """
    if not names or not text or not uses_color(stream):
        return text
    return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"


def terminal_width(stream: TextIO | None = None, *, default: int = 100) -> int:
    """Columns of the terminal; ``default`` where there is none. ``COLUMNS`` wins."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    try:
        width = os.get_terminal_size((sys.stdout if stream is None else stream).fileno()).columns
    except (OSError, ValueError, AttributeError):
        return default
    return width if width > 0 else default


def wrap(text: str, width: int, *, indent: str = "") -> list[str]:
    """Lines of at most ``width`` columns, all but the first indented; no line where the text is empty.

    Example:
        >>> wrap("one two three", 8, indent="  ")
        ['one two', '  three']
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line.strip() else line + word
        if line.strip() and len(longer) > width:
            lines.append(line)
            line = indent + word
        else:
            line = longer
    return [*lines, line] if line.strip() else lines


def printable(text: str) -> str:
    """A text by a model or a stranger, without what a terminal would obey: colors, titles, clearing the screen, ...

    Where nobody reads, in a pipe or a file, it stays as it is.

    Args:
        text: Of any number of lines.
    """
    return _COMMANDS.sub("\N{REPLACEMENT CHARACTER}", text) if is_terminal() else text


def format_table(
    rows: Iterable[Sequence[str]],
    *,
    header: Sequence[str] = (),
    width: int | None = None,
    indent: str = "",
    color: str = "",
) -> str:
    """Aligned columns. The last one is wrapped where a width is given.

    Args:
        rows: Texts, as many in each row.
        header: Names of the columns, or empty for none.
        width: Columns of the terminal; None leaves long lines alone.
        indent: Before every line.
        color: Name of a color for the first column, and for nothing else.
    """
    body = [tuple(" ".join(cell.split()) for cell in row) for row in rows]
    every = [tuple(header), *body] if header else body
    if not every:
        return ""
    widths = [max(len(row[i]) for row in every) for i in range(len(every[0]))]
    before = len(indent) + sum(widths[:-1]) + 2 * (len(widths) - 1)
    lines: list[str] = []
    for number, row in enumerate(every):
        last = row[-1]
        pieces = wrap(last, max(width - before, 20)) if width is not None and before + len(last) > width else [last]
        cells = [cell.ljust(size) for cell, size in zip(row[:-1], widths, strict=False)]
        heading = bool(header) and number == 0
        if cells:
            cells[0] = style(cells[0], "bold") if heading else style(cells[0], color) if color else cells[0]
            cells[1:] = [style(cell, "bold") if heading else cell for cell in cells[1:]]
        pieces[0] = style(pieces[0], "bold") if heading else pieces[0]
        lines.append((indent + "  ".join([*cells, pieces[0]])).rstrip())
        lines += [" " * before + piece for piece in pieces[1:]]
    return "\n".join(lines)


def print_table(
    rows: Iterable[Sequence[str]], *, header: Sequence[str] = (), indent: str = "", color: str = "cyan"
) -> None:
    """Print a table: wrapped and in color on a terminal, one plain line per row elsewhere."""
    width = terminal_width() if is_terminal() else None
    text = format_table(rows, header=header, width=width, indent=indent, color=color)
    if text:
        print(text)


def print_json(value: Any) -> None:
    """Print one JSON value, indented by two."""
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def note(text: str, *, kind: str = "") -> None:
    """One line on stderr, so that stdout stays clean for what was asked for.

    What was printed before comes first, also where both go into one file or pipe.

    Args:
        text: The line.
        kind: ``"error"`` or ``"warning"``, which is put before it; empty for a dim remark.
    """
    color = {"error": ("red", "bold"), "warning": ("yellow", "bold")}.get(kind, ("dim",))
    if sys.stdout is not None:
        sys.stdout.flush()
    if kind:
        print(f"{style(kind + ':', *color, stream=sys.stderr)} {text}", file=sys.stderr)
    else:
        print(style(text, *color, stream=sys.stderr), file=sys.stderr)
