"""What is peculiar to the Chat Completions protocol and to the servers that speak it."""

from __future__ import annotations

import json

import pytest

from victor.core.errors import ConfigurationError, ModelRateLimitError, ModelRequestError, ModelResponseError
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import ModelRequest, ModelSettings, OutputSchema, ToolCallDelta, resolve_model
from victor.core.models.openai import OpenAIModel
from victor.core.tool import as_tool

from .conftest import KEY, asking, make_model

TOWN = OutputSchema(
    "town",
    {
        "type": "object",
        "properties": {"name": {"type": "string", "title": "Name"}, "size": {"type": "integer", "default": 3}},
        "required": ["name"],
    },
    "A town.",
)
OPEN = OutputSchema("counts", {"type": "object", "additionalProperties": {"type": "integer"}})


def look(town: str) -> str:
    "Look."
    return town


def reply(message: dict | None = None, finish: str | None = "stop", **more: object) -> dict:
    message = {"role": "assistant", "content": "ok", **(message or {})}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "r1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}


def event(delta: dict, finish: str | None = None, **more: object) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return f"data: {json.dumps(body)}\n\n"


DONE = "data: [DONE]\n\n"


async def streamed(model, request):
    chunks = [chunk async for chunk in model.stream(request)]
    return chunks[:-1], chunks[-1]


async def test_the_conversation_as_it_is_sent(wire):
    wire.reply(200, reply())
    call = ToolCall("c1", "look", '{"town":"Ulm"}')
    history = [
        Message.system("Be brief."),
        Message.user("Look at Ulm.", name="Ann B."),
        Message.assistant("", [call]),
        Message.tool(call, "Ulm"),
    ]
    await make_model("openai", wire.url).request(ModelRequest(history, [as_tool(look)]))
    body = wire.received[0].body
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look at Ulm.", "name": "Ann_B_"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"town":"Ulm"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Ulm"},
    ]
    function = body["tools"][0]["function"]
    assert (function["name"], function["parameters"]["required"]) == ("look", ["town"])
    assert "response_format" not in body


async def test_usage_in_detail_and_none_at_all(wire):
    usage = {
        "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 15},
    }  # fmt: skip
    wire.reply(200, reply(usage=usage)).reply(200, reply())
    model = make_model("openai", wire.url)
    assert (await model.request(asking("x"))).usage == Usage(100, 20, 80, 0, 15, requests=1)
    assert (await model.request(asking("x"))).usage is None


async def test_a_streaming_server_that_tells_no_usage_and_one_that_does_not_know_the_option(wire):
    wire.reply(400, {"error": {"message": "Unknown field: stream_options"}})
    for _ in range(2):
        wire.stream(event({"content": "hi"}), event({}, "stop"), DONE)
    model = make_model("openai", wire.url)
    for _ in range(2):
        _, response = await streamed(model, asking("x"))
        assert (response.content, response.usage) == ("hi", None)
    assert ["stream_options" in r.body for r in wire.received] == [True, False, False]


async def test_usage_at_the_end_of_a_stream(wire):
    last = {"id": "r1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    last["usage"] = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}
    wire.stream(event({"content": "hi"}), event({}, "stop"), f"data: {json.dumps(last)}\n\n", DONE)
    _, response = await streamed(make_model("openai", wire.url), asking("x"))
    assert response.usage == Usage(7, 1, requests=1)


async def test_a_schema_is_sent_strict_when_it_can_be(wire):
    wire.reply(200, reply()).reply(200, reply())
    model = make_model("openai", wire.url)
    await model.request(asking("x", output=TOWN))
    sent = wire.received[0].body["response_format"]["json_schema"]
    assert (sent["name"], sent["description"], sent["strict"]) == ("town", "A town.", True)
    assert sent["schema"] == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "size": {"type": "integer", "description": "Usually 3."}},
        "required": ["name", "size"],
        "additionalProperties": False,
    }
    await model.request(asking("x", output=OPEN))
    sent = wire.received[1].body["response_format"]["json_schema"]
    assert sent == {"name": "counts", "strict": False, "schema": OPEN.schema}


async def test_a_server_that_knows_no_schemas_is_asked_in_words_and_that_is_remembered(wire):
    for word in ("Invalid schema for response_format", "json_schema unsupported", "response_format unsupported"):
        wire.reply(400, {"error": {"message": word}})
    fenced = '```json\n{"name": "Ulm"}\n```'
    wire.reply(200, reply({"content": fenced})).reply(200, reply({"content": fenced}))
    model = make_model("openai", wire.url)
    response = await model.request(asking("x", output=TOWN))
    assert response.content == '{"name": "Ulm"}'
    forms = [r.body.get("response_format", {}).get("type") for r in wire.received]
    assert forms == ["json_schema", "json_schema", "json_object", None]
    assert "JSON Schema" in wire.received[-1].body["messages"][0]["content"]
    assert wire.received[-1].body["messages"][0]["content"].startswith("Be brief.")
    await model.request(ModelRequest([Message.user("x")], output=TOWN))
    assert [m["role"] for m in wire.received[-1].body["messages"]] == ["system", "user"]
    assert len(wire.received) == 5


async def test_when_even_words_are_refused_the_error_is_told(wire):
    wire.reply(400, {"error": {"message": "bad schema"}})
    with pytest.raises(ModelRequestError, match="bad schema"):
        await make_model("openai", wire.url, output="prompt").request(asking("x", output=TOWN))


async def test_servers_that_cannot_force_a_shape_beside_tools(wire, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", wire.url)
    wire.reply(200, reply()).reply(200, reply())
    model = resolve_model("ollama:qwen3")
    await model.request(asking("x", output=TOWN, tools=[as_tool(look)]))
    await model.request(asking("x", output=TOWN))
    assert ["response_format" in r.body for r in wire.received] == [False, True]
    wire.reply(400, {"error": {"message": "Cannot use custom grammar constraints with tools."}})
    for _ in range(2):
        wire.reply(400, {"error": {"message": "no grammar"}})
    wire.reply(200, reply())
    plain = make_model("openai", wire.url)
    await plain.request(asking("x", output=TOWN, tools=[as_tool(look)]))
    assert "response_format" not in wire.received[-1].body


async def test_the_name_of_the_token_limit(wire):
    wire.reply(400, {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}})
    wire.reply(200, reply())
    await make_model("openai", wire.url).request(asking("x", settings=ModelSettings(max_tokens=9, seed=1)))
    assert wire.received[0].body["max_tokens"] == 9
    assert wire.received[1].body["max_completion_tokens"] == 9
    assert wire.received[1].body["seed"] == 1
    assert OpenAIModel("gpt-5", api_key=KEY)._limit == "max_completion_tokens"


async def test_calls_that_come_whole_under_one_index_or_without_ids(wire):
    def call(id, town, **more):
        return {"id": id, "type": "function", "function": {"name": "look", "arguments": f'{{"town":"{town}"}}'}, **more}

    wire.stream(
        event({"tool_calls": [call("a", "Ulm", index=0)]}),
        event({"tool_calls": [call("b", "Bonn", index=0)]}),
        event({}, "stop"),
        DONE,
    )
    pieces, response = await streamed(make_model("openai", wire.url), asking("x"))
    assert [(c.id, c.parsed()["town"]) for c in response.tool_calls] == [("a", "Ulm"), ("b", "Bonn")]
    assert response.finish_reason == "tool_calls"
    assert [p.index for p in pieces if isinstance(p, ToolCallDelta)] == [0, 1]

    wire.reply(200, reply({"content": None, "tool_calls": [call(None, "Ulm"), call("", "Bonn")]}, "tool_calls"))
    response = await make_model("openai", wire.url).request(asking("x"))
    assert len({c.id for c in response.tool_calls} - {""}) == 2


@pytest.mark.parametrize(
    ("message", "finish", "content", "reason"),
    [
        ({"content": "cut"}, "length", "cut", "length"),
        ({"content": ""}, "content_filter", "", "content_filter"),
        ({"content": None, "refusal": "I must not."}, "stop", "I must not.", "content_filter"),
        ({"content": "x"}, "eos", "x", "stop"),
        ({"content": "x"}, "abort", "x", "other"),
        ({"content": "x"}, "tool_calls", "x", "stop"),
        ({"content": "x"}, None, "x", "stop"),
    ],
)
async def test_why_an_answer_ended(wire, message, finish, content, reason):
    wire.reply(200, reply(message, finish))
    response = await make_model("openai", wire.url).request(asking("x"))
    assert (response.content, response.finish_reason) == (content, reason)


async def test_reasoning_is_handed_back_where_it_is_wanted(wire):
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    wire.stream(
        event({"reasoning_content": "Hm, "}),
        event({"reasoning_content": "Ulm."}),
        event({"tool_calls": [call]}),
        event({}, "tool_calls"),
        DONE,
    )
    model = make_model("openai", wire.url)
    _, response = await streamed(model, asking("x"))
    assert response.data == {"openai": {"reasoning_content": "Hm, Ulm."}}
    wire.reply(200, reply({"reasoning_details": [{"type": "reasoning.text", "text": "t"}]})).reply(200, reply())
    first = Message("assistant", "", response.tool_calls, data=response.data)
    again = await model.request(ModelRequest([Message.user("x"), first, Message.tool(response.tool_calls[0], "Ulm")]))
    assert wire.received[1].body["messages"][1]["reasoning_content"] == "Hm, Ulm."
    second = Message("assistant", "ok", data=again.data)
    await model.request(ModelRequest([Message.user("x"), second, Message.user("y")]))
    assert wire.received[2].body["messages"][1]["reasoning_details"] == [{"type": "reasoning.text", "text": "t"}]


@pytest.mark.parametrize(
    ("status", "error", "kind", "said"),
    [
        (404, {"message": "model 'x' not found"}, ModelRequestError, "check the model's name"),
        (400, {"message": "too long", "code": "context_length_exceeded"}, ModelRequestError, "shorten it"),
        (429, {"message": "no more", "code": "insufficient_quota"}, ModelRateLimitError, "no credit left"),
        (400, {"message": "odd"}, ModelRequestError, "rejected the request"),
        (422, "plain words", ModelRequestError, "plain words"),
        (503, {"message": "starting"}, ModelResponseError, "try again later"),
    ],
)
async def test_what_servers_refuse(wire, status, error, kind, said):
    wire.reply(status, {"error": error})
    with pytest.raises(kind, match=said) as caught:
        await make_model("openai", wire.url, max_retries=0).request(asking("x"))
    assert caught.value.status == status
    assert f"(HTTP {status})" in str(caught.value)


async def test_no_credit_is_not_asked_for_again(wire):
    wire.reply(429, {"error": {"message": "no more", "code": "insufficient_quota"}})
    with pytest.raises(ModelRateLimitError, match="no credit left"):
        await make_model("openai", wire.url).request(asking("x"))


async def test_a_server_that_says_not_to_retry(wire):
    wire.reply(500, b"Internal", x_should_retry="false", content_type="text/plain")
    with pytest.raises(ModelResponseError, match="Internal"):
        await make_model("openai", wire.url).request(asking("x"))


async def test_errors_with_status_200_and_odd_replies(wire):
    wire.reply(200, {"error": {"message": "upstream is down", "code": 502}})
    with pytest.raises(ModelResponseError, match="upstream is down"):
        await make_model("openai", wire.url, max_retries=0).request(asking("x"))
    wire.reply(200, {"error": "just words"})
    with pytest.raises(ModelResponseError, match="just words"):
        await make_model("openai", wire.url, max_retries=0).request(asking("x"))
    wire.reply(200, {"choices": [{"index": 0, "finish_reason": "stop"}]})
    with pytest.raises(ModelResponseError, match="without a message"):
        await make_model("openai", wire.url, max_retries=0).request(asking("x"))
    wire.stream("data: {broken\n\n")
    with pytest.raises(ModelResponseError, match="not an answer"):
        await streamed(make_model("openai", wire.url, max_retries=0), asking("x"))


async def test_a_failure_inside_a_stream_that_had_begun(wire):
    wire.stream(event({"content": "hi"}), 'data: {"error": {"message": "out of memory"}}\n\n')
    with pytest.raises(ModelResponseError, match="out of memory"):
        await streamed(make_model("openai", wire.url), asking("x"))
    assert len(wire.received) == 1


@pytest.mark.parametrize(
    ("name", "variable", "value", "url"),
    [
        ("ollama:qwen3", None, "", "http://127.0.0.1:11434/v1"),
        ("ollama:qwen3", "OLLAMA_HOST", "gpu-box", "http://gpu-box:11434/v1"),
        ("ollama:qwen3", "OLLAMA_HOST", "0.0.0.0:1234", "http://127.0.0.1:1234/v1"),
        ("ollama:qwen3", "OLLAMA_HOST", "https://ollama.example/", "https://ollama.example/v1"),
        ("ollama:qwen3", "OLLAMA_BASE_URL", "http://there/v1", "http://there/v1"),
        ("lmstudio:any", None, "", "http://127.0.0.1:1234/v1"),
        ("vllm:any", "VLLM_BASE_URL", "http://gpu:1/v1", "http://gpu:1/v1"),
        ("llamacpp:", None, "", "http://127.0.0.1:8080/v1"),
        ("openai:gpt-5", "OPENAI_BASE_URL", "http://mine/v1/", "http://mine/v1"),
    ],
)
def test_where_named_servers_are(monkeypatch, name, variable, value, url):
    if variable:
        monkeypatch.setenv(variable, value)
    model = resolve_model(name)
    assert model.endpoint.base_url == url
    assert model.provider == name.partition(":")[0]
    assert model.cost_usd(Usage(1, 1)) is None


def test_the_key_of_openai_is_not_sent_to_other_servers(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert resolve_model("ollama:qwen3")._key != KEY
    assert resolve_model("vllm:x")._key != KEY


async def test_a_server_on_this_machine_needs_no_key(wire):
    wire.reply(200, reply())
    model = make_model("openai", wire.url, api_key=None)
    assert (await model.request(asking("none"))).content == "ok"


def test_openrouter_has_a_key_of_its_own(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ConfigurationError, match="OPENROUTER_API_KEY"):
        resolve_model("openrouter:meta/llama")
    monkeypatch.setenv("OPENROUTER_API_KEY", "or-key")
    assert resolve_model("openrouter:meta/llama").endpoint.base_url == "https://openrouter.ai/api/v1"


async def test_a_server_that_is_not_running_says_how_to_start_it(monkeypatch, unused_tcp_port):
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Exception, match="ollama serve"):
        await resolve_model("ollama:qwen3").request(asking("x"))


async def test_content_in_parts_whole_and_streamed(wire):
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Ulm"},
        {"type": "text", "text": "."},
    ]
    wire.reply(200, reply({"content": parts}))
    assert (await make_model("openai", wire.url).request(asking("where?"))).content == "Ulm."
    wire.stream(event({"content": parts[:2]}), event({"content": [parts[2]]}), event({}, "stop"), DONE)
    pieces, whole = await streamed(make_model("openai", wire.url), asking("where?"))
    assert ("".join(piece.text for piece in pieces), whole.content) == ("Ulm.", "Ulm.")


PAGE = b"<!doctype html><html><head><title>Sign in to continue</title></head><body>Please</body></html>"


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (PAGE, "text/html; charset=utf-8", "an HTML page titled 'Sign in to continue'"),
        (b"<p>gone</p>", "text/html", "an HTML page: gone"),
        ({"error": {"message": "no such route"}}, "application/json", "no such route"),
        ({"error": "quota of the gateway is used up"}, "application/json", "quota of the gateway is used up"),
        (b"", "application/json", "an empty reply"),
        ({"detail": "nothing here"}, "application/json", "without c"),
    ],
)
async def test_a_stream_that_is_none_says_what_came_instead(wire, provider, body, kind, said):
    wire.reply(200, body, content_type=kind)
    model = make_model(provider, wire.url, max_retries=0)
    with pytest.raises(ModelResponseError, match="not an answer") as caught:
        await streamed(model, asking("hello"))
    assert said in str(caught.value)
    assert "is base_url right?" in str(caught.value)


async def test_a_server_that_ignores_the_wish_to_stream(wire):
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"town": "Ulm"}'}}
    wire.reply(200, reply({"tool_calls": [call]}, "tool_calls"))
    pieces, whole = await streamed(make_model("openai", wire.url), asking("hello"))
    assert [piece.text for piece in pieces] == ["ok"]
    assert whole.tool_calls == (ToolCall("c1", "look", '{"town": "Ulm"}'),)


def piece(**call: object) -> str:
    return event({"tool_calls": [call]})


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # the id only with the first, the name empty afterwards
        ([{"index": 0, "id": "a", "function": {"name": "look", "arguments": ""}},
          {"index": 0, "id": "", "function": {"name": "", "arguments": '{"town":'}},
          {"index": 0, "function": {"name": None, "arguments": '"Ulm"}'}}], [("look", '{"town":"Ulm"}')]),
        # the name comes after the id
        ([{"index": 0, "id": "a", "function": {"name": "", "arguments": ""}},
          {"index": 0, "function": {"name": "look", "arguments": "{}"}}], [("look", "{}")]),
        # the id comes after the name
        ([{"index": 0, "function": {"name": "look", "arguments": ""}},
          {"index": 0, "id": "a", "function": {"arguments": "{}"}}], [("look", "{}")]),
        # no index, ids tell calls apart
        ([{"id": "a", "function": {"name": "look", "arguments": '{"town"'}},
          {"function": {"arguments": ':"Ulm"}'}},
          {"id": "b", "function": {"name": "look", "arguments": '{"town":"Bonn"}'}}],
         [("look", '{"town":"Ulm"}'), ("look", '{"town":"Bonn"}')]),
        # neither index nor id, each call whole
        ([{"function": {"name": "look", "arguments": '{"town":"Ulm"}'}},
          {"function": {"name": "look", "arguments": '{"town":"Bonn"}'}}],
         [("look", '{"town":"Ulm"}'), ("look", '{"town":"Bonn"}')]),
        # neither, and the name again with each piece
        ([{"function": {"name": "look", "arguments": '{"town":'}},
          {"function": {"name": "look", "arguments": '"Ulm"}'}}], [("look", '{"town":"Ulm"}')]),
        # the index as text, pieces of two calls mixed
        ([{"index": "0", "id": "a", "function": {"name": "look", "arguments": "{"}},
          {"index": "1", "id": "b", "function": {"name": "look", "arguments": "{"}},
          {"index": "0", "function": {"arguments": "}"}},
          {"index": "1", "function": {"arguments": "}"}}], [("look", "{}"), ("look", "{}")]),
        # arguments as an object
        ([{"index": 0, "id": "a", "function": {"name": "look", "arguments": {"town": "Ulm"}}}], [("look", '{"town":"Ulm"}')]),
        # no function at all in the second
        ([{"index": 0, "id": "a", "function": {"name": "look", "arguments": "{}"}}, {"index": 0}], [("look", "{}")]),
    ],
)  # fmt: skip
async def test_tool_calls_in_odd_pieces(wire, pieces, expected):
    wire.stream(*(piece(**one) for one in pieces), event({}, "tool_calls"), DONE)
    deltas, whole = await streamed(make_model("openai", wire.url), asking("look"))
    assert [(call.name, call.arguments) for call in whole.tool_calls] == expected
    assert all(call.id for call in whole.tool_calls)
    assert len({call.id for call in whole.tool_calls}) == len(expected)
    assert all(isinstance(delta, ToolCallDelta) for delta in deltas)


async def test_thoughts_of_all_kinds_do_not_break_the_answer(wire):
    wire.stream(
        event({"role": "assistant", "reasoning": "hm", "reasoning_content": None}),
        event({"reasoning_details": [{"type": "reasoning.text", "text": "hm"}], "content": None}),
        event({"content": "Ulm", "thinking": {"x": 1}}),
        'data: {"choices": [{"index": 0}]}\n\n',
        'data: {"choices": []}\n\n',
        ": a comment\n\n",
        event({}, "stop", usage=None),
        DONE,
    )
    _, whole = await streamed(make_model("openai", wire.url), asking("hello"))
    assert (whole.content, whole.usage) == ("Ulm", None)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, {"prompt_tokens": "many"}])
async def test_usage_that_is_not_told(wire, usage):
    wire.reply(200, reply(usage=usage))
    assert (await make_model("openai", wire.url).request(asking("hello"))).usage is None


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_date_to_wait_for_is_read_by_the_servers_clock(wire, provider):
    wire.reply(
        429,
        {"error": {"message": "slow down"}},
        retry_after="Sun, 06 Nov 2094 08:51:37 GMT",
        date="Sun, 06 Nov 2094 08:49:37 GMT",
    )
    with pytest.raises(ModelRateLimitError, match="asks to wait 120 s") as caught:
        await make_model(provider, wire.url).request(asking("hello"))
    assert caught.value.retry_after_s == 120
    wire.reply(
        429, {"error": {"message": "x"}}, retry_after="2094-11-06T08:51:37Z", date="Sun, 06 Nov 2094 08:49:37 GMT"
    )
    with pytest.raises(ModelRateLimitError, match="asks to wait 120 s"):
        await make_model(provider, wire.url).request(asking("hello"))


async def test_retries_are_told_on_the_stream_of_the_run(wire):
    from victor.core import Agent
    from victor.core.events import EventStream, get_stream

    mine, heard, elsewhere = EventStream(), [], []
    mine.subscribe(heard.append, ["model.retry"])
    wire.reply(500, {"error": {"message": "x"}}).reply(200, reply())
    with get_stream().listening(elsewhere.append, ["model.retry"]):
        assert (await Agent(model=make_model("openai", wire.url), stream=mine).run("hello")).output == "ok"
    assert [(event.kind, event.attributes["attempt"]) for event in heard] == [("model.retry", 1)]
    assert elsewhere == []


@pytest.mark.parametrize("end", ["/v1", "/v1/", "/v1/chat/completions", "/v1/chat/completions/"])
async def test_the_whole_address_of_the_route_is_understood(wire, end):
    wire.reply(200, reply())
    await OpenAIModel("m", base_url=wire.url + end, api_key=KEY).request(asking("hello"))
    assert wire.received[0].path == "/v1/chat/completions"
