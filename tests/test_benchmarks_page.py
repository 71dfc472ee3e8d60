"""The performance page is what its generator makes of the figures, and the figures are what the programs tell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import benchmark_page
import benchmark_results
import pytest
from benchmark_page import CHARTS, MARKED, OVERVIEW, PAGE, chart, files, made, rendered, table
from benchmark_results import as_row, file_of, keep, read, read_all, record, short, write
from workspace import ROOT, packages

PROGRAMS = [
    file
    for one in packages()
    for file in sorted((one.folder / "benchmarks").glob("*.py"))
    if not file.name.startswith("_")
]
# Told without a word in the page so far: measured by whoever changes the codec.
NOT_KEPT = {"graph-codec"}


class TestThePage:
    def test_it_is_what_the_generator_makes(self) -> None:
        stale = [path.name for path, text in files().items() if path.read_text(encoding="utf-8") != text]
        assert not stale, f"run: python scripts/benchmarks.py page ({', '.join(stale)})"

    def test_every_kept_figure_is_in_a_table(self) -> None:
        shown = {found["what"] for found in MARKED.finditer(PAGE.read_text(encoding="utf-8"))}
        assert {f"table {name}" for name in read_all()} <= shown
        assert {f"chart {area}" for area in CHARTS} <= shown
        assert "overview" in shown

    def test_the_overview_and_the_pictures_name_figures_that_are_kept(self) -> None:
        kept = read_all()
        wanted = [(file, name) for _, file, name in OVERVIEW] + [pair for pairs in CHARTS.values() for pair in pairs]
        for file, name in wanted:
            assert name in {row["name"] for row in kept[file]["rows"]}, f"{file}: {name}"
        assert len(OVERVIEW) == 10

    def test_every_program_has_figures_and_every_file_a_program(self) -> None:
        assert {file_of(one).stem for one in PROGRAMS} - NOT_KEPT == set(read_all())
        for held in read_all().values():
            assert (ROOT / held["program"]).is_file()

    def test_figures_say_when_and_where_they_were_measured(self) -> None:
        for name, held in read_all().items():
            known = held["conditions"]
            assert re.fullmatch(r"20\d\d-\d\d-\d\d", known["date"]), name
            assert known["python"].startswith("3.")
            assert known["cores"] >= 1
            assert {row["unit"] for row in held["rows"]} <= {"us", "ms", "x", "B", "MB", "/s", ""}, name


class TestTables:
    HELD: dict[str, Any] = {
        "program": "packages/victor-graph/benchmarks/engine.py",
        "conditions": {
            "date": "2030-01-02",
            "python": "3.13.0",
            "cores": 8,
            "load": [0.2, 0.9],
            "versions": {"slow": "1.2"},
        },
        "rows": [
            as_row("a", "one `step`", 2.0, "us", goal=3, floor=0.5, floor_name="nothing", peers={"slow": 1234.5}),
            as_row("b", "another", [4.0, 6.0], "us", goal=5, note="in two runs"),
            as_row("c", "many", 123456.0, "/s", goal=100_000, more=True),
        ],
    }

    def test_a_row_says_goal_figure_floor_and_peers(self) -> None:
        lines = table(self.HELD).splitlines()
        assert lines[0] == "| work | goal | victor-graph | floor | over the floor | slow 1.2 |"
        assert lines[2] == "| one `step` | 3 us | **2 us** | 0.5 us (nothing) | 4 x | 1,234 us |"
        assert lines[3] == "| another | 5 us | 4 to 6 us | - | - | - |", "the worst of several runs misses the goal"
        assert lines[4] == "| many | 100,000/s | **123,456/s** | - | - | - |"
        assert "- another: in two runs" in lines

    def test_conditions_and_the_command(self) -> None:
        last = table(self.HELD).splitlines()[-1]
        assert "Measured on 2030-01-02: Python 3.13.0, 8 cores, load 0.2 to 0.9. " in last
        assert "`hatch run bench graph -k engine`" in last
        busy = {**self.HELD, "conditions": {**self.HELD["conditions"], "load": [3.0, 9.0]}}
        assert "other work went on: compare ratios" in table(busy)

    def test_columns_without_anything_are_left_out(self) -> None:
        held = {**self.HELD, "rows": [as_row("a", "work", 1.0, "ms")]}
        assert table(held).splitlines()[0] == "| work | victor-graph |"

    def test_a_picture_is_sound_xml_and_has_a_bar_for_each(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(CHARTS, "graph", (("g", "a"), ("g", "b"), ("g", "missing")))
        drawn = ElementTree.fromstring(chart("graph", {"g": self.HELD}))
        bars = [one for one in drawn.iter() if one.tag.endswith("rect")]
        assert len(bars) == 3, "ours, the floor's and the peer's; nothing where there is nothing to compare with"
        ours, floor, peer = (float(one.attrib["width"]) for one in bars)
        assert floor <= ours < peer
        assert len({one.attrib["fill"] for one in bars}) == 3

    def test_marks_are_filled_and_all_else_stays(self) -> None:
        page = "# A\n<!-- figures: table x -->\nold\n<!-- end of figures -->\nB\n"
        once = rendered(page, {"x": self.HELD})
        assert once.startswith("# A\n<!-- figures: table x -->\n\n| work")
        assert once.endswith("<!-- end of figures -->\nB\n")
        assert "old" not in once
        assert rendered(once, {"x": self.HELD}) == once

    def test_an_unknown_mark_names_the_known_ones(self) -> None:
        with pytest.raises(SystemExit, match=r"no figures 'table y'; there are: overview, table x"):
            made("table y", {"x": self.HELD})


class TestKeeping:
    @pytest.fixture
    def program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(benchmark_results, "ROOT", tmp_path)
        monkeypatch.setattr(benchmark_results, "FOLDER", tmp_path / "kept")
        return tmp_path / "packages" / "victor-demo" / "benchmarks" / "speed.py"

    def test_a_program_tells_and_it_is_kept_a_line_a_figure(
        self, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(benchmark_results.VARIABLE, str(tmp_path / "told"))
        record("a", "work", 1.23456, "us", goal=2, floor=0.5, floor_name="`bare`", peers={"other": 10.0})
        told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
        versions = {"victor-demo": "1", "other": "2", "bare": "3", "unrelated": "4"}
        assert keep(program, told, {"date": "2030-01-02", "versions": versions}) == "kept in kept/demo-speed.json"
        held = read(file_of(program))
        assert held["rows"] == [
            {"name": "a", "what": "work", "value": 1.235, "unit": "us", "goal": 2, "floor": 0.5, "floor_name": "`bare`",
             "ratio": 2.469, "peers": {"other": 10.0}}
        ]  # fmt: skip
        assert held["conditions"]["versions"] == {"victor-demo": "1", "other": "2", "bare": "3"}
        assert '\n  {"name": "a"' in file_of(program).read_text()

    def test_nobody_collects(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(benchmark_results.VARIABLE, raising=False)
        record("a", "work", 1.0, "us")

    def test_what_was_not_measured_is_not_thrown_away(self, program: Path) -> None:
        write(file_of(program), "p", {}, [as_row("a", "A", 1, "us", peers={"x": 2}), as_row("b", "B", 1, "us")])
        told = [as_row("a", "A", 3, "us"), as_row("c", "C", 1, "us")]
        assert keep(program, told, {}) == "NOT kept: this run did not measure b, a of x; --drop keeps it all the same"
        assert [row["name"] for row in read(file_of(program))["rows"]] == ["a", "b"]
        assert keep(program, told, {}, drop=True).startswith("kept in ")
        assert [row["name"] for row in read(file_of(program))["rows"]] == ["a", "c"]

    def test_a_program_that_tells_nothing_changes_nothing(self, program: Path) -> None:
        assert "nothing is kept" in keep(program, [], {})
        assert not file_of(program).exists()

    def test_a_name_that_stands_twice_is_refused(self, program: Path) -> None:
        write(file_of(program), "p", {}, [as_row("a", "A", 1, "us"), as_row("a", "B", 1, "us")])
        with pytest.raises(SystemExit, match=r"a name stands twice: \['a'\]"):
            read(file_of(program))

    @pytest.mark.parametrize(
        ("value", "kept"), [(0, 0), (123456.7, 123457), (0.0123456, 0.01235), ([1.23456, 9], [1.235, 9])]
    )
    def test_four_digits(self, value: Any, kept: Any) -> None:
        assert short(value) == kept

    def test_a_program_is_run_and_its_figures_collected(self, program: Path) -> None:
        """The whole way, with a program that measures nothing."""
        import benchmarks

        program.parent.mkdir(parents=True)
        (program.parent / "_results.py").write_text(
            (ROOT / "packages/victor-core/benchmarks/_results.py")
            .read_text()
            .replace("Path(__file__).parents[3]", f"Path({str(ROOT)!r})")
        )
        program.write_text("from _results import record\nrecord('a', 'work', 1.0, 'us')\nprint('done')\n")
        assert benchmarks.run(program, [], dict(os.environ)) == (
            True,
            [{"name": "a", "what": "work", "value": 1.0, "unit": "us"}],
        )
        known = benchmarks.conditions(sys.executable, 0.5)
        assert known["cores"] == os.cpu_count()
        assert known["load"][0] <= known["load"][1]
        assert known["versions"]["pytest"] == pytest.__version__


def test_the_check_of_the_page_fails_when_it_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: overview -->\n<!-- end of figures -->\n")
    monkeypatch.setattr(benchmark_page, "files", lambda: {page: "new"})
    assert benchmark_page.main(["--check"]) == 1
    assert "python scripts/benchmarks.py page" in capsys.readouterr().out
    assert benchmark_page.main([]) == 0
    assert page.read_text() == "new"
    assert benchmark_page.main(["--check"]) == 0


def test_the_command_makes_the_page() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "benchmarks.py"), "page", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
