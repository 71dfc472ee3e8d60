"""The one palette of all drawn pictures: a light and a dark variant of each colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

__all__ = ["DARK", "LIGHT", "Colors", "Theme", "Tint"]

Theme = Literal["auto", "light", "dark"]
"""``auto`` follows the reader's system where the format can."""


@frozen
class Tint:
    """Colours of one kind of node: its area, its border and icon.

    Args:
        fill: Of the area.
        line: Of border and icon.
    """

    fill: str
    line: str


@frozen
class Colors:
    """One variant of the palette; CSS colours.

    Args:
        paper: Background.
        ink: Titles.
        muted: Labels, headings and durations.
        edge: Arrows.
        frame: Border of frames.
        frame_fill: Area of frames; transparent, so that nested ones add up.
        kinds: By node kind.
        marks: By mark of a run.
    """

    paper: str
    ink: str
    muted: str
    edge: str
    frame: str
    frame_fill: str
    kinds: Mapping[str, Tint]
    marks: Mapping[str, str]


LIGHT = Colors(
    paper="#ffffff",
    ink="#1e293b",
    muted="#52607a",
    edge="#64748b",
    frame="#b6c2d2",
    frame_fill="rgba(100,116,139,.06)",
    kinds={
        "start": Tint("#334155", "#334155"),
        "end": Tint("#334155", "#334155"),
        "step": Tint("#f1f5f9", "#64748b"),
        "agent": Tint("#eef2ff", "#4f46e5"),
        "tool": Tint("#ecfdf5", "#059669"),
        "condition": Tint("#fffbeb", "#c2760a"),
        "parallel": Tint("#ecfeff", "#0e7c93"),
        "map": Tint("#ecfeff", "#0e7c93"),
        "human": Tint("#fdf2f8", "#c42b7c"),
        "workflow": Tint("#eff6ff", "#2563eb"),
        "team": Tint("#f5f3ff", "#7c3aed"),
        "data": Tint("#f7f7f5", "#78716c"),
    },
    marks={"current": "#2563eb", "visited": "#16a34a", "failed": "#dc2626", "interrupted": "#d97706"},
)
"""Colors on a light ground."""

DARK = Colors(
    paper="#0f172a",
    ink="#e8edf5",
    muted="#a3b1c6",
    edge="#8494ab",
    frame="#475569",
    frame_fill="rgba(148,163,184,.08)",
    kinds={
        "start": Tint("#e2e8f0", "#e2e8f0"),
        "end": Tint("#e2e8f0", "#e2e8f0"),
        "step": Tint("#1e293b", "#8494ab"),
        "agent": Tint("#23254f", "#929bfa"),
        "tool": Tint("#0d3b34", "#34d399"),
        "condition": Tint("#3d2d0d", "#fbbf24"),
        "parallel": Tint("#0c3743", "#22d3ee"),
        "map": Tint("#0c3743", "#22d3ee"),
        "human": Tint("#451c37", "#f472b6"),
        "workflow": Tint("#172f5c", "#60a5fa"),
        "team": Tint("#2f2159", "#a78bfa"),
        "data": Tint("#2b2a28", "#b8b0a8"),
    },
    marks={"current": "#60a5fa", "visited": "#4ade80", "failed": "#f87171", "interrupted": "#fbbf24"},
)
"""Colors on a dark ground."""
