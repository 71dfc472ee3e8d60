"""The offline model as a `Model`: streaming, settings, usage, determinism, and what it costs to import."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.agent import Agent
from victor.core.errors import ConfigurationError, OutputError
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import Model, ModelRequest, ModelResponse, ModelSettings, OutputSchema, TextDelta, ToolCallDelta
from victor.core.models.offline import OfflineModel, from_name
from victor.core.models.offline.dialog import is_refusal
from victor.core.models.offline.tokens import count_tokens, count_words, cut_tokens
from victor.core.tool import as_tool

TEXT = "Summarise in two sentences:\n\nThe pump moves heat from the ground. It is old! Nobody has repaired the pump since 1999."


def respond(*messages: Message, **options: object) -> ModelResponse:
    return asyncio.run(OfflineModel().request(ModelRequest(messages, **options)))  # type: ignore[arg-type]


def collect(request: ModelRequest) -> list[object]:
    async def run() -> list[object]:
        return [chunk async for chunk in OfflineModel().stream(request)]

    return asyncio.run(run())


def test_the_catalog_makes_it_without_a_name_alone() -> None:
    model = from_name("")
    assert isinstance(model, Model)
    assert (model.provider, model.name, model.id) == ("offline", "", "offline")
    with pytest.raises(ConfigurationError, match="write 'offline', not 'offline:gpt'"):
        from_name("gpt")


def test_it_streams_sentence_by_sentence_and_ends_with_the_whole() -> None:
    chunks = collect(ModelRequest([Message.user(TEXT)]))
    *pieces, last = chunks
    assert isinstance(last, ModelResponse)
    texts = [piece.text for piece in pieces if isinstance(piece, TextDelta)]
    assert len(texts) == len(pieces) == 2
    assert "".join(texts) == last.content
    assert texts[0] == "The pump moves heat from the ground. "


def test_it_streams_tool_calls() -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    piece, last = collect(ModelRequest([Message.user("add 2 and 3")], tools=(as_tool(add),)))
    assert isinstance(last, ModelResponse)
    assert piece == ToolCallDelta(0, "offline_1", "add", '{"a":2,"b":3}')
    assert last.finish_reason == "tool_calls"
    assert last.tool_calls == (ToolCall("offline_1", "add", '{"a":2,"b":3}'),)


def test_usage_is_counted_and_costs_nothing() -> None:
    response = respond(Message.system("Be brief."), Message.user("What is 2 + 2?"))
    assert response.usage == Usage(3 + 6, count_tokens(response.content), requests=1)
    assert OfflineModel().cost_usd(response.usage) == 0.0


def test_limits_of_the_settings_are_kept() -> None:
    whole = respond(Message.user(TEXT))
    assert whole.finish_reason == "stop"
    cut = respond(Message.user(TEXT), settings=ModelSettings(max_tokens=3))
    assert (cut.content, cut.finish_reason) == ("The pump moves", "length")
    stopped = respond(Message.user(TEXT), settings=ModelSettings(stop=("heat",)))
    assert stopped.content == "The pump moves "
    same = respond(Message.user(TEXT), settings=ModelSettings(temperature=1.5, top_p=0.2, seed=7, timeout_s=1.0))
    assert same == whole


def test_settings_of_other_providers_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="reasoning_effort"):
        respond(Message.user("hello"), settings=ModelSettings(extra={"reasoning_effort": "high"}))


def test_a_rejected_refusal_is_repeated_and_the_rejection_is_not_taken_for_text() -> None:
    schema = OutputSchema(
        "price", {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}
    )
    asked = Message.user("Read this:\n\nTea is green.")
    first = respond(asked, output=schema)
    assert is_refusal(first.content)
    rejected = Message.user("Your answer does not have the required form: 3 problems. Answer again, with JSON.")
    assert respond(asked, Message.assistant(first.content), rejected, output=schema).content == first.content


def test_no_messages_at_all() -> None:
    assert is_refusal(respond().content)
    assert is_refusal(respond(Message.system("Be brief.")).content)
    assert is_refusal(respond(Message.user("")).content)


def test_an_error_of_a_tool_ends_a_form_with_a_refusal() -> None:
    call = ToolCall("1", "read", '{"path": "a"}')
    answered = respond(
        Message.user("Read a"),
        Message.assistant("", [call]),
        Message.tool(call, "no such file", is_error=True),
        output=OutputSchema("x", {"type": "object", "properties": {}}),
    )
    assert "The tool read failed: no such file" in answered.content


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_pieces_of_a_stream_make_the_whole(text: str) -> None:
    *pieces, last = collect(ModelRequest([Message.user(f"Summarise:\n\n{text}")]))
    assert isinstance(last, ModelResponse)
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == last.content


@given(st.text(max_size=200), st.integers(0, 30))
def test_cutting_keeps_the_beginning(text: str, limit: int) -> None:
    cut = cut_tokens(text, limit)
    assert text.startswith(cut)
    assert count_tokens(cut) == min(limit, count_tokens(text))


@pytest.mark.parametrize(
    ("text", "tokens", "counted"),
    [("", 0, 0), ("Hello, world!", 4, 2), ("3.5 well-known", 6, 2), ("東京 is big", 4, 4), ("naïve café", 2, 2)],
)
def test_counting_tokens_and_words(text: str, tokens: int, counted: int) -> None:
    assert (count_tokens(text), count_words(text)) == (tokens, counted)


PROGRAM = """
import asyncio
from victor.core.message import Message
from victor.core.model import ModelRequest, OutputSchema
from victor.core.models.offline import OfflineModel
from victor.core.tool import as_tool
def read_file(path: str, limit: int = 3) -> str:
    "Read a file."
def find_words(text: str, labels: list[str]) -> str:
    "Find words."
text = open(__import__("sys").argv[1], encoding="utf-8").read()
schema = {"type": "object", "required": ["title", "summary", "kind", "tags", "people", "points"], "properties": {
    "title": {"type": "string"}, "summary": {"type": "string"}, "kind": {"enum": ["guide", "plan", "design", "other"]},
    "tags": {"type": "array", "items": {"type": "string"}}, "people": {"type": "array", "items": {"type": "string"}},
    "points": {"type": "array", "items": {"type": "string"}}}}
for prompt, output in [("Summarise:", None), ("Extract keywords:", None), ("Classify as guide, plan or design:", None),
                       ("Read:", OutputSchema("doc", schema)), ("What does the agent use?", None), ("Read a.txt and b.txt", None)]:
    request = ModelRequest([Message.user(prompt + chr(10) * 2 + text)], (as_tool(read_file), as_tool(find_words)), output)
    print(asyncio.run(OfflineModel().request(request)))
"""


def test_the_answers_do_not_depend_on_the_hash_seed() -> None:
    outputs = set()
    for seed in ("0", "1", "12345"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, __file__],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 500


def test_choosing_the_model_imports_nothing_heavy() -> None:
    program = (
        "import sys; from victor.core.models.offline import from_name; from_name('');"
        "print([name for name in ('victor.core.models.offline.respond', 'threading', 'typer', 'pydantic', 'yaml', "
        "'rich')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.strip()
    assert "respond" not in loaded
    assert not any(name in loaded for name in ("typer", "pydantic", "yaml", "rich"))


@pytest.mark.parametrize(
    ("prompt", "output_type", "why"),
    [
        ("Write a poem about the sea.", dict, "That needs new text"),
        ("Translate to French: The pump moves heat.", list[str], "That needs new text"),
        ("Translate into German:\n\nThe pump moves heat.", dict, "That needs new text"),
        ("How many people live on Mars?", int, "does not say what the form needs"),
        ("Is the queen old?", bool, "there is no text to answer from"),
    ],
)
def test_a_refusal_is_told_whatever_form_was_asked_for(prompt, output_type, why):
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "text": {"type": "string"}},
        "required": ["text"],
    }
    agent = Agent(model="offline", output_type=schema if output_type is dict else output_type)
    with pytest.raises(OutputError) as caught:
        agent.run_sync(prompt)
    assert f"It said: {why}" in str(caught.value) or why in str(caught.value).partition("It said: ")[2]


def test_what_a_text_says_still_fills_a_form():
    assert Agent(model="offline", output_type=int).run_sync("How many seats?\n\nThe bus has 42 seats.").output == 42


def test_sums_of_many_digits_take_no_time():
    from victor.core.models.offline.arithmetic import find_expression

    began = time.process_time()
    for text in ("7" * 10_000, "1." * 5_000, "12 + " * 3_000, "(" * 5_000 + "1" + ")" * 5_000, "1" + " " * 10_000):
        find_expression(f"What is {text} + 1?")
    assert time.process_time() - began < 5
