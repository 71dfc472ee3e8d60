"""Tests of ``customer_support.yaml``: what the agent found is given, and the rules after it are checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from victor.graph import Command
from victor.graph.yaml import load_workflow

FILE = Path(__file__).parent / "customer_support.yaml"
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the workflow with a form the agent is made to answer; gives the reply, or what a person is asked."""

    def one_run(category: str, order: int | None, answer: str | None = None) -> str:
        cassette = {"answers": [{"text": json.dumps({"category": category, "order": order})}]}
        (tmp_path / "agent.json").write_text(json.dumps(cassette))
        monkeypatch.setenv("VICTOR_MODEL", f"scripted:{tmp_path}/agent.json")
        workflow = load_workflow(FILE)
        graph, config = workflow.compile("memory:"), workflow.config("case")
        state = graph.invoke(workflow.read_inputs({"message": "..."}), config)
        if "__interrupt__" in state and answer is not None:
            state = graph.invoke(Command(resume=answer), config)
        waiting = state.get("__interrupt__")
        return str(waiting[0].value["prompt"] if waiting else workflow.read_outputs(state)["reply"])

    return one_run


def test_small_refunds_are_paid_at_once(run: Run) -> None:
    assert run("refund", 1003) == "4.0 EUR for the spoon are on their way back to you."


def test_larger_refunds_wait_for_a_person(run: Run) -> None:
    assert run("refund", 1001).startswith("Pay back 49.0 EUR for the lamp of order 1001?")


@pytest.mark.parametrize(("answer", "reply"), [("yes", "49.0 EUR for the lamp"), ("no", "A colleague will read")])
def test_the_person_decides(run: Run, answer: str, reply: str) -> None:
    assert run("refund", 1001, answer).startswith(reply)


@pytest.mark.parametrize("category", ["refund", "delivery", "other"])
def test_nothing_is_paid_for_orders_nobody_knows(run: Run, category: str) -> None:
    assert run(category, 4711) == run(category, None) == "A colleague will read your message."
