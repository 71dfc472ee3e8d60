"""Reading the messages of a request: what is asked now, what was done for it, and what was said before."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from victor.core.message import Message, ToolCall
from victor.core.models.offline.dialog import is_refusal
from victor.core.models.offline.prompt import Prompt, read_prompt

__all__ = ["Conversation", "Done", "read_conversation"]

_REJECTION = ("Your answer does not have the required form", "Your answer was empty")


@frozen
class Done:
    """A tool call that was made for the present request.

    Args:
        call: What was called.
        result: What came back.
        failed: It is an error.
    """

    call: ToolCall
    result: str
    failed: bool


@frozen
class Conversation:
    """A conversation taken apart.

    Args:
        prompt: What the user asks for now.
        instructions: Of the system messages.
        done: The tool calls made since, in order.
        history: What users and tools said before, the latest first.
        refused: The last answer to this very request was a refusal, and was rejected.
        said: The user's message as it stands.
    """

    prompt: Prompt
    instructions: str
    done: tuple[Done, ...]
    history: tuple[str, ...]
    refused: bool
    said: str


def read_conversation(messages: Sequence[Message]) -> Conversation:
    """Take a conversation apart.

    Example:
        >>> read_conversation([Message.system("Be brief."), Message.user("hello")]).prompt.task
        'hello'
    """
    turn = [at for at, message in enumerate(messages) if message.role == "user" and not _is_rejection(messages, at)]
    start = turn[-1] if turn else len(messages)
    said = messages[start].content if turn else ""
    results = {message.tool_call_id: message for message in messages[start:] if message.role == "tool"}
    done = []
    for message in messages[start:]:
        for call in message.tool_calls:
            answered = results.get(call.id)
            if answered is not None:
                done.append(Done(call, answered.content, answered.is_error))
    return Conversation(
        prompt=read_prompt(said),
        instructions="\n\n".join(message.content for message in messages if message.role == "system"),
        done=tuple(done),
        history=tuple(
            message.content
            for message in reversed(messages[:start])
            if message.role in ("user", "tool") and message.content.strip() and not message.is_error
        ),
        refused=any(message.role == "assistant" and is_refusal(message.content) for message in messages[start:]),
        said=said,
    )


def _is_rejection(messages: Sequence[Message], at: int) -> bool:
    """The agent sent an answer back, which is no request of the user's."""
    return at > 0 and messages[at - 1].role == "assistant" and messages[at].content.startswith(_REJECTION)
