"""A model that answers from a script: a list in a test, or a cassette file.

Example:
    >>> from victor.core import Agent
    >>> from victor.core.models.answers import call
    >>> def add(a: int, b: int) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> model = ScriptedModel([call("add", a=2, b=3), "It is 5."])
    >>> Agent(model=model, tools=[add]).run_sync("What is 2 + 3?").output
    'It is 5.'
    >>> model.requests[1].messages[-1].content
    '5'
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from attrs import frozen
from msgspec.structs import replace

from victor.core.errors import ConfigurationError, ModelError
from victor.core.message import ToolCall, Usage
from victor.core.model import Model, ModelChunk, ModelRequest, ModelResponse
from victor.core.models.answers import Answer, as_response, pieces, with_ids

if TYPE_CHECKING:
    from victor.core.models.matching import Match

__all__ = ["ScriptError", "ScriptedModel", "Turn", "from_name"]


class ScriptError(ModelError):
    """The script does not go on: it has run out of answers, or the conversation is not the one it was written for.

    What to do: add the missing answers to the script or cassette, or record it again; the text shows where the two
    part.
    """


@frozen
class Turn:
    """An answer with conditions.

    Args:
        answer: What the model answers.
        match: What the request must be like; a different one raises `ScriptError`.
        chunks: How the text is cut when it is streamed; word by word when left out.
    """

    answer: Answer
    match: Match | None = None
    chunks: Sequence[str] | None = None


@frozen
class _Line:
    """One line of the script, made ready: a response, an error to raise, or a function to ask."""

    response: ModelResponse | None
    error: BaseException | type[BaseException] | None
    function: Callable[[ModelRequest], Any] | None
    match: Any
    chunks: Sequence[str] | None
    bare_ids: bool


class ScriptedModel(Model):
    """Replays answers, one per request.

    Args:
        answers: One `Answer` or `Turn`, or several in order.
        repeat: Start again after the last one, instead of failing.
        any_order: Take the first unused answer whose ``match`` fits, for agents that run side by side.
        name: Name of the model in messages and listings.
        usage: Tokens of every answer that does not tell its own.
        delay_s: Seconds between two pieces of a stream, for demonstrations.

    Attributes:
        requests: Every request it was asked, with the messages as they were then.

    Raises:
        ConfigurationError: Something in the list is not an answer.

    Example:
        >>> import asyncio
        >>> from victor.core.message import Message
        >>> model = ScriptedModel(["Hello.", ValueError("no more")])
        >>> asyncio.run(model.request(ModelRequest([Message.user("hi")]))).content
        'Hello.'
        >>> model.requests[0].messages[-1].content
        'hi'
        >>> model.remaining
        1
    """

    provider = "scripted"

    def __init__(
        self,
        answers: Answer | Turn | Iterable[Answer | Turn],
        *,
        repeat: bool = False,
        any_order: bool = False,
        name: str = "",
        usage: Usage | None = None,
        delay_s: float = 0.0,
    ) -> None:
        self.name = name
        self.requests: list[ModelRequest] = []
        self._usage = usage
        self._lines = [self._line(number, answer) for number, answer in enumerate(_several(answers), 1)]
        self._repeat = repeat and bool(self._lines)
        self._delay_s = delay_s
        self._next = 0
        self._calls = 0
        self._unused = list(self._lines) if any_order else None

    @classmethod
    def from_file(cls, path: str | Path, *, delay_s: float = 0.0) -> ScriptedModel:
        """Replay a cassette, as `RecordingModel` writes it (``.json``; ``.yaml`` and ``.yml`` need PyYAML).

        Raises:
            ConfigurationError: The file is missing or is no cassette; says where.
        """
        from victor.core.models.cassette import read_cassette

        cassette = read_cassette(path)
        return cls(
            cassette.turns,
            repeat=cassette.repeat,
            any_order=cassette.any_order,
            name=str(path),
            delay_s=delay_s,
        )

    @property
    def remaining(self) -> int:
        """How many answers were not used yet (in this round, when they repeat)."""
        return len(self._unused) if self._unused is not None else len(self._lines) - self._next

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Answer with the next line of the script.

        Raises:
            ScriptError: There is none, or it was written for another request.
        """
        line = self._take(request)
        return line.response if line.response is not None and not line.bare_ids else await self._answer(line, request)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """Answer with the next line of the script, in pieces."""
        line = self._take(request)
        response = await self._answer(line, request)
        for piece in pieces(response, line.chunks):
            await asyncio.sleep(0 if piece is response else self._delay_s)  # others run in between, as with a network
            yield piece

    def _take(self, request: ModelRequest) -> _Line:
        self.requests.append(
            ModelRequest(tuple(request.messages), request.tools, request.output, request.settings)
            if type(request.messages) is not tuple
            else request
        )
        if self._unused is not None:
            return self._take_any(request, self._unused)
        if self._next >= len(self._lines):
            if not self._repeat:
                raise self._run_out(request)
            self._next = 0
        line = self._lines[self._next]
        self._next += 1
        if line.match is not None:
            self._check(line, request, self._next)
        return line

    def _take_any(self, request: ModelRequest, unused: list[_Line]) -> _Line:
        from victor.core.models.matching import mismatch

        if not unused and self._repeat:
            unused.extend(self._lines)
        reasons = []
        for index, line in enumerate(unused):
            reason = "" if line.match is None else mismatch(line.match, request)
            if not reason:
                return unused.pop(index)
            reasons.append(reason)
        if not unused:
            raise self._run_out(request)
        raise self._error(
            f"none of the {len(unused)} answers left was written for this request; for the first of them: {reasons[0]}"
        )

    def _check(self, line: _Line, request: ModelRequest, number: int) -> None:
        from victor.core.models.matching import mismatch

        reason = mismatch(line.match, request)
        if reason:
            raise self._error(
                f"answer {number} of {len(self._lines)} was written for another request: {reason}; "
                "correct the script, or record it again"
            )

    def _run_out(self, request: ModelRequest) -> ScriptError:
        answers = len(self._lines)
        last = (
            f", after {request.messages[-1].role!r} said {_shown(request.messages[-1].content)}"
            if request.messages
            else ""
        )
        return self._error(
            f"the script has run out: it holds {answers} answer{'' if answers == 1 else 's'} and this is request "
            f"{len(self.requests)}{last}; add an answer, or pass repeat=True"
        )

    def _error(self, text: str) -> ScriptError:
        return ScriptError(f"{self.id}: {text}", provider=self.provider, model=self.name)

    async def _answer(self, line: _Line, request: ModelRequest) -> ModelResponse:
        if line.error is not None:
            raise line.error
        if line.function is not None:
            answer = line.function(request)
            if inspect.isawaitable(answer):
                answer = await answer
            return await self._answer(self._line(self._next, answer), request)
        response = cast("ModelResponse", line.response)
        if line.bare_ids:
            response = with_ids(response, self._calls + 1)
            self._calls += len(response.tool_calls)
        return response

    def _line(self, number: int, answer: Any) -> _Line:
        match, chunks = None, None
        if isinstance(answer, Turn):
            match, chunks, answer = answer.match, answer.chunks, answer.answer
            if match is not None:
                from victor.core.models.matching import check_match

                check_match(match)
        if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
            return _Line(None, answer, None, match, chunks, False)
        if callable(answer):
            return _Line(None, None, answer, match, chunks, False)
        try:
            response = as_response(answer, model=self.name or self.provider)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.id}: answer {number}: {error}") from None
        if self._usage is not None and response.usage is None:
            response = replace(response, usage=self._usage)
        if chunks is not None and "".join(chunks) != response.content:
            raise ConfigurationError(f"{self.id}: answer {number}: the chunks together are not its text")
        return _Line(response, None, None, match, chunks, not all(c.id for c in response.tool_calls))


def from_name(name: str) -> ScriptedModel:
    """``scripted:PATH``: replay the cassette at that path.

    Raises:
        ConfigurationError: No path was given, or it is no cassette.
    """
    if not name:
        raise ConfigurationError("the model 'scripted' needs the path of a cassette: scripted:tests/hello.json")
    return ScriptedModel.from_file(name)


def _several(answers: Any) -> list[Any]:
    single = (str, Mapping, ToolCall, ModelResponse, BaseException, Turn)
    if isinstance(answers, single) or callable(answers) or not isinstance(answers, Iterable):
        return [answers]
    return list(answers)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
