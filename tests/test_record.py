"""Pictures of real runs: what a terminal shows, how it is drawn, and that the README's picture is not out of date."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import record
from workspace import ROOT

RUN = ROOT / "docs/_static/run.svg"
SVG = "{http://www.w3.org/2000/svg}"
needs_terminal = pytest.mark.skipif(os.name == "nt", reason="not applicable: pseudo terminals are POSIX only")
PROGRAM = (
    "import time\n"
    "print('\\x1b[36mcount\\x1b[0m 1 of 2', end='', flush=True); time.sleep(.1)\n"
    "print('\\r\\x1b[2K\\x1b[32mcount\\x1b[0m 2 of 2\\nfinished in', time.time())\n"
)


def shown(*texts: str, columns: int = 20) -> list[str]:
    """What a terminal shows after these texts."""
    screen = record.Screen(columns)
    for text in texts:
        screen.write(text)
    return record.plain(screen.shown())


class TestScreen:
    @pytest.mark.parametrize(
        ("printed", "lines"),
        [
            ("one\r\ntwo", ["one", "two"]),
            ("old\rnew", ["new"]),
            ("older\rnew", ["newer"]),
            ("old\r\x1b[2Knew", ["new"]),
            ("abc\b\bX", ["aXc"]),
            ("a\r\nb\r\nc\x1b[2A\r\x1b[KX", ["X", "b", "c"]),
            ("\x1b[?25lhidden cursor\x1b[?25h", ["hidden cursor"]),
            ("blanks   ", ["blanks"]),
        ],
    )
    def test_controls(self, printed: str, lines: list[str]) -> None:
        assert shown(printed) == lines

    def test_a_line_that_is_too_long_goes_on_below(self) -> None:
        assert shown("abcdefgh", columns=5) == ["abcde", "fgh"]

    def test_styles(self) -> None:
        screen = record.Screen()
        screen.write("\x1b[1;32mgood\x1b[0m \x1b[2mquiet\x1b[22m plain")
        styles = [style.classes for _, style in screen.shown()[0]]
        assert styles[0] == "green bold"
        assert styles[5] == "dim"
        assert styles[-1] == ""

    @pytest.mark.parametrize("printed", ["\x1b[5;5H", "\x1b]0;title\x07", "\x1b[4munderlined"])
    def test_what_it_does_not_know_it_refuses(self, printed: str) -> None:
        with pytest.raises(ValueError, match="unknown"):
            record.Screen().write(printed)


class TestPicture:
    PRINTED = ((0.0, "a \x1b[32m<1>\x1b[0m"), (5.0, "\r\x1b[2Ka \x1b[32m<2>\x1b[0m\r\n"), (5.5, "end\r\n"))

    def test_it_is_a_picture_with_the_finished_text(self) -> None:
        picture = record.render("count --to 2", self.PRINTED)
        assert ET.fromstring(picture).tag == f"{SVG}svg"
        assert record.command_of(picture) == "count --to 2"
        assert record.text_of(picture) == "$ count --to 2\na <2>\nend"

    def test_without_animation_the_finished_text_is_what_one_sees(self) -> None:
        texts = ET.fromstring(record.render("count", self.PRINTED)).findall(f"{SVG}text")
        seen = ["".join(text.itertext()) for text in texts if text.get("class") != "gone"]
        gone = ["".join(text.itertext()) for text in texts if text.get("class") == "gone"]
        assert seen == ["$count", "a<2>", "end"]
        assert gone == ["a<1>"]

    def test_it_moves_only_where_motion_is_welcome(self) -> None:
        picture = record.render("count", self.PRINTED)
        before, _, after = picture.partition("@media (prefers-reduced-motion:no-preference)")
        assert "@keyframes" not in before
        assert after.count("@keyframes") == 3

    def test_pauses_are_cut_short(self) -> None:
        times = [at for at, _ in record.frames(self.PRINTED)]
        assert times == sorted(times)
        assert times[-1] <= 2 * record.LONGEST_PAUSE_S

    def test_columns_stay_where_they_are_in_any_font(self) -> None:
        spans = ET.fromstring(record.render("count", self.PRINTED)).findall(f"{SVG}text/{SVG}tspan")
        assert {float(span.get("x", "0")) for span in spans} >= {record.MARGIN, record.MARGIN + 2 * record.CELL}


class TestStale:
    PICTURE = record.render("count", [(0.0, "reads  3 files\r\nthread run-20260101-ab12\r\n")])

    def test_numbers_and_threads_may_differ(self) -> None:
        assert not record.stale(self.PICTURE, [(0.0, "reads 12,000 files\r\nthread run-20270202-zz\r\n")])

    def test_words_may_not(self) -> None:
        assert record.stale(self.PICTURE, [(0.0, "sees 3 files\r\nthread x\r\n")]) == {"reads N files"}


@needs_terminal
class TestRecording:
    def test_a_command_is_recorded_as_it_ran(self, tmp_path: Path) -> None:
        printed = record.run([sys.executable, "-c", PROGRAM], tmp_path)
        picture = record.render("count", printed)
        lines = record.text_of(picture).splitlines()
        assert lines[1] == "count 2 of 2"
        assert lines[2].startswith("finished in")
        assert not record.stale(picture, record.run([sys.executable, "-c", PROGRAM], tmp_path))

    def test_a_command_that_fails_is_no_picture(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError, match="not here"):
            record.run([sys.executable, "-c", "raise SystemExit('not here')"], tmp_path)

    @pytest.mark.slow
    def test_the_readme_shows_what_its_command_prints(self) -> None:
        picture = RUN.read_text(encoding="utf-8")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        assert "docs/_static/run.svg" in readme
        assert record.command_of(picture) in readme
        gone = record.stale(picture, record.in_scratch_folder(record.command_of(picture)))
        assert not gone, "record it again: python scripts/record.py COMMAND -o docs/_static/run.svg"


def test_the_readmes_picture_is_small() -> None:
    assert RUN.stat().st_size < 100_000
