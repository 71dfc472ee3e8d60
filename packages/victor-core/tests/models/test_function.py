"""A function as a model: whole answers, streams, and clear errors for what is neither."""

from __future__ import annotations

import pytest

from victor.core import Agent
from victor.core.errors import ConfigurationError
from victor.core.message import Message
from victor.core.model import ModelRequest, ModelResponse, TextDelta, ToolCallDelta
from victor.core.models.answers import call
from victor.core.models.function import FunctionModel

ASKED = ModelRequest([Message.user("hello")])


async def test_sync_and_async_functions():
    async def later(request: ModelRequest) -> str:
        return request.messages[-1].content + "!"

    assert (await FunctionModel(lambda r: {"n": 1}).request(ASKED)).content == '{"n":1}'
    response = await FunctionModel(later).request(ASKED)
    assert (response.content, response.model) == ("hello!", "later")


async def test_a_function_without_a_stream_streams_its_answer():
    chunks = [c async for c in FunctionModel(lambda r: "to be or").stream(ASKED)]
    assert [c.text for c in chunks[:-1]] == ["to ", "be ", "or"]
    assert chunks[-1].content == "to be or"


async def test_a_stream_function_makes_whole_answers_too():
    async def words(request: ModelRequest):
        yield "Let me "
        yield TextDelta("see.")
        yield ToolCallDelta(0, "c1", "find")
        yield ToolCallDelta(0, arguments='{"x":')
        yield ToolCallDelta(0, arguments="1}")

    model = FunctionModel(words)
    response = await model.request(ASKED)
    assert response.content == "Let me see."
    assert response.tool_calls[0].arguments == '{"x":1}'
    assert response.finish_reason == "tool_calls"
    chunks = [c async for c in model.stream(ASKED)]
    assert chunks[0] == TextDelta("Let me ")
    assert chunks[-1] == response


async def test_a_stream_beside_a_function():
    async def words(request: ModelRequest):
        yield "streamed"
        yield ModelResponse("streamed", finish_reason="length")

    model = FunctionModel(lambda r: "whole", stream=words, name="both")
    assert (await model.request(ASKED)).content == "whole"
    chunks = [c async for c in model.stream(ASKED)]
    assert chunks[-1].finish_reason == "length"


async def test_errors_of_the_function_are_its_own():
    with pytest.raises(ZeroDivisionError):
        await FunctionModel(lambda r: 1 / 0).request(ASKED)
    with pytest.raises(KeyError):
        await FunctionModel(lambda r: KeyError("returned")).request(ASKED)


async def test_what_is_no_answer_is_said():
    with pytest.raises(ConfigurationError, match="not an answer of a model: None"):
        await FunctionModel(lambda r: None).request(ASKED)
    with pytest.raises(ConfigurationError, match="needs a function"):
        FunctionModel("text")

    async def wrong(request: ModelRequest):
        yield 3

    with pytest.raises(ConfigurationError, match="a stream function yields texts"):
        await FunctionModel(wrong).request(ASKED)

    async def too_long(request: ModelRequest):
        yield ModelResponse("x")
        yield "more"

    with pytest.raises(ConfigurationError, match="went on after"):
        await FunctionModel(too_long).request(ASKED)


async def test_a_callable_object_that_streams():
    class Words:
        async def __call__(self, request: ModelRequest):
            yield "hi"

    model = FunctionModel(Words())
    assert model.name == "Words"
    assert (await model.request(ASKED)).content == "hi"


def test_call_ids_differ_from_step_to_step():
    def answer(request: ModelRequest):
        asked = sum(m.role == "tool" for m in request.messages)
        return call("look", page=asked) if asked < 3 else "done"

    def look(page: int) -> str:
        "Look."
        return f"page {page}"

    result = Agent(tools=[look], model=FunctionModel(answer)).run_sync("go")
    ids = [m.tool_call_id for m in result.messages if m.role == "tool"]
    assert len(set(ids)) == 3


async def test_a_stream_that_is_left_is_closed():
    closed = []

    async def words(request: ModelRequest):
        try:
            for _ in range(100):
                yield "word "
        finally:
            closed.append(True)

    stream = FunctionModel(words).stream(ASKED)
    await anext(stream)
    await stream.aclose()
    assert closed == [True]
