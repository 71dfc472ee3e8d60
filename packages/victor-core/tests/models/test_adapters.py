"""Both adapters against a real server that speaks both protocols: what works, and how each failure looks."""

from __future__ import annotations

import asyncio
import json

import pytest

from victor.core import Agent
from victor.core.errors import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelResponseError,
)
from victor.core.events import EventStream, set_stream
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import ModelRequest, ModelResponse, ModelSettings, OutputSchema, TextDelta, ToolCallDelta
from victor.core.run_events import RunFinished
from victor.core.testing import block_models, capture_events
from victor.core.tool import as_tool

from .conftest import KEY, asking, make_model

pytestmark = pytest.mark.parametrize("provider", ["openai", "anthropic"])

TOWN = OutputSchema(
    "town",
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["name", "people"],
    },
)

USAGE = {
    "openai": {"prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16},
    "anthropic": {"input_tokens": 12, "output_tokens": 4},
}


def population(town: str) -> int:
    "How many people live in a town."
    return {"Ulm": 128000, "Bonn": 336000}[town]


async def collect(model, request):
    return [chunk async for chunk in model.stream(request)]


async def listen(model, request, heard):
    async for chunk in model.stream(request):
        heard.append(chunk)


async def test_a_plain_answer(provider, aimock):
    aimock.answer(
        {"match": {"userMessage": "hello"}, "response": {"content": "Hi there, Ann.", "usage": USAGE[provider]}}
    )
    model = make_model(provider, aimock.url)
    response = await model.request(asking("hello"))
    assert response.content == "Hi there, Ann."
    assert response.finish_reason == "stop"
    assert response.usage == Usage(12, 4, requests=1)
    assert response.model == "test-model"
    assert response.id
    await model.aclose()
    with pytest.raises(ConfigurationError, match="was closed"):
        await model.request(asking("hello"))


async def test_a_streamed_answer(provider, aimock):
    aimock.answer(
        {
            "match": {"userMessage": "hello"},
            "response": {"content": "Hi there, Ann. How are you?", "usage": USAGE[provider]},
        }
    )
    chunks = await collect(make_model(provider, aimock.url), asking("hello"))
    texts = [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)]
    assert len(texts) > 2
    assert [isinstance(chunk, ModelResponse) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].content == "".join(texts) == "Hi there, Ann. How are you?"
    assert chunks[-1].usage == Usage(12, 4, requests=1)


@pytest.mark.parametrize("streamed", [False, True])
async def test_several_tool_calls_at_once(provider, aimock, streamed):
    calls = [
        {"id": "call_a", "name": "population", "arguments": {"town": "Ulm"}},
        {"id": "call_b", "name": "population", "arguments": {"town": "Bonn"}},
    ]
    aimock.answer({"match": {"userMessage": "compare"}, "response": {"toolCalls": calls}})
    model, request = make_model(provider, aimock.url), asking("compare", tools=[as_tool(population)])
    if streamed:
        chunks = await collect(model, request)
        response = chunks[-1]
        deltas = [chunk for chunk in chunks if isinstance(chunk, ToolCallDelta)]
        assert len(deltas) > 4
        for index, call in enumerate(response.tool_calls):
            mine = [delta for delta in deltas if delta.index == index]
            assert (mine[0].id, mine[0].name) == (call.id, "population")
            assert json.loads("".join(delta.arguments for delta in mine)) == call.parsed()
    else:
        response = await model.request(request)
    assert [call.parsed()["town"] for call in response.tool_calls] == ["Ulm", "Bonn"]
    assert len({call.id for call in response.tool_calls}) == 2
    assert response.finish_reason == "tool_calls"


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_agent_works_with_tools(provider, aimock, streamed):
    calls = [{"name": "population", "arguments": {"town": town}} for town in ("Ulm", "Bonn")]
    aimock.answer(
        {"match": {"userMessage": "bigger", "hasToolResult": False}, "response": {"toolCalls": calls}},
        {"match": {"userMessage": "bigger", "hasToolResult": True}, "response": {"content": "Bonn is bigger."}},
    )
    agent = Agent("Be brief.", tools=[population], model=make_model(provider, aimock.url))
    if streamed:
        events = [event async for event in agent.stream("Which is bigger?")]
        assert any(isinstance(event, TextDelta) for event in events)
        assert isinstance(events[-1], RunFinished)
        result = events[-1].result
    else:
        result = await agent.run("Which is bigger?")
    assert result.output == "Bonn is bigger."
    assert [m.content for m in result.messages if m.role == "tool"] == ["128000", "336000"]
    sent = aimock.journal()[-1]["body"]["messages"]
    assert sum(message["role"] == "tool" for message in sent) == 2
    assert result.usage.requests == 2
    assert result.cost_usd is None  # nobody knows the price of a server of one's own


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_in_a_shape(provider, aimock, streamed):
    aimock.answer({"match": {"userMessage": "Ulm"}, "response": {"content": '{"name": "Ulm", "people": 128000}'}})
    model = make_model(provider, aimock.url)
    request = asking("Ulm?", output=TOWN)
    response = (await collect(model, request))[-1] if streamed else await model.request(request)
    assert json.loads(response.content) == {"name": "Ulm", "people": 128000}


@pytest.mark.parametrize("streamed", [False, True])
async def test_malformed_arguments_are_passed_on_for_the_agent_to_tell(provider, wire, streamed):
    broken = '{"town": "Ul'
    streamed = streamed or provider == "anthropic"  # a whole reply of that API holds parsed arguments
    for answer in ({"call": broken}, {"text": "Sorry."}):
        (wire.stream(*sse(provider, **answer)) if streamed else wire.reply(200, reply(provider, **answer)))
    agent = Agent(tools=[population], model=make_model(provider, wire.url))
    if streamed:
        result = [event async for event in agent.stream("Ulm?")][-1].result
    else:
        result = await agent.run("Ulm?")
    assert result.messages[1].tool_calls[0].arguments == broken
    assert result.messages[2].is_error
    assert "JSON" in result.messages[2].content
    # the conversation goes on: what is sent back is JSON again, and names what was wrong
    assert "malformed_arguments" in json.dumps(wire.received[1].body)


@pytest.mark.parametrize("streamed", [False, True])
async def test_429_is_waited_out(provider, aimock, streamed):
    limited = {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 0.05}
    aimock.answer(
        {"match": {"userMessage": "hello", "sequenceIndex": 0}, "response": limited},
        {"match": {"userMessage": "hello"}, "response": {"content": "Now."}},
    )
    model = make_model(provider, aimock.url, backoff_s=30)  # only the header makes it this quick
    with capture_events(stream=fresh_stream()) as events:
        response = (await collect(model, asking("hello")))[-1] if streamed else await model.request(asking("hello"))
    assert response.content == "Now."
    retry = events.one("model.retry")
    assert retry.attributes["status"] == 429
    assert retry.attributes["delay_s"] == pytest.approx(0.05)
    assert retry.attributes["reason"] == "ModelRateLimitError"


async def test_429_that_lasts(provider, aimock):
    limited = {"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 0.01}
    aimock.answer({"match": {"userMessage": "hello"}, "response": limited})
    with pytest.raises(ModelRateLimitError, match=f"{provider}:test-model: slow down") as caught:
        await make_model(provider, aimock.url, max_retries=2).request(asking("hello"))
    assert len(aimock.journal()) == 3
    assert (caught.value.status, caught.value.retry_after_s) == (429, 0.01)
    assert (caught.value.provider, caught.value.model) == (provider, "test-model")


async def test_a_wait_that_is_too_long_is_not_waited(provider, wire):
    wire.reply(429, {"error": {"message": "come back tomorrow"}}, retry_after="86400")
    with pytest.raises(ModelRateLimitError, match="asks to wait 86400 s") as caught:
        await make_model(provider, wire.url).request(asking("hello"))
    assert caught.value.retry_after_s == 86400


@pytest.mark.parametrize("streamed", [False, True])
async def test_500_that_passes_and_500_that_lasts(provider, aimock, streamed):
    broken = {"error": {"message": "internal trouble", "type": "server_error"}, "status": 500}
    aimock.answer(
        {"match": {"userMessage": "once", "sequenceIndex": 0}, "response": broken},
        {"match": {"userMessage": "once"}, "response": {"content": "Fine."}},
        {"match": {"userMessage": "always"}, "response": broken},
    )
    model = make_model(provider, aimock.url, max_retries=1)
    ask = (lambda text: collect(model, asking(text))) if streamed else (lambda text: model.request(asking(text)))
    await ask("once")
    with pytest.raises(ModelResponseError, match=r"internal trouble.*HTTP 500.*try again later") as caught:
        await ask("always")
    assert caught.value.status == 500


async def test_a_wrong_key(provider, aimock):
    wrong = "sk-proj-Wrong0123456789abcdefWrong"
    model = make_model(provider, aimock.url, api_key=wrong)
    variable = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}[provider]
    with pytest.raises(ModelAuthenticationError, match=rf"HTTP 401.*refused the key: check {variable}") as caught:
        await model.request(asking("hello"))
    assert caught.value.status == 401
    assert wrong not in f"{caught.value!s} {caught.value!r} {model!r} {model.endpoint.clean(wrong)}"
    assert len(aimock.journal()) <= 1  # not tried again


async def test_keys_that_a_server_repeats_stay_out_of_errors(provider, wire):
    wire.reply(400, {"error": {"message": f"cannot use {KEY} here"}})
    with pytest.raises(Exception, match="cannot use") as caught:
        await make_model(provider, wire.url).request(asking("hello"))
    assert KEY not in str(caught.value)
    assert KEY not in repr(make_model(provider, wire.url))


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_server_that_is_not_there(provider, unused_tcp_port, streamed):
    url = f"http://127.0.0.1:{unused_tcp_port}"
    model = make_model(provider, url, backoff_s=30)  # nothing listens on this machine: waiting would not help
    with pytest.raises(ModelConnectionError, match=rf"{url}.* cannot be reached .*is the server running"):
        await (collect(model, asking("hello")) if streamed else model.request(asking("hello")))


async def test_a_host_that_does_not_exist(provider):
    model = make_model(provider, "http://no-such-host.invalid", max_retries=1)
    with pytest.raises(ModelConnectionError, match=r"no-such-host\.invalid.* cannot be reached .*check the network"):
        await model.request(asking("hello"))


@pytest.mark.parametrize("whole", [True, False])
async def test_a_stream_that_is_cut_is_never_an_answer(provider, wire, whole):
    events = sse(provider, text="This will be cut short")[:-2]
    wire.stream(*events, whole=whole)  # ended in good order, or the connection broke
    heard = []
    with pytest.raises(ModelConnectionError, match="broke before the answer was whole"):
        await listen(make_model(provider, wire.url), asking("hello"), heard)
    assert heard
    assert not any(isinstance(chunk, ModelResponse) for chunk in heard)
    assert len(wire.received) == 1  # not sent again: the reader has seen a part


async def test_a_stream_that_is_cut_before_its_first_piece_is_tried_again(provider, wire):
    wire.stream(whole=False).stream(*sse(provider, text="Here."))
    chunks = await collect(make_model(provider, wire.url), asking("hello"))
    assert chunks[-1].content == "Here. "
    assert len(wire.received) == 2


async def test_a_stream_cut_by_the_real_server(provider, aimock):
    text = "This is a long answer that will not come to its end, for it is cut."
    aimock.answer({"match": {"userMessage": "hello"}, "response": {"content": text}, "truncateAfterChunks": 4})
    with pytest.raises(ModelConnectionError, match=r"broke before the answer was whole|cannot be reached"):
        await collect(make_model(provider, aimock.url, max_retries=0), asking("hello"))


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_server_that_takes_too_long(provider, wire, streamed):
    model = make_model(provider, wire.url, max_retries=1)
    request = asking("hello", settings=ModelSettings(timeout_s=0.4))
    with pytest.raises(ModelConnectionError, match=r"no whole answer from .* within 0.4 s"):
        await (collect(model, request) if streamed else model.request(request))
    assert len(wire.received) == 2


async def test_a_stream_that_stalls(provider, wire):
    wire.stream(*sse(provider, text="This will stall")[:-2], whole=False, hang=True)
    request = asking("hello", settings=ModelSettings(timeout_s=0.8))
    heard = []
    with pytest.raises(ModelConnectionError, match=r"within 0\.8 s"):
        await listen(make_model(provider, wire.url), request, heard)
    assert heard


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_closes_the_connection(provider, wire, streamed):
    model = make_model(provider, wire.url)
    work = collect(model, asking("hello")) if streamed else model.request(asking("hello"))
    task = asyncio.create_task(work)
    await wire.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(wire.gone.wait(), 60)


async def test_leaving_a_stream_closes_the_connection(provider, wire):
    wire.stream(*sse(provider, text="one two three")[:-2], whole=False, hang=True)
    stream = make_model(provider, wire.url).stream(asking("hello"))
    await anext(stream)
    await stream.aclose()
    await asyncio.wait_for(wire.gone.wait(), 60)


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"", b"[]", b'{"object": "list"}'])
async def test_a_reply_that_is_no_answer(provider, wire, body):
    for _ in range(2):
        wire.reply(200, body, **({"content_type": "text/html"} if body.startswith(b"<") else {}))
    with pytest.raises(ModelResponseError, match="sent something that is not an answer"):
        await make_model(provider, wire.url, max_retries=1).request(asking("hello"))


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reply_that_is_built_otherwise_than_the_protocol_says(provider, wire, streamed):
    garbled = {"id": "r", "model": "m", "choices": ["a"], "type": "content_block_start", "index": 0, "content": ["b"]}
    if streamed:
        wire.stream(f"event: content_block_start\ndata: {json.dumps(garbled)}\n\n")
    else:
        wire.reply(200, garbled)
    model = make_model(provider, wire.url, max_retries=0)
    with pytest.raises(ModelResponseError, match="sent something that is not an answer"):
        await (collect(model, asking("hello")) if streamed else model.request(asking("hello")))


async def test_an_error_told_inside_a_stream(provider, wire):
    if provider == "openai":
        events = ['data: {"error": {"message": "the engine died", "code": 503}}\n\n']
    else:
        events = [
            'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"the engine died"}}\n\n'
        ]
    wire.stream(*events).stream(*events)
    kind = ModelResponseError if provider == "openai" else ModelRateLimitError
    with pytest.raises(kind, match="the engine died"):
        await collect(make_model(provider, wire.url, max_retries=1), asking("hello"))
    assert len(wire.received) == 2


def test_one_model_serves_many_event_loops(provider, aimock, recwarn):
    aimock.answer({"match": {"userMessage": "hello"}, "response": {"content": "Hi."}})
    model = make_model(provider, aimock.url)
    agent = Agent(model=model)
    made = []
    model._clients._make = lambda: made.append(model._make_client()) or made[-1]
    for count in range(1, 4):
        assert agent.run_sync("hello").output == "Hi."
        assert [client.is_closed() for client in made] == [True] * count  # each loop closed its own when it ended
    assert len(model._clients._kept) == 0
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]


async def test_agents_side_by_side_share_one_client(provider, aimock):
    aimock.answer({"match": {"userMessage": "hello"}, "response": {"content": "Hi."}})
    model = make_model(provider, aimock.url)
    results = await asyncio.gather(*[Agent(model=model).run("hello") for _ in range(5)])
    assert {result.output for result in results} == {"Hi."}
    assert len(model._clients._kept) == 1


async def test_settings_reach_the_wire(provider, wire):
    wire.reply(200, reply(provider, text="ok"))
    settings = ModelSettings(temperature=0.2, max_tokens=50, top_p=0.9, stop=["END"], extra={"service_tier": "auto"})
    await make_model(provider, wire.url, headers={"x-team": "blue"}).request(asking("hello", settings=settings))
    body = wire.received[0].body
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.2, 0.9, 50)
    assert body["service_tier"] == "auto"
    assert body["stop" if provider == "openai" else "stop_sequences"] == ["END"]
    assert wire.received[0].headers["x-team"] == "blue"


async def test_names_from_the_catalog(provider, wire, monkeypatch):
    from victor.core.model import resolve_model

    monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)
    monkeypatch.setenv(f"{provider.upper()}_BASE_URL", wire.url + ("/v1" if provider == "openai" else ""))
    wire.reply(200, reply(provider, text="ok"))
    model = resolve_model(f"{provider}:some-model")
    assert (await model.request(asking("hello"))).content == "ok"
    assert wire.received[0].body["model"] == "some-model"
    assert KEY in (wire.received[0].headers.get("authorization", "") + wire.received[0].headers.get("x-api-key", ""))


async def test_a_missing_key_says_what_to_set(provider):
    from victor.core.model import resolve_model

    with pytest.raises(ConfigurationError, match=f"needs a key: set {provider.upper()}_API_KEY"):
        resolve_model(f"{provider}:some-model")


async def test_a_missing_sdk_says_what_to_install(provider, monkeypatch):
    monkeypatch.setattr("victor.core.models.http.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'victor-core\[{provider}\]'"):
        make_model(provider, "http://127.0.0.1:1")


async def test_a_missing_name_and_wrong_numbers(provider):
    with pytest.raises(ConfigurationError, match=f"name a model of {provider}"):
        make_model(provider, "http://127.0.0.1:1", name="")
    with pytest.raises(ConfigurationError, match="must not be negative"):
        make_model(provider, "http://127.0.0.1:1", max_retries=-1)
    with pytest.raises(ConfigurationError, match="output should be one of"):
        make_model(provider, "http://127.0.0.1:1", output="nicely")


async def test_a_client_of_ones_own(provider, wire):
    import anthropic
    import openai

    wire.reply(200, reply(provider, text="ok"))
    if provider == "openai":
        client = openai.AsyncOpenAI(api_key=KEY, base_url=f"{wire.url}/v1", default_headers={"x-mine": "1"})
    else:
        client = anthropic.AsyncAnthropic(api_key=KEY, base_url=wire.url, default_headers={"x-mine": "1"})
    model = make_model(provider, "http://ignored", client=client)
    assert (await model.request(asking("hello"))).content == "ok"
    assert wire.received[0].headers["x-mine"] == "1"
    await model.aclose()
    assert not client.is_closed()
    await client.close()


async def test_blocked_models_are_not_asked(provider, wire):
    model = make_model(provider, wire.url)
    with block_models(), pytest.raises(ConfigurationError, match=r"block_models\(\) forbids it"):
        await model.request(asking("hello"))
    with block_models(), pytest.raises(ConfigurationError, match=r"block_models\(\) forbids it"):
        await collect(model, asking("hello"))
    assert wire.received == []
    wire.reply(200, reply(provider, text="ok"))
    with block_models(allow=[provider]):
        assert (await model.request(asking("hello"))).content == "ok"


async def test_broken_arguments_in_a_history(provider, wire):
    wire.reply(200, reply(provider, text="ok"))
    call = ToolCall("c1", "population", "[1, 2]")
    history = [Message.user("x"), Message.assistant("", [call]), Message.tool(call, "no", is_error=True)]
    await make_model(provider, wire.url).request(ModelRequest(history))
    sent = wire.received[0].body["messages"][1]
    if provider == "openai":
        arguments = json.loads(sent["tool_calls"][0]["function"]["arguments"])
    else:
        arguments = sent["content"][0]["input"]
        assert wire.received[0].body["messages"][2]["content"][0]["is_error"] is True
    assert arguments == {"malformed_arguments": "[1, 2]"}


def fresh_stream() -> EventStream:
    """A stream of this test's own, put in place of the default one."""
    stream = EventStream()
    set_stream(stream)
    return stream


@pytest.fixture(autouse=True)
def _default_stream():
    before = set_stream(EventStream())
    yield
    set_stream(before)


def reply(provider: str, *, text: str = "", call: str = "") -> dict:
    """A whole reply of that provider."""
    if provider == "openai":
        message: dict = {"role": "assistant", "content": text or None}
        if call:
            message["tool_calls"] = [
                {"id": "c1", "type": "function", "function": {"name": "population", "arguments": call}}
            ]
        return {
            "id": "r1", "object": "chat.completion", "created": 1, "model": "test-model",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        }  # fmt: skip
    return {
        "id": "r1", "type": "message", "role": "assistant", "model": "test-model",
        "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }  # fmt: skip


def sse(provider: str, *, text: str = "", call: str = "") -> list[str]:
    """The events of a streamed reply of that provider; the last two are its end."""
    if provider == "openai":
        return openai_events(text, call)
    return anthropic_events(text, call)


def openai_events(text: str, call: str) -> list[str]:
    def event(delta: dict, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "test-model", "choices": [choice]}
        return f"data: {json.dumps(body)}\n\n"

    events = [event({"role": "assistant", "content": ""})]
    events += [event({"content": word + " "}) for word in text.split()]
    if call:
        function = {"name": "population", "arguments": call[:4]}
        events.append(event({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]}))
        events.append(event({"tool_calls": [{"index": 0, "function": {"arguments": call[4:]}}]}))
    return [*events, event({}, "tool_calls" if call else "stop"), "data: [DONE]\n\n"]


def anthropic_events(text: str, call: str) -> list[str]:
    def event(kind: str, **more: object) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"

    start = {
        "id": "r1", "type": "message", "role": "assistant", "model": "test-model", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1},
    }  # fmt: skip
    block: dict = {"type": "text", "text": ""}
    deltas = [{"type": "text_delta", "text": word + " "} for word in text.split()]
    if call:
        block = {"type": "tool_use", "id": "c1", "name": "population", "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in (call[:4], call[4:])]
    return [
        event("message_start", message=start),
        event("content_block_start", index=0, content_block=block),
        *[event("content_block_delta", index=0, delta=delta) for delta in deltas],
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None},
            usage={"output_tokens": 2},
        ),
        event("message_stop"),
    ]
