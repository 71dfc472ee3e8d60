"""What a run came to."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct

from victor.core.errors import IncompleteRunError
from victor.core.message import Message, Usage

__all__ = ["RunResult", "StopReason"]

T = TypeVar("T")

_EXPLAINED = {
    "max_steps": "it reached the limit on requests to the model (Limits.steps)",
    "max_tokens": "it reached the limit on tokens (Limits.tokens)",
    "max_cost": "it reached the limit on cost (Limits.cost_usd)",
    "timeout": "it reached the limit on time (Limits.timeout_s)",
    "loop": "it made the same tool call again and again with the same result (Limits.repeats)",
    "length": "the provider cut the answer off at its own token limit (ModelSettings.max_tokens)",
    "content_filter": "the provider's content filter withheld the answer",
    "cancelled": "it was cancelled",
    "error": "it failed",
}


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


class StopReason(StrEnum):
    """Why a run ended. Only COMPLETED means that there is an answer."""

    COMPLETED = "completed"
    MAX_STEPS = "max_steps"
    MAX_TOKENS = "max_tokens"
    MAX_COST = "max_cost"
    TIMEOUT = "timeout"
    LOOP = "loop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    CANCELLED = "cancelled"
    ERROR = "error"


class RunResult(Struct, Generic[T]):
    """One run of an agent, finished or not.

    Args:
        stop_reason: Why it ended.
        messages: The whole conversation, the history it began with included. Every tool call in it is answered, so
            it can be the ``history`` of another run.
        usage: Tokens of this run; a count is None when the provider did not say.
        cost_usd: US dollars of this run, or None when the price is unknown.
        model: The model that answered.
        run_id: The run's id in the event stream, ``""`` when nobody listened.
        steps: Requests made to the model.
        tool_calls: Tool calls made.
        duration_s: Seconds it took.
        tokens: What was counted against `Limits.tokens`: an estimate where the provider did not say.
        found: The answer of a completed run; read it as `output`.
    """

    stop_reason: StopReason
    messages: list[Message]
    usage: Usage = Usage()
    cost_usd: float | None = None
    model: str = ""
    run_id: str = ""
    steps: int = 0
    tool_calls: int = 0
    duration_s: float = 0.0
    tokens: int = 0
    found: Any = None

    def __repr__(self) -> str:
        return f"RunResult({self.stop_reason.value!r}, {self.text!r:.80}, {len(self.messages)} messages)"

    @property
    def completed(self) -> bool:
        """True when the run has an answer."""
        return self.stop_reason is StopReason.COMPLETED

    @property
    def output(self) -> T:
        """The answer, of the agent's ``output_type``.

        Raises:
            IncompleteRunError: The run stopped before it had one; `stop_reason` says why.
        """
        if self.stop_reason is not StopReason.COMPLETED:
            why = _EXPLAINED[self.stop_reason.value]
            raise IncompleteRunError(
                f"the run has no output: {why}, after {_counted(self.steps, 'step')} and "
                f"{_counted(self.tool_calls, 'tool call')}; "
                "its messages are in result.messages",
                result=self,
            )
        output: T = self.found
        return output

    @property
    def text(self) -> str:
        """The last text the model wrote, finished or not; ``""`` when it wrote none."""
        for message in reversed(self.messages):
            if message.role == "assistant" and message.content:
                return message.content
            if message.role == "user":
                break
        return ""

    @property
    def cost(self) -> float | None:
        """The same as ``cost_usd``."""
        return self.cost_usd
