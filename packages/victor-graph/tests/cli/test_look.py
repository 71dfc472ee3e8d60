"""What is recorded, forked and removed: ``threads``, ``history``, ``state``, ``fork``, ``prune``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from victor.graph.cli.records import ago

ANN = ("greet.yaml", "--input", "name=Ann")


@pytest.fixture
def runs(victor, flow, place):
    """Three runs: one that is completed, one that waits, one that failed."""
    victor("run", *ANN, "-a", "yes", "--thread", "done")
    victor("run", *ANN, "--thread", "waiting")
    (place / "down").touch()
    victor("run", *ANN, "-a", "yes", "--thread", "broken")
    (place / "down").unlink()
    return victor


@pytest.mark.skipif(os.name == "nt", reason="not applicable: there are no modes of files")
def test_the_record_is_for_its_owner_alone(victor, flow, place):
    before = os.umask(0o022)
    try:
        victor("run", *ANN, "-a", "yes", "--thread", "done")
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in (place / ".victor").glob("workflows.db*")} == {0o600}


class TestThreads:
    def test_say_which_workflow_they_belong_to_and_how_they_stand(self, runs, place):
        found = {record["thread"]: record for record in runs("threads", "--json").data}
        assert {name: record["status"] for name, record in found.items()} == {
            "done": "completed",
            "waiting": "interrupted",
            "broken": "failed",
        }
        assert {record["workflow"] for record in found.values()} == {"greet"}
        assert {record["file"] for record in found.values()} == {str(place / "greet.yaml")}
        assert found["waiting"]["next"] == ["ask"]
        assert found["waiting"]["questions"][0]["asks"]["node"] == "ask"
        assert found["broken"]["error"] == "ConnectionError: the mail server is down"
        assert found["done"]["created"] <= found["done"]["updated"]

    def test_the_table_names_files_as_one_would_type_them(self, runs):
        lines = runs("threads").out.splitlines()
        assert lines[0].split() == ["thread", "workflow", "status", "steps", "changed", "file"]
        assert lines[1].split()[:4] == ["broken", "greet", "failed", "3"], "the latest first"
        assert {line.split()[-1] for line in lines[1:]} == {"greet.yaml"}

    def test_can_be_chosen(self, runs):
        assert [one["thread"] for one in runs("threads", "--status", "failed", "--json").data] == ["broken"]
        assert len(runs("threads", "greet", "--json").data) == 3
        assert runs("threads", "other", "--json").data == []
        assert runs("threads", "other").out == "No recorded run fits.\n"
        limited = runs("threads", "--limit", "1")
        assert len(limited.out.splitlines()) == 2
        assert "2 more" in limited.err

    def test_nothing_recorded_yet(self, victor, place):
        done = victor("threads")
        assert done.code == 1
        assert "nothing is recorded yet" in done.err

    def test_a_subprocess_reads_what_another_wrote(self, runs, real_victor):
        done = real_victor("threads", "--json")
        assert (done.err, len(done.data)) == ("", 3)


class TestHistory:
    def test_newest_first_with_what_ran_and_was_written(self, runs):
        rows = runs("history", "done", "--json").data
        assert [row["ran"] for row in rows] == [["send"], ["ask"], ["which"], ["write"], [], []]
        assert [row["keys"] for row in rows] == [["sent"], ["ask"], [], ["write"], ["name", "loud"], []]
        assert rows[0]["next"] == []
        assert rows[1]["parent"] == rows[2]["checkpoint"]
        assert runs("history", "done", "--limit", "2", "--json").data == rows[:2]

    def test_as_a_table(self, runs):
        lines = runs("history", "done").out.splitlines()
        assert lines[0].split() == ["step", "checkpoint", "at", "ran", "next", "wrote"]
        assert lines[1].split()[3:] == ["send", "end", "sent"]
        assert lines[-1].split()[0] == "-1"

    def test_an_unknown_run(self, runs):
        done = runs("history", "doen")
        assert (done.code, "did you mean 'done'?" in done.err) == (1, True)
        assert "victor workflow threads" in runs("history", "xyzxyz").err


class TestState:
    def test_of_the_latest_checkpoint(self, runs):
        data = runs("state", "waiting", "--json").data
        assert data["values"] == {"name": "Ann", "loud": False, "write": "Hello Ann"}
        assert (data["workflow"], data["next"], data["errors"]) == ("greet", ["ask"], [])
        assert data["questions"][0]["asks"]["prompt"] == "Send 'Hello Ann'?"

    def test_of_an_earlier_one_by_step_and_by_id(self, runs):
        by_step = runs("state", "done", "--checkpoint", "0", "--json").data
        assert by_step["values"] == {"name": "Ann", "loud": False}
        assert runs("state", "done", "--checkpoint", by_step["checkpoint"][-8:], "--json").data == by_step
        first = runs("state", "done", "--checkpoint=-1", "--json").data
        assert first["values"] == {"name": "Ann", "loud": False}, "what was put in"

    def test_an_unknown_checkpoint(self, runs):
        done = runs("state", "done", "--checkpoint", "zz")
        assert (done.code, "there is no checkpoint 'zz'; see victor workflow history done" in done.err) == (1, True)

    def test_as_text(self, runs):
        text = runs("state", "broken").out
        assert "broken: run of greet, failed" in text
        assert "Hello Ann" in text
        assert "failed: ConnectionError: the mail server is down" in text
        assert "go on: victor workflow run greet.yaml#greet --thread broken --resume" in text
        assert "waits: ask: Send 'Hello Ann'?" in runs("state", "waiting").out

    def test_one_value_in_full(self, runs):
        assert runs("state", "done", "--key", "sent").out == "sent: Hello Ann\n"
        assert runs("state", "done", "--key", "sent", "--json").data == "sent: Hello Ann"
        assert "there are: name, loud" in runs("state", "done", "--key", "snt").err

    def test_without_the_file_it_can_still_be_read(self, runs, place):
        (place / "greet.yaml").unlink()
        assert runs("state", "done", "--json").data["values"]["sent"] == "sent: Hello Ann"
        done = runs("run", "--thread", "waiting", "--resume")
        assert (done.code, "there is no such file" in done.err) == (1, True)


class TestFork:
    def test_a_fork_begins_at_a_checkpoint_with_other_values(self, runs):
        forked = runs("fork", "done", "--checkpoint", "1", "--set", "write=Bye", "--as", "new", "--json").data
        assert (forked["thread"], forked["from"]["thread"], forked["next"]) == ("new", "done", ["which"])
        done = runs("run", "--thread", "new", "--resume", "-a", "yes")
        assert (done.code, done.out) == (0, "sent: Bye\n")
        assert runs("state", "done", "--key", "sent").out == "sent: Hello Ann\n", "the old run is as it was"
        assert runs("threads", "--json").data[0]["workflow"] == "greet"

    def test_inputs_can_be_changed_too(self, runs):
        done = runs("fork", "done", "--checkpoint", "0", "--set", "name=Bob", "--set", "loud=true", "--as", "new")
        assert (done.code, done.out) == (0, "new: begins after step 0 of done\n")
        assert "Go on: victor workflow run greet.yaml#greet --thread new --resume" in done.err
        assert runs("run", "--thread", "new", "--resume", "-a", "yes").out == "sent: Hello Bob\n"
        assert runs("state", "new", "--key", "louder").out == "HELLO BOB!\n"

    def test_as_another_node(self, runs):
        runs("fork", "done", "--checkpoint", "1", "--set", "ask=true", "--node", "ask", "--as", "new")
        assert runs("run", "--thread", "new", "--resume").out == "sent: Hello Ann\n"

    def test_of_the_latest_without_changes_is_a_copy(self, runs):
        runs("fork", "waiting", "--as", "copy")
        assert runs("run", "--thread", "copy", "--resume", "-a", "yes").out == "sent: Hello Ann\n"
        assert runs("state", "waiting", "--json").data["next"] == ["ask"]

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            (("--set", "wriet=x"), "greet has no value 'wriet'; did you mean 'write'?"),
            (("--set", "write"), "a value is given as key=value"),
            (("--set", "write={"), "is not JSON"),
            (("--checkpoint", "99"), "there is no checkpoint '99'"),
            (("--set", "write=x", "--node", "nobody"), "nobody"),
        ],
    )
    def test_what_is_wrong_leaves_nothing_behind(self, runs, args, says):
        done = runs("fork", "done", *args, "--as", "new")
        assert (done.code, done.out) == (1, "")
        assert says in done.err
        assert "new" not in [one["thread"] for one in runs("threads", "--json").data]

    def test_a_name_that_is_taken(self, runs):
        assert "waiting" in runs("fork", "done", "--as", "waiting").err
        assert runs("state", "waiting", "--json").data["next"] == ["ask"]


class TestPrune:
    def test_the_latest_checkpoints_stay_and_runs_can_go_on(self, runs):
        before = {
            one["thread"]: len(runs("history", one["thread"], "--json").data) for one in runs("threads", "--json").data
        }
        tells = runs("prune", "--keep-last", "1", "--dry-run", "--json").data
        assert tells == {"removed": sum(before.values()) - 3, "runs": [], "dry_run": True}
        assert len(runs("history", "done", "--json").data) == before["done"]
        assert runs("prune", "--keep-last", "1", "--yes", "--json").data["removed"] == tells["removed"]
        assert len(runs("history", "done", "--json").data) == 1
        assert runs("run", "--thread", "waiting", "--resume", "-a", "yes").out == "sent: Hello Ann\n"
        assert runs("prune", "--keep-last", "100").out == "There is nothing to remove.\n"

    def test_one_run_by_age(self, runs):
        done = runs("prune", "--older-than", "0s", "--thread", "done", "--yes")
        assert done.out == "Removed 5 checkpoints.\n"
        assert len(runs("history", "broken", "--json").data) > 1
        assert runs("prune", "--older-than", "7d").out == "There is nothing to remove.\n"

    def test_whole_runs(self, runs):
        assert (
            "Would remove 1 run (done) with 6 checkpoints."
            in runs("prune", "--whole", "--thread", "done", "--dry-run").out
        )
        assert runs("prune", "--whole", "--thread", "done", "-y", "--json").data["runs"] == ["done"]
        assert len(runs("threads", "--json").data) == 2
        runs("prune", "--whole", "--older-than", "0s", "-y")
        assert runs("threads").out == "No runs are recorded.\n"

    def test_without_somebody_to_ask_it_wants_yes(self, runs):
        done = runs("prune", "--keep-last", "1")
        assert (done.code, "--yes does it" in done.err) == (1, True)

    @pytest.mark.parametrize(("answer", "left"), [("yes\n", 1), ("no\n", 6)])
    def test_asks_on_a_terminal(self, runs, monkeypatch, answer, left):
        monkeypatch.setattr("victor.graph.cli.fork.is_terminal", lambda stream=None: True)
        runs("prune", "--keep-last", "1", "--thread", "done", stdin=answer)
        assert len(runs("history", "done", "--json").data) == left

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            ((), "say what to remove"),
            (("--older-than", "soon"), "an age is a number with a unit"),
            (("--whole",), "--whole needs --thread or --older-than"),
            (("--whole", "--keep-last", "1"), "choose one"),
            (("--keep-last", "1", "--thread", "nobody"), "there is no run 'nobody'"),
        ],
    )
    def test_wrong_use(self, runs, args, says):
        done = runs("prune", *args)
        assert (done.code, says in done.err) == (1, True), done.err


def test_how_long_ago():
    import time

    now = time.time()
    assert [ago(now - seconds) for seconds in (1, 120, 7200, 3 * 86400)] == [
        "1 s ago",
        "2 min ago",
        "2 h ago",
        "3 d ago",
    ]


def test_runs_of_python_graphs_with_classes_of_their_own(victor, place):
    (place / "shop.py").write_text(
        "from typing import TypedDict\nfrom attrs import frozen\nfrom victor.graph import StateGraph, START\n"
        "@frozen\nclass Order:\n    number: int\n"
        "class State(TypedDict):\n    order: Order\n    n: int\n"
        "def take(state: State):\n    return {'order': Order(7)}\n"
        "graph = StateGraph(State).add_node('take', take).add_edge(START, 'take')\n"
    )
    victor("run", "shop:graph", "-i", "n=1", "--thread", "t", "--json")
    data = victor("state", "t", "--json").data
    assert data["values"]["order"] == {"number": 7}
    (place / "shop.py").write_text("")
    import sys

    sys.modules.pop("shop", None)
    done = victor("state", "t", "--json")
    assert "values of its classes cannot be shown" in done.err


def test_a_run_that_does_not_say_where_it_belongs(victor, place):
    from victor.graph.checkpoint.sqlite import SqliteSaver
    from victor.graph.yaml import parse_workflow

    Path(".victor").mkdir()
    workflow = parse_workflow("workflows: {w: {nodes: [{id: a, type: hitl, hitl_type: input, prompt: x}]}}")
    with SqliteSaver(".victor/workflows.db") as saver:
        workflow.compile(saver).invoke({}, workflow.config("t"))
    (record,) = victor("threads", "--json").data
    assert (record["workflow"], record["file"], record["status"]) == ("w", "", "interrupted")
    done = victor("run", "--thread", "t", "--resume")
    assert (done.code, "name it with --file" in done.err or "does not say which workflow" in done.err) == (1, True)


def test_a_checkpoint_store_of_its_own(victor, flow, place):
    os.environ.pop("VICTOR_CHECKPOINTS", None)
    victor("run", *ANN, "--thread", "t", "--checkpoints", "sqlite:elsewhere.db")
    assert not (place / ".victor").exists()
    assert victor("threads", "--checkpoints", "sqlite:elsewhere.db", "--json").data[0]["thread"] == "t"
    assert "unknown" in victor("threads", "--checkpoints", "oracle:x").err.lower()
