"""The first minutes: a page is followed as it is printed, in a shell that holds nothing; figures stand where they belong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import first_minutes
import pytest
from code_blocks import blocks
from first_minutes import (
    BEGIN,
    END,
    FIGURES,
    PAGE,
    PEERS,
    ROUTES,
    Failed,
    Place,
    environment_of,
    follow,
    load_kept,
    merged,
    new_place,
    table,
    with_table,
)

from victor.core.cli import main

FOLLOWED = """
<!-- not run: scripts/first_minutes.py runs these lines -->
```bash
mkdir -p .venv/bin
echo 'export STEP=taken' > .venv/bin/activate
```

```python
# note.py
print("a note")
```

```console
$ echo "$STEP in $(basename "$PWD")"
taken in work
$ cat note.py
# note.py
print("a note")
```

<!-- not run: needs a key -->
```bash
exit 1
```
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    return Place(tmp_path / "work", environment_of(tmp_path, tmp_path / "constraints.txt", tmp_path / "cache"))


@pytest.fixture
def kept() -> dict[str, object]:
    row = {
        "what": "a first answer", "install": "victor-core 0.1.0", "install_s": 9.04, "run_s": 0.31, "processor_s": 8.2,
        "runs": 3, "packages": 17, "megabytes": 31.4, "load": 0.4, "peer": False,
    }  # fmt: skip
    told = {"date": "2026-11-22", "python": "3.12.1", "system": "Linux x86_64", "processors": 2}
    page = {"install_s": 14.0, "run_s": 8.0, "processor_s": 20.0, **told}
    return {
        "cold": {"conditions": told, "rows": [row]},
        "warm": {"conditions": told, "rows": [{**row, "install_s": 5.0}]},
        "page": page,
    }


class TestFollowing:
    def test_commands_are_typed_one_after_the_other_and_what_stays_out_stays_out(self, place):
        steps, problems = follow(FOLLOWED, place)
        assert problems == []
        assert [command for command, _ in steps][1:] == ['echo "$STEP in $(basename "$PWD")"', "cat note.py"]
        assert all(took.seconds > 0 for _, took in steps)

    def test_what_differs_is_a_problem_with_its_line(self, place):
        _, problems = follow(FOLLOWED.replace("taken in work", "taken elsewhere"), place)
        assert len(problems) == 1
        assert problems[0].startswith("line 13: expected:")
        assert "taken in work" in problems[0]

    def test_a_command_that_fails_is_a_problem_and_the_rest_is_still_done(self, place):
        steps, problems = follow("```console\n$ ls nowhere\n```\n\n```console\n$ echo on\non\n```\n", place)
        assert [command for command, _ in steps] == ["echo on"]
        assert "exit code" in problems[0]
        assert "nowhere" in problems[0]

    def test_a_command_that_takes_too_long_is_ended(self, place):
        with pytest.raises(Failed, match=r"more than 0\.1 s"):
            place.run("exec sleep 60", 0.1)


class TestAStrangersShell:
    def test_nothing_of_this_one_is_seen_but_the_way_to_the_index(self, tmp_path, monkeypatch):
        monkeypatch.setenv("VICTOR_MODEL", "openai:gpt-5-mini")
        monkeypatch.setenv("PYTHONPATH", "/somewhere")
        monkeypatch.setenv("PIP_INDEX_URL", "https://index.example.org/simple")
        seen = environment_of(tmp_path, tmp_path / "c.txt", tmp_path / "cache")
        assert seen["HOME"] == str(tmp_path)
        assert seen["PIP_INDEX_URL"] == "https://index.example.org/simple"
        assert not [name for name in seen if name.startswith(("VICTOR_", "PYTHON", "OPENAI_"))]

    def test_its_home_and_folder_are_empty_and_go_away(self, tmp_path):
        with new_place(tmp_path / "c.txt") as place:
            assert place.run('ls -A . "$HOME"')[0].split() == [".:", f"{place.environment['HOME']}:"]
            assert place.run("pwd")[0].strip() == str(place.folder.resolve())
            folder = place.folder
        assert not folder.exists()


class TestFigures:
    def test_the_table(self, kept):
        lines = table(kept).splitlines()
        assert lines[2] == ("| **a first answer** | `victor-core 0.1.0` | 9.0 s (5.0 s) | 0.3 s | 8.2 s | 17 | 31 MB |")
        assert lines[3] == "| **the end of this page** | all of step 1 | 14.0 s | 8.0 s | 20.0 s | | |"
        assert lines[-1].startswith("Medians of 3 runs on 2026-11-22: Python 3.12.1, Linux x86_64, 2 processors")

    def test_it_is_put_between_the_marks_and_only_there(self, kept):
        page = f"before\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n"
        changed = with_table(page, kept)
        assert changed == f"before\n\n{BEGIN}\n\n{table(kept)}\n\n{END}\n\nafter\n"
        assert with_table(changed, kept) == changed
        with pytest.raises(SystemExit, match="has no lines"):
            with_table("no marks\n", kept)

    def test_new_figures_replace_those_of_the_same_route(self, kept):
        row = kept["cold"]["rows"][0]
        again = {**row, "install": "victor-core 0.2.0", "install_s": 1.0}
        other = {**row, "install": "langgraph 1.0", "peer": True}
        found = merged(kept, {"cold": {"conditions": {}, "rows": [other, again]}})
        assert found["cold"]["rows"] == [again, other]
        assert (found["warm"], found["page"]) == (kept["warm"], kept["page"])

    def test_the_quickstart_shows_the_figures_that_are_kept(self):
        text = PAGE.read_text("utf-8")
        assert with_table(text, load_kept()) == text, "python scripts/first_minutes.py table"
        assert [row["install"].split()[0] for row in json.loads(FIGURES.read_text())["cold"]["rows"]][:2] == [
            "victor-core",
            "victor-core",
        ]


class TestRoutes:
    def test_ours_do_what_they_say(self, tmp_path, monkeypatch, capfd):
        """Run here, where the packages are installed already."""
        for name in [name for name in os.environ if name.startswith(("VICTOR_", "OPENAI_"))]:
            monkeypatch.delenv(name)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"PATH": path, "HOME": str(tmp_path), "VICTOR_LISTENERS": "-observability"}
        place = Place(tmp_path, {**os.environ, **own})
        for route in ROUTES:
            for name, text in route.files.items():
                (tmp_path / name).write_text(text)
            assert route.prints in place.run(route.command)[0]

    def test_what_peers_run_is_python(self):
        for route in PEERS:
            for name, text in route.files.items():
                compile(text, name, "exec")
            assert route.peer

    def test_the_first_block_of_the_quickstart_installs_what_the_page_needs(self):
        text = PAGE.read_text("utf-8")
        first = blocks(text)[0]
        assert first.not_run.startswith(first_minutes.OURS)
        needs = text.partition("needs: [")[2].partition("]")[0].replace(",", "").split()
        assert first.text.splitlines()[-1].split() == ["pip", "install", *needs]


@pytest.mark.parametrize(
    "command", [(), ("run",), ("workflow", "run"), ("team", "run"), ("tools",), ("observability",)]
)
def test_every_command_knows_both_words_for_help(command, capsys):
    assert main([*command, "-h"]) == 0
    short = capsys.readouterr().out
    assert main([*command, "--help"]) == 0
    assert short == capsys.readouterr().out
    assert "-h, --help" in short
