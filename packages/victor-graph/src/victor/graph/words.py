"""What is said in a run, for readers of ``stream_mode="messages"``: agents word by word, messages of nodes whole.

An agent that runs inside a node, however deep, is heard through `victor.core.run_events.tap_each_run`, which is set
only where somebody asked for messages (or where a node's idle timeout waits for signs of life).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from attrs import evolve, frozen

from victor.core.message import Message, ToolCall
from victor.core.run_events import AnswerRejected, RunEvent, TextDelta, ToolFinished, ToolStarted, tap_each_run
from victor.graph.langchain_messages import langchain_message
from victor.graph.langchain_models import hearing_langchain
from victor.graph.runtime import CURRENT

if TYPE_CHECKING:
    from victor.core.model import Model
    from victor.graph.tasks import Task

__all__ = ["MessageChunk", "Words", "listening"]

T = TypeVar("T")


@frozen
class MessageChunk(Message):
    """A piece of a message, as readers of ``stream_mode="messages"`` get it. Pieces of one message have one id.

    Example:
        >>> (MessageChunk("assistant", "Hel", id="1") + MessageChunk("assistant", "lo", id="1")).content
        'Hello'
    """

    def __add__(self, other: Message) -> MessageChunk:
        """This piece and the next as one."""
        if not isinstance(other, Message):
            return NotImplemented
        return evolve(self, content=self.content + other.content, tool_calls=self.tool_calls + other.tool_calls)


async def listening(work: Awaitable[T]) -> T:
    """Await a run, and hear the agents and LangChain's models in it."""
    with tap_each_run(_begin), hearing_langchain():
        return await work


def _begin(agent: str, model: Model) -> Callable[[RunEvent], None] | None:
    """Hears one run of an agent, if it is in a node and somebody wants to know."""
    task = CURRENT.get()
    if task is None:
        return None
    sink = task.run.sink
    if sink is not None and sink.messages:
        return _Speaker(task, agent, model).hear
    return None if task.beat is None else lambda event: task.sign()


class _Speaker:
    """One run of an agent, turned into messages piece by piece."""

    def __init__(self, task: Task, agent: str, model: Model) -> None:
        sink = task.run.sink
        assert sink is not None
        self._task = task
        self._sink = sink
        self._name = agent
        self._about = {
            "agent": agent,
            "ls_provider": model.provider,
            "ls_model_name": model.name,
            "ls_model_type": "chat",
        }
        self._id = ""

    def hear(self, event: RunEvent) -> None:
        task = self._task
        if task.abandoned:
            return
        task.sign()
        if isinstance(event, TextDelta):
            if event.text:
                self._say(event.text)
        elif isinstance(event, ToolStarted):
            self._say("", event.call)
        elif isinstance(event, ToolFinished):
            self._id = ""
            id = _new_id()
            self._sink.words.heard(task, "tool", event.call.id, id)
            answer = Message.tool(event.call, event.result.text, is_error=not event.result.ok)
            self._sink.message(task, evolve(answer, id=id), self._about)
        elif isinstance(event, AnswerRejected):
            self._id = ""

    def _say(self, text: str, call: ToolCall | None = None) -> None:
        self._id = self._id or _new_id()
        calls = () if call is None else (call,)
        self._sink.words.heard(
            self._task, "text" if call is None else "call", text if call is None else call.id, self._id
        )
        self._sink.message(
            self._task, MessageChunk("assistant", text, calls, name=self._name, id=self._id), self._about
        )


class Words:
    """Which messages the readers of a run have had, so that none is told twice."""

    __slots__ = ("_heard", "_seen")

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._heard: dict[Any, dict[str, _Heard]] = {}

    def known(self, value: Any) -> None:
        """Messages with ids are in a value, which need not be told again."""
        for message in _messages(value):
            if message.id is not None:
                self._seen.add(message.id)

    def heard(self, task: Task, kind: str, text: str, id: str) -> None:
        """A piece of a message was told in a task."""
        said = self._heard.setdefault(_place(task), {})
        one = said.get(id)
        if one is None:
            one = said[id] = _Heard(kind)
        if kind == "call" and one.kind == "text":
            one.kind, one.parts = kind, []
        if not one.parts or kind == one.kind == "text":
            one.parts.append(text)

    def new(self, task: Task) -> Iterator[Any]:
        """Messages a task wrote that have not been told.

        All get an id where they have none: that of the pieces they were told in, so that readers can tell.
        """
        said = self._heard.pop(_place(task), {})
        unused: dict[tuple[str, str], list[str]] = {}
        for id, one in said.items():
            unused.setdefault((one.kind, "".join(one.parts)), []).append(id)
        task.writes = _with_ids(task.writes, unused)
        values = task.writes.values() if isinstance(task.writes, Mapping) else [value for _, value in task.writes]
        for value in values:
            for message in _messages(value):
                if message.id not in self._seen:
                    yield message


class _Heard:
    __slots__ = ("kind", "parts")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.parts: list[str] = []


def _place(task: Task) -> Any:
    """The same for all that runs in one execution of a node, retries and tasks of the functional API too."""
    return task.run.namespace, task.plan.rank, task.index


def _new_id() -> str:
    return str(uuid4())


def _is_message(value: Any) -> bool:
    if isinstance(value, Message):
        return True
    kind = langchain_message()
    return kind is not None and isinstance(value, kind) and value.type != "remove"


def _messages(value: Any) -> Iterator[Any]:
    """The messages of a value, of a list, or of a state."""
    if value is None or isinstance(value, (str, bytes, int, float)):
        return
    if _is_message(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            if _is_message(one):
                yield one
    elif isinstance(value, Mapping):
        for one in value.values():
            if isinstance(one, (list, tuple)) or _is_message(one):
                yield from _messages(one)
    else:
        from victor.graph.updates import state_fields

        fields = state_fields(value)
        if fields:
            yield from _messages(fields)


def _with_ids(writes: Any, unused: dict[tuple[str, str], list[str]]) -> Any:
    """Writes in which every message has an id; one that is there several times has one."""
    named: dict[int, Any] = {}

    def identified(value: Any) -> Any:
        kind = type(value)
        if kind in (list, tuple):
            return kind(identified(one) if _is_message(one) else one for one in value)
        if not _is_message(value) or value.id is not None:
            return value
        if id(value) not in named:
            new = _told_as(value, unused) or _new_id()
            named[id(value)] = (
                evolve(value, id=new) if isinstance(value, Message) else value.model_copy(update={"id": new})
            )
        return named[id(value)]

    if isinstance(writes, Mapping):
        return {key: identified(value) for key, value in writes.items()}
    return [(key, identified(value)) for key, value in writes]


def _told_as(message: Any, unused: dict[tuple[str, str], list[str]]) -> str | None:
    """The id of the pieces a message was told in; each serves one message."""
    role = message.role if isinstance(message, Message) else message.type
    if role == "tool":
        key = ("tool", message.tool_call_id or "")
    elif role in ("assistant", "ai"):
        text = message.content if isinstance(message.content, str) else ""
        calls = message.tool_calls
        if not calls:
            key = ("text", text)
        else:
            key = ("call", calls[0].id if isinstance(message, Message) else calls[0].get("id") or "")
    else:
        return None
    ids = unused.get(key)
    return ids.pop(0) if ids else None
