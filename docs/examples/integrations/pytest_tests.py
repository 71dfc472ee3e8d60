"""Tests of an agent with pytest: no key, no network, no luck, and a failure when the agent does less than it should.

Installing victor-core gives pytest three fixtures. `scripted_model` answers from a script, refuses every real
provider meanwhile, and fails a test whose script was not used up; `victor_events` holds what happened, to be asserted
on; `victor_plugins` is a world without installed plugins. What is tested is your part: that the tool gets the right
arguments, that a refusal is handled, that a limit holds. This file holds the tests and runs pytest on itself.

Needs: victor-core[test]
Run: python docs/examples/integrations/pytest_tests.py
Prints:
    why: scripted: 1 of its answers were never asked for
    error: test_this_one_fails_because_a_tool_is_not_called
    5 passed, 1 error
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from victor.core import Agent, Limits, Model, ModelRateLimitError, ToolError
from victor.core.testing import EventList, call

ORDERS = {17: "paid"}


def refund(order: int) -> str:
    """Give the money of an order back."""
    if ORDERS.get(order) != "paid":
        raise ToolError(f"order {order} is not paid")
    return f"order {order} refunded"


def desk(model: Model) -> Agent[str]:
    """The agent under test."""
    return Agent("Help customers.", name="desk", tools=[refund], model=model, limits=Limits(steps=3))


# --- the tests ----------------------------------------------------------------------------------------------------


def test_a_paid_order_is_refunded_once(scripted_model: Callable[..., Model], victor_events: EventList) -> None:
    model = scripted_model(call("refund", order=17), "Your money is on its way.")
    assert desk(model).run_sync("I want my money back.").output == "Your money is on its way."
    assert victor_events.one("tool.call").content["arguments"] == {"order": 17}


def test_the_model_is_told_why_there_is_no_refund(scripted_model: Callable[..., Model]) -> None:
    model: Any = scripted_model(call("refund", order=99), "That order is not paid.")
    desk(model).run_sync("I want my money back.")
    assert model.requests[1].messages[-1].content == "order 99 is not paid"


def test_a_stubborn_model_is_stopped(scripted_model: Callable[..., Model]) -> None:
    model = scripted_model(call("refund", order=99), repeat=True)
    assert desk(model).run_sync("I want my money back.").stop_reason == "max_steps"


def test_a_busy_provider_is_an_error_and_no_answer(scripted_model: Callable[..., Model]) -> None:
    import pytest

    with pytest.raises(ModelRateLimitError):
        desk(scripted_model(ModelRateLimitError("too many requests"))).run_sync("I want my money back.")


def test_this_one_fails_because_a_tool_is_not_called(scripted_model: Callable[..., Model]) -> None:
    model = scripted_model("Done!", "an answer after the refund")  # the model claims what it has not done
    assert desk(model).run_sync("I want my money back.").output == "Done!"


if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", __file__]
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        if line.startswith("ERROR "):  # in continuous integration pytest repeats the reason behind it
            print("error:", line.partition("::")[2].partition(" - ")[0])
        elif "never asked for" in line:
            print("why:", line)
        elif " passed" in line:
            print(line.partition(" in ")[0])
