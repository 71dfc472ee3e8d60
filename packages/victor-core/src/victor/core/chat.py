"""A conversation with an agent, which remembers what was said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from victor.core import event_loop
from victor.core.errors import ConfigurationError
from victor.core.message import Message
from victor.core.result import RunResult
from victor.core.run_events import RunEvent

if TYPE_CHECKING:
    from victor.core.agent import Agent
    from victor.core.loop import Run

__all__ = ["Chat"]

T = TypeVar("T")


class Chat(Generic[T]):
    """A conversation. What was said stays in `messages` also when a turn fails or is cancelled halfway.

    Args:
        agent: Answers.
        history: Messages to begin with.
        deps: Handed to tools.

    Attributes:
        messages: Everything said so far. `victor.core.message.dump_messages` makes it JSON.
    """

    def __init__(self, agent: Agent[T], history: Sequence[Message] = (), *, deps: Any = None) -> None:
        self.agent = agent
        self.messages: list[Message] = list(history)
        self._deps = deps
        self._busy = False

    async def send(self, prompt: str) -> RunResult[T]:
        """Say something and wait for the answer.

        Raises:
            ModelError: The model gave no answer; what came before is kept.
            ConfigurationError: A turn is still going on.
        """
        run = self._turn(prompt)
        try:
            return await run.execute()
        finally:
            self._busy = False

    def send_sync(self, prompt: str) -> RunResult[T]:
        """The same as `send`, for programs without an event loop.

        Raises:
            ConfigurationError: Called where an event loop runs; there, ``await chat.send(...)``.
        """
        event_loop.refuse_inside("send_sync", "chat.send")
        return event_loop.run(self.send(prompt))

    async def stream(self, prompt: str) -> AsyncGenerator[RunEvent, None]:
        """Say something and receive the answer piece by piece; see `Agent.stream`."""
        run = self._turn(prompt)
        try:
            async with aclosing(run.events()) as events:
                async for event in events:
                    yield event
        finally:
            self._busy = False

    def _turn(self, prompt: str) -> Run[T]:
        if self._busy:
            raise ConfigurationError("this chat is still answering; wait for that turn, or start another chat")
        self._busy = True
        self.messages[:] = self.agent._begin(prompt, self.messages, self._deps)
        return self.agent._start(self.messages, self._deps, None, None)
