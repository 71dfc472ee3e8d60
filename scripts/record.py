"""Record a command as a picture: ``python scripts/record.py "victor workflow run flow.yaml" -o docs/_static/run.svg``.

The command runs in a pseudo terminal; what it prints is kept with its times and drawn as an SVG that plays once. Where
a picture does not move (the reader prefers less motion, or the viewer knows no animation) it shows the finished text.
Pauses are cut short. ``--check FILE`` runs the command of a picture again and tells what the picture shows and the
command prints no more; numbers, times and names of threads may differ.
"""

from __future__ import annotations

import argparse
import codecs
import os
import re
import shlex
import shutil
import struct
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from workspace import ROOT

COLUMNS, ROWS = 120, 40
LONGEST_PAUSE_S = 0.7
FRAME_S = 0.08
CELL, LINE, MARGIN = 8.4, 20.0, 18.0
CONTROL = re.compile(r"\x1b\[(?P<given>[?\d;]*)(?P<what>[A-Za-z])|(?P<one>[\r\n\b\x07])")
COLORS = {31: "red", 32: "green", 33: "yellow", 34: "blue", 35: "magenta", 36: "cyan"}


@dataclass(frozen=True)
class Style:
    """How a cell looks: names of colours, as in CSS classes of the picture."""

    color: str = ""
    bold: bool = False
    dim: bool = False

    @property
    def classes(self) -> str:
        """Of the picture."""
        return " ".join(word for word in (self.color, "bold" * self.bold, "dim" * self.dim) if word)


Cell = tuple[str, Style]
Line = tuple[Cell, ...]


class Screen:
    """What a terminal shows. It knows the sequences that our commands use, and refuses others.

    Args:
        columns: How wide it is.
    """

    def __init__(self, columns: int = COLUMNS) -> None:
        self.columns = columns
        self.lines: list[list[Cell]] = [[]]
        self.row = self.column = 0
        self.style = Style()

    def write(self, text: str) -> None:
        """Show what a program prints.

        Raises:
            ValueError: There is a control sequence that nobody has written down here.
        """
        at = 0
        for control in CONTROL.finditer(text):
            self._print(text[at : control.start()])
            self._obey(control)
            at = control.end()
        self._print(text[at:])

    def shown(self) -> tuple[Line, ...]:
        """The lines, without blanks at their ends."""
        return tuple(tuple(_trimmed(line)) for line in self.lines)

    def _print(self, text: str) -> None:
        if "\x1b" in text:
            raise ValueError(f"unknown control sequence in {text!r}")
        for char in text:
            if self.column >= self.columns:
                self._down()
                self.column = 0
            line = self.lines[self.row]
            line.extend([(" ", Style())] * (self.column + 1 - len(line)))
            line[self.column] = (char, self.style)
            self.column += 1

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def _obey(self, control: re.Match[str]) -> None:
        one, what, given = control["one"], control["what"], control["given"] or ""
        numbers = [int(number) for number in re.findall(r"\d+", given)]
        if one == "\n":
            self._down()
        elif one == "\r":
            self.column = 0
        elif one == "\b":
            self.column = max(0, self.column - 1)
        elif what == "A":
            self.row = max(0, self.row - (numbers or [1])[0])
        elif what == "K":
            line = self.lines[self.row]
            kept = {0: line[: self.column], 2: []}
            self.lines[self.row] = kept[(numbers or [0])[0]]
        elif what == "m":
            for number in numbers or [0]:
                self.style = _styled(self.style, number)
        elif one != "\x07" and not (what in "hl" and given.startswith("?")):
            raise ValueError(f"unknown control sequence {control[0]!r}")


def _styled(style: Style, number: int) -> Style:
    if number in COLORS:
        return replace(style, color=COLORS[number])
    changed = {0: Style(), 1: replace(style, bold=True), 2: replace(style, dim=True), 39: replace(style, color="")}
    if number == 22:
        return replace(style, bold=False, dim=False)
    if number not in changed:
        raise ValueError(f"unknown style {number}")
    return changed[number]


def _trimmed(line: Sequence[Cell]) -> Sequence[Cell]:
    end = len(line)
    while end and line[end - 1][0] == " ":
        end -= 1
    return line[:end]


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, columns: int = COLUMNS
) -> list[tuple[float, str]]:
    """Run a command in a pseudo terminal.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        environment: Its variables; ours where None.
        columns: How wide the terminal is.

    Returns:
        What it printed, with the seconds since it began.

    Raises:
        RuntimeError: It failed; the text is what it printed.
    """
    import fcntl
    import pty
    import termios

    variables = dict(os.environ if environment is None else environment) | {"TERM": "xterm-256color"}
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI"):
        variables.pop(name, None)
    program = shutil.which(command[0], path=variables.get("PATH")) or command[0]
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - another process
        os.chdir(folder)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        os.execve(program, list(command), variables)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    printed: list[tuple[float, str]] = []
    began = time.monotonic()
    with os.fdopen(terminal, "rb", buffering=0) as output:
        while True:
            try:
                data = output.read(65536)
            except OSError:  # on Linux the end of a terminal is an error
                data = b""
            if not data:
                break
            printed.append((time.monotonic() - began, decoder.decode(data)))
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"{shlex.join(command)} failed:\n{''.join(text for _, text in printed)}")
    return printed


def frames(printed: Iterable[tuple[float, str]], columns: int = COLUMNS) -> list[tuple[float, tuple[Line, ...]]]:
    """What the terminal showed, and from when on; pauses are cut short, and what changes too fast is left out."""
    screen, clock, last = Screen(columns), 0.0, 0.0
    found: list[tuple[float, tuple[Line, ...]]] = [(0.0, ((),))]
    for at, text in printed:
        clock += min(at - last, LONGEST_PAUSE_S)
        last = at
        screen.write(text)
        if len(found) > 1 and clock - found[-1][0] < FRAME_S:
            found[-1] = (found[-1][0], screen.shown())
        else:
            found.append((clock, screen.shown()))
    return found


def plain(lines: Iterable[Line]) -> list[str]:
    """Lines as text."""
    return ["".join(char for char, _ in line) for line in lines]


def render(command: str, printed: Iterable[tuple[float, str]], columns: int = COLUMNS) -> str:
    """The picture.

    Args:
        command: As a reader would type it.
        printed: What it printed, with times.
        columns: How wide the terminal is.
    """
    prompt = Screen(columns)
    prompt.write(f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m")
    above = prompt.shown()
    shots = [(at, _without_blank_end((*above, *lines))) for at, lines in frames(printed, columns)]
    finished = shots[-1][1]
    end = shots[-1][0] + 0.01
    wide = 2 * MARGIN + columns * CELL
    high = 2 * MARGIN + max(len(lines) for _, lines in shots) * LINE
    body: list[str] = []
    rules: list[str] = []
    for row in range(max(len(lines) for _, lines in shots)):
        for line, begins, ends in _stages([(at, lines[row] if row < len(lines) else ()) for at, lines in shots]):
            if not line:
                continue
            y = MARGIN + (row + 0.7) * LINE
            classes = "" if ends is None else ' class="gone"'
            if begins > 0 or ends is not None:
                name = f"k{len(rules)}"
                steps = [(0.0, 1 if begins == 0 else 0), (begins, 1)] + ([] if ends is None else [(ends, 0)])
                marks = "".join(f"{100 * at / end:.2f}%{{opacity:{shown}}}" for at, shown in dict(steps).items())
                rules.append(f"@keyframes {name}{{{marks}}}#{name}{{animation:{name} {end:.2f}s step-end 1}}")
                classes += f' id="{name}"'
            body.append(f'<text y="{y:.1f}"{classes}>{_spans(line)}</text>')
    text = "\n".join(plain(finished))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t d" '
            f'data-command="{escape(command)}" '
            f'viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" height="{high:.0f}">',
            f'<title id="t">{escape(command)}</title>',
            f'<desc id="d">{escape(text)}</desc>',
            f"<style>{_style_sheet()}@media (prefers-reduced-motion:no-preference){{{''.join(rules)}}}</style>",
            f'<rect x=".5" y=".5" width="{wide - 1:.0f}" height="{high - 1:.0f}" rx="9.5" class="paper"/>',
            *body,
            "</svg>\n",
        ]
    )


def _without_blank_end(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def _stages(shots: Sequence[tuple[float, Line]]) -> list[tuple[Line, float, float | None]]:
    """What stood in a row, from when on, and until when; None for what stands there in the end."""
    found: list[tuple[Line, float, float | None]] = []
    for at, line in shots:
        if found and found[-1][0] == line:
            continue
        if found:
            found[-1] = (found[-1][0], found[-1][1], at)
        found.append((line, at, None))
    return found


def _spans(line: Line) -> str:
    spans, at = [], 0
    while at < len(line):
        style, end = line[at][1], at
        while end < len(line) and line[end][1] == style:
            end += 1
        text = "".join(char for char, _ in line[at:end])
        left = len(text) - len(text.lstrip(" "))
        if shown := text.strip(" "):
            wide = f' textLength="{len(shown) * CELL:.1f}"' if len(shown) > 1 else ""
            look = f' class="{style.classes}"' if style.classes else ""
            spans.append(
                f'<tspan x="{MARGIN + (at + left) * CELL:.1f}"{wide}{look}>{escape(shown, quote=False)}</tspan>'
            )
        at = end
    return "".join(spans)


def _style_sheet() -> str:
    """The palette of the diagrams, dark: a terminal is, whatever the page."""
    from victor.graph.viz.palette import DARK

    colors = {
        "green": DARK.marks["visited"],
        "red": DARK.marks["failed"],
        "yellow": DARK.marks["interrupted"],
        "blue": DARK.marks["current"],
        "magenta": DARK.kinds["human"].line,
        "cyan": DARK.kinds["parallel"].line,
        "dim": DARK.muted,
    }
    fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
    rules = f".paper{{fill:{DARK.paper};stroke:{DARK.frame}}}text{{font:14px {fonts};fill:{DARK.ink};white-space:pre}}"
    # A colour that is dim as well keeps the colour.
    rules += "".join(f".{name}{{fill:{color}}}" for name, color in reversed(colors.items()))
    return f"{rules}.bold{{font-weight:600}}.gone{{opacity:0}}"


def command_of(picture: str) -> str:
    """The command that a picture shows."""
    return ET.fromstring(picture).attrib["data-command"]


def text_of(picture: str) -> str:
    """The finished text of a picture."""
    return ET.fromstring(picture).findtext("{http://www.w3.org/2000/svg}desc") or ""


def told(text: str) -> set[str]:
    """The lines of an output, without what differs from run to run: numbers, threads, the blanks that make columns."""
    text = re.sub(r"\bthread \S+", "thread N", text)
    return {" ".join(re.sub(r"\d[\d.,:/-]*", "N", line).split()) for line in text.splitlines() if line.strip()}


def stale(picture: str, printed: Iterable[tuple[float, str]]) -> set[str]:
    """The lines that a picture shows and the command prints no more."""
    screen = Screen()
    screen.write("".join(text for _, text in printed))
    prompt = Screen()
    prompt.write(f"$ {command_of(picture)}")
    return told(text_of(picture)) - told("\n".join(plain([*prompt.shown(), *screen.shown()])))


def in_scratch_folder(command: str) -> list[tuple[float, str]]:
    """Run a command as a reader would, in a folder that holds a copy of ``docs/``, with nothing configured."""
    with tempfile.TemporaryDirectory(prefix="victor-record-") as temporary:
        folder = Path(temporary) / "work"
        ignored = shutil.ignore_patterns("__pycache__", "_*")
        shutil.copytree(ROOT / "docs", folder / "docs", ignore=ignored)
        shutil.copy(ROOT / "README.md", folder)
        keep = {name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "XDG_"))}
        own = {"HOME": temporary, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        return run(shlex.split(command), folder, keep | own)


def main() -> int:
    """Record, or check; the exit code says whether a picture is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("command", nargs="?", help="the command, as one argument")
    parser.add_argument("-o", "--output", type=Path, help="the picture to write")
    parser.add_argument("--check", type=Path, metavar="FILE", help="a picture whose command to run again")
    options = parser.parse_args()
    if options.check:
        picture = options.check.read_text(encoding="utf-8")
        gone = stale(picture, in_scratch_folder(command_of(picture)))
        for line in sorted(gone):
            print(f"{options.check}: shown, but not printed any more: {line}", file=sys.stderr)
        return 1 if gone else 0
    if not options.command or not options.output:
        parser.error("name a command and a picture to write (-o), or a picture to --check")
    picture = render(options.command, in_scratch_folder(options.command))
    options.output.write_text(picture, encoding="utf-8")
    print(f"{options.output}: {len(picture.encode()):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
