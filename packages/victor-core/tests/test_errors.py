"""The errors: each can be pickled and copied with all it carries, as process pools and durable runs do."""

from __future__ import annotations

import copy
import pickle

import pytest

from victor.core import errors
from victor.core.errors import (
    IncompleteRunError,
    ModelRateLimitError,
    OutputError,
    ToolArgumentsError,
    ToolError,
    UnknownNameError,
    VictorError,
)
from victor.core.message import Message
from victor.core.result import RunResult, StopReason

RESULT: RunResult[str] = RunResult(StopReason.MAX_STEPS, [Message("user", "hello")], steps=3)


class OfAPlugin(ToolError):
    def __init__(self, place: str, *, depth: int) -> None:
        super().__init__(f"not at {place}")
        self.place, self.depth = place, depth


def _with_result() -> VictorError:
    error = ModelRateLimitError("slow down", provider="openai", model="m", status=429, retry_after_s=2.5)
    error.result = RESULT
    return error


EVERY = [
    IncompleteRunError("no output", result=RESULT),
    UnknownNameError("no model 'x'", name="x", suggestions=["y", "z"]),
    ToolArgumentsError("bad", problems=[("$.a", "missing")]),
    OutputError("no", text="words"),
    ToolError("no", retry=True),
    OfAPlugin("home", depth=2),
    _with_result(),
    *(
        getattr(errors, name)("words")
        for name in errors.__all__
        if name not in {"IncompleteRunError"}
    ),
]  # fmt: skip


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_survives_pickling_and_copying_whole(error, duplicate):
    error.add_note("a note")
    again = duplicate(error)
    assert type(again) is type(error)
    assert again is not error
    assert (str(again), again.args) == (str(error), error.args)
    assert vars(again).keys() == vars(error).keys()
    for key, value in vars(error).items():
        assert repr(vars(again)[key]) == repr(value)


def test_the_result_of_an_incomplete_run_can_still_be_read_after_pickling():
    with pytest.raises(IncompleteRunError) as caught:
        RESULT.output
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.result.stop_reason is StopReason.MAX_STEPS
    assert again.result.messages[0].content == "hello"
