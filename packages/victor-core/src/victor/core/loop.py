"""The agent loop: ask the model, run the tools it calls, until there is an answer or a limit is met.

Messages are only ever appended, so that what a step costs does not grow with the steps before it, and a
provider's prompt cache stays valid.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from operator import attrgetter
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from victor.core.cut import cut_middle
from victor.core.errors import (
    ConfigurationError,
    ModelConnectionError,
    ModelError,
    ModelResponseError,
    OutputError,
    ToolNotFoundError,
    VictorError,
)
from victor.core.events import EventStream, Operation, using_stream
from victor.core.limits import Limits, RunClock
from victor.core.message import Message, ToolCall, Usage
from victor.core.model import Model, ModelRequest, ModelResponse, ModelSettings, TextDelta
from victor.core.output import Output
from victor.core.result import RunResult, StopReason
from victor.core.run_events import AnswerRejected, RunEvent, RunFinished, ToolFinished, ToolStarted, tapped_sink
from victor.core.tool import Approve, Tool, ToolResult, ToolScope

__all__ = ["Run", "Sink"]

T = TypeVar("T")

Sink = Callable[[RunEvent], Awaitable[None]]
"""Where a streamed run puts its events."""

_AHEAD = 32  # events a streamed run may be ahead of its reader
_TOKENS_PER_CHARACTER = 0.25  # only to keep the token limit where a provider does not count


class _Stop(Exception):
    """Ends the loop without an answer."""

    def __init__(self, reason: StopReason) -> None:
        self.reason = reason


class Run(Generic[T]):
    """One run in progress. Made by `Agent`; execute it once.

    Args:
        agent: Name of the agent.
        model: Answers.
        tools: By name.
        output: How the answer is read.
        messages: The conversation; the run appends to this very list.
        limits: What it may use.
        settings: Wishes to the model.
        approve: Asked for tool calls that need approval.
        approval_timeout_s: Seconds to wait for that.
        output_retries: Corrections the model may make.
        deps: For tools.
        stream: Where events go.
        asking: The run that asks this one as a tool; what is used here counts there too, and its limits hold.
    """

    def __init__(
        self,
        *,
        agent: str,
        model: Model,
        tools: dict[str, Tool],
        output: Output[T],
        messages: list[Message],
        limits: Limits,
        settings: ModelSettings,
        approve: Approve | None,
        approval_timeout_s: float | None,
        output_retries: int,
        deps: Any,
        stream: EventStream,
        asking: Run[Any] | None = None,
    ) -> None:
        self.agent = agent
        self.asking = asking
        self.depth: int = 0 if asking is None else asking.depth + 1
        self.model = model
        self.tools = tools
        self.output = output
        self.messages = messages
        self.limits = limits
        self.settings = settings
        self.approve = approve
        self.approval_timeout_s = approval_timeout_s
        self.output_retries = output_retries
        self.deps = deps
        self.stream = stream
        self._sink: Sink | None = None
        self._usage = Usage(0, 0)
        self._cost: float | None = 0.0
        self._paid = 0.0  # what of the cost is known
        self._spent = 0
        self._read = 0  # characters of the first `_known` messages
        self._known = 0
        self._steps = 0
        self._asked = 0  # requests of agents that were asked as tools
        self._calls = 0
        self._rejected = 0
        self._seen: dict[tuple[str, str], tuple[str, int]] = {}
        self._repeats = 0
        self._answer: Any = None
        self._answered_by = ""
        self._began = time.perf_counter()
        self._scope: ToolScope

    async def execute(self) -> RunResult[T]:
        """Run to the end.

        Raises:
            ModelError: The model gave no answer.
            OutputError: Its answer did not fit.
        """
        if self._sink is None:
            self._sink = tapped_sink(self.agent, self.model)
        attributes = {"model": self.model.name, "provider": self.model.provider}
        with using_stream(self.stream), self.stream.operation("agent.run", self.agent, attributes) as operation:
            operation.capture(prompt=self.messages[-1].content)
            result = await self._to_the_end(operation)
            operation.set(
                stop_reason=result.stop_reason.value,
                steps=result.steps,
                tool_calls=result.tool_calls,
                input_tokens=result.usage.input_tokens,
                output_tokens=result.usage.output_tokens,
                cost_usd=result.cost_usd,
            )
            operation.capture(output=result.text)
            return result

    async def events(self) -> AsyncGenerator[RunEvent, None]:
        """Run to the end in a task of its own, yielding what happens."""
        queue: asyncio.Queue[RunEvent | BaseException] = asyncio.Queue(_AHEAD)
        self._sink = queue.put

        async def work() -> None:
            try:
                await queue.put(RunFinished(await self.execute()))
            except Exception as error:  # noqa: BLE001 - raised again where the events are read
                await queue.put(error)

        task = asyncio.create_task(work(), name=f"victor agent {self.agent}")
        try:
            while True:
                event = await queue.get()
                if isinstance(event, BaseException):
                    raise event
                yield event
                if type(event) is RunFinished:
                    return
        finally:
            if not task.done():
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _to_the_end(self, operation: Operation) -> RunResult[T]:
        clock = RunClock(self.limits.timeout_s)
        self._scope = ToolScope(
            agent=self.agent,
            run_id=operation.span.run_id,
            approve=self.approve,
            approval_timeout_s=self.approval_timeout_s,
            clock=clock,
            deps=self.deps,
            stream=self.stream,
            run=self,
        )
        try:
            self._check_price()
            async with clock.running():
                return self._result(StopReason.COMPLETED, await self._loop())
        except _Stop as stop:
            reason = stop.reason
        except TimeoutError:
            if not clock.expired:
                raise
            reason = StopReason.TIMEOUT
        except asyncio.CancelledError:
            self._close_calls("cancelled before it was finished")
            raise
        except (ModelError, OutputError) as error:
            self._close_calls("not made: the run failed")
            error.result = self._result(StopReason.ERROR)
            raise
        self._close_calls(f"not made: the run was stopped ({reason.value})")
        self.stream.emit("agent.stop", self.agent, {"stop_reason": reason.value})
        return self._result(reason)

    async def _loop(self) -> T:
        request = ModelRequest(self.messages, tuple(self.tools.values()), self.output.schema, self.settings)
        while True:
            self._check_limits()
            response = await self._ask(request)
            self.messages.append(Message("assistant", response.content, response.tool_calls, data=response.data))
            if response.tool_calls:
                await self._answer_calls(response.tool_calls)
            elif response.finish_reason == "length":
                raise _Stop(StopReason.LENGTH)
            elif response.finish_reason == "content_filter":
                raise _Stop(StopReason.CONTENT_FILTER)
            elif (problem := self._problem_of(response)) is None:
                answer: T = self._answer
                return answer
            else:
                await self._reject(response, problem)

    def _problem_of(self, response: ModelResponse) -> str | None:
        """None when the response is an answer (kept in ``_answer``), else what is wrong with it."""
        from victor.core.schema import DecodeProblems

        if not response.content.strip():
            return "Your answer was empty."
        try:
            self._answer = self.output.decode(response.content)
        except DecodeProblems as error:
            return f"Your answer does not have the required form: {error}"
        return None

    async def _reject(self, response: ModelResponse, problem: str) -> None:
        self._rejected += 1
        if self._rejected > self.output_retries:
            attempts = "1 attempt" if self._rejected == 1 else f"{self._rejected} attempts"
            lead = f"agent {self.agent!r}: no usable answer from {self.model.id} in {attempts}"
            said = _in_words(response.content)
            if said and self.output.schema is not None and repr(said) not in problem:  # why it refuses, above all
                why = f". It said: {said}\nThat does not fit the output type {self.output.schema.name!r}."
            else:
                why = f": {problem}"
            raise OutputError(lead + why, text=response.content)
        form = "" if self.output.schema is None else " Answer again, with nothing but JSON that fits the schema."
        self.messages.append(Message("user", problem + (form or " Please answer.")))
        if self._sink is not None:
            await self._sink(AnswerRejected(problem))

    async def _ask(self, request: ModelRequest) -> ModelResponse:
        self._steps += 1
        model = self.model
        if not self.stream.active:
            response = await self._request(request)
            self._count(response, None if response.usage is None else model.cost_usd(response.usage))
        else:
            attributes = {
                "provider": model.provider,
                "model": model.name,
                "agent": self.agent,
                "messages": len(self.messages),
                "tools": len(self.tools),
                "temperature": self.settings.temperature,
                "max_tokens": self.settings.max_tokens,
                "streaming": self._sink is not None,
            }
            with self.stream.operation("model.request", model.name or model.provider, attributes) as operation:
                if self.stream.capture_content:
                    operation.capture(messages=[_for_capture(message) for message in self.messages])
                response = await self._request(request)
                usage = response.usage
                cost = None if usage is None else model.cost_usd(usage)
                self._count(response, cost)
                operation.set(
                    response_model=response.model,
                    response_id=response.id,
                    finish_reason=response.finish_reason,
                    tool_calls=len(response.tool_calls),
                )
                if usage is not None:
                    operation.set(
                        input_tokens=usage.input_tokens,
                        output_tokens=usage.output_tokens,
                        cache_read_tokens=usage.cache_read_tokens,
                        cache_write_tokens=usage.cache_write_tokens,
                        reasoning_tokens=usage.reasoning_tokens,
                        cost_usd=cost,
                    )
                operation.capture(output=response.content)
        return response

    async def _request(self, request: ModelRequest) -> ModelResponse:
        try:
            if self._sink is None:
                response = await self.model.request(request)
            else:
                response = await self._streamed(request, self._sink)
        except VictorError:
            raise
        except (OSError, EOFError) as error:
            raise ModelConnectionError(
                f"{self.model.id} could not be reached: {type(error).__name__}: {error}",
                provider=self.model.provider,
                model=self.model.name,
            ) from error
        if not isinstance(response, ModelResponse):
            raise ModelResponseError(
                f"{self.model.id} returned a {type(response).__name__}, not a ModelResponse",
                provider=self.model.provider,
                model=self.model.name,
            )
        return response

    async def _streamed(self, request: ModelRequest, sink: Sink) -> ModelResponse:
        response: ModelResponse | None = None
        chunks: Any = self.model.stream(request)
        async with aclosing(chunks):
            async for chunk in chunks:
                if type(chunk) is ModelResponse:
                    response = chunk
                elif type(chunk) is TextDelta:
                    await sink(chunk)
        if response is None:
            raise ModelConnectionError(
                f"{self.model.id}: the stream ended before the answer was whole",
                provider=self.model.provider,
                model=self.model.name,
            )
        return response

    async def _answer_calls(self, calls: Sequence[ToolCall]) -> None:
        """Run the calls and append an answer to each, in the order they were asked for.

        Neighbours run side by side; a tool that is ``sequential`` waits for those before it and holds up those after.
        """
        self._calls += len(calls)
        answers: list[Message | None] = [None] * len(calls)
        try:
            if len(calls) == 1:
                answers[0] = await self._answer_call(calls[0])
                return
            for group in self._groups(calls):
                if len(group) == 1:
                    answers[group[0]] = await self._answer_call(calls[group[0]])
                else:
                    await self._side_by_side(calls, group, answers)
        finally:
            # also when cancelled halfway: what was done is kept
            self.messages.extend(answer for answer in answers if answer is not None)

    async def _side_by_side(
        self, calls: Sequence[ToolCall], group: Sequence[int], answers: list[Message | None]
    ) -> None:
        room = asyncio.Semaphore(self.limits.parallel_tools)

        async def answer(index: int) -> None:
            async with room:
                answers[index] = await self._answer_call(calls[index])

        async with asyncio.TaskGroup() as tasks:
            for index in group:
                tasks.create_task(answer(index))

    def _groups(self, calls: Sequence[ToolCall]) -> list[list[int]]:
        groups: list[list[int]] = []
        alone = True
        for index, call in enumerate(calls):
            tool = self.tools.get(call.name)
            sequential = tool is not None and tool.metadata.sequential
            if alone or sequential:
                groups.append([index])
            else:
                groups[-1].append(index)
            alone = sequential
        return groups

    async def _answer_call(self, call: ToolCall) -> Message:
        if self._sink is not None:
            await self._sink(ToolStarted(call))
        tool = self.tools.get(call.name)
        if tool is None:
            result = self._no_such_tool(call)
        else:
            result = await tool.call(call.arguments or "{}", call_id=call.id, scope=self._scope)
        text = self._note_repeats(call, self._shown(call, result.text))
        if self._sink is not None:
            await self._sink(ToolFinished(call, result))
        return Message("tool", text, (), call.id, call.name, result.error is not None)

    def _shown(self, call: ToolCall, text: str) -> str:
        """What the model is shown of a result: all of it, or as much as the limit allows."""
        most = self.limits.result_chars
        if most is None or len(text) <= most:
            return text
        self.stream.emit("tool.truncated", call.name, {"call_id": call.id, "chars": len(text), "shown": most})
        return cut_middle(text, most, "[... {cut} of {total} characters were cut here: ask for less at a time ...]")

    def _no_such_tool(self, call: ToolCall) -> ToolResult:
        from victor.core.catalog import near_matches

        near = near_matches(call.name, self.tools)
        names = ", ".join(self.tools) or "none"
        hint = f"; did you mean {near[0]!r}?" if near else "."
        error = ToolNotFoundError(f"There is no tool {call.name!r}{hint} The tools are: {names}.")
        with self.stream.operation("tool.call", call.name, {"call_id": call.id, "agent": self.agent}) as operation:
            operation.fail(error)
        return ToolResult(error=error, text=str(error))

    def _note_repeats(self, call: ToolCall, text: str) -> str:
        """Count identical calls with identical results; from the second on the model is told."""
        if self.limits.repeats is None:
            return text
        key = (call.name, call.arguments)
        last, count = self._seen.get(key, ("", 0))
        count = count + 1 if last == text else 1
        self._seen[key] = (text, count)
        if count < 2:
            return text
        self._repeats = max(self._repeats, count)
        return (
            f"{text}\n\n(This is call number {count} of {call.name} with the same arguments and the same result. "
            "Use what you have, or do something else.)"
        )

    def _check_limits(self) -> None:
        if self.limits.repeats is not None and self._repeats >= self.limits.repeats:
            raise _Stop(StopReason.LOOP)
        run: Run[Any] | None = self
        while run is not None:  # the runs that ask for this one have limits, too
            limits = run.limits
            if limits.steps is not None and run._steps + run._asked >= limits.steps:
                raise _Stop(StopReason.MAX_STEPS)
            if limits.tokens is not None and run._spent >= limits.tokens:
                raise _Stop(StopReason.MAX_TOKENS)
            if limits.cost_usd is not None and run._paid >= limits.cost_usd:
                raise _Stop(StopReason.MAX_COST)
            run = run.asking

    def _check_price(self) -> None:
        run: Run[Any] | None = self
        while run is not None and not run.limits.require_price:
            run = run.asking
        if run is not None and self.model.cost_usd(Usage(0, 0)) is None:
            raise ConfigurationError(
                f"the price of {self.model.id} is unknown, and Limits.require_price is set; give it in victor.toml: "
                f'[prices."{self.model.id}"] input = ..., output = ... (US dollars per million tokens)'
            )

    def _count(self, response: ModelResponse, cost: float | None) -> None:
        usage = response.usage or _UNKNOWN
        spent = usage.total_tokens
        if spent is None:
            self._read += sum(map(len, map(_content, self.messages[self._known :])))
            self._known = len(self.messages)
            spent = int((self._read + len(response.content)) * _TOKENS_PER_CHARACTER)
        if response.model:
            self._answered_by = response.model
        self._add(usage, cost, spent)
        run = self.asking
        while run is not None:
            run._asked += 1
            run._add(usage, cost, spent)
            run = run.asking

    def _add(self, usage: Usage, cost: float | None, spent: int) -> None:
        self._usage += usage
        self._spent += spent
        self._cost = None if self._cost is None or cost is None else self._cost + cost
        if cost is not None:
            self._paid += cost

    def _close_calls(self, why: str) -> None:
        """Answer the calls nothing answered, so that the messages can be the history of another run."""
        answered: set[str | None] = set()
        for message in reversed(self.messages):
            if message.role == "tool":
                answered.add(message.tool_call_id)
            else:
                open_calls = [call for call in message.tool_calls if call.id not in answered]
                self.messages.extend(Message.tool(call, why, is_error=True) for call in open_calls)
                return

    def _result(self, reason: StopReason, output: Any = None) -> RunResult[T]:
        return RunResult(
            stop_reason=reason,
            messages=self.messages,
            usage=replace(self._usage, requests=self._steps + self._asked),
            cost_usd=self._cost,
            model=self._answered_by or self.model.name or self.model.provider,
            run_id=self._scope.run_id,
            steps=self._steps,
            tool_calls=self._calls,
            duration_s=time.perf_counter() - self._began,
            tokens=self._spent,
            found=output,
        )


def _in_words(content: str) -> str:
    """What a model said instead of an answer in the required form, such as why it refuses."""
    said = " ".join(content.split())
    if not said or said[0] in '{["`' or not said[0].isalpha():
        return ""
    return said if len(said) <= 300 else said[:299] + "…"


_UNKNOWN = Usage(None, None)
_content = attrgetter("content")


def _for_capture(message: Message) -> dict[str, Any]:
    captured: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        captured["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    return captured
