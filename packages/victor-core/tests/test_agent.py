"""The agent and its loop."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal, TypedDict

import attrs
import pytest

from victor.core.agent import Agent, resolve_tools
from victor.core.errors import (
    ConfigurationError,
    IncompleteRunError,
    ModelConnectionError,
    ModelError,
    ModelResponseError,
    OutputError,
    PluginError,
    SchemaError,
    UnknownNameError,
)
from victor.core.events import EventStream, get_stream
from victor.core.limits import Limits
from victor.core.message import ToolCall, Usage
from victor.core.model import Model, ModelRequest, ModelResponse, ModelSettings, TextDelta, resolve_model
from victor.core.models.function import FunctionModel
from victor.core.models.scripted import ScriptedModel
from victor.core.result import StopReason
from victor.core.run_events import AnswerRejected, RunFinished, ToolFinished, ToolStarted, tap_each_run, tap_runs
from victor.core.tool import as_tool
from victor.core.vertical import Vertical


def call(name: str, arguments: str = "{}", id: str = "c1") -> ToolCall:
    return ToolCall(id, name, arguments)


def calls(*wanted: ToolCall) -> ModelResponse:
    return ModelResponse("", wanted, finish_reason="tool_calls")


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class TestRun:
    async def test_a_text_answer(self):
        model = ScriptedModel([ModelResponse("Hello.", usage=Usage(5, 2), model="m-1")])
        result = await Agent("Be kind.", model=model).run("Hi")
        assert (result.output, result.text, result.stop_reason, result.completed) == (
            "Hello.",
            "Hello.",
            "completed",
            True,
        )
        assert result.usage == Usage(5, 2, requests=1)
        assert (result.steps, result.tool_calls, result.model) == (1, 0, "m-1")
        assert [message.role for message in result.messages] == ["system", "user", "assistant"]
        assert result.cost_usd is None
        assert result.cost is None

    async def test_tools_are_called_until_there_is_an_answer(self):
        model = ScriptedModel([call("add", '{"a": 2, "b": 3}'), call("add", '{"a": 5, "b": 1}', "c2"), "It is 6."])
        result = await Agent(tools=[add], model=model).run("2 + 3 + 1?")
        assert result.output == "It is 6."
        assert [m.content for m in result.messages if m.role == "tool"] == ["5", "6"]
        assert [m.tool_call_id for m in result.messages if m.role == "tool"] == ["c1", "c2"]
        assert (result.steps, result.tool_calls) == (3, 2)
        assert [tool.name for tool in model.requests[0].tools] == ["add"]

    async def test_a_history_is_continued_and_left_as_it_was(self):
        agent = Agent("Be kind.", model=ScriptedModel(["One.", "Two."]))
        first = await agent.run("a")
        history = list(first.messages)
        second = await agent.run("b", history=first.messages)
        assert first.messages == history
        assert [m.content for m in second.messages] == ["Be kind.", "a", "One.", "b", "Two."]

    async def test_instructions_may_depend_on_the_run(self):
        model = ScriptedModel(["ok"])
        await Agent(lambda deps: f"You serve {deps}.", model=model).run("x", deps="Ann")
        assert model.requests[0].messages[0].content == "You serve Ann."

    async def test_tool_errors_go_back_to_the_model(self):
        def pick(n: int) -> str:
            raise ValueError("out of range")

        model = ScriptedModel([call("pick", '{"n": "many"}'), call("pick", '{"n": 1}'), call("pik"), "Sorry."])
        result = await Agent(tools=[pick], model=model).run("x")
        answers = [m for m in result.messages if m.role == "tool"]
        assert all(m.is_error for m in answers)
        assert "$.n" in answers[0].content
        assert "ValueError: out of range" in answers[1].content
        assert "There is no tool 'pik'; did you mean 'pick'?" in answers[2].content

    async def test_malformed_argument_json_goes_back_to_the_model(self):
        model = ScriptedModel([call("add", '{"a": 2, "b"'), "Sorry."])
        result = await Agent(tools=[add], model=model).run("x")
        assert "JSON" in result.messages[-2].content
        assert result.messages[-2].is_error

    async def test_another_model_for_one_run(self):
        agent = Agent(model=ScriptedModel(["a"]))
        assert (await agent.run("x", model=ScriptedModel(["b"]))).output == "b"

    def test_without_an_event_loop(self):
        assert Agent(model=ScriptedModel(["hi"])).run_sync("x").output == "hi"

    async def test_run_sync_inside_a_loop_says_what_to_write(self):
        with pytest.raises(ConfigurationError, match=r"await agent\.run"):
            Agent(model=ScriptedModel(["hi"])).run_sync("x")

    async def test_many_runs_of_one_agent_do_not_mix(self):
        model = FunctionModel(lambda request: request.messages[-1].content.upper())
        agent = Agent(model=model)
        results = await asyncio.gather(*(agent.run(f"n{i}") for i in range(50)))
        assert [r.output for r in results] == [f"N{i}" for i in range(50)]

    async def test_cost_is_known_only_with_a_price(self):
        class Priced(ScriptedModel):
            def cost_usd(self, usage: Usage) -> float | None:
                return None if usage.total_tokens is None else usage.total_tokens / 1000

        model = Priced(
            [
                ModelResponse("", (call("add", '{"a":1,"b":1}'),), Usage(500, 100)),
                ModelResponse("2", usage=Usage(400, 0)),
            ]
        )
        assert (await Agent(tools=[add], model=model).run("x")).cost_usd == pytest.approx(1.0)
        model = Priced([ModelResponse("", (call("add", '{"a":1,"b":1}'),), Usage(500, 100)), ModelResponse("2")])
        result = await Agent(tools=[add], model=model).run("x")
        assert result.cost_usd is None
        assert result.usage.total_tokens is None


class TestParallelCalls:
    async def test_calls_of_one_step_run_side_by_side_and_are_answered_in_order(self):
        together = asyncio.Barrier(3)

        async def meet(name: str) -> str:
            await together.wait()
            return name

        wanted = [call("meet", f'{{"name": "{n}"}}', n) for n in "abc"]
        model = ScriptedModel([calls(*wanted), "done"])
        result = await Agent(tools=[meet], model=model, limits=Limits(timeout_s=5)).run("x")
        assert [m.content for m in result.messages if m.role == "tool"] == ["a", "b", "c"]

    async def test_a_sequential_tool_is_a_barrier(self):
        log: list[str] = []

        async def look(name: str) -> None:
            log.append(f"{name} in")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            log.append(f"{name} out")

        write = as_tool(look, name="write", sequential=True)
        wanted = [
            call(t, f'{{"name": "{n}"}}', n) for t, n in [("look", "a"), ("look", "b"), ("write", "w"), ("look", "c")]
        ]
        model = ScriptedModel([calls(*wanted), "done"])
        await Agent(tools=[look, write], model=model).run("x")
        assert log == ["a in", "b in", "a out", "b out", "w in", "w out", "c in", "c out"]

    async def test_no_more_run_at_once_than_allowed(self):
        running, most = 0, 0

        async def work(n: int) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

        model = ScriptedModel([calls(*(call("work", f'{{"n": {i}}}', str(i)) for i in range(20))), "done"])
        await Agent(tools=[work], model=model, limits=Limits(parallel_tools=3)).run("x")
        assert most == 3

    async def test_a_failing_call_does_not_take_its_neighbours_along(self):
        async def work(n: int) -> int:
            if n == 1:
                raise RuntimeError("one")
            return n

        model = ScriptedModel([calls(*(call("work", f'{{"n": {i}}}', str(i)) for i in range(3))), "done"])
        result = await Agent(tools=[work], model=model).run("x")
        assert [m.content for m in result.messages if m.role == "tool"] == ["0", "work failed: RuntimeError: one", "2"]


class TestOutput:
    @attrs.frozen
    class Town:
        name: str
        people: int

    @dataclass
    class Data:
        name: str

    class Typed(TypedDict):
        name: str

    class Color(enum.Enum):
        RED = "red"
        BLUE = "blue"

    @pytest.mark.parametrize(
        ("kind", "answer", "value"),
        [
            (Town, '{"name": "Ulm", "people": 128}', Town("Ulm", 128)),
            (Data, '{"name": "x"}', Data("x")),
            (Typed, '{"name": "x"}', {"name": "x"}),
            (Literal["yes", "no"], '{"value": "yes"}', "yes"),
            (Color, '{"value": "blue"}', Color.BLUE),
            (list[int], '{"value": [1, 2]}', [1, 2]),
            (int, '{"value": 3}', 3),
            (dict[str, int], '{"a": 1}', {"a": 1}),
            (list[Town], '{"value": [{"name": "Ulm", "people": 1}]}', [Town("Ulm", 1)]),
            ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, '{"a": 1}', {"a": 1}),
            ({"type": "array", "items": {"type": "integer"}}, '{"value": [1]}', [1]),
        ],
    )
    async def test_answers_become_values(self, kind, answer, value):
        model = ScriptedModel([answer])
        result = await Agent(model=model, output_type=kind).run("x")
        assert result.output == value
        assert model.requests[0].output is not None
        assert model.requests[0].output.schema["type"] == "object"

    async def test_pydantic_models(self):
        pydantic = pytest.importorskip("pydantic", reason="pip install pydantic")

        class Town(pydantic.BaseModel):
            name: str
            people: int

        result = await Agent(model=ScriptedModel(['{"name": "Ulm", "people": 1}']), output_type=Town).run("x")
        assert result.output == Town(name="Ulm", people=1)

    async def test_json_in_a_fence_or_in_prose_is_found(self):
        for answer in ('```json\n{"name": "x"}\n```', 'Here it is: {"name": "x"} - good?'):
            assert (await Agent(model=ScriptedModel([answer]), output_type=self.Data).run("x")).output == self.Data("x")

    async def test_the_model_may_correct_itself(self):
        model = ScriptedModel(["not json", '{"nam": "x"}', '{"name": "x"}'])
        result = await Agent(model=model, output_type=self.Data).run("x")
        assert result.output == self.Data("x")
        complaints = [m.content for m in result.messages if m.role == "user"][1:]
        assert "not JSON" in complaints[0]
        assert "name" in complaints[1]

    async def test_after_too_many_corrections_it_is_an_error_with_the_run_so_far(self):
        with pytest.raises(OutputError, match="3 attempts") as caught:
            await Agent(model=ScriptedModel(["a", "b", "c"]), output_type=self.Data, name="clerk").run("x")
        assert caught.value.text == "c"
        assert caught.value.result is not None
        assert caught.value.result.stop_reason is StopReason.ERROR
        assert caught.value.result.text == "c"

    async def test_what_the_model_said_instead_comes_first_and_once(self):
        said = "I cannot tell: the letter names no customer whose name could be filled in, whatever one reads into it."
        for kind in (self.Data, int):
            with pytest.raises(OutputError) as caught:
                await Agent(model=ScriptedModel([said]), output_type=kind, output_retries=0).run("x")
            first, second = str(caught.value).splitlines()
            assert first == f"agent 'agent': no usable answer from scripted in 1 attempt. It said: {said}"
            assert second == f"That does not fit the output type {kind.__name__!r}."
        with pytest.raises(OutputError, match="expected an integer, got 'none'") as caught:
            await Agent(model=ScriptedModel(["none"]), output_type=int, output_retries=0).run("x")
        assert str(caught.value).count("none") == 1

    @pytest.mark.parametrize(
        ("kind", "answer", "value"),
        [
            (list[int], "[1]", [1]),
            (Literal["yes", "no"], "yes", "yes"),
            (Literal["yes", "no"], '"no"', "no"),
            (int, "7", 7),
        ],
    )
    async def test_a_bare_value_is_taken_too(self, kind, answer, value):
        assert (await Agent(model=ScriptedModel([answer]), output_type=kind, output_retries=0).run("x")).output == value

    async def test_an_answer_that_does_not_fit_a_json_schema_may_be_corrected(self):
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        result = await Agent(model=ScriptedModel(['{"a": "x"}', '{"a": 1}']), output_type=schema).run("x")
        assert result.output == {"a": 1}
        with pytest.raises(OutputError, match="required form"):
            await Agent(model=ScriptedModel(['{"a": "x"}']), output_type=schema, output_retries=0).run("x")

    async def test_an_empty_answer_is_no_answer(self):
        assert (await Agent(model=ScriptedModel(["", "ok"])).run("x")).output == "ok"
        with pytest.raises(OutputError, match="empty"):
            await Agent(model=ScriptedModel([" "]), output_retries=0).run("x")

    def test_a_type_that_cannot_be_described_is_refused_at_once(self):
        with pytest.raises(SchemaError):
            Agent(output_type=EventStream)


class TestWrongArguments:
    @pytest.mark.parametrize(
        ("tools", "says"),
        [
            (add, r"not function .*; for one tool: tools=\[add\]"),
            (as_tool(add), r"not Tool .*; for one tool: tools=\[add\]"),
            ("files.read", r"not str 'files.read'; for one tool: tools=\['files.read'\]"),
            (3, "must be a list of functions, tools or names, not int 3$"),
        ],
    )
    def test_tools_that_are_no_list(self, tools, says):
        with pytest.raises(ConfigurationError, match=says):
            Agent(tools=tools)

    @pytest.mark.parametrize("prompt", [3, None, ["hello"]])
    def test_a_prompt_that_is_no_text(self, prompt):
        agent = Agent(model="test")
        for ask in (agent.run_sync, agent.chat().send_sync):
            with pytest.raises(ConfigurationError, match=f"the prompt must be a text, not {type(prompt).__name__} "):
                ask(prompt)

    def test_limits_that_are_none(self):
        wanted = r"not dict .*; write limits=Limits\(steps=1, tokens=9\)"
        with pytest.raises(ConfigurationError, match=wanted):
            Agent(limits={"steps": 1, "tokens": 9})
        with pytest.raises(ConfigurationError, match=wanted):
            Agent(model="test").run_sync("x", limits={"steps": 1, "tokens": 9})
        with pytest.raises(ConfigurationError, match="not int 5; write limits=Limits"):
            Agent(limits=5)


class TestLimits:
    def endless(self) -> FunctionModel:
        count = iter(range(10_000))
        return FunctionModel(lambda request: calls(call("add", f'{{"a": {next(count)}, "b": 1}}')))

    async def stopped(self, limits: Limits, model: Model | None = None):
        return await Agent(tools=[add], model=model or self.endless(), limits=limits, name="x").run("go")

    async def test_steps(self):
        result = await self.stopped(Limits(steps=3))
        assert (result.stop_reason, result.steps, result.tool_calls) == (StopReason.MAX_STEPS, 3, 3)
        assert result.messages[-1].content == "3"

    async def test_output_of_an_unfinished_run_raises_and_says_why(self):
        result = await self.stopped(Limits(steps=3))
        with pytest.raises(IncompleteRunError, match=r"Limits\.steps.*3 steps and 3 tool calls") as caught:
            _ = result.output
        assert caught.value.result is result
        assert not result.completed

    async def test_tokens_counted_by_the_provider(self):
        model = FunctionModel(
            lambda r: ModelResponse("", (call("add", f'{{"a": {len(r.messages)}, "b": 1}}'),), Usage(90, 10))
        )
        result = await self.stopped(Limits(tokens=250), model)
        assert (result.stop_reason, result.usage.total_tokens) == (StopReason.MAX_TOKENS, 300)

    async def test_tokens_are_estimated_where_the_provider_does_not_count(self):
        model = FunctionModel(
            lambda r: ModelResponse("w" * 4000, (call("add", f'{{"a": {len(r.messages)}, "b": 1}}'),), usage=None)
        )
        result = await self.stopped(Limits(tokens=5000), model)
        assert result.stop_reason is StopReason.MAX_TOKENS
        assert result.usage.total_tokens is None

    async def test_cost(self):
        class Priced(FunctionModel):
            def cost_usd(self, usage: Usage) -> float | None:
                return 0.4

        model = Priced(lambda r: ModelResponse("", (call("add", f'{{"a": {len(r.messages)}, "b": 1}}'),), Usage(1, 1)))
        result = await self.stopped(Limits(cost_usd=1.0), model)
        assert result.stop_reason is StopReason.MAX_COST
        assert result.cost_usd == pytest.approx(1.2)

    async def test_an_unknown_price_is_refused_when_a_price_is_required(self):
        with pytest.raises(ConfigurationError, match=r"price of .* is unknown.*prices"):
            await self.stopped(Limits(require_price=True))

    async def test_time(self):
        async def wait() -> None:
            await asyncio.Event().wait()

        model = ScriptedModel([call("wait")])
        result = await Agent(tools=[wait], model=model, limits=Limits(timeout_s=0.3)).run("x")
        assert result.stop_reason is StopReason.TIMEOUT
        assert result.messages[-1].tool_call_id == "c1"
        assert "timeout" in result.messages[-1].content

    async def test_a_models_own_timeout_is_a_connection_error(self):
        async def model(request: ModelRequest) -> str:
            raise TimeoutError("read timed out")

        with pytest.raises(ModelConnectionError, match="read timed out"):
            await Agent(model=FunctionModel(model), limits=Limits(timeout_s=60)).run("x")

    async def test_the_same_call_with_the_same_result_again_and_again(self):
        model = FunctionModel(lambda r: calls(call("add", '{"a": 1, "b": 1}')))
        result = await self.stopped(Limits(repeats=3), model)
        assert (result.stop_reason, result.tool_calls) == (StopReason.LOOP, 3)
        answers = [m.content for m in result.messages if m.role == "tool"]
        assert answers[0] == "2"
        assert "call number 2 of add with the same arguments" in answers[1]

    async def test_asking_again_while_the_answer_changes_is_no_loop(self):
        count = iter(range(100))

        async def poll() -> int:
            return next(count)

        model = ScriptedModel([call("poll")] * 8 + ["done"])
        result = await Agent(tools=[poll], model=model, limits=Limits(repeats=3)).run("x")
        assert result.output == "done"

    async def test_loop_detection_can_be_switched_off(self):
        model = ScriptedModel([call("add", '{"a": 1, "b": 1}')] * 20 + ["done"])
        result = await Agent(tools=[add], model=model, limits=Limits(repeats=None)).run("x")
        assert result.tool_calls == 20

    async def test_an_answer_that_was_cut_off_or_filtered_is_no_answer(self):
        for finish, reason in (("length", StopReason.LENGTH), ("content_filter", StopReason.CONTENT_FILTER)):
            result = await Agent(model=ScriptedModel([ModelResponse("half an ans", finish_reason=finish)])).run("x")
            assert result.stop_reason is reason
            assert result.text == "half an ans"

    async def test_limits_come_from_settings_where_the_program_gives_none(self, monkeypatch):
        monkeypatch.setenv("VICTOR_LIMITS__STEPS", "2")
        result = await Agent(tools=[add], model=self.endless()).run("x")
        assert (result.stop_reason, result.steps) == (StopReason.MAX_STEPS, 2)


class TestFailures:
    async def test_an_unreachable_model_raises_and_the_work_done_is_kept(self):
        model = ScriptedModel([call("add", '{"a": 1, "b": 1}'), ModelConnectionError("refused", provider="p")])
        with pytest.raises(ModelConnectionError, match="refused") as caught:
            await Agent(tools=[add], model=model).run("x")
        result = caught.value.result
        assert result is not None
        assert (result.stop_reason, result.messages[-1].content) == (StopReason.ERROR, "2")
        with pytest.raises(IncompleteRunError):
            _ = result.output

    async def test_a_raw_connection_error_becomes_a_model_error(self):
        with pytest.raises(ModelConnectionError, match="could not be reached: ConnectionRefusedError"):
            await Agent(model=ScriptedModel([ConnectionRefusedError("111")])).run("x")

    async def test_something_that_is_no_response_is_refused(self):
        class Odd(Model):
            provider = "odd"

            async def request(self, request: ModelRequest) -> ModelResponse:
                return "text"  # type: ignore[return-value]

        with pytest.raises(ModelResponseError, match="returned a str"):
            await Agent(model=Odd()).run("x")

    async def test_a_stream_that_ends_early_is_an_error(self):
        class Cut(Model):
            provider = "cut"

            async def request(self, request: ModelRequest) -> ModelResponse:
                raise NotImplementedError

            async def stream(self, request: ModelRequest):
                yield TextDelta("half")

        with pytest.raises(ModelConnectionError, match="ended before the answer was whole"):
            async for _ in Agent(model=Cut()).stream("x"):
                pass

    async def test_cancelling_a_run_cancels_its_tools(self):
        cancelled = asyncio.Event()
        started = asyncio.Event()

        async def wait() -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

        model = ScriptedModel([calls(call("wait", id="1"), call("wait", id="2"))])
        task = asyncio.create_task(Agent(tools=[wait], model=model).run("x"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cancelled.is_set()

    def test_an_unknown_provider_names_near_matches(self):
        with pytest.raises(UnknownNameError, match="did you mean 'offline'"):
            resolve_model("ofline")
        with pytest.raises(ConfigurationError, match="a model is a Model or a name"):
            resolve_model(3)  # type: ignore[arg-type]

    def test_a_provider_that_makes_no_model_is_refused(self):
        from victor.core.plugins import get_plugins

        get_plugins().models.register("odd", lambda name: name)
        try:
            with pytest.raises(ConfigurationError, match="made a str"):
                resolve_model("odd:x")
        finally:
            get_plugins().models.discard("odd")


class TestStream:
    async def test_pieces_come_as_they_happen_and_the_result_last(self):
        model = ScriptedModel([call("add", '{"a": 1, "b": 1}'), "It is two."])
        events = [event async for event in Agent(tools=[add], model=model).stream("x")]
        assert isinstance(events[0], ToolStarted)
        assert isinstance(events[1], ToolFinished)
        assert events[1].result.value == 2
        assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "It is two."
        assert isinstance(events[-1], RunFinished)
        assert events[-1].result.output == "It is two."

    async def test_a_rejected_answer_is_announced(self):
        model = ScriptedModel(["nope", '{"value": 3}'])
        events = [event async for event in Agent(model=model, output_type=int).stream("x")]
        assert any(isinstance(event, AnswerRejected) for event in events)
        assert events[-1].result.output == 3

    async def test_errors_are_raised_where_the_events_are_read(self):
        with pytest.raises(ModelError, match="gone"):
            async for _ in Agent(model=ScriptedModel([ModelConnectionError("gone")])).stream("x"):
                pass

    async def test_leaving_early_cancels_the_run(self):
        started, cancelled = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        async with aclosing(Agent(tools=[wait], model=ScriptedModel([call("wait")])).stream("x")) as events:
            async for event in events:
                assert isinstance(event, ToolStarted)
                await started.wait()
                break
        assert cancelled.is_set()

    async def test_a_slow_reader_holds_up_the_run_instead_of_piling_up(self):
        produced = 0

        class Chatty(Model):
            provider = "chatty"

            async def request(self, request: ModelRequest) -> ModelResponse:
                raise NotImplementedError

            async def stream(self, request: ModelRequest):
                nonlocal produced
                for _ in range(1000):
                    produced += 1
                    yield TextDelta("x")
                yield ModelResponse("x" * 1000)

        async with aclosing(Agent(model=Chatty()).stream("x")) as events:
            await anext(events)
            for _ in range(10):
                await asyncio.sleep(0)
            assert produced < 100

    async def test_a_tap_hears_the_runs_of_others(self):
        heard = []
        with tap_runs(heard.append):
            await Agent(model=ScriptedModel(["one two"])).run("x")
        await Agent(model=ScriptedModel(["three"])).run("x")
        assert "".join(e.text for e in heard if isinstance(e, TextDelta)) == "one two"

    async def test_a_tap_can_tell_one_run_from_another(self):
        heard = {}

        def begin(agent, model):
            if agent == "silent":
                return None
            return heard.setdefault((agent, model.name), []).append

        with tap_each_run(begin):
            agents = [Agent(model=ScriptedModel([f"I am {name}"]), name=name) for name in ("a", "b", "silent")]
            await asyncio.gather(*(agent.run("x") for agent in agents))
        said = {
            agent: "".join(e.text for e in events if isinstance(e, TextDelta)) for (agent, _), events in heard.items()
        }
        assert said == {"a": "I am a", "b": "I am b"}


class TestChat:
    async def test_a_chat_remembers(self):
        model = ScriptedModel(["One.", "Two."])
        chat = Agent("Be kind.", model=model).chat()
        await chat.send("a")
        assert (await chat.send("b")).output == "Two."
        assert [m.content for m in model.requests[1].messages] == ["Be kind.", "a", "One.", "b"]

    async def test_streaming_a_turn(self):
        chat = Agent(model=ScriptedModel(["One.", "Two."])).chat()
        async for _ in chat.stream("a"):
            pass
        assert [m.content for m in chat.messages] == ["a", "One."]

    async def test_a_failed_turn_can_be_followed_by_another(self):
        chat = Agent(
            tools=[add], model=ScriptedModel([call("add", '{"a":1,"b":1}'), ModelConnectionError("x"), "ok"])
        ).chat()
        with pytest.raises(ModelError):
            await chat.send("a")
        assert (await chat.send("b")).output == "ok"
        assert [m.role for m in chat.messages] == ["user", "assistant", "tool", "user", "assistant"]

    async def test_a_turn_cancelled_in_a_tool_leaves_a_history_that_can_go_on(self):
        started = asyncio.Event()

        async def wait() -> None:
            started.set()
            await asyncio.Event().wait()

        chat = Agent(
            tools=[wait, add], model=ScriptedModel([calls(call("wait", id="1"), call("add", "{}", "2")), "ok"])
        ).chat()
        task = asyncio.create_task(chat.send("a"))
        await started.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert {m.tool_call_id for m in chat.messages if m.role == "tool"} == {"1", "2"}
        assert (await chat.send("b")).output == "ok"

    async def test_two_turns_at_once_are_refused(self):
        gate = asyncio.Event()

        async def slow(request: ModelRequest) -> str:
            await gate.wait()
            return "ok"

        chat = Agent(model=FunctionModel(slow)).chat()
        first = asyncio.create_task(chat.send("a"))
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="still answering"):
            await chat.send("b")
        gate.set()
        assert (await first).output == "ok"

    def test_without_an_event_loop(self):
        assert Agent(model=ScriptedModel(["x"])).chat().send_sync("a").output == "x"


class TestEvents:
    async def test_a_run_tells_of_itself_its_requests_and_its_calls(self):
        stream, events = EventStream(), []
        stream.subscribe(events.append)
        model = ScriptedModel(
            [calls(call("add", '{"a": 1, "b": 1}')), ModelResponse("2", usage=Usage(7, 1), model="m")]
        )
        result = await Agent(tools=[add], model=model, stream=stream, name="adder").run("x")
        assert [(e.kind, e.phase) for e in events] == [
            ("agent.run", "start"), ("model.request", "start"), ("model.request", "end"), ("tool.call", "start"),
            ("tool.call", "end"), ("model.request", "start"), ("model.request", "end"), ("agent.run", "end"),
        ]  # fmt: skip
        assert {e.run_id for e in events} == {result.run_id}
        assert {e.parent_id for e in events[1:-1]} == {events[0].span_id}
        end = events[-1]
        assert (end.name, end.attributes["stop_reason"], end.attributes["steps"]) == ("adder", "completed", 2)
        assert events[-2].attributes["input_tokens"] == 7
        assert all(e.content == {} for e in events)

    async def test_contents_are_captured_on_request_and_redacted(self):
        stream, events = EventStream(capture_content=True), []
        stream.subscribe(events.append)
        model = ScriptedModel([calls(call("add", '{"a": 1, "b": 1}')), "password=hunter2"])
        await Agent("key sk-abcdefghijklmnop1234", tools=[add], model=model, stream=stream).run("token=abcdef")
        text = str([e.content for e in events])
        for secret in ("hunter2", "sk-abcdefghijklmnop1234", "abcdef"):
            assert secret not in text
        request = next(e for e in events if e.kind == "model.request" and e.phase == "end")
        assert [m["role"] for m in request.content["messages"]] == ["system", "user"]

    async def test_limits_and_failures_are_told(self):
        stream, events = EventStream(), []
        stream.subscribe(events.append)
        model = FunctionModel(lambda r: calls(call("nope")))
        await Agent(model=model, stream=stream, limits=Limits(steps=1)).run("x")
        assert [e.attributes["stop_reason"] for e in events if e.kind == "agent.stop"] == ["max_steps"]
        assert any(e.kind == "tool.call" and e.error is not None for e in events)
        with pytest.raises(ModelError):
            await Agent(model=ScriptedModel([ModelConnectionError("gone")]), stream=stream).run("x")
        assert events[-1].kind == "agent.run"
        assert events[-1].error_text == "gone"

    async def test_the_default_stream_is_asked_for_each_run(self):
        events = []
        with get_stream().listening(events.append, ["agent.run"]):
            await Agent(model=ScriptedModel(["x"])).run("x")
        assert len(events) == 2


class TestTools:
    def test_functions_tools_names_and_import_strings(self):
        from victor.core.plugins import get_plugins

        get_plugins().tools.register("math.add", add)
        try:
            found = resolve_tools(["math.add", "os.path:basename", as_tool(add, name="plus")])
        finally:
            get_plugins().tools.discard("math.add")
        assert list(found) == ["add", "basename", "plus"]

    def test_a_tool_of_a_file(self, tmp_path):
        (tmp_path / "own.py").write_text("def shout(text: str) -> str:\n    return text.upper()\n")
        assert list(resolve_tools(["./own.py:shout"], tmp_path)) == ["shout"]
        assert list(resolve_tools([f"{tmp_path / 'own.py'}:shout"])) == ["shout"]
        with pytest.raises(PluginError, match="there is no file"):
            resolve_tools(["./other.py:shout"], tmp_path)

    def test_two_tools_of_a_name_are_refused(self):
        with pytest.raises(ConfigurationError, match="two tools are named 'add'"):
            Agent(tools=[add, add])

    def test_a_single_name_is_no_list_of_tools(self):
        with pytest.raises(ConfigurationError, match="must be a list"):
            Agent(tools="files.read")

    def test_an_unknown_name_says_so_when_the_agent_is_made(self):
        with pytest.raises(UnknownNameError, match=r"unknown tool 'no\.such'"):
            Agent(tools=["no.such"])

    async def test_approval_is_the_agents(self):
        remove = as_tool(lambda: "removed", name="remove", parameters={}, requires_approval=True)
        model = ScriptedModel([call("remove"), "done"])
        result = await Agent(
            tools=[remove], model=model, approve=lambda context: context.scope.agent == "a", name="a"
        ).run("x")
        assert result.messages[-2].content == "removed"


def test_an_agent_shows_itself():
    assert repr(Agent(tools=[add], name="adder")) == "Agent('adder', tools=[add])"


async def test_a_vertical_makes_agents():
    vertical = Vertical(
        "sums", "adds", "You add.", [add], model=ScriptedModel(["a", "b"]), settings=ModelSettings(seed=1)
    )
    agent = vertical.agent()
    assert (agent.name, agent.description, list(agent.tools), agent.settings.seed) == ("sums", "adds", ["add"], 1)
    assert (await vertical.agent(name="other").run("x")).output == "a"


async def test_what_a_step_costs_does_not_grow_with_the_steps_before():
    """Counted in messages handed over and copied, not in seconds: the request must share one list."""
    seen = []

    class Watching(Model):
        provider = "watching"

        async def request(self, request: ModelRequest) -> ModelResponse:
            seen.append(id(request.messages))
            if len(seen) == 50:
                return ModelResponse("done")
            return calls(call("add", f'{{"a": {len(seen)}, "b": 1}}'))

    began = time.process_time()
    await Agent(tools=[add], model=Watching()).run("x")
    assert len(set(seen)) == 1
    assert time.process_time() - began < 5


@pytest.mark.slow
async def test_results_of_ten_megabytes_cost_neither_the_model_nor_the_listeners_much():
    stream, kinds = EventStream(capture_content=True), []
    stream.subscribe(lambda event: kinds.append((event.kind, len(str(event.content)))))

    def dump() -> str:
        "Everything there is."
        return "begin" + "x" * 10_000_000 + "end"

    def rows() -> list[str]:
        "Rows of it."
        return ["y" * 1000] * 50_000

    def burst() -> str:
        "Fails at length."
        raise ValueError("z" * 10_000_000)

    def steps() -> Iterator[str]:
        "Reports at length."
        yield "p" * 10_000_000
        yield "done"

    calls = [ToolCall(name, name, "{}") for name in ("dump", "rows", "burst", "steps", "n" * 50_000)]
    model = ScriptedModel([*calls, "Done."])
    agent = Agent(tools=[dump, rows, burst, steps], model=model, stream=stream, limits=Limits(result_chars=1000))
    began = time.process_time()
    result = await agent.run("Show me.")
    assert result.output == "Done." and time.process_time() - began < 5
    told = [message.content for message in result.messages if message.role == "tool"]
    assert all(len(text) < 1200 for text in told), [len(text) for text in told]
    assert told[0].startswith("begin") and told[0].endswith("end") and "of 10000008 characters were cut" in told[0]
    assert [kind for kind, _ in kinds].count("tool.truncated") == 4
    assert max(size for kind, size in kinds if kind == "tool.call") < 200_000


async def test_results_are_cut_at_a_hundred_thousand_characters_where_nobody_says_otherwise():
    def dump() -> str:
        "Everything there is."
        return "x" * 200_000

    for limits, most in ((None, 101_000), (Limits(result_chars=None), 200_000)):
        agent = Agent(tools=[dump], model=ScriptedModel([ToolCall("1", "dump", "{}"), "Done."]), limits=limits)
        text = (await agent.run("Show me.")).messages[-2].content
        assert len(text) == 200_000 if limits else 100_000 < len(text) < most


async def test_plugins_have_their_say_about_functions_once_and_not_before_the_first_run():
    asked = []

    def victor_adjust_tool(tool):
        asked.append(tool.name)
        return tool.with_(requires_approval=True)

    from types import SimpleNamespace

    import pluggy

    from victor.core.plugins import Plugins, set_plugins

    plugins = Plugins(only=[])
    plugins.register(SimpleNamespace(victor_adjust_tool=pluggy.HookimplMarker("victor")(victor_adjust_tool)), name="p")

    def pay() -> str:
        "Pay."
        return "paid"

    was = set_plugins(plugins)
    try:
        agent = Agent(tools=[pay], model=ScriptedModel([ToolCall("1", "pay", "{}"), "Done."] * 2))
        assert asked == []
        result = await agent.run("Pay.")
        assert "needs approval" in result.messages[-2].content
        await agent.run("Pay.")
        again = Agent(tools=agent.tools.values(), model=ScriptedModel(["Done."]))
        assert again.tools["pay"].metadata.requires_approval is True and asked == ["pay"]
    finally:
        set_plugins(was)


class TestVariants:
    async def test_a_variant_has_another_form_and_more_tools_and_leaves_the_agent_alone(self):
        def town() -> str:
            """A town."""
            return "Ulm"

        def river() -> str:
            """A river."""
            return "Danube"

        agent = Agent("x", tools=[town], model=ScriptedModel([ToolCall("1", "river", "{}"), '{"value": 3}', "words"]))
        variant = agent.with_(tools=[river], output_type=int)
        assert (await variant.run("how many?")).output == 3
        assert [*variant.tools] == ["town", "river"]
        assert [*agent.tools] == ["town"]
        assert (await agent.run("say")).output == "words"

    def test_a_tool_of_the_same_name_is_refused(self):
        def town() -> str:
            """A town."""
            return "Ulm"

        with pytest.raises(ConfigurationError, match="has a tool of that name already: town"):
            Agent(tools=[town]).with_(tools=[town])


async def test_where_no_tokens_are_told_each_request_counts_all_that_was_read():
    def look() -> str:
        """Look."""
        return "x" * 400

    model = FunctionModel(lambda request: ToolCall("1", "look", "{}") if len(request.messages) < 2 else "done" * 10)
    result = await Agent(tools=[look], model=model).run("y" * 400)
    assert result.tokens == 400 // 4 + (400 + 400 + 40) // 4
