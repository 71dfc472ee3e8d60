"""Tools that go wrong in ways Python does not expect: a call gives a result all the same."""

from __future__ import annotations

import pytest

from victor.core.errors import ConfigurationError, ToolApprovalError
from victor.core.tool import ToolMetadata, ToolScope, as_tool, render_result


class Mute:
    def __str__(self):
        raise ZeroDivisionError

    __repr__ = __str__


class HalfMute:
    def model_dump(self, mode):
        raise KeyError("x")


def order_status(order: int) -> str:
    return {1: "sent"}[order]


async def test_the_traceback_of_a_failure_is_logged_for_whoever_debugs(caplog):
    with caplog.at_level("DEBUG", logger="victor.tool"):
        result = await as_tool(order_status).call({"order": 99})
    assert str(result.error) == "order_status failed: KeyError: 99"
    assert "the tool order_status failed:" in caplog.text
    assert 'return {1: "sent"}[order]' in caplog.text
    caplog.clear()
    with caplog.at_level("INFO", logger="victor.tool"):
        await as_tool(order_status).call({"order": 99})
    assert caplog.text == ""


def deep():
    nested: list = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda: 10**5000, "[the result, of type int, cannot be put into words: ValueError]"),
        (Mute, "[the result, of type Mute, cannot be put into words: ZeroDivisionError]"),
        (deep, "[the result, of type list, cannot be put into words: RecursionError]"),
        (lambda: [Mute()], "[the result, of type list, cannot be put into words: ZeroDivisionError]"),
    ],
    ids=["number", "object", "depth", "inside"],
)
async def test_a_result_that_cannot_be_put_into_words_is_a_result(value, text):
    result = await as_tool(lambda: value(), name="odd").call("{}")
    assert result.ok and result.text == text


def test_an_object_that_cannot_be_dumped_is_named():
    assert "HalfMute object" in render_result(HalfMute())


async def test_ends_of_generators_in_a_plain_function_are_failures_of_the_tool():
    def stops():
        return next(iter([]))

    def closes():
        raise GeneratorExit

    assert (await as_tool(stops).call("{}")).text.startswith("stops failed: StopIteration: ")
    assert (await as_tool(closes).call("{}")).text.startswith("closes failed: GeneratorExit: ")


@pytest.mark.parametrize("error", [RuntimeError("ui"), TimeoutError("of its own")], ids=repr)
async def test_asking_for_approval_that_fails_says_that_nothing_was_done(error):
    ran = []

    def approve(context):
        raise error

    tool = as_tool(lambda: ran.append(1), name="danger", requires_approval=True)
    result = await tool.call("{}", scope=ToolScope(approve=approve, approval_timeout_s=5))
    assert isinstance(result.error, ToolApprovalError) and ran == []
    assert result.text == f"danger was not called: asking for approval failed ({type(error).__name__}: {error})"


async def test_a_rule_of_approval_that_fails_means_no():
    ran = []
    tool = as_tool(lambda: ran.append(1), name="danger", requires_approval=lambda arguments: arguments["x"])
    result = await tool.call("{}", scope=ToolScope(approve=lambda context: True))
    assert isinstance(result.error, ToolApprovalError) and ran == []
    assert "whether it needs approval could not be found out (KeyError: 'x')" in result.text


async def rule(arguments):
    return False


@pytest.mark.parametrize("approval", ["yes", 1, rule, []], ids=["text", "number", "async", "list"])
def test_what_is_no_rule_of_approval_is_told(approval):
    with pytest.raises(ConfigurationError, match="requires_approval is True, False or a plain function"):
        ToolMetadata("x", requires_approval=approval)


@pytest.mark.parametrize("limit", ["5", float("nan"), 0, -1, True])
def test_what_is_no_time_limit_is_told(limit):
    with pytest.raises(ConfigurationError, match="timeout_s must be positive, a number"):
        ToolMetadata("x", timeout_s=limit)
