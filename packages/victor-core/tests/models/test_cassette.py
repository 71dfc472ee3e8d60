"""Cassettes: what is recorded is replayed, without secrets, and a wrong file says where it is wrong."""

from __future__ import annotations

import asyncio
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core import Agent
from victor.core.errors import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelRateLimitError,
    ModelRequestError,
    ModelResponseError,
)
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import ModelRequest, ModelResponse, TextDelta, resolve_model
from victor.core.models.answers import call
from victor.core.models.cassette import Cassette, read_cassette, write_cassette
from victor.core.models.function import FunctionModel
from victor.core.models.recording import RecordingModel, from_name
from victor.core.models.scripted import ScriptedModel, ScriptError, Turn

YAML = """\
version: 1
answers:
  - Hello.
  - tool_calls:
      - {name: population, arguments: {town: Ulm}}
      - {name: population, arguments: "{broken"}
  - text: Both are towns.
    chunks: ["Both are ", "towns."]
    usage: {input_tokens: 30, output_tokens: 5}
    match: {messages: 1}
  - text: {total: 3}
  - {error: rate_limit, message: too many, status: 429, retry_after_s: 2}
"""


def asking(text: str) -> ModelRequest:
    return ModelRequest([Message.user(text)])


async def test_a_cassette_written_by_hand(tmp_path):
    path = tmp_path / "towns.yaml"
    path.write_text(YAML)
    model = ScriptedModel.from_file(path)
    assert (await model.request(asking("x"))).content == "Hello."
    calls = (await model.request(asking("x"))).tool_calls
    assert [c.arguments for c in calls] == ['{"town":"Ulm"}', "{broken"]
    chunks = [c async for c in model.stream(asking("x"))]
    assert [c.text for c in chunks if isinstance(c, TextDelta)] == ["Both are ", "towns."]
    assert chunks[-1].usage == Usage(30, 5)
    assert (await model.request(asking("x"))).content == '{"total":3}'
    with pytest.raises(ModelRateLimitError, match="too many") as caught:
        await model.request(asking("x"))
    assert (caught.value.status, caught.value.retry_after_s) == (429, 2)


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_an_agent_replays_what_was_recorded(tmp_path, suffix):
    path = tmp_path / "sub" / f"run.{suffix}"

    def answer(request: ModelRequest):
        return call("add", a=1, b=2) if request.messages[-1].role == "user" else "It is 3."

    def add(a: int, b: int) -> int:
        "Add."
        return a + b

    recording = RecordingModel(FunctionModel(answer, name="sums"), path)
    assert (recording.provider, recording.name) == ("function", "sums")
    first = Agent("Be exact.", tools=[add], model=recording).run_sync("1 + 2?")
    replay = ScriptedModel.from_file(path)
    second = Agent("Be exact.", tools=[add], model=replay).run_sync("1 + 2?")
    assert second.messages == first.messages
    assert replay.remaining == 0
    with pytest.raises(ScriptError, match=r"answer 1 of 2 was written for another request: .*1 \+ 3"):
        Agent("Be exact.", tools=[add], model=ScriptedModel.from_file(path)).run_sync("1 + 3?")
    assert not list(path.parent.glob(".*"))  # no temporary file is left


async def test_streamed_chunks_are_replayed(tmp_path):
    async def words(request: ModelRequest):
        for word in ("Tea ", "is ", "ready."):
            yield word

    path = tmp_path / "tea.json"
    heard = [c async for c in RecordingModel(FunctionModel(words), path).stream(asking("tea?"))]
    again = [c async for c in ScriptedModel.from_file(path).stream(asking("tea?"))]
    assert again == heard


async def test_errors_are_recorded(tmp_path):
    path = tmp_path / "errors.json"
    kinds = [ModelAuthenticationError, ModelConnectionError, ModelRateLimitError, ModelRequestError, ModelResponseError]
    for index, kind in enumerate(kinds):
        recording = RecordingModel(ScriptedModel([kind(f"no {index}", status=400 + index)]), path)
        asked = recording.request(asking("x")) if index % 2 else anext(recording.stream(asking("x")))
        with pytest.raises(kind):
            await asked
        with pytest.raises(kind, match=f"no {index}") as caught:
            await ScriptedModel.from_file(path).request(asking("x"))
        assert caught.value.status == 400 + index


async def test_agents_side_by_side_may_replay_in_another_order(tmp_path):
    path = tmp_path / "both.json"
    slow = asyncio.Event()

    async def answer(request: ModelRequest) -> str:
        if request.messages[-1].content == "first":
            await slow.wait()
        slow.set()
        return request.messages[-1].content.upper()

    recording = RecordingModel(FunctionModel(answer), path)
    await asyncio.gather(recording.request(asking("first")), recording.request(asking("second")))
    model = ScriptedModel.from_file(path)
    assert (await model.request(asking("first"))).content == "FIRST"
    assert (await model.request(asking("second"))).content == "SECOND"


async def test_secrets_do_not_reach_the_file_and_do_not_stop_the_replay(tmp_path):
    path = tmp_path / "secrets.json"
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0"
    answers = [
        ModelResponse(f"your key {key}", (ToolCall("1", "login", f'{{"password": "hunter2", "note": "{key}"}}'),))
    ]
    request = asking(f"use {key} please")
    await RecordingModel(ScriptedModel(answers), path).request(request)
    text = path.read_text()
    assert key not in text
    assert "hunter2" not in text
    replayed = await ScriptedModel.from_file(path).request(request)
    assert replayed.tool_calls[0].name == "login"


async def test_without_match_anything_is_answered(tmp_path):
    path = tmp_path / "any.json"
    await RecordingModel(ScriptedModel("x"), path, match=False).request(asking("a"))
    assert (await ScriptedModel.from_file(path).request(asking("b"))).content == "x"


async def test_costs_and_closing_are_the_inner_models(tmp_path):
    class Priced(ScriptedModel):
        closed = False

        def cost_usd(self, usage):
            return 1.5

        async def aclose(self):
            self.closed = True

    inner = Priced("x")
    recording = RecordingModel(inner, tmp_path / "x.json")
    assert recording.cost_usd(Usage(1, 1)) == 1.5
    await recording.aclose()
    assert inner.closed


responses = st.builds(
    ModelResponse,
    content=st.text(),
    tool_calls=st.lists(st.builds(ToolCall, st.text(min_size=1), st.text(min_size=1), st.just('{"a":1}')), max_size=2),
    usage=st.none() | st.builds(Usage, *[st.none() | st.integers(0, 99)] * 2, *[st.integers(0, 9)] * 4),
    finish_reason=st.sampled_from(["stop", "length", "content_filter", "other"]),
    model=st.sampled_from(["m", "gpt"]),
)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_writing_and_reading_gives_the_same(tmp_path_factory, suffix):
    path = tmp_path_factory.mktemp("cassettes") / f"c.{suffix}"

    @settings(deadline=None)
    @given(st.lists(responses, max_size=3), st.booleans(), st.booleans())
    def same(answers, repeat, any_order):
        written = Cassette([Turn(answer) for answer in answers], "p:m", repeat, any_order)
        write_cassette(path, written)
        read = read_cassette(path)
        # ids stay out of it: the answer's own id is not kept
        assert [msgspec.to_builtins(turn.answer) for turn in read.turns] == [msgspec.to_builtins(a) for a in answers]
        assert (read.model, read.repeat, read.any_order) == ("p:m", repeat, any_order)

    same()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ('{"version": 1}', "needs a list called 'answers'"),
        ('{"version": 7, "answers": []}', "version 7 is not known"),
        ('{"answer": []}', "needs a list"),
        ('{"answers": [], "repaet": true}', "unknown key 'repaet'; did you mean 'repeat'"),
        ('{"answers": ["a", 3]}', "answer 2: should be a text or a mapping"),
        ('{"answers": [{"txt": "a"}]}', "answer 1: unknown key 'txt'; did you mean 'text'"),
        ('{"answers": [{"zzz": "a"}]}', "answer 1: unknown key 'zzz'; there are"),
        ('{"answers": [{"usage": {}}]}', "answer 1: needs 'text', 'tool_calls' or 'error'"),
        ('{"answers": [{"error": "fire"}]}', "error 'fire' is none of authentication"),
        ('{"answers": [{"text": "a", "finish_reason": "why"}]}', "finish_reason 'why' is none of stop"),
        ('{"answers": [{"text": "a", "usage": {"input_tokens": "x"}}]}', "usage: Expected `int"),
        ('{"answers": [{"text": "a", "chunks": ["b"]}]}', "the chunks together are not its text"),
        ('{"answers": [{"tool_calls": [{"arguments": {}}]}]}', "answer 1: tool call 1: needs a name"),
        ('{"answers": [{"text": "a", "match": 3}]}', "answer 1: match"),
    ],
)
def test_a_wrong_cassette_says_where(tmp_path, text, said):
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"wrong\.json") as caught:
        read_cassette(path)
    assert said in str(caught.value)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_cassette(tmp_path / "none.json")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [")
    with pytest.raises(ConfigurationError, match="not YAML"):
        read_cassette(bad)
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_cassette(blocker / "x.json", Cassette())
    with pytest.raises(ConfigurationError, match="a cassette holds"):
        write_cassette(tmp_path / "x.json", Cassette([Turn("plain text")]))


def test_yaml_without_pyyaml_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "a.yml"
    path.write_text("answers: []")
    with pytest.raises(ConfigurationError, match=r"pip install 'victor-core\[yaml\]'"):
        read_cassette(path)


def test_recording_by_name(tmp_path):
    inner = tmp_path / "inner.json"
    inner.write_text('["Hello."]')
    outer = tmp_path / "outer.yaml"
    model = resolve_model(f"recording:{outer}:scripted:{inner}")
    assert Agent(model=model).run_sync("hi").output == "Hello."
    assert "Hello." in outer.read_text()
    with pytest.raises(ConfigurationError, match="should name a file and a model"):
        from_name("hello.json")
