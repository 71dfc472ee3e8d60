"""Small pictures of the kinds of nodes, drawn with lines on a field of 16 by 16."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BADGES", "ICONS"]

ICONS: Mapping[str, str] = {
    "step": "M2.5 4.5h11v7h-11zM5.5 8h5",
    "agent": (
        "M8 1.5v2.5M3 6.5q0-2.5 2.5-2.5h5q2.5 0 2.5 2.5v4q0 2.5-2.5 2.5h-5q-2.5 0-2.5-2.5z"
        "M6 7.5v1.6M10 7.5v1.6M1 7.5v2.5M15 7.5v2.5"
    ),
    "tool": "M13.6 4.2a3.6 3.6 0 0 1-4.9 4.3l-5 5a1.4 1.4 0 0 1-2-2l5-5a3.6 3.6 0 0 1 4.3-4.9l-2 2 .4 1.8 1.8.4z",
    "condition": "M8 1.5l6.5 6.5-6.5 6.5-6.5-6.5zM8 5.3v3.2M8 10.6v.2",
    "parallel": "M3 2.5v11M8 2.5v11M13 2.5v11M1.5 2.5h13M1.5 13.5h13",
    "map": "M5.5 1.5h9v9h-9zM5.5 5.5h-4v9h9v-4",
    "human": "M8 8.2a3.1 3.1 0 1 0 0-6.2a3.1 3.1 0 0 0 0 6.2zM2.2 14.5c0-3 2.4-4.2 5.8-4.2s5.8 1.2 5.8 4.2",
    "workflow": "M2 2h4.5v4.5h-4.5zM9.5 9.5h4.5v4.5h-4.5zM4.2 6.5v5.2h5.3",
    "team": (
        "M5.8 7.5a2.5 2.5 0 1 0 0-5a2.5 2.5 0 0 0 0 5zM1 13.5c0-2.7 1.9-3.8 4.8-3.8s4.8 1.1 4.8 3.8"
        "M10.5 2.7a2.5 2.5 0 0 1 0 4.6M12.4 9.9c1.6.5 2.6 1.6 2.6 3.6"
    ),
    "data": (
        "M2.5 4c0-1.4 2.4-2.3 5.5-2.3s5.5.9 5.5 2.3-2.4 2.3-5.5 2.3-5.5-.9-5.5-2.3z"
        "M2.5 4v8c0 1.4 2.4 2.3 5.5 2.3s5.5-.9 5.5-2.3v-8M2.5 8c0 1.4 2.4 2.3 5.5 2.3s5.5-.9 5.5-2.3"
    ),
}
"""Path data, by node kind; start and end have none."""

BADGES: Mapping[str, str] = {
    "current": "M-1.8-3l4.6 3-4.6 3z",
    "failed": "M-2.6-2.6l5.2 5.2M2.6-2.6l-5.2 5.2",
    "interrupted": "M-1.7-2.8v5.6M1.7-2.8v5.6",
    "visited": "M-3.2 .2l2.2 2.4 4.2-4.8",
}
"""Path data, by mark of a run, around the middle of a circle of radius 8."""
