"""``victor workflow run``: from the beginning to an outcome, and on from where a run stood."""

from __future__ import annotations

import importlib.util
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ANN = ("greet.yaml", "--input", "name=Ann")


class TestOutcomes:
    def test_a_completed_run_prints_its_output_alone_on_stdout(self, victor, flow):
        done = victor("run", *ANN, "--answer", "yes", "--thread", "t")
        assert (done.code, done.out) == (0, "sent: Hello Ann\n")
        assert "greet: completed in" in done.err
        assert "thread t" in done.err

    def test_one_step_is_no_steps(self, victor, flow):
        Path("one.yaml").write_text(
            "workflows: {w: {nodes: [{id: a, type: transform, template: b}]}}", encoding="utf-8"
        )
        assert re.search(r"w: completed in [\d.]+ s, 1 step; thread ", victor("run", "one.yaml").err)

    def test_steps_before_an_answer_in_the_same_call_count(self, victor, flow):
        assert re.search(r"greet: completed in [\d.]+ s, 4 steps; thread ", victor("run", *ANN, "-a", "yes").err)

    @pytest.mark.parametrize(
        ("condition", "says"),
        [("./own.py:look_up", "KeyError: 99"), ("name > 3", "'name > 3' could not be worked out: TypeError")],
    )
    def test_a_failing_condition_is_named(self, victor, place, condition, says):
        (place / "own.py").write_text("def look_up(name):\n    raise KeyError(99)\n")
        (place / "w.yaml").write_text(
            "workflows: {w: {inputs: {name: string}, nodes: ["
            f"{{id: which, type: condition, condition: '{condition}', branches: {{true: a, false: end}}}}, "
            "{id: a, type: transform, template: b}]}}"
        )
        done = victor("run", "w.yaml", "-i", "name=x")
        assert f"error: w failed in the condition of node 'which': {says}" in done.err

    def test_the_line_of_a_failed_step_has_the_type_of_the_error(self, victor, place):
        (place / "own.py").write_text("def look_up():\n    raise KeyError(99)\n")
        (place / "w.yaml").write_text(
            "workflows: {w: {nodes: [{id: find, type: compute, handler: './own.py:look_up'}]}}"
        )
        assert "find: failed: KeyError: 99 (" in victor("run", "w.yaml").err

    def test_a_question_without_an_answer_waits_and_says_how_to_answer(self, victor, flow):
        done = victor("run", *ANN, "--thread", "t")
        assert (done.code, done.out) == (3, "")
        assert "ask: Send 'Hello Ann'?" in done.err
        assert "victor workflow run greet.yaml --thread t --resume --answer ask=" in done.err
        again = victor("run", "greet.yaml", "--thread", "t", "--resume", "--answer", "ask=yes")
        assert (again.code, again.out) == (0, "sent: Hello Ann\n")

    def test_a_resumed_run_need_not_name_its_file(self, victor, flow):
        victor("run", *ANN, "--thread", "t")
        assert victor("run", "--thread", "t", "--resume", "-a", "yes").out == "sent: Hello Ann\n"

    def test_still_waiting(self, victor, flow):
        victor("run", *ANN, "--thread", "t")
        assert victor("run", "--thread", "t", "--resume").code == 3

    def test_a_failed_run_names_the_node_and_goes_on_after_mending(self, victor, flow, place):
        (place / "down").touch()
        done = victor("run", *ANN, "-a", "yes", "--thread", "t")
        assert (done.code, done.out) == (1, "")
        assert "error: greet failed at node 'send': ConnectionError: the mail server is down" in done.err
        assert "Go on after mending: victor workflow run greet.yaml --thread t --resume" in done.err
        (place / "down").unlink()
        again = victor("run", "--thread", "t", "--resume")
        assert (again.code, again.out) == (0, "sent: Hello Ann\n")
        assert "write: done" not in again.err, "what was done is not done again"

    def test_a_completed_run_that_is_resumed_shows_its_outputs(self, victor, flow):
        victor("run", *ANN, "-a", "yes", "--thread", "t")
        done = victor("run", "--thread", "t", "--resume")
        assert (done.code, done.out) == (0, "sent: Hello Ann\n")
        assert "t is completed already" in done.err

    def test_a_no_fails_the_run(self, victor, flow):
        done = victor("run", *ANN, "-a", "no")
        assert done.code == 1
        assert "node 'ask': not approved" in done.err

    def test_a_no_can_be_taken_back(self, victor, flow):
        done = victor("run", *ANN, "-a", "no", "--thread", "t")
        assert "To answer anew: victor workflow run greet.yaml --thread t --resume --answer ask=" in done.err
        assert victor("run", "--thread", "t", "--resume").code == 1, "nobody has answered anew"
        again = victor("run", "--thread", "t", "--resume", "--answer", "ask=yes")
        assert (again.code, again.out) == (0, "sent: Hello Ann\n")

    def test_an_answer_that_cannot_be_used_says_why(self, victor, flow):
        done = victor("run", *ANN, "-a", "ask=perhaps", "--thread", "t")
        assert done.code == 3
        assert "answer yes or no" in done.err

    def test_an_answer_to_a_node_that_is_not_there_is_refused_before_anything_is_done(self, victor, flow, place):
        done = victor("run", *ANN, "-a", "asks=yes", "--thread", "t")
        assert done.code == 1
        assert "workflow 'greet' has no node 'asks'; did you mean 'ask'?" in done.err
        assert victor("threads", "--json").data == []

    def test_an_answer_nothing_was_asked_for_is_told(self, victor, flow):
        victor("run", *ANN, "-a", "yes", "--thread", "t")
        done = victor("run", "--thread", "t", "--resume", "-a", "ask=yes")
        assert done.code == 0
        assert "--answer ask=yes was not used" in done.err

    def test_a_run_whose_next_node_is_gone_is_not_taken_for_completed(self, victor, flow):
        victor("run", *ANN, "--thread", "t")
        flow.write_text(flow.read_text().replace("id: ask,", "id: confirm,").replace("false: ask", "false: confirm"))
        done = victor("run", "--thread", "t", "--resume", "-a", "confirm=yes")
        assert (done.code, done.out) == (1, "")
        assert "is to go on at 'ask', which graph 'greet' no longer has" in done.err

    def test_several_outputs_are_printed_by_name(self, victor, place):
        (place / "w.yaml").write_text(
            "workflows: {w: {nodes: [{id: a, type: transform, template: A}, {id: b, type: transform, template: 'B\n\nB'}]}}"
        )
        assert victor("run", "w.yaml", "-q").out == "a: A\nb:\nB\nB\n\n"

    def test_without_a_record(self, victor, flow, place):
        done = victor("run", *ANN, "--checkpoints", "none")
        assert done.code == 3
        assert "is not recorded, so it cannot be resumed" in done.err
        assert not (place / ".victor").exists()
        assert victor("run", *ANN, "--checkpoints", "none", "-a", "yes").code == 3, "there is nothing to go on from"


class TestJson:
    def test_one_object_and_nothing_else(self, victor, flow):
        done = victor("run", *ANN, "-a", "yes", "--thread", "t", "--json")
        assert done.err == ""
        data = done.data
        assert list(data) == ["workflow", "status", "thread", "outputs", "questions", "error", "nodes", "seconds"]
        assert (data["workflow"], data["status"], data["thread"]) == ("greet", "completed", "t")
        assert data["outputs"] == {"sent": "sent: Hello Ann"}
        assert [node["node"] for node in data["nodes"]] == ["write", "which", "ask", "send"]
        assert {node["runs"] for node in data["nodes"]} == {1}

    def test_of_a_waiting_and_a_failed_run(self, victor, flow, place):
        done = victor("run", *ANN, "--thread", "t", "--json")
        assert (done.code, done.err, done.data["status"], done.data["outputs"]) == (3, "", "interrupted", None)
        (question,) = done.data["questions"]
        assert question["asks"]["prompt"] == "Send 'Hello Ann'?"
        (place / "down").touch()
        failed = victor("run", "--thread", "t", "--resume", "-a", "yes", "--json")
        assert (failed.code, failed.err, failed.data["status"]) == (1, "", "failed")
        assert failed.data["error"] == "ConnectionError: the mail server is down"

    def test_subprocess(self, real_victor, flow):
        done = real_victor("run", *ANN, "-a", "yes", "--json")
        assert (done.code, done.err, done.data["status"]) == (0, "", "completed")


class TestWrongUse:
    @pytest.mark.parametrize(
        ("args", "says"),
        [
            ((), "name a workflow file"),
            (("nothere.yaml",), "there is no such file"),
            (("greet.yaml",), "the input 'name' (whom to greet) is missing"),
            (("greet.yaml", "-i", "nam=x"), "did you mean 'name'?"),
            (("greet.yaml", "-i", "name"), "an input is given as name=value"),
            (("greet.yaml", "--resume"), "--resume goes with --thread"),
            (("greet.yaml", "--resume", "--thread", "x", "-i", "a=b"), "has its inputs already"),
            (("greet.yaml", "--resume", "--thread", "x"), "nothing is recorded yet"),
            (("greet.yaml", "gret"), "did you mean 'greet'?"),
            (("greet.yaml",), "give it with -i name=..."),
            (("greet.yaml", "-i", "name", "Ann Lee"), "An input is given as -i name=value: -i name='Ann Lee'"),
            (("greet.yaml", "name=Ann"), "An input is given as -i name=value: -i name=Ann"),
            (("mail.py",), "which graph of mail.py? write mail.py:graph"),
            (("mail.py:Path",), "mail.py:Path is of type PosixPath, not a graph"),
            (("nothing",), "neither a YAML file that exists nor"),
            (("greet.yaml", "--resume", "--thread", "x", "--checkpoints", "none"), "nothing to resume"),
        ],
    )
    def test_is_told(self, victor, flow, args, says):
        done = victor("run", *args)
        assert (done.code, done.out) == (1, "")
        assert says in done.err

    def test_of_several_workflows_a_plain_word_is_a_name(self, victor, place):
        node = "{nodes: [{id: a, type: transform, template: b}]}"
        (place / "two.yaml").write_text(f"workflows: {{one: {node}, other: {node}}}")
        assert "unknown workflow 'zzz'; there are: one, other" in victor("run", "two.yaml", "zzz").err
        assert "-i name='what is this'" in victor("run", "two.yaml", "what is this").err

    def test_a_team_file_is_told(self, victor, place):
        (place / "team.yaml").write_text("teams: {t: {members: [{name: a}]}}")
        done = victor("validate", "team.yaml")
        assert done.code == 1
        assert "this is a team file: victor team validate team.yaml" in done.out

    def test_a_run_is_not_begun_twice_under_one_name(self, victor, flow):
        victor("run", *ANN, "--thread", "t")
        done = victor("run", *ANN, "--thread", "t")
        assert done.code == 1
        assert "there is a run 't' already" in done.err

    def test_a_run_is_resumed_only_as_what_it_is(self, victor, flow, place):
        (place / "other.yaml").write_text("workflows: {other: {nodes: [{id: a, type: transform, template: A}]}}")
        victor("run", *ANN, "--thread", "t")
        done = victor("run", "other.yaml", "--thread", "t", "--resume")
        assert "belongs to workflow 'greet' of greet.yaml, not to 'other'" in done.err

    def test_a_misspelt_thread(self, victor, flow):
        victor("run", *ANN, "--thread", "monday")
        assert "did you mean 'monday'?" in victor("run", "--thread", "mondy", "--resume").err


def test_a_python_graph_runs_resumes_and_is_a_conversation(victor, place):
    (place / "agentic.py").write_text(
        "from typing import Annotated, TypedDict\nimport operator\n"
        "from victor.graph import StateGraph, START\n"
        "class State(TypedDict):\n    log: Annotated[list, operator.add]\n"
        "def say(state: State):\n    return {'log': [f'heard {len(state[\"log\"])}']}\n"
        "graph = StateGraph(State).add_node('say', say).add_edge(START, 'say')\n"
        "def made():\n    return graph\n"
    )
    first = victor("run", "agentic:graph", "-i", 'log=["a"]', "--thread", "c", "--json")
    assert first.data["outputs"] == {"log": ["a", "heard 1"]}
    second = victor("run", "agentic.py:made", "-i", 'log=["b"]', "--thread", "c", "--json")
    assert second.data["outputs"] == {"log": ["a", "heard 1", "b", "heard 3"]}
    (record,) = victor("threads", "--json").data
    assert record["workflow"] == "made"
    assert record["file"] == f"{place / 'agentic.py'}:made"


def test_texts_become_what_the_state_of_a_python_graph_declares(victor, place):
    (place / "visits.py").write_text(
        "from typing import TypedDict\n"
        "from victor.graph import StateGraph, START\n"
        "class State(TypedDict):\n    name: str\n    visits: int\n"
        "def count(state: State):\n    return {'visits': state['visits'] + 1}\n"
        "graph = StateGraph(State).add_node('count', count).add_edge(START, 'count')\n"
        "app = graph.compile()\n"
    )
    for target in ("visits:graph", "visits:app"):
        done = victor("run", target, "-i", "name=7", "-i", "visits=2", "--json")
        assert done.data["outputs"] == {"name": "7", "visits": 3}
    wrong = victor("run", "visits:graph", "-i", "visits=two")
    assert (wrong.code, wrong.err) == (
        1,
        "error: graph 'graph': the input 'visits' must be a whole number, not 'two'\n",
    )


def test_tools_of_a_file_stand_beside_the_workflow(victor, place):
    below = place / "below"
    below.mkdir()
    (below / "own.py").write_text("def shout(text: str) -> str:\n    'Shout.'\n    return text.upper()\n")
    (below / "flow.yaml").write_text(
        "workflows:\n  w:\n    nodes:\n"
        "      - {id: a, type: compute, tools: ['./own.py:shout'], inputs: {text: hello}}\n"
        "      - {id: b, goal: \"Shout 'hi'\", tools: ['./own.py:shout']}\n"
    )
    done = victor("run", "below/flow.yaml", "--json")
    assert done.data["outputs"] == {"a": "HELLO", "b": "HI"}
    (below / "flow.yaml").write_text(
        "workflows:\n  w:\n    nodes:\n      - {id: a, goal: x, tools: ['./own.py:shut']}\n"
    )
    told = victor("validate", "below/flow.yaml")
    assert "has no 'shut'; did you mean 'shout'?" in told.out + told.err


SLOW = """\
workflows:
  slow:
    nodes:
      - {id: quick, type: compute, handler: ./slow.py:quick}
      - {id: wait, type: compute, handler: ./slow.py:wait}
      - {id: last, type: transform, template: "{{ quick }} and {{ wait }}"}
    outputs: [last]
"""

SLOW_PY = """\
import asyncio
from pathlib import Path


def quick():
    with open("quick.log", "a") as log:
        log.write("x")
    return "quick"


async def wait():
    Path("waiting").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.01)
    return "waited"
"""


@pytest.fixture
def slow(place: Path) -> Path:
    (place / "slow.py").write_text(SLOW_PY)
    (place / "slow.yaml").write_text(SLOW)
    return place


def until(there: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not there.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestStopping:
    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_stopped_run_says_how_to_go_on_and_does(self, slow, program, real_victor, number):
        process = subprocess.Popen(
            [*program, "run", "slow.yaml", "--thread", "t"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until(slow / "waiting", process)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out) == (130, "")
        assert "slow was stopped. Go on: victor workflow run slow.yaml --thread t --resume" in err
        assert "Traceback" not in err
        assert real_victor("threads", "--json").data[0]["status"] == "unfinished"
        (slow / "go").touch()
        done = real_victor("run", "--thread", "t", "--resume", "-q")
        assert (done.code, done.out) == (0, "quick and waited\n")
        assert (slow / "quick.log").read_text() == "x", "what was done before the signal is not done again"

    @pytest.mark.slow
    def test_what_threads_have_begun_is_finished_recorded_and_not_done_again(self, place, program, real_victor):
        (place / "work.py").write_text(
            "import pathlib, time\n"
            "def effect(k):\n"
            "    log = pathlib.Path('log')\n"
            "    with log.open('a') as file:\n"
            "        file.write(k)\n"
            "    while not pathlib.Path('go').exists():\n"
            "        time.sleep(0.05)\n"
            "    if not pathlib.Path('again').exists():\n"
            "        time.sleep(1.5)  # until the signal has surely been heard\n"
            "    return k\n"
        )
        (place / "w.yaml").write_text(
            "workflows: {w: {nodes: [{id: each, type: map, over: [a, b, c, d], max_concurrency: 2, output: out,"
            " node: {type: compute, handler: './work.py:effect', inputs: {k: '{{ item }}'}}},"
            " {id: last, type: compute, handler: './work.py:effect', inputs: {k: e}}]}}"
        )
        process = subprocess.Popen(
            [*program, "run", "w.yaml", "--thread", "t"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        log = place / "log"
        until(log, process)
        deadline = time.monotonic() + 120
        while len(log.read_text()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        (place / "go").touch()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 130, err
        assert sorted(log.read_text()) == ["a", "b"], "nothing else is begun"
        (place / "again").touch()
        done = real_victor("run", "--thread", "t", "--resume", "-q", "--json")
        assert (done.code, done.data["outputs"]["out"]) == (0, ["a", "b", "c", "d"])
        assert sorted(log.read_text()) == ["a", "b", "c", "d", "e"]

    def test_as_json(self, slow, program):
        process = subprocess.Popen(
            [*program, "run", "slow.yaml", "--thread", "t", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until(slow / "waiting", process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (130, "")
        assert json.loads(out)["status"] == "stopped"

    @pytest.mark.slow
    def test_a_killed_run_is_unfinished_and_goes_on(self, slow, program, real_victor):
        process = subprocess.Popen(
            [*program, "run", "slow.yaml", "--thread", "t", "-q"], stdout=subprocess.PIPE, text=True
        )
        until(slow / "waiting", process)
        process.kill()
        process.communicate(timeout=120)
        assert real_victor("state", "t", "--json").data["next"] == ["wait"]
        (slow / "go").touch()
        assert real_victor("run", "--thread", "t", "--resume", "-q").out == "quick and waited\n"
        assert (slow / "quick.log").read_text() == "x"

    def test_a_second_signal_ends_a_sync_handler_at_once(self, place, program):
        (place / "w.py").write_text(
            "import time\nfrom pathlib import Path\ndef wait():\n    Path('waiting').touch()\n    time.sleep(60)\n"
        )
        (place / "w.yaml").write_text("workflows: {w: {nodes: [{id: a, type: compute, handler: './w.py:wait'}]}}")
        process = subprocess.Popen(
            [*program, "run", "w.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until(place / "waiting", process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        assert process.returncode == 130


def test_a_workflow_that_takes_too_long_fails_and_can_be_resumed(victor, slow):
    (slow / "slow.yaml").write_text(SLOW.replace("    nodes:", "    timeout: 0.3\n    nodes:"))
    done = victor("run", "slow.yaml", "--thread", "t")
    assert done.code == 1
    assert "slow failed: it did not finish within 0.3 s; go on with it: victor workflow run" in done.err
    (slow / "go").touch()
    assert victor("run", "--thread", "t", "--resume", "-q").out == "quick and waited\n"


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, command: list[str], **env: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **env})
            os.execvp(command[0], command)
        self.seen = ""

    def read_until(self, text: str, limit_s: float = 120) -> str:
        deadline = time.monotonic() + limit_s
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    break
        assert text in self.seen, self.seen
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def end(self) -> int:
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: Windows has no pty")
class TestOnATerminal:
    def test_progress_is_live_and_the_person_is_asked(self, flow, place, program):
        terminal = Terminal([*program, "run", *ANN, "--thread", "t"])
        terminal.read_until("[yes/no]")
        assert "Send 'Hello Ann'?" in terminal.seen
        terminal.type("maybe\n")
        terminal.read_until("answer yes or no")
        terminal.type("yes\n")
        assert terminal.end() == 0
        assert "✓" in terminal.seen
        assert "sent: Hello Ann" in terminal.seen
        assert terminal.seen.count("\x1b[?25l") <= terminal.seen.count("\x1b[?25h"), "the cursor is shown again"

    def test_a_question_with_a_time_limit_falls_back(self, place, program):
        (place / "w.yaml").write_text(
            "workflows: {w: {nodes: [{id: a, type: hitl, hitl_type: input, prompt: 'Name?', wait_seconds: 0.3, "
            "fallback: default, default_value: nobody}], outputs: {a: $ctx.a}}}"
        )
        terminal = Terminal([*program, "run", "w.yaml"])
        assert terminal.end() == 0
        assert "nobody" in terminal.seen

    @pytest.mark.slow
    def test_ctrl_c_at_a_question_leaves_a_run_that_waits(self, flow, place, program, real_victor):
        terminal = Terminal([*program, "run", *ANN, "--thread", "t"])
        terminal.read_until("[yes/no]")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert "Go on: victor workflow run greet.yaml --thread t --resume" in terminal.seen
        assert real_victor("threads", "--json").data[0]["status"] == "interrupted"

    @pytest.mark.slow
    def test_the_end_of_input_at_a_question_leaves_a_run_that_waits(self, flow, place, program, real_victor):
        terminal = Terminal([*program, "run", *ANN, "--thread", "t"])
        terminal.read_until("[yes/no]")
        terminal.type("\x04")
        assert terminal.end() == 3
        assert real_victor("run", "--thread", "t", "--resume", "-a", "yes").out == "sent: Hello Ann\n"

    def test_maps_show_how_many_are_done(self, place, program):
        (place / "w.yaml").write_text(
            "workflows: {w: {nodes: [{id: each, type: map, over: '{{ range(30) | list }}', "
            "node: {type: transform, template: '{{ item }}'}, output: out}, {id: n, type: transform, template: '{{ out | length }}'}], outputs: [n]}}"
        )
        terminal = Terminal([*program, "run", "w.yaml"])
        assert terminal.end() == 0
        assert "30/30" in terminal.seen


def test_a_place_that_cannot_be_written_is_said_with_what_to_do(victor, place):
    node = "{id: a, type: transform, template: Hello, output: reply}"
    (place / "flow.yaml").write_text(f"workflows: {{hello: {{nodes: [{node}]}}}}")
    (place / ".victor").write_text("a file is in the way")
    done = victor("run", "flow.yaml")
    assert done.code == 1
    assert ".victor, which cannot be made or written: File exists; name another place with --checkpoints" in done.err
    assert victor("run", "flow.yaml", "--checkpoints", "none").code == 0


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("psycopg") is None, reason="psycopg is not installed")
def test_a_store_that_was_never_reached_has_kept_nothing(victor, flow):
    with socket.socket() as bound:  # and nobody listens
        bound.bind(("127.0.0.1", 0))
        url = f"postgresql://127.0.0.1:{bound.getsockname()[1]}/x?connect_timeout=2"
        done = victor("run", *ANN, "--checkpoints", url)
    assert done.code == 1
    assert "is kept" not in done.err
    assert "Nothing was done yet" in done.err
