"""What a run came to, told."""

from __future__ import annotations

import pytest

from victor.core.errors import IncompleteRunError
from victor.core.result import RunResult, StopReason


@pytest.mark.parametrize(
    ("steps", "calls", "told"),
    [(1, 1, "after 1 step and 1 tool call;"), (3, 0, "after 3 steps and 0 tool calls;")],
)
def test_one_is_told_in_the_singular(steps, calls, told):
    result: RunResult[str] = RunResult(StopReason.MAX_STEPS, [], steps=steps, tool_calls=calls)
    with pytest.raises(IncompleteRunError, match=told):
        result.output
