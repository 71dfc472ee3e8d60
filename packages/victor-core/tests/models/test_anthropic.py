"""What is peculiar to Anthropic's Messages protocol."""

from __future__ import annotations

import json

import pytest

from victor.core.errors import ConfigurationError, ModelRateLimitError, ModelRequestError
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import ModelRequest, ModelSettings, OutputSchema, TextDelta, ToolCallDelta
from victor.core.models.anthropic import AnthropicModel
from victor.core.tool import as_tool

from .conftest import KEY, asking, make_model

MARK = {"type": "ephemeral"}
TOWN = OutputSchema(
    "town",
    {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1}, "size": {"type": "integer", "minimum": 0}},
        "required": ["name"],
    },
)
OPEN = OutputSchema("counts", {"type": "object", "additionalProperties": {"type": "integer"}}, "How many of each.")


def look(town: str) -> str:
    "Look."
    return town


def reply(*content: dict, stop: str = "end_turn", **usage: int) -> dict:
    return {
        "id": "r1", "type": "message", "role": "assistant", "model": "m", "stop_reason": stop, "stop_sequence": None,
        "content": list(content) or [{"type": "text", "text": "ok"}],
        "usage": {"input_tokens": 5, "output_tokens": 2, **usage},
    }  # fmt: skip


def event(kind: str, **more: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"


def events(*blocks: tuple[dict, list[dict]], stop: str = "end_turn") -> list[str]:
    """A whole stream: each block as it starts, and its deltas."""
    start = reply(stop="end_turn") | {"content": [], "stop_reason": None}
    start["usage"] = {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 90}
    made = [event("message_start", message=start), event("ping")]
    for index, (block, deltas) in enumerate(blocks):
        made.append(event("content_block_start", index=index, content_block=block))
        made += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
        made.append(event("content_block_stop", index=index))
    end = {"stop_reason": stop, "stop_sequence": None}
    return [*made, event("message_delta", delta=end, usage={"output_tokens": 20}), event("message_stop")]


async def streamed(model, request):
    chunks = [chunk async for chunk in model.stream(request)]
    return chunks[:-1], chunks[-1]


async def test_the_conversation_as_it_is_sent(wire):
    wire.reply(200, reply())
    calls = [ToolCall("c/1", "look", '{"town":"Ulm"}'), ToolCall("c2", "look", '{"town":"Bonn"}')]
    history = [
        Message.system("Be brief."),
        Message.system("Be kind."),
        Message.user("Look."),
        Message.assistant("Looking.", calls),
        Message.tool(calls[0], "Ulm"),
        Message.tool(calls[1], "", is_error=True),
        Message.system("Hurry."),
        Message.user("Well?", name="Ann"),
    ]
    await make_model("anthropic", wire.url).request(ModelRequest(history, [as_tool(look)]))
    body = wire.received[0].body
    assert body["max_tokens"] == 8192
    assert [block["text"] for block in body["system"]] == ["Be brief.", "Be kind."]
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant", "user"]  # all results, and what follows, in one message
    assert body["messages"][1]["content"] == [
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "c_1", "name": "look", "input": {"town": "Ulm"}},
        {"type": "tool_use", "id": "c2", "name": "look", "input": {"town": "Bonn"}},
    ]
    results = body["messages"][2]["content"]
    assert results[0] == {"type": "tool_result", "tool_use_id": "c_1", "content": "Ulm"}
    assert results[1] == {"type": "tool_result", "tool_use_id": "c2", "is_error": True}
    assert "Hurry." in results[2]["text"]
    assert results[3]["text"] == "Ann: Well?"
    assert body["tools"][0]["input_schema"]["required"] == ["town"]


async def test_what_the_next_request_begins_with_is_marked_for_the_cache(wire):
    wire.reply(200, reply()).reply(200, reply()).reply(200, reply())
    history = [Message.system("S"), Message.user("a"), Message.assistant("b"), Message.user("c"), Message.user("d")]
    model = make_model("anthropic", wire.url)
    await model.request(ModelRequest(history, [as_tool(look)]))
    body = wire.received[0].body
    assert body["system"][-1]["cache_control"] == MARK
    assert "cache_control" not in body["tools"][-1]  # tools come before the system prompt: one mark covers both
    marked = [["cache_control" in block for block in message["content"]] for message in body["messages"]]
    assert marked == [[True], [False], [False, True]]
    await model.request(ModelRequest(history[1:], [as_tool(look)]))
    assert wire.received[1].body["tools"][-1]["cache_control"] == MARK
    await make_model("anthropic", wire.url, cache=False).request(ModelRequest(history, [as_tool(look)]))
    assert "cache_control" not in json.dumps(wire.received[2].body)


async def test_cached_tokens_count_as_input(wire):
    wire.reply(200, reply(cache_read_input_tokens=90, cache_creation_input_tokens=10))
    wire.stream(*events(({"type": "text", "text": ""}, [{"type": "text_delta", "text": "hi"}])))
    model = make_model("anthropic", wire.url)
    assert (await model.request(asking("x"))).usage == Usage(105, 2, 90, 10, requests=1)
    assert (await streamed(model, asking("x")))[1].usage == Usage(95, 20, 90, 0, requests=1)


async def test_thinking_is_handed_back_as_it_was(wire):
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    wire.stream(
        *events(
            (
                thinking,
                [{"type": "thinking_delta", "thinking": "Hm."}, {"type": "signature_delta", "signature": "SIG"}],
            ),
            ({"type": "redacted_thinking", "data": "XYZ"}, []),
            ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Looking."}]),
            (
                {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
                [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"town":', '"Ulm"}')],
            ),
            stop="tool_use",
        )
    )
    model = make_model("anthropic", wire.url)
    pieces, response = await streamed(model, asking("x"))
    assert [p.text for p in pieces if isinstance(p, TextDelta)] == ["Looking."]  # thoughts are no part of the answer
    assert response.tool_calls == (ToolCall("c1", "look", '{"town":"Ulm"}'),)
    wire.reply(200, reply({"type": "thinking", "thinking": "So.", "signature": "S2"}, {"type": "text", "text": "Ulm."}))
    said = Message("assistant", response.content, response.tool_calls, data=response.data)
    again = await model.request(ModelRequest([Message.user("x"), said, Message.tool(response.tool_calls[0], "Ulm")]))
    assert wire.received[1].body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "SIG"},
        {"type": "redacted_thinking", "data": "XYZ"},
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "c1", "name": "look", "input": {"town": "Ulm"}},
    ]
    assert again.data["anthropic"]["content"][0]["signature"] == "S2"
    wire.reply(200, reply())
    edited = Message("assistant", "Something else.", data=again.data)
    await model.request(ModelRequest([Message.user("x"), edited, Message.user("y")]))
    assert wire.received[2].body["messages"][1]["content"] == [{"type": "text", "text": "Something else."}]


async def test_thinking_before_malformed_arguments_is_not_handed_back(wire):
    wire.stream(
        *events(
            ({"type": "thinking", "thinking": "Hm.", "signature": "S"}, []),
            (
                {"type": "tool_use", "id": "c1", "name": "look", "input": {}},
                [{"type": "input_json_delta", "partial_json": '{"to'}],
            ),
            stop="max_tokens",
        )
    )
    _, response = await streamed(make_model("anthropic", wire.url), asking("x"))
    assert response.tool_calls[0].arguments == '{"to'
    assert response.finish_reason == "length"
    assert response.data is None


async def test_a_shape_by_structured_outputs(wire):
    wire.reply(200, reply({"type": "text", "text": '{"name":"Ulm"}'}))
    response = await make_model("anthropic", wire.url).request(asking("x", output=TOWN))
    assert response.content == '{"name":"Ulm"}'
    sent = wire.received[0].body["output_config"]["format"]
    assert sent == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    }


async def test_a_shape_by_a_tool_where_the_model_has_no_structured_outputs(wire):
    wire.reply(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "output_config: unknown"}})
    answer = {"type": "tool_use", "id": "c9", "name": "town", "input": {"name": "Ulm"}}
    wire.reply(200, reply({"type": "text", "text": "Here: "}, answer, stop="tool_use"))
    wire.stream(
        *events(
            (
                {"type": "tool_use", "id": "c9", "name": "town", "input": {}},
                [{"type": "input_json_delta", "partial_json": part} for part in ('{"name":', '"Bonn"}')],
            ),
            stop="tool_use",
        )
    )
    model = make_model("anthropic", wire.url)
    response = await model.request(asking("x", output=TOWN, tools=[as_tool(look)]))
    assert (response.content, response.tool_calls, response.finish_reason) == ('{"name":"Ulm"}', (), "stop")
    body = wire.received[1].body
    assert "output_config" not in body
    assert [tool["name"] for tool in body["tools"]] == ["look", "town"]
    assert body["tool_choice"] == {"type": "any"}
    pieces, response = await streamed(model, asking("x", output=TOWN))
    assert response.content == "".join(p.text for p in pieces) == '{"name":"Bonn"}'
    assert len(wire.received) == 3  # remembered


async def test_a_schema_without_a_strict_form_is_asked_by_a_tool_and_thinking_forbids_to_insist(wire):
    wire.reply(200, reply({"type": "text", "text": "thoughts only"}))
    settings = ModelSettings(extra={"thinking": {"type": "enabled", "budget_tokens": 1024}})
    response = await make_model("anthropic", wire.url).request(asking("x", output=OPEN, settings=settings))
    body = wire.received[0].body
    assert body["tool_choice"] == {"type": "auto"}
    assert body["tools"][0]["description"].startswith("How many of each.")
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert response.content == "thoughts only"


async def test_an_answer_given_beside_other_calls_waits_for_their_results(wire):
    blocks = [
        {"type": "tool_use", "id": "c1", "name": "look", "input": {"town": "Ulm"}},
        {"type": "tool_use", "id": "c9", "name": "town", "input": {"name": "Ulm"}},
    ]
    wire.reply(200, reply(*blocks, stop="tool_use"))
    response = await make_model("anthropic", wire.url, output="tool").request(asking("x", output=TOWN))
    assert [call.name for call in response.tool_calls] == ["look"]
    assert response.finish_reason == "tool_calls"


async def test_other_rejections_of_a_shape_are_told(wire):
    wire.reply(
        400, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}
    )
    with pytest.raises(ModelRequestError, match=r"prompt is too long.*shorten it"):
        await make_model("anthropic", wire.url).request(asking("x", output=TOWN))


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("refusal", "content_filter"),
        ("model_context_window_exceeded", "length"), ("pause_turn", "other"), ("tool_use", "stop"),
    ],
)  # fmt: skip
async def test_why_an_answer_ended(wire, stop, reason):
    wire.reply(200, reply(stop=stop))
    assert (await make_model("anthropic", wire.url).request(asking("x"))).finish_reason == reason


async def test_overloaded_is_waited_out(wire):
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    wire.reply(529, overloaded).reply(200, reply())
    model = make_model("anthropic", wire.url)
    assert (await model.request(asking("x"))).content == "ok"
    wire.reply(529, overloaded)
    with pytest.raises(ModelRateLimitError, match="Overloaded") as caught:
        await make_model("anthropic", wire.url, max_retries=0).request(asking("x"))
    assert caught.value.status == 529


async def test_an_error_inside_a_stream_is_of_its_own_kind(wire):
    wire.stream(event("error", error={"type": "invalid_request_error", "message": "too odd"}))
    with pytest.raises(ModelRequestError, match="failed while it answered: too odd") as caught:
        await streamed(make_model("anthropic", wire.url), asking("x"))
    assert caught.value.status == 400
    wire.stream(event("error", error={"type": "api_error", "message": "oops"}))
    with pytest.raises(Exception, match="oops") as caught:
        await streamed(make_model("anthropic", wire.url, max_retries=0), asking("x"))
    assert caught.value.status == 500


async def test_empty_texts_are_not_sent_as_the_api_refuses_them(wire):
    wire.reply(200, reply()).reply(200, reply())
    model = make_model("anthropic", wire.url)
    await model.request(ModelRequest([Message.system(""), Message.user(" "), Message.assistant(""), Message.user("x")]))
    body = wire.received[0].body
    assert "system" not in body
    assert [block["text"] for block in body["messages"][0]["content"]] == ["(no text)", "x"]
    await model.request(ModelRequest([Message.system("only this")]))
    assert wire.received[1].body["messages"][0]["role"] == "user"


async def test_what_the_api_has_not_is_said(wire):
    with pytest.raises(ConfigurationError, match="has no seed"):
        await make_model("anthropic", wire.url).request(asking("x", settings=ModelSettings(seed=1)))


async def test_a_block_that_starts_with_content(wire):
    wire.stream(
        *events(
            ({"type": "text", "text": "Hi"}, [{"type": "text_delta", "text": "!"}]),
            ({"type": "tool_use", "id": "c1", "name": "look", "input": {"town": "Ulm"}}, []),
            stop="tool_use",
        )
    )
    pieces, response = await streamed(make_model("anthropic", wire.url), asking("x"))
    assert response.content == "Hi!"
    assert response.tool_calls[0].parsed() == {"town": "Ulm"}
    assert "".join(p.arguments for p in pieces if isinstance(p, ToolCallDelta)) == '{"town":"Ulm"}'


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/messages"])
async def test_an_address_with_or_without_its_version(wire, end):
    wire.reply(200, reply({"type": "text", "text": "ok"}))
    model = AnthropicModel("m", base_url=wire.url + end, api_key=KEY)
    assert (await model.request(asking("hello"))).content == "ok"
    assert wire.received[0].path.partition("?")[0] == "/v1/messages"


async def test_a_reply_and_a_stream_without_usage(wire):
    whole = reply({"type": "text", "text": "ok"})
    del whole["usage"]
    wire.reply(200, whole)
    response = await make_model("anthropic", wire.url).request(asking("hello"))
    assert (response.content, response.usage) == ("ok", None)
    wire.stream(
        event(
            "message_start", message={"id": "m1", "type": "message", "role": "assistant", "content": [], "model": "m"}
        ),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "ok"}),
        event("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {}}),
        event("content_block_delta", index=7, delta={"type": "text_delta", "text": "of no block"}),
        event("content_block_start", index=1, content_block={"type": "something_new", "x": 1}),
        event("content_block_delta", index=1, delta={"type": "something_delta", "y": 2}),
        event("message_delta", delta={"stop_reason": "end_turn"}),
        event("message_stop"),
    )
    _, last = await streamed(make_model("anthropic", wire.url), asking("hello"))
    assert (last.content, last.usage, last.finish_reason) == ("ok", None, "stop")


async def test_a_server_that_ignores_the_wish_to_stream(wire):
    wire.reply(200, reply({"type": "text", "text": "ok"}))
    pieces, whole = await streamed(make_model("anthropic", wire.url), asking("hello"))
    assert ([piece.text for piece in pieces], whole.content) == (["ok"], "ok")
