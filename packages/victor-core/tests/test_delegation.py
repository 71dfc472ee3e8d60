"""Agents as tools of agents: what is counted, what limits, what passes up and what comes down."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs
import pytest

from victor.core import Agent, Limits, Message, ModelResponse, StopReason, ToolCall, Usage
from victor.core.errors import ConfigurationError, ModelConnectionError, SchemaError, ToolError
from victor.core.events import Event, EventStream
from victor.core.run_events import ToolFinished
from victor.core.testing import ScriptedModel
from victor.core.tool import ToolContext, as_tool


class Priced(ScriptedModel):
    """A scripted model with a price: a cent for each token."""

    def cost_usd(self, usage: Usage) -> float | None:
        return None if usage.total_tokens is None else usage.total_tokens / 100


def said(text: str = "", *calls: ToolCall, tokens: tuple[int, int] = (10, 5)) -> ModelResponse:
    reason = "tool_calls" if calls else "stop"
    return ModelResponse(text, calls, Usage(*tokens, requests=1), reason)


def ask(number: int = 1, name: str = "clerk", **arguments: Any) -> ToolCall:
    return ToolCall(str(number), name, json.dumps(arguments or {"task": "count"}))


def last(model: ScriptedModel) -> Message:
    return model.requests[-1].messages[-1]


async def test_it_takes_a_task_and_answers_with_the_output():
    inner, outer = ScriptedModel(["128,000."]), ScriptedModel([ask(task="How many?"), "So many."])
    clerk = Agent("Count people.", name="town clerk", model=inner)
    tool = clerk.as_tool()
    assert tool.name == "town_clerk"
    assert tool.description == "Asks the agent town clerk, whose instructions begin: Count people."
    assert tool.parameters["required"] == ["task"]
    result = await Agent(tools=[clerk.as_tool("clerk", "Counts.")], model=outer).run("Ulm?")
    assert result.output == "So many."
    assert [m.content for m in inner.requests[0].messages] == ["Count people.", "How many?"]
    assert [m.content for m in result.messages if m.role == "tool"] == ["128,000."]


async def test_a_prompt_function_gives_schema_description_and_checked_arguments():
    @attrs.frozen
    class Town:
        name: str

    def about(town: Town, days: int = 3) -> str:
        """Forecasts the weather."""
        return f"Forecast {days} days of {town.name}."

    inner = ScriptedModel(["Rain."])
    tool = Agent(name="clerk", model=inner).as_tool(prompt=about)
    assert tool.description == "Forecasts the weather."
    assert set(tool.parameters["properties"]) == {"town", "days"}
    assert (await tool.call({"town": {"name": "Ulm"}})).text == "Rain."
    assert inner.requests[0].messages[-1].content == "Forecast 3 days of Ulm."
    assert "days" in (await tool.call({"town": {"name": "Ulm"}, "days": "many"})).text
    assert not (await tool.call({"town": 3})).ok


async def test_a_schema_instead_of_a_prompt_and_an_answer_of_ones_own():
    schema = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
    inner = ScriptedModel(['{"people": 3}', "x"])

    @attrs.frozen
    class Answer:
        people: int

    agent = Agent(name="clerk", model=inner, output_type=Answer)
    tool = agent.as_tool(parameters=schema, result=lambda done: f"{done.output.people} in {done.steps} step")
    assert (await tool.call({"town": "Ulm"})).text == "3 in 1 step"
    assert inner.requests[0].messages[-1].content == '{"town":"Ulm"}'
    inner = ScriptedModel(['{"people": 3}'])
    assert (await Agent(model=inner, output_type=Answer).as_tool().call({"task": "x"})).value == Answer(3)


def test_what_cannot_be_a_tool_is_refused():
    agent = Agent(name="clerk", model="test")
    with pytest.raises(ConfigurationError, match="not both"):
        agent.as_tool(prompt=lambda task: task, parameters={"type": "object"})
    with pytest.raises(ConfigurationError, match="letters, digits"):
        agent.as_tool("the clerk")

    def odd(when: asyncio.Lock) -> str: ...

    with pytest.raises(SchemaError, match="when"):
        agent.as_tool(prompt=odd)
    assert agent.as_tool(requires_approval=True, timeout_s=3).metadata.timeout_s == 3


async def test_a_prompt_that_is_no_text_is_told():
    async def later(task: str) -> str:
        return task

    result = await Agent(model=ScriptedModel(["x"])).as_tool(prompt=later).call({"task": "x"})
    assert "must be a text, not coroutine" in result.text


async def test_usage_cost_and_requests_count_for_the_run_that_asks():
    inner = Priced([said("", ToolCall("9", "noop", "{}")), said("one"), said("two")])
    outer = Priced([said("", ask(1), ask(2)), said("done", tokens=(100, 1))])

    def noop() -> None: ...

    clerk = Agent(name="clerk", model=inner, tools=[noop])
    result = await Agent(tools=[clerk.as_tool(sequential=True)], model=outer).run("go")
    assert result.usage == Usage(10 + 100 + 3 * 10, 5 + 1 + 3 * 5, requests=5)
    assert result.cost_usd == pytest.approx((15 + 101 + 45) / 100)
    assert (result.steps, result.tool_calls) == (2, 2)


async def test_an_unknown_price_below_makes_the_cost_unknown_but_not_the_budget_endless():
    clerk = Agent(name="clerk", model=ScriptedModel([said("x")] * 9))
    outer = Priced([said("", ask(n)) for n in range(9)])
    result = await Agent(tools=[clerk.as_tool()], model=outer, limits=Limits(cost_usd=0.40)).run("go")
    assert result.cost_usd is None
    assert (result.stop_reason, result.steps) == (StopReason.MAX_COST, 3)


@pytest.mark.parametrize(
    ("limits", "reason", "requests"),
    [
        (Limits(tokens=60), StopReason.MAX_TOKENS, 4),
        (Limits(cost_usd=0.6), StopReason.MAX_COST, 4),
        (Limits(steps=4), StopReason.MAX_STEPS, 4),
    ],
)
async def test_limits_of_the_run_that_asks_end_the_one_that_is_asked(limits, reason, requests):
    def more(number: int) -> int:
        return number

    inner = Priced([said("", ToolCall(str(n), "more", f'{{"number": {n}}}')) for n in range(99)])
    outer = Priced([said("", ask()), said("never")])
    clerk = Agent(name="clerk", model=inner, tools=[more])
    result = await Agent(tools=[clerk.as_tool()], model=outer, limits=limits).run("go")
    assert result.stop_reason is reason
    assert result.usage.requests == requests
    assert f"clerk stopped before it had an answer ({reason.value})" in result.messages[-1].content


async def test_its_own_limits_hold_too_and_the_one_that_asks_goes_on():
    inner = ScriptedModel([said("Half an", ToolCall("1", "noop", "{}"))] * 9)
    clerk = Agent(name="clerk", model=inner, tools=[as_tool(lambda: 1, name="noop")], limits=Limits(steps=2))
    outer = ScriptedModel([ask(), "I could not find out."])
    result = await Agent(tools=[clerk.as_tool()], model=outer).run("go")
    assert result.output == "I could not find out."
    assert last(outer).content == "clerk stopped before it had an answer (max_steps). Its last words: Half an"
    assert last(outer).is_error


async def test_a_model_that_fails_below_is_an_error_the_one_above_can_answer():
    class Broken(ScriptedModel):
        async def request(self, request: Any) -> ModelResponse:
            raise ModelConnectionError("clerk's server is away")

    outer = ScriptedModel([ask(), "The clerk is away."])
    result = await Agent(tools=[Agent(name="clerk", model=Broken([])).as_tool()], model=outer).run("go")
    assert result.output == "The clerk is away."
    assert "clerk's server is away" in last(outer).content


async def test_events_stand_inside_the_call_and_on_the_stream_of_the_one_that_asks():
    stream, events = EventStream(), list[Event]()
    stream.subscribe(events.append)
    clerk = Agent(name="clerk", model=ScriptedModel(["x"]))
    await Agent(name="boss", tools=[clerk.as_tool()], model=ScriptedModel([ask(), "y"]), stream=stream).run("go")
    begun = {(e.kind, e.name): e for e in events if e.phase == "start"}
    call = begun["tool.call", "clerk"]
    assert begun["agent.run", "clerk"].parent_id == call.span_id
    assert call.parent_id == begun["agent.run", "boss"].span_id
    assert len({event.run_id for event in events}) == 1


async def test_cancelling_reaches_the_agent_below():
    reached, cancelled = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    clerk = Agent(name="clerk", tools=[wait], model=ScriptedModel([ToolCall("1", "wait", "{}")]))
    task = asyncio.create_task(Agent(tools=[clerk.as_tool()], model=ScriptedModel([ask()])).run("go"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


async def test_time_runs_out_above_and_ends_both():
    async def wait() -> None:
        await asyncio.Event().wait()

    clerk = Agent(name="clerk", tools=[wait], model=ScriptedModel([ToolCall("1", "wait", "{}")]))
    boss = Agent(tools=[clerk.as_tool()], model=ScriptedModel([ask()]), limits=Limits(timeout_s=0.05))
    assert (await boss.run("go")).stop_reason is StopReason.TIMEOUT


async def test_approval_passes_up_and_both_clocks_stand_still():
    asked: list[tuple[str, str]] = []

    async def approve(context: ToolContext) -> bool:
        asked.append((context.scope.agent, context.tool.name))
        await asyncio.sleep(0.7)
        return True

    erase = as_tool(lambda: "erased", name="erase", requires_approval=True)
    clerk = Agent(name="clerk", tools=[erase], model=ScriptedModel([ToolCall("1", "erase", "{}"), "gone"]))
    middle = Agent(name="middle", tools=[clerk.as_tool()], model=ScriptedModel([ask(), "it is gone"]))
    boss = Agent(
        tools=[middle.as_tool()], approve=approve, limits=Limits(timeout_s=0.6),
        model=ScriptedModel([ask(name="middle", task="erase it"), "done"]),
    )  # fmt: skip
    assert (await boss.run("go")).output == "done"
    assert asked == [("clerk", "erase")]


async def test_without_anybody_to_ask_it_is_denied_and_its_own_approval_comes_first():
    erase = as_tool(lambda: "erased", name="erase", requires_approval=True)
    for own, told in ((None, "nobody can be asked"), (lambda context: False, "was not approved")):
        inner = ScriptedModel([ToolCall("1", "erase", "{}"), "kept"])
        clerk = Agent(name="clerk", tools=[erase], model=inner, approve=own)
        boss = Agent(tools=[clerk.as_tool()], model=ScriptedModel([ask(), "ok"]), approve=own and (lambda _: True))
        await boss.run("go")
        assert told in last(inner).content


async def test_deps_are_handed_on():
    seen = []

    def look(context: ToolContext) -> None:
        seen.append(context.deps)

    clerk = Agent(
        lambda deps: f"for {deps}", name="clerk", tools=[look], model=ScriptedModel([ToolCall("1", "look", "{}"), "x"])
    )
    await Agent(tools=[clerk.as_tool()], model=ScriptedModel([ask(), "y"])).run("go", deps="ann")
    assert seen == ["ann"]


async def test_an_agent_that_asks_itself_comes_to_an_end():
    class Asking(ScriptedModel):
        async def request(self, request: Any) -> ModelResponse:
            answered = [m for m in request.messages if m.role == "tool"]
            return said(answered[0].content) if answered else said("", ask(name="clerk"))

    clerk = Agent(name="clerk", model=Asking([]))
    clerk = clerk.with_(tools=[])
    tools = clerk.tools
    tool = clerk.as_tool()
    tools["clerk"] = tool
    object.__setattr__(clerk, "_tools", tools)
    result = await clerk.run("go")
    assert "agents ask each other 16 deep" in result.output


async def test_in_a_stream_the_call_shows_as_one():
    clerk = Agent(name="clerk", model=ScriptedModel(["inner words"]))
    boss = Agent(tools=[clerk.as_tool()], model=ScriptedModel([ask(), "outer words"]))
    events = [event async for event in boss.stream("go")]
    assert [e.result.text for e in events if isinstance(e, ToolFinished)] == ["inner words"]


async def test_require_price_holds_for_agents_below():
    clerk = Agent(name="clerk", model=ScriptedModel(["x"]))
    outer = Priced([said("", ask()), said("ok")])
    await Agent(tools=[clerk.as_tool()], model=outer, limits=Limits(require_price=True)).run("go")
    assert "the price of" in last(outer).content


async def test_outside_of_a_run_it_is_a_plain_tool():
    tool = Agent(model=ScriptedModel(["x"])).as_tool()
    assert (await tool.call({"task": "go"})).value == "x"
    assert isinstance((await tool.call({})).error, ToolError)
