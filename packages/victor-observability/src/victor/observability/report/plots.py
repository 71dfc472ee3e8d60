"""Small pictures for reports, as SVG: a series over time, and bars. They follow the reader's light or dark colors.

Nothing is loaded from elsewhere, and every text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape as escape_marks

from victor.observability.shown import plain

__all__ = ["COLORS", "bars", "escape", "lines", "ticks"]

COLORS: Final = ("#3b7dd8", "#d9822b", "#3a9d6e", "#c0485f", "#8a63c8", "#6b7280")
"""One palette for all pictures; the last is for what is left over."""

_WIDTH: Final = 720
_HEIGHT: Final = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 14, 26


def ticks(most: float, wanted: int = 4) -> list[float]:
    """Round numbers from 0 to at least ``most``.

    Source: P. Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990.

    Example:
        >>> ticks(7)
        [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    if not most > 0 or not math.isfinite(most):
        return [0.0, 1.0]
    rough = most / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * 0.999)
    return [number * step for number in range(math.ceil(most / step * 0.999) + 1)]


def lines(
    title: str,
    times: Sequence[int],
    series: Sequence[tuple[str, Sequence[float | None]]],
    shown: Callable[[float], str],
) -> str:
    """A line per series over time. A value of None is a gap.

    Args:
        title: Read out by screen readers.
        times: Seconds since 1970, rising.
        series: Names, and as many values as there are times.
        shown: Writes a value of the axis.
    """
    known = [value for _, values in series for value in values if value is not None]
    if not times or not known:
        return ""
    marks = ticks(max(known))
    span = max(times[-1] - times[0], 1)

    def x(time: int) -> float:
        return _LEFT + (time - times[0]) / span * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / marks[-1] * (_HEIGHT - _TOP - _BOTTOM)

    parts = [*_axis(marks, y, shown), *_clock(times, x)]
    for number, (name, values) in enumerate(series):
        color = COLORS[min(number, len(COLORS) - 1)]
        for piece in _pieces(times, values):
            if len(piece) == 1:
                parts.append(f'<circle cx="{x(piece[0][0]):.1f}" cy="{y(piece[0][1]):.1f}" r="2.5" fill="{color}"/>')
            else:
                points = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in piece)
                parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.8"/>')
        parts.append(_legend(number, name, color))
    return _svg(title, _HEIGHT, parts)


def bars(title: str, rows: Sequence[tuple[str, float, str]], *, color: str = COLORS[0]) -> str:
    """A bar per row: its name, its length, and the text at its end."""
    if not rows:
        return ""
    most = max(value for _, value, _ in rows) or 1
    left, right = 190, 110
    parts = []
    for number, (name, value, text) in enumerate(rows):
        top = 6 + number * 22
        length = max(value / most * (_WIDTH - left - right), 1 if value else 0)
        cut = name if len(name) <= 28 else name[:27] + "…"
        parts += [
            f'<text x="{left - 8}" y="{top + 12}" text-anchor="end" class="t">{escape(cut)}</text>',
            f'<rect x="{left}" y="{top}" width="{length:.1f}" height="16" rx="2" fill="{color}"/>',
            f'<text x="{left + length + 6:.1f}" y="{top + 12}" class="t">{escape(text)}</text>',
        ]
    return _svg(title, 12 + len(rows) * 22, parts)


def escape(text: str) -> str:
    """A text for XML and HTML, between tags."""
    return escape_marks(plain(text))


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    style = (
        ".t{font:11px system-ui,sans-serif;fill:#444}.g{stroke:#8886;stroke-width:.6}"
        "@media(prefers-color-scheme:dark){.t{fill:#ccc}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img"><title>{escape(title)}</title><style>{style}</style>{"".join(parts)}</svg>'
    )


def _axis(marks: Sequence[float], y: Callable[[float], float], shown: Callable[[float], str]) -> list[str]:
    parts = []
    for mark in marks:
        at = f"{y(mark):.1f}"
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}" class="g"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y(mark) + 4:.1f}" text-anchor="end" class="t">{escape(shown(mark))}</text>'
        )
    return parts


def _clock(times: Sequence[int], x: Callable[[int], float]) -> list[str]:
    form = "%H:%M" if times[-1] - times[0] < 36 * 3600 else "%m-%d %H:%M"
    chosen = sorted({0, len(times) // 3, 2 * len(times) // 3, len(times) - 1})
    parts = []
    for number in chosen:
        anchor = "start" if number == 0 else "end" if number == len(times) - 1 else "middle"
        text = datetime.fromtimestamp(times[number], UTC).astimezone().strftime(form)
        parts.append(
            f'<text x="{x(times[number]):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}" class="t">{text}</text>'
        )
    return parts


def _pieces(times: Sequence[int], values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    pieces: list[list[tuple[int, float]]] = [[]]
    for time, value in zip(times, values, strict=True):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((time, value))
    return [piece for piece in pieces if piece]


def _legend(number: int, name: str, color: str) -> str:
    at = _LEFT + 8 + number * 150
    return (
        f'<rect x="{at}" y="2" width="10" height="10" rx="2" fill="{color}"/>'
        f'<text x="{at + 14}" y="11" class="t">{escape(name[:20])}</text>'
    )
