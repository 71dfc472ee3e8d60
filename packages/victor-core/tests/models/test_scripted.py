"""A scripted model answers as written, records what it was asked, and says clearly when the script does not fit."""

from __future__ import annotations

import asyncio
import re

import pytest

from victor.core import Agent
from victor.core.errors import ConfigurationError, ModelError, ModelRateLimitError
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import ModelRequest, ModelResponse, TextDelta, ToolCallDelta, resolve_model
from victor.core.models.answers import as_response, call
from victor.core.models.scripted import ScriptedModel, ScriptError, Turn, from_name


def asking(*texts: str) -> ModelRequest:
    return ModelRequest([Message.user(text) for text in texts])


async def test_answers_come_in_order_and_keep_what_was_asked():
    model = ScriptedModel(["one", "two"])
    history = [Message.user("first")]
    assert (await model.request(ModelRequest(history))).content == "one"
    history.append(Message.user("second"))
    assert (await model.request(ModelRequest(history))).content == "two"
    assert [len(request.messages) for request in model.requests] == [1, 2]  # not the list that went on growing
    assert model.remaining == 0


@pytest.mark.parametrize(
    ("answer", "content", "calls", "reason"),
    [
        ("hi", "hi", [], "stop"),
        ({"total": 3}, '{"total":3}', [], "stop"),
        (call("add", a=1), "", [("add", '{"a":1}')], "tool_calls"),
        ([call("add", a=1), call("add", a=2)], "", [("add", '{"a":1}'), ("add", '{"a":2}')], "tool_calls"),
        (["I add. ", call("add", a=1)], "I add. ", [("add", '{"a":1}')], "tool_calls"),
        (ModelResponse("cut", finish_reason="length"), "cut", [], "length"),
        (lambda request: request.messages[-1].content.upper(), "HI", [], "stop"),
        (
            lambda request: call("echo", text=request.messages[-1].content),
            "",
            [("echo", '{"text":"hi"}')],
            "tool_calls",
        ),
    ],
)
async def test_every_kind_of_answer(answer, content, calls, reason):
    response = await ScriptedModel([answer]).request(asking("hi"))
    assert response.content == content
    assert [(c.name, c.arguments) for c in response.tool_calls] == calls
    assert response.finish_reason == reason
    assert all(c.id for c in response.tool_calls)


async def test_a_coroutine_function_answers():
    async def answer(request: ModelRequest) -> str:
        await asyncio.sleep(0)
        return "later"

    assert (await ScriptedModel([answer]).request(asking("hi"))).content == "later"


async def test_a_single_answer_need_not_be_in_a_list():
    assert (await ScriptedModel("alone").request(asking("hi"))).content == "alone"
    assert (await ScriptedModel(call("t")).request(asking("hi"))).tool_calls[0].name == "t"


async def test_errors_are_raised_as_they_are():
    error = ModelRateLimitError("slow down", status=429, retry_after_s=2.0)
    model = ScriptedModel([error, "then"])
    with pytest.raises(ModelRateLimitError) as caught:
        await model.request(asking("hi"))
    assert caught.value is error
    assert (await model.request(asking("hi"))).content == "then"
    with pytest.raises(ZeroDivisionError):
        await ScriptedModel([ZeroDivisionError]).request(asking("hi"))


async def test_running_out_tells_how_many_there_were_and_what_was_asked():
    model = ScriptedModel(["one", "two"])
    for _ in range(2):
        await model.request(asking("hi"))
    with pytest.raises(ScriptError, match="holds 2 answers and this is request 3, after 'user' said 'once") as caught:
        await model.request(asking("once more"))
    assert isinstance(caught.value, ModelError)
    with pytest.raises(ScriptError, match="holds 0 answers"):
        await ScriptedModel([], repeat=True).request(asking("hi"))


async def test_repeat_starts_again_with_fresh_call_ids():
    model = ScriptedModel([call("t"), "done"], repeat=True)
    seen = [await model.request(asking("hi")) for _ in range(4)]
    assert [response.content for response in seen] == ["", "done", "", "done"]
    assert seen[0].tool_calls[0].id != seen[2].tool_calls[0].id


async def test_given_ids_are_kept():
    response = await ScriptedModel([[ToolCall("mine", "a"), call("b")]]).request(asking("hi"))
    assert response.tool_calls[0].id == "mine"
    assert response.tool_calls[1].id not in {"", "mine"}


async def test_usage_of_all_answers_that_tell_none():
    own = ModelResponse("b", usage=Usage(1, 1))
    model = ScriptedModel(["a", own], usage=Usage(10, 5))
    assert (await model.request(asking("x"))).usage == Usage(10, 5)
    assert (await model.request(asking("x"))).usage == Usage(1, 1)


async def test_streams_in_pieces_that_make_the_whole():
    model = ScriptedModel([["Let me look at that. ", call("find", text="tea and cake and more")]])
    chunks = [chunk async for chunk in model.stream(asking("hi"))]
    whole = chunks[-1]
    assert isinstance(whole, ModelResponse)
    assert sum(isinstance(chunk, ModelResponse) for chunk in chunks) == 1
    texts = [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)]
    assert len(texts) == 5
    assert "".join(texts) == whole.content
    deltas = [chunk for chunk in chunks if isinstance(chunk, ToolCallDelta)]
    assert (deltas[0].name, deltas[0].id) == ("find", whole.tool_calls[0].id)
    assert len(deltas) > 2
    assert "".join(delta.arguments for delta in deltas) == whole.tool_calls[0].arguments


async def test_chunks_can_be_given():
    model = ScriptedModel([Turn("Hello.", chunks=["Hel", "lo", "."])])
    assert [c.text async for c in model.stream(asking("x")) if isinstance(c, TextDelta)] == ["Hel", "lo", "."]
    with pytest.raises(ConfigurationError, match="answer 1: the chunks together are not its text"):
        ScriptedModel([Turn("Hello.", chunks=["Bye"])])


async def test_a_stream_lets_others_run():
    ran = 0

    async def other() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async for _ in ScriptedModel(["a b c d e f"]).stream(asking("x")):
        pass
    task.cancel()
    assert ran >= 6


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        ("weather", "should contain 'weather', and is 'tell me the time'"),
        (re.compile(r"\bnoon\b"), "should match"),
        (lambda request: False, "said no"),
        ({"messages": 2}, "messages should be 2, and is 1"),
        ({"role": "tool"}, "role should be 'tool', and is 'user'"),
        ({"last": "tell me"}, "last should be 'tell me', and is 'tell me the time'"),
        ({"contains": "noon"}, "should contain 'noon'"),
        ({"tools": ["clock"]}, r"tools should be \['clock'\], and are \[\]"),
    ],
)
async def test_a_request_it_was_not_written_for_fails_loudly(match, reason):
    with pytest.raises(ScriptError, match=reason):
        await ScriptedModel([Turn("noon", match)]).request(asking("tell me the time"))


@pytest.mark.parametrize(
    "match",
    [
        "time",
        re.compile("t.me"),
        lambda request: True,
        {"messages": 1, "role": "user", "contains": "the time", "tools": []},
    ],
)
async def test_a_request_it_was_written_for_is_answered(match):
    model = ScriptedModel([Turn("noon", match)])
    assert (await model.request(asking("tell me the time"))).content == "noon"


async def test_any_order_takes_the_first_that_fits():
    model = ScriptedModel([Turn("A", "alpha"), Turn("B", "beta"), Turn("B2", "beta")], any_order=True)
    assert (await model.request(asking("beta"))).content == "B"
    assert (await model.request(asking("alpha"))).content == "A"
    with pytest.raises(ScriptError, match="none of the 1 answers left was written for this request"):
        await model.request(asking("alpha"))
    assert (await model.request(asking("beta"))).content == "B2"
    assert model.remaining == 0
    with pytest.raises(ScriptError, match="run out"):
        await model.request(asking("beta"))


@pytest.mark.parametrize("wrong", [3, None, [], [1], b"bytes", Turn(7)])
def test_what_is_no_answer_is_refused_at_once(wrong):
    with pytest.raises(ConfigurationError, match="answer 2: not an answer"):
        ScriptedModel(["fine", wrong])


@pytest.mark.parametrize("wrong", [3, {"mesages": 1}])
def test_what_is_no_match_is_refused_at_once(wrong):
    with pytest.raises(ConfigurationError, match="match"):
        ScriptedModel([Turn("x", wrong)])


def test_as_response_does_not_take_functions():
    with pytest.raises(ConfigurationError, match="not an answer"):
        as_response(len)


def test_an_agent_runs_on_it():
    def add(a: int, b: int) -> int:
        "Add."
        return a + b

    model = ScriptedModel([[call("add", a=1, b=2), call("add", a=3, b=4)], "3 and 7"])
    result = Agent(tools=[add], model=model).run_sync("sums")
    assert result.output == "3 and 7"
    assert [m.content for m in model.requests[1].messages if m.role == "tool"] == ["3", "7"]


def test_by_name(tmp_path):
    path = tmp_path / "hello.json"
    path.write_text('{"answers": ["Hello."]}')
    assert Agent(model=resolve_model(f"scripted:{path}")).run_sync("hi").output == "Hello."
    with pytest.raises(ConfigurationError, match="needs the path of a cassette"):
        from_name("")
