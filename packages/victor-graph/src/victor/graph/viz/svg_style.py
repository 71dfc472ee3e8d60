"""The style sheet of an SVG picture: fonts and strokes, and the palette as rules that one picture keeps to itself."""

from __future__ import annotations

from victor.graph.viz.palette import DARK, LIGHT, Colors, Theme

__all__ = ["FONT", "style_sheet"]

FONT = "Inter,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans','Noto Sans','DejaVu Sans',sans-serif"
"""Fonts in order of preference; the boxes are wide enough for each."""

_RULES = f"""
{{font-family:{FONT}}}
 text{{font-size:13px;font-weight:500;text-anchor:middle}}
 .left{{text-anchor:start}}
 .note{{font-size:11.5px;font-weight:400}}
 .label text{{font-size:11.5px;font-weight:400}}
 .heading{{font-size:12px;font-weight:600;text-anchor:start}}
 .edge path{{fill:none;stroke-width:1.5}}
 .edge .head{{stroke-width:1;stroke-linejoin:round}}
 .dashed .line{{stroke-dasharray:6 4}}
 .dotted .line{{stroke-dasharray:.1 4.5;stroke-linecap:round;stroke-width:2}}
 .frame rect{{stroke-width:1}}
 .node .shape{{stroke-width:1.5}}
 .node .icon{{fill:none;stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round}}
 .badge path{{fill:none;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}}
 .halo{{fill:none;stroke-width:5;stroke-opacity:.3}}
 .dim{{opacity:.5}}
"""


def style_sheet(key: str, theme: Theme) -> str:
    """Rules for what lies in the element of class ``key``: pictures in one HTML page do not touch each other.

    Colours are written out, without variables: resvg and editors do not know these.
    """
    fixed = "".join(f".{key}{rule}" for rule in _RULES.strip("\n").split("\n"))
    if theme != "auto":
        return fixed + _colors(key, DARK if theme == "dark" else LIGHT)
    return f"{fixed}{_colors(key, LIGHT)}@media (prefers-color-scheme:dark){{{_colors(key, DARK)}}}"


def _colors(key: str, colors: Colors) -> str:
    rules = [
        f" .paper{{fill:{colors.paper}}}",
        f" text{{fill:{colors.ink}}}",
        f" .note{{fill:{colors.muted}}}",
        f" .heading{{fill:{colors.muted}}}",
        f" .label text{{fill:{colors.muted}}}",
        f" .label rect{{fill:{colors.paper}}}",
        f" .edge path{{stroke:{colors.edge}}}",
        f" .edge .head{{fill:{colors.edge}}}",
        f" .frame rect{{fill:{colors.frame_fill};stroke:{colors.frame}}}",
        f" .badge path{{stroke:{colors.paper}}}",
    ]
    for kind, tint in colors.kinds.items():
        rules.append(f" .{kind} .shape{{fill:{tint.fill};stroke:{tint.line}}}")
        rules.append(f" .{kind} .icon{{stroke:{tint.line}}}")
        if kind in ("start", "end"):
            rules.append(f" .{kind} text{{fill:{colors.paper}}}")
            rules.append(f" .{kind} .ring{{fill:none;stroke:{colors.paper}}}")
    for mark, color in colors.marks.items():
        rules.append(f" .{mark} .shape{{stroke:{color}}}")
        rules.append(f" .{mark} .halo{{stroke:{color}}}")
        rules.append(f" .{mark} .badge circle{{fill:{color}}}")
    return "".join(f".{key}{rule}" for rule in rules)
