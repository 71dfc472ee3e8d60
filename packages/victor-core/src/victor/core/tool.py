"""What a tool is: a function a model may call, what is known about it, and the one path every call takes.

Any function works: its signature becomes the schema, its docstring the description. Package victor-tools
adds a decorator, a registry and policies; what runs a call is here.

Example:
    >>> def add(a: int, b: int) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> tool = as_tool(add)
    >>> import asyncio
    >>> asyncio.run(tool.call('{"a": 2, "b": 3}')).text
    '5'
    >>> print(asyncio.run(tool.call('{"a": "two", "c": 1}')).text.splitlines()[0])
    add: the arguments do not fit:
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import nullcontext
from contextvars import copy_context
from enum import StrEnum
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import msgspec
from attrs import evolve, field, frozen

from victor.core.cut import cut_middle
from victor.core.deadlines import Deadlines, OutOfTime
from victor.core.errors import ConfigurationError, ToolApprovalError, ToolError, ToolTimeoutError
from victor.core.events import EventStream, get_stream
from victor.core.left_behind import awaited, go_on

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from logging import Logger

    from victor.core.limits import RunClock
    from victor.core.loop import Run
    from victor.core.schema import Parameters
    from victor.core.worker_threads import Job

__all__ = [
    "Approval",
    "Approve",
    "CostTier",
    "Middleware",
    "Tool",
    "ToolCategory",
    "ToolContext",
    "ToolMetadata",
    "ToolResult",
    "ToolScope",
    "as_tool",
    "render_result",
]


class CostTier(StrEnum):
    """What a call costs, in money or time, roughly: FREE is local and instant, HIGH is worth asking first."""

    FREE = "free"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ToolCategory:
    """Names of the built-in categories. A category is an open string: a package or a user may add others."""

    CORE: Final = "core"
    FILESYSTEM: Final = "filesystem"
    GIT: Final = "git"
    SEARCH: Final = "search"
    WEB: Final = "web"
    DATABASE: Final = "database"
    DOCKER: Final = "docker"
    TESTING: Final = "testing"
    REFACTORING: Final = "refactoring"
    DOCUMENTATION: Final = "documentation"
    ANALYSIS: Final = "analysis"
    COMMUNICATION: Final = "communication"
    NOTEBOOK: Final = "notebook"
    TASK_MANAGEMENT: Final = "task_management"
    VERIFICATION: Final = "verification"
    CUSTOM: Final = "custom"


Approval = bool | Callable[[Mapping[str, Any]], bool]
"""Whether a call needs approval: always, never, or as a function of its arguments tells."""


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(words)


# What nobody stated passes through both as None, so that it can be told from a stated value; see `ToolMetadata.stated`.
def _tier(tier: CostTier | str | None) -> CostTier:
    return cast("CostTier", None) if tier is None else CostTier(tier)


def _approval(needed: Approval | None) -> Approval:
    return cast("Approval", needed)


@frozen
class ToolMetadata:
    """What is known about a tool without running it.

    Args:
        name: Letters, digits, ``_`` and ``-``, at most 64: what every provider accepts.
        description: For the model: what it does and when to use it.
        category: One of `ToolCategory`, or your own.
        cost_tier: What a call costs; FREE where neither this nor its category says.
        idempotent: Calling it again with the same arguments changes nothing more.
        keywords: Words people use for it, for search.
        requires_approval: Somebody must allow each call: True, or a function of the arguments that tells. False where
            neither this nor its category says.
        sequential: It must not run beside other calls of the same step.
        timeout_s: Seconds one attempt may take; None for no limit of its own.
        version: Of the tool, free text.
        deprecated: What to use instead, ``""`` while current.
        source: Which plugin or server it came from.
        stated: Which of ``cost_tier`` and ``requires_approval`` were given, and not left to defaults. Fills itself in.

    Example:
        >>> sorted(ToolMetadata("pay", requires_approval=False).stated)
        ['requires_approval']
    """

    name: str
    description: str = ""
    category: str = ToolCategory.CUSTOM
    cost_tier: CostTier = field(default=None, converter=_tier)
    idempotent: bool = False
    keywords: tuple[str, ...] = field(default=(), converter=_words)
    requires_approval: Approval = field(default=None, converter=_approval, hash=False)
    sequential: bool = False
    timeout_s: float | None = None
    version: str = ""
    deprecated: str = ""
    source: str = ""
    stated: frozenset[str] | None = field(default=None, kw_only=True, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        said = frozenset(name for name in _LEFT_OUT if getattr(self, name) is not None)
        for name in _LEFT_OUT.keys() - said:
            object.__setattr__(self, name, _LEFT_OUT[name])
        if self.stated is None:
            object.__setattr__(self, "stated", said)
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"tool name {self.name!r}: use letters, digits, '_' and '-', at most 64; providers refuse anything else"
            )
        limit, approval = self.timeout_s, cast("object", self.requires_approval)
        if limit is not None and not (type(limit) in (int, float) and limit > 0):
            raise ConfigurationError(
                f"tool {self.name!r}: timeout_s must be positive, a number of seconds, not {limit!r}"
            )
        if type(approval) is not bool and (not callable(approval) or inspect.iscoroutinefunction(approval)):
            raise ConfigurationError(
                f"tool {self.name!r}: requires_approval is True, False or a plain function of the arguments, "
                f"not {approval!r}"
            )

    @property
    def id(self) -> str:
        """``category.name``."""
        return f"{self.category}.{self.name}"


_CAPTURED: Final = 100_000  # characters of a result that an event carries
_COMPLAINT: Final = 20_000  # characters of an error
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LEFT_OUT: Final = {"cost_tier": CostTier.FREE, "requires_approval": False}
"""What holds where nobody said."""

Approve = Callable[["ToolContext"], bool | Awaitable[bool]]
"""Asked before a call that needs approval; True allows this one call."""


class ToolScope:
    """What the calls of one run share.

    Args:
        agent: Name of the agent that calls.
        run_id: Of that run.
        approve: Asked for tools that need approval; None denies them. Make it async where somebody has to think: a
            plain function holds up the event loop, and ``approval_timeout_s`` with it.
        approval_timeout_s: Seconds to wait for an answer; after that the one call is denied. None waits.
        clock: The run's time limit, which stands still while approval is awaited; None where there is none.
        deps: Whatever the host program gave the run, for tools to use.
        stream: Where events go; the default stream where left out.
        run: The run itself, whose limits hold for agents it asks as tools; None outside of one.
    """

    __slots__ = ("agent", "approval_timeout_s", "approve", "clock", "deps", "run", "run_id", "stream")

    def __init__(
        self,
        agent: str = "",
        run_id: str = "",
        approve: Approve | None = None,
        approval_timeout_s: float | None = None,
        clock: RunClock | None = None,
        deps: Any = None,
        stream: EventStream | None = None,
        run: Run[Any] | None = None,
    ) -> None:
        self.agent: str = agent
        self.run: Run[Any] | None = run
        self.run_id: str = run_id
        self.approve: Approve | None = approve
        self.approval_timeout_s: float | None = approval_timeout_s
        self.clock: RunClock | None = clock
        self.deps: Any = deps
        self.stream: EventStream = get_stream() if stream is None else stream


class ToolContext:
    """One call in progress. A tool that declares a parameter of this type receives it.

    Attributes:
        tool: The tool that is called.
        arguments: Its validated keyword arguments; middleware may replace them.
        call_id: The model's id of the call.
        scope: What the run's calls share.
        attempt: 1 for the first attempt, counted up by retries.
    """

    __slots__ = ("_job", "arguments", "attempt", "call_id", "scope", "tool")

    def __init__(self, tool: Tool, arguments: dict[str, Any], call_id: str, scope: ToolScope) -> None:
        self.tool: Tool = tool
        self.arguments: dict[str, Any] = arguments
        self.call_id: str = call_id
        self.scope: ToolScope = scope
        self.attempt: int = 1
        self._job: Job | None = None  # in a thread, or in line for one

    @property
    def run_id(self) -> str:
        """Id of the run that makes the call."""
        return self.scope.run_id

    @property
    def deps(self) -> Any:
        """What the host program gave the run."""
        return self.scope.deps

    @property
    def remaining_s(self) -> float | None:
        """Seconds until the run's deadline, or None where there is none."""
        deadline = None if self.scope.clock is None else self.scope.clock.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def progress(self, message: str = "", *, done: float | None = None, total: float | None = None) -> None:
        """Tell listeners how far the call is; costs nothing when nobody listens.

        Args:
            message: One short line.
            done: How much is done, in the tool's own unit.
            total: How much there is.
        """
        stream = self.scope.stream
        if stream.active:
            attributes = {"call_id": self.call_id, "done": done, "total": total}
            stream.emit("tool.progress", self.tool.name, attributes, content={"message": message})

    @property
    def logger(self) -> Logger:
        """A standard logger named after the tool."""
        import logging

        return logging.getLogger(f"victor.tool.{self.tool.name}")


Next = Callable[[ToolContext], Awaitable[Any]]
Middleware = Callable[[ToolContext, Next], Awaitable[Any]]
"""Wraps the running of a call: gets the context and what comes next, returns the value.

It runs after the arguments were validated and the call approved; the first of a tool's middleware is outermost.
"""


class ToolResult:
    """What came of a call: a value, or the error that says why not.

    Attributes:
        value: What the tool returned; None after an error.
        error: A `ToolError`, or None.
        text: The same in words for the model.
    """

    __slots__ = ("error", "text", "value")

    def __init__(self, value: Any = None, *, error: ToolError | None = None, text: str | None = None) -> None:
        self.value: Any = value
        self.error: ToolError | None = error
        said = text if text is not None else render_result(value)
        self.text: str = said if said.isascii() else _sendable(said)

    @property
    def ok(self) -> bool:
        """True when the tool did what it was asked."""
        return self.error is None

    def __repr__(self) -> str:
        return f"ToolResult({self.value!r})" if self.error is None else f"ToolResult(error={self.error!r})"


class Tool:
    """A function a model may call.

    Args:
        function: Sync or async; a generator reports progress with each ``yield`` and ends with its value.
        metadata: What is known about it.
        parameters: JSON Schema of the arguments, for tools whose function takes any keywords (such as remote ones).
            Without it the schema is made from the function's signature. Either way a parameter annotated `ToolContext`
            receives the call's context.
        middleware: Wraps every call, the first outermost.
        executor: Where a sync function runs; None for Victor's own bounded pool of threads, which end with the
            process (`victor.core.worker_threads`).

    Attributes:
        adjusted_for: The plugin manager whose plugins have had their say about it (``victor_adjust_tool``), or None.

    Raises:
        SchemaError: A parameter's type cannot be described; the message names it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        metadata: ToolMetadata,
        *,
        parameters: Mapping[str, Any] | None = None,
        middleware: tuple[Middleware, ...] = (),
        executor: Executor | None = None,
    ) -> None:
        self.function = function
        self.metadata = metadata
        self.name: str = metadata.name
        self.middleware: tuple[Middleware, ...] = tuple(middleware)
        self.executor = executor
        self.adjusted_for: object = None
        self._deadlines: Deadlines | None = None
        self._given = None if parameters is None else dict(parameters)
        self._signature: Parameters | None = None
        if self._given is None:
            from victor.core.schema import parameters_of

            self._signature = parameters_of(function)
            self._decode: Callable[[str | bytes | Mapping[str, Any]], dict[str, Any]] = self._signature.decode
            self._context_name = self._signature.context
            self._signature.name = self.name  # what the model is told when its arguments do not fit
        else:
            self._decode = functools.partial(_decode_object, self.name, self._given)
            self._context_name = _context_parameter(function)
        self._invoke, self._is_threaded = _invoker(self)
        direct = metadata.timeout_s is None and self._context_name is None
        run: Next = self._invoke if direct else self._attempt
        for layer in reversed(self.middleware):
            run = _wrap(run, layer)
        self._run = run

    @classmethod
    def from_function(cls, function: Callable[..., Any], **metadata: Any) -> Tool:
        """A tool from a function; keywords are fields of `ToolMetadata`, or ``middleware`` and ``executor``.

        Example:
            >>> Tool.from_function(len, name="length", description="Length of a text.", parameters={}).name
            'length'
        """
        given = {key: metadata.pop(key) for key in ("parameters", "middleware", "executor") if key in metadata}
        name = metadata.pop("name", None) or getattr(function, "__name__", type(function).__name__)
        if name == "<lambda>":
            raise ConfigurationError("a lambda has no name to be called by; pass name=...")
        description = metadata.pop("description", None)
        if description is None:
            from victor.core.docstring import summary_of

            description = summary_of(function)
        return cls(function, ToolMetadata(name, description, **metadata), **given)

    @property
    def description(self) -> str:
        """What the model is told about it."""
        return self.metadata.description

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON Schema of the arguments: an object at the root."""
        return self._signature.schema if self._given is None and self._signature is not None else self._given or {}

    def with_(self, *, middleware: tuple[Middleware, ...] | None = None, **metadata: Any) -> Tool:
        """A copy with some metadata or the middleware replaced.

        Example:
            >>> as_tool(print, name="say", parameters={}).with_(requires_approval=True).metadata.requires_approval
            True
        """
        said = frozenset(name for name in _LEFT_OUT if metadata.get(name) is not None)
        made = type(self)(
            self.function,
            evolve(self.metadata, **{"stated": said.union(self.metadata.stated or ()), **metadata}),
            parameters=self._given,
            middleware=self.middleware if middleware is None else middleware,
            executor=self.executor,
        )
        made.adjusted_for = self.adjusted_for
        return made

    def call(
        self, arguments: str | bytes | Mapping[str, Any], *, call_id: str = "", scope: ToolScope | None = None
    ) -> Coroutine[Any, Any, ToolResult]:
        """Make one call: parse, validate, ask for approval, run, and put the result into words.

        What goes wrong comes back as a result with an ``error``, never as an exception. Raised are cancellation, and
        what is no `Exception` to Python, such as KeyboardInterrupt.

        Args:
            arguments: JSON text as a model wrote it, or a mapping.
            call_id: The model's id of the call.
            scope: What the calls of the run share.
        """
        if scope is None:
            scope = ToolScope()
        return (self._told if scope.stream.active else self._call)(arguments, call_id, scope)

    async def _told(self, arguments: str | bytes | Mapping[str, Any], call_id: str, scope: ToolScope) -> ToolResult:
        """The call, with what happens told on the stream."""
        metadata = self.metadata
        attributes = {
            "call_id": call_id,
            "category": metadata.category,
            "agent": scope.agent,
            "source": metadata.source,
        }
        with scope.stream.operation("tool.call", self.name, attributes) as operation:
            if scope.stream.capture_content:
                operation.capture(arguments=_for_capture(arguments))
            result = await self._call(arguments, call_id, scope)
            if result.error is not None:
                operation.fail(result.error)
                operation.set(retry=result.error.retry)
            if scope.stream.capture_content:
                operation.capture(result=cut_middle(result.text, _CAPTURED))
        return result

    async def _call(self, arguments: str | bytes | Mapping[str, Any], call_id: str, scope: ToolScope) -> ToolResult:
        try:
            context = ToolContext(self, self._decode(arguments), call_id, scope)
            if self.metadata.requires_approval is not False:
                await self._ask(context)
            value = await self._run(context)
        except ToolError as error:
            return ToolResult(error=error, text=cut_middle(str(error), _COMPLAINT))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - its own failure: the model is told, the run goes on
            return self._failed(error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self._failed(error)  # of something inside the tool: nobody cancelled this run
        return value if type(value) is ToolResult else ToolResult(value)

    def _failed(self, error: BaseException) -> ToolResult:
        try:
            said = cut_middle(str(error), _COMPLAINT)
        except Exception:  # noqa: BLE001 - an exception may be unable to say what it is
            said = "(it cannot say why)"
        failure = ToolError(f"{self.name} failed: {type(error).__name__}: {said}".rstrip(": "))
        failure.__cause__ = error
        _show_traceback(self.name, error)
        return ToolResult(error=failure, text=str(failure))

    def _attempt(self, context: ToolContext) -> Awaitable[Any]:
        arguments = context.arguments
        if self._context_name is not None:
            arguments = {**arguments, self._context_name: context}
        limit = self.metadata.timeout_s
        return self._invoke(context, arguments) if limit is None else self._limited(context, arguments, limit)

    async def _limited(self, context: ToolContext, arguments: dict[str, Any], limit: float) -> Any:
        deadlines, loop = self._deadlines, asyncio.get_running_loop()
        if deadlines is None or deadlines.loop is not loop:
            deadlines = self._deadlines = Deadlines(limit, loop)
        context._job = None
        began = functools.partial(_began, context, time.monotonic()) if self._is_threaded else None
        try:
            return await deadlines.run(self._invoke, context, arguments, began=began)
        except OutOfTime as error:
            if began is not None and not began():
                raise ToolTimeoutError(f"{self.name} was not begun: {_still_running()}") from error
            raise ToolTimeoutError(f"{self.name} did not finish within {limit:g} s") from error

    async def _ask(self, context: ToolContext) -> None:
        needed = self.metadata.requires_approval
        if callable(needed):
            try:
                if not needed(context.arguments):
                    return
            except Exception as error:
                raise ToolApprovalError(
                    f"{self.name} was not called: whether it needs approval could not be found out "
                    f"({type(error).__name__}: {error})"
                ) from error
        scope = context.scope
        if scope.approve is None:
            raise ToolApprovalError(
                f"{self.name} needs approval and nobody can be asked; do not call it again in this run"
            )
        with scope.stream.operation("tool.approval", self.name, {"call_id": context.call_id}) as operation:
            try:
                with scope.clock.paused() if scope.clock is not None else nullcontext():
                    async with asyncio.timeout(scope.approval_timeout_s) as deadline:
                        answer = scope.approve(context)
                        allowed = await answer if inspect.isawaitable(answer) else answer
            except TimeoutError as error:
                if not deadline.expired():
                    raise ToolApprovalError(
                        f"{self.name} was not called: asking for approval failed (TimeoutError: {error})"
                    ) from error
                operation.set(allowed=False)
                raise ToolApprovalError(
                    f"{self.name} was not approved within {scope.approval_timeout_s:g} s; this call was not made"
                ) from error
            except Exception as error:
                raise ToolApprovalError(
                    f"{self.name} was not called: asking for approval failed ({type(error).__name__}: {error})"
                ) from error
            operation.set(allowed=allowed is True)
        if allowed is not True:  # a text such as "no" is true to Python, and no leave to go ahead
            raise ToolApprovalError(f"{self.name} was not approved; this call was not made")

    def __repr__(self) -> str:
        return f"Tool({self.metadata.id!r})"


def as_tool(target: Any, **metadata: Any) -> Tool:
    """A tool from whatever can be one: a `Tool`, a function, or anything decorated as a tool.

    Args:
        target: The tool or function. An object with an attribute ``__victor_tool__`` (a `Tool`) counts as that tool.
        **metadata: Fields of `ToolMetadata` to set or replace.

    Raises:
        ConfigurationError: It is none of these.
        SchemaError: A parameter's type cannot be described.
    """
    tool = target if isinstance(target, Tool) else getattr(target, "__victor_tool__", None)
    if isinstance(tool, Tool):
        return tool.with_(**metadata) if metadata else tool
    if isinstance(target, type) or not callable(target):
        raise ConfigurationError(f"a tool is a function or a Tool, not {target!r}")
    return Tool.from_function(target, **metadata)


def render_result(value: Any) -> str:
    """A tool's value in words for a model: text as it is, everything else as JSON.

    Example:
        >>> render_result({"total": 3, "names": ("a", "b")})
        '{"total":3,"names":["a","b"]}'
    """
    if type(value) is str:
        return value
    if value is None:
        return "done"
    try:
        return msgspec.json.encode(value, enc_hook=_jsonable).decode()
    except Exception:  # noqa: BLE001 - whatever the methods of somebody's objects raise
        return _as_text(value)


def _as_text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - the tool has done its work all the same
        return f"[the result, of type {type(value).__name__}, cannot be put into words: {type(error).__name__}]"


def _sendable(text: str) -> str:
    """Text that can be sent as UTF-8: half a character, as names of files may have, is written out."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _jsonable(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)  # pydantic
    if callable(dump):
        return dump(mode="json")
    return str(value)


def _for_capture(arguments: str | bytes | Mapping[str, Any]) -> Any:
    """Arguments as values where they can be, so that redaction can go by their names."""
    if isinstance(arguments, Mapping):
        return arguments
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return arguments if isinstance(arguments, str) else arguments.decode("utf-8", "replace")


def _decode_object(name: str, schema: Mapping[str, Any], arguments: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    from victor.core.schema import decode_object

    return decode_object(name, schema, arguments)


def _context_parameter(function: Any) -> str | None:
    """The parameter that receives the context, of a function whose other parameters a schema describes."""
    annotations = getattr(function, "__annotations__", {})
    return next((name for name, kind in annotations.items() if kind is ToolContext or kind == "ToolContext"), None)


def _wrap(inner: Next, middleware: Middleware) -> Next:
    async def run(context: ToolContext) -> Any:
        return await middleware(context, inner)

    return run


class _Invoke(Protocol):
    """Calls the function of a tool; with the arguments of the context where none are given."""

    def __call__(self, context: ToolContext, arguments: dict[str, Any] | None = None, /) -> Awaitable[Any]: ...


def _invoker(tool: Tool) -> tuple[_Invoke, bool]:
    """How to call the function, and whether that takes a thread of Victor's; decided once."""
    function = tool.function
    if tool._signature is not None:
        function = tool._signature.by_keyword(function)
    plain = inspect.unwrap(function, stop=lambda f: inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f))
    target = plain if inspect.isroutine(plain) else getattr(plain, "__call__", plain)  # noqa: B004
    if inspect.iscoroutinefunction(target):

        async def call_async(context: ToolContext, arguments: dict[str, Any] | None = None) -> Any:
            work = function(**(context.arguments if arguments is None else arguments))
            if type(work) is not CoroutineType:
                return await work
            try:  # the first step right here: many tools need no other
                waits = work.send(None)
            except StopIteration as stop:
                return stop.value
            return await go_on(work, waits, context.tool.name)

        return call_async, False
    if inspect.isasyncgenfunction(target):

        async def call_async_generator(context: ToolContext, arguments: dict[str, Any] | None = None) -> Any:
            given = context.arguments if arguments is None else arguments
            return await awaited(_drain_async(context, function(**given)), context.tool.name)

        return call_async_generator, False
    if inspect.isgeneratorfunction(target):

        async def call_generator(context: ToolContext, arguments: dict[str, Any] | None = None) -> Any:
            given = context.arguments if arguments is None else arguments
            return await _in_thread(context, lambda: _drain(context, function(**given)))

        return call_generator, tool.executor is None

    async def call_sync(context: ToolContext, arguments: dict[str, Any] | None = None) -> Any:
        given = context.arguments if arguments is None else arguments
        value = await _in_thread(context, functools.partial(function, **given))
        return await awaited(value, context.tool.name) if inspect.isawaitable(value) else value

    return call_sync, tool.executor is None


def _began(context: ToolContext, called: float) -> float:
    """When the function of a call began; 0 while it waits for a thread."""
    return called if context._job is None else context._job.began


def _show_traceback(name: str, error: BaseException) -> None:
    """Where a tool's own error came from, for whoever looks for it (``victor --debug``): the model is told its text."""
    import logging

    logging.getLogger("victor.tool").debug("the tool %s failed:", name, exc_info=error)


def _still_running() -> str:
    from victor.core.worker_threads import running

    busy = running()
    names = ", ".join(f"{name} ({seconds:.0f} s)" for name, seconds in busy[:5])
    return f"no thread was free, {len(busy)} calls are under way; the longest: {names}"


async def _in_thread(context: ToolContext, work: Callable[[], Any]) -> Any:
    """Run in a thread, context variables and all; where there are no threads, right here."""
    tool = context.tool
    if sys.platform == "emscripten":
        return _guarded(work, tool.name)
    work = functools.partial(_guarded, work, tool.name)
    if tool.executor is not None:
        return await asyncio.get_running_loop().run_in_executor(tool.executor, copy_context().run, work)
    from victor.core.worker_threads import in_thread, start

    try:
        job = context._job = start(work, tool.name)
    except (RuntimeError, ImportError) as error:
        if "thread" not in str(error):
            raise
        return work()
    return await in_thread(job)


def _guarded(work: Callable[[], Any], name: str) -> Any:
    """Call ``work``; what a future cannot carry (StopIteration would hang its reader) becomes an error it can."""
    try:
        return work()
    except StopIteration as error:
        raise ToolError(f"{name} failed: StopIteration: it asked an iterator for more than there was") from error
    except GeneratorExit as error:  # which would end the coroutine that hears of it
        raise ToolError(f"{name} failed: GeneratorExit: a generator it used was closed") from error


def _tell(context: ToolContext, value: Any) -> None:
    if context.scope.stream.active:  # else it need not be put into words
        context.progress(cut_middle(render_result(value), _CAPTURED))


def _drain(context: ToolContext, generator: Iterator[Any]) -> Any:
    last: Any = None
    while True:
        try:
            last = next(generator)
        except StopIteration as end:
            return last if end.value is None else end.value
        _tell(context, last)


async def _drain_async(context: ToolContext, generator: AsyncIterator[Any]) -> Any:
    last: Any = None
    async for last in generator:
        _tell(context, last)
    return last
