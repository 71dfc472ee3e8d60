"""Messages and usage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.core.message import Message, ToolCall, Usage, dump_messages, load_messages

calls = st.builds(ToolCall, st.text(), st.text(), st.text())
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.text(),
    st.lists(calls, max_size=3),
    st.none() | st.text(),
    st.none() | st.text(),
    st.booleans(),
    st.none() | st.text(),
    st.none() | st.dictionaries(st.text(), st.integers(-(2**53), 2**53)),
)


@pytest.mark.slow
@given(st.lists(messages))
def test_messages_survive_json(sample):
    assert load_messages(dump_messages(sample)) == sample
    assert load_messages(dump_messages(sample, indent=2)) == sample


@pytest.mark.parametrize("data", ["", "{}", '[{"content": "x"}]', '[{"role": "king"}]'])
def test_what_is_no_list_of_messages_is_refused(data):
    with pytest.raises(ConfigurationError, match="not a list of messages"):
        load_messages(data)


def test_short_forms():
    call = ToolCall("1", "add", '{"a": 1}')
    assert call.parsed() == {"a": 1}
    assert ToolCall("1", "now", "").parsed() == {}
    assert Message.system("x").role == "system"
    assert Message.user("x", name="ann").name == "ann"
    assert Message.assistant("x", [call]).tool_calls == (call,)
    answer = Message.tool(call, "3", is_error=True)
    assert (answer.tool_call_id, answer.name, answer.is_error) == ("1", "add", True)


def test_usage_adds_up_and_unknown_stays_unknown():
    total = Usage(10, 2, 3, 1, 1, requests=1) + Usage(5, 1, requests=1)
    assert total == Usage(15, 3, 3, 1, 1, requests=2)
    assert total.total_tokens == 18
    unknown = total + Usage(None, 4, requests=1)
    assert (unknown.input_tokens, unknown.output_tokens, unknown.total_tokens, unknown.requests) == (None, 7, None, 3)
