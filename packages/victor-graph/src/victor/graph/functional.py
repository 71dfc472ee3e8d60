"""The functional API: a workflow written as a function, whose tasks are recorded and not done twice.

Example:
    >>> @task
    ... def double(n: int) -> int:
    ...     return n * 2
    >>> @entrypoint()
    ... def workflow(numbers: list[int]) -> int:
    ...     futures = [double(n) for n in numbers]  # side by side
    ...     return sum(future.result() for future in futures)
    >>> workflow.invoke([1, 2, 3])
    12
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, cast, get_type_hints, overload

from attrs import evolve, frozen

from victor.graph.command import END, START, Command
from victor.graph.compiled import CompiledGraph
from victor.graph.errors import GraphValidationError
from victor.graph.graph import StateGraph
from victor.graph.node import INJECTED
from victor.graph.program import build_program
from victor.graph.retry import RetryPolicy, TimeoutPolicy, retry_policies, timeout_policy
from victor.graph.runtime import RunnableConfig, current_task
from victor.graph.task_calls import Group, TaskFuture, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from victor.graph.cache import Cache, CachePolicy
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.engine import Run
    from victor.graph.result import RunResult
    from victor.graph.snapshot import StateSnapshot
    from victor.graph.stream import StreamMode

__all__ = ["EntrypointGraph", "TaskFunction", "TaskFuture", "entrypoint", "task"]

R = TypeVar("R")
S = TypeVar("S")

_INPUT = "__input__"
_RETURN = "__return__"
_SAVED = "__saved__"


class _Inputs(TypedDict, total=False):
    __input__: Any


class _Outputs(TypedDict, total=False):
    __return__: Any


class _State(_Inputs, _Outputs, total=False):
    __saved__: Any


class TaskFunction(Generic[R]):
    """A function made a task by `task`. Calling it starts it and returns a `TaskFuture`."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name: str = name or function.__name__
        self.full_name: str = f"{function.__module__}:{function.__qualname__}"
        self.retry: tuple[RetryPolicy, ...] = retry_policies(retry_policy)
        self.cache_policy = cache_policy
        self.timeout: TimeoutPolicy | None = timeout_policy(timeout)
        self.own_cache: Cache | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> TaskFuture[R]:
        """Start the task.

        Raises:
            RuntimeError: Called outside a workflow.
        """
        return call(self, args, kwargs)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        return self if owner is None else functools.partial(self, owner)


@overload
def task(function: Callable[..., Any]) -> TaskFunction[Any]: ...
@overload
def task(
    function: None = None,
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: float | timedelta | TimeoutPolicy | None = None,
) -> Callable[[Callable[..., Any]], TaskFunction[Any]]: ...
def task(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
    cache_policy: CachePolicy | None = None,
    timeout: float | timedelta | TimeoutPolicy | None = None,
) -> Any:
    """Make a function a task: started by calling it, side by side with others, and its result recorded.

    When the workflow runs again after an interrupt, an error or a crash, a task that was done is not done again: its
    recorded result is used. Tasks are told apart by name and by the order of the calls, so a workflow must call
    them in the same order each time; what depends on time or chance belongs inside tasks.

    What a task raised is raised where its result is asked for, and can be caught there. A task that failed is done
    again when the workflow runs again. An error that nobody asked about fails the workflow at its end.

    Works in entrypoints and in the nodes of a `StateGraph`.

    Args:
        function: Sync or async.
        name: By default the function's.
        retry_policy: When to try again.
        cache_policy: When to use a former result again.
        timeout: Seconds an attempt may take, or a `TimeoutPolicy`; a sync function that takes longer is left to itself.

    Returns:
        A function that returns a `TaskFuture`: call its ``result()``, or ``await`` it.
    """

    def made(one: Callable[..., Any]) -> TaskFunction[Any]:
        return TaskFunction(one, name=name, retry_policy=retry_policy, cache_policy=cache_policy, timeout=timeout)

    return made if function is None else made(function)


class entrypoint:  # noqa: N801 - named as LangGraph's users know it
    """Make a function a workflow, with all that a compiled graph can do: `invoke`, `stream`, resuming, history.

    The function takes one input, and by name, where it wants them, ``previous`` (what the thread saved last time),
    ``config``, ``runtime``, ``store``, ``writer``, ``context``.

    Args:
        checkpointer: Where runs are recorded: a store or its URL.
        store: A key-value store.
        cache: Where results of tasks with a cache policy are kept.
        context_schema: The class of what is passed as ``context=``.
        cache_policy: When to use a former result of the whole workflow again.
        retry_policy: When to run the function again after an error; tasks that were done stay done.
        timeout: Seconds the function may take.
        codec: Turns values into bytes; by default one that allows the classes that the annotations of the function and
            of the tasks it can see mention.

    Example:
        >>> from victor.graph.checkpoint.memory import MemorySaver
        >>> @entrypoint(checkpointer=MemorySaver())
        ... def count(n: int, *, previous: int | None = None) -> entrypoint.final[str, int]:
        ...     total = (previous or 0) + n
        ...     return entrypoint.final(value=f"so far {total}", save=total)
        >>> count.invoke(2, thread_id="t"), count.invoke(3, thread_id="t")
        ('so far 2', 'so far 5')
    """

    @frozen
    class final(Generic[R, S]):  # noqa: N801 - named as LangGraph's users know it
        """Returned by a workflow to save something else for next time than it returns.

        Args:
            value: What the caller gets.
            save: What the next run in this thread gets as ``previous``.
        """

        value: R
        save: S

    def __init__(
        self,
        checkpointer: Checkpointer | str | None = None,
        store: Any = None,
        cache: Cache | None = None,
        context_schema: Any = None,
        cache_policy: CachePolicy | None = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
        *,
        codec: Codec | None = None,
    ) -> None:
        if inspect.isfunction(checkpointer):
            raise GraphValidationError(f"write @entrypoint() with parentheses above {checkpointer.__name__!r}")
        self._compile = {"checkpointer": checkpointer, "store": store, "cache": cache, "codec": codec}
        self._context_schema = context_schema
        self._node = {"cache_policy": cache_policy, "retry_policy": retry_policy, "timeout": timeout}

    def __call__(self, function: Callable[..., Any]) -> EntrypointGraph:
        """The workflow.

        Raises:
            GraphValidationError: The function does not take one input, or is a generator.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise GraphValidationError(
                f"{function.__name__!r} is a generator: return a value, and use writer to stream"
            )
        parameters = list(inspect.signature(function).parameters.values())
        injected = tuple(one.name for one in parameters if one.name in INJECTED - {"error"})
        own = [one for one in parameters if one.name not in injected]
        if not own or any(one.default is one.empty and one.kind is not one.VAR_KEYWORD for one in own[1:]):
            raise GraphValidationError(
                f"entrypoint {function.__name__!r} takes one input, and by name what it wants of "
                f"{', '.join(sorted(INJECTED - {'error'}))}; not ({', '.join(one.name for one in own)}). "
                "Pass several values as a dict"
            )
        builder: StateGraph[Any] = StateGraph(
            _State, self._context_schema, input_schema=_Inputs, output_schema=_Outputs, name=function.__name__
        )
        builder.add_node(function.__name__, _node(function, injected), **cast("Any", self._node))
        builder.add_edge(START, function.__name__).add_edge(function.__name__, END)
        program = build_program(builder, interrupt_before=None, interrupt_after=None, name=function.__name__)
        return EntrypointGraph(function, builder, program, **cast("Any", self._compile))


def _node(function: Callable[..., Any], injected: tuple[str, ...]) -> Callable[..., Any]:
    """The function as a node that also waits for the tasks it started."""

    def begin(state: Mapping[str, Any]) -> tuple[Group, dict[str, Any]]:
        own = current_task()
        own.run.previous = state.get(_SAVED)
        return Group.open(own), own.injected(injected)

    def end(result: Any) -> dict[str, Any]:
        if isinstance(result, entrypoint.final):
            return {_RETURN: result.value, _SAVED: result.save}
        return {_RETURN: result, _SAVED: result}

    def node(state: Mapping[str, Any]) -> dict[str, Any]:
        group, given = begin(state)
        with group:
            return end(function(state[_INPUT], **given))

    async def anode(state: Mapping[str, Any]) -> dict[str, Any]:
        group, given = begin(state)
        async with group:
            return end(await function(state[_INPUT], **given))

    return anode if inspect.iscoroutinefunction(function) else node


class EntrypointGraph(CompiledGraph):
    """A workflow made by `entrypoint`: a compiled graph of one node, which takes and returns plain values."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self.function = function

    @property
    def codec(self) -> Codec:
        """Allows the classes that annotations of the function, and of the tasks it can see, mention."""
        if self._codec is None:
            from victor.graph.checkpoint.codec import Codec, types_in

            closure = inspect.getclosurevars(self.function)
            seen = [*closure.globals.values(), *closure.nonlocals.values()]
            functions = [self.function, *(one.function for one in seen if isinstance(one, TaskFunction))]
            hints = [hint for function in functions for hint in _hints(function)]
            kinds = {kind for hint in hints for kind in types_in(hint)}
            self._codec = Codec(sorted(kinds, key=lambda one: (one.__module__, one.__qualname__)))
        return self._codec

    def invoke(
        self, input: Any, config: RunnableConfig | None = None, *, stream_mode: StreamMode = "values", **options: Any
    ) -> Any:
        """Run, and return what the function returned; see `CompiledGraph.invoke`.

        If it stopped with questions, a dict is returned that has them under ``"__interrupt__"``.
        """
        if stream_mode != "values":
            return list(self.stream(input, config, stream_mode=stream_mode, **options))
        return _unwrapped(super().invoke(_wrapped(input), config, **options))

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, *, stream_mode: StreamMode = "values", **options: Any
    ) -> Any:
        """`invoke` for async programs."""
        if stream_mode != "values":
            return [part async for part in self.astream(input, config, stream_mode=stream_mode, **options)]
        return _unwrapped(await super().ainvoke(_wrapped(input), config, **options))

    def run(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> RunResult:
        """Run, and say what came of it; ``state`` is what the function returned."""
        return super().run(_wrapped(input), config, **options)

    async def arun(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> RunResult:
        """`run` for async programs."""
        return await super().arun(_wrapped(input), config, **options)

    def stream(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Iterator[Any]:
        """Run, and yield what happens; tasks and the workflow itself are the nodes of ``updates``."""
        return super().stream(_wrapped(input), config, **options)

    def astream(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:
        """`stream` for async programs."""
        return super().astream(_wrapped(input), config, **options)

    def snapshot_from(self, *arguments: Any, **options: Any) -> StateSnapshot:
        """A snapshot whose values are what the function returned."""
        found = super().snapshot_from(*arguments, **options)
        return evolve(found, values=found.values.get(_RETURN))

    def get_state_history(self, *arguments: Any, **options: Any) -> Iterator[StateSnapshot]:
        """The checkpoints of a thread, newest first; their values are what the function had returned by then."""
        for found in super().get_state_history(*arguments, **options):
            yield evolve(found, values=found.values.get(_RETURN))

    def _result(self, run: Run, error: Exception | None, began: float) -> RunResult:
        result = super()._result(run, error, began)
        return evolve(result, state=result.state.get(_RETURN))

    def _streamed(self, *arguments: Any, **options: Any) -> Any:
        run, form = super()._streamed(*arguments, **options)
        assert run.sink is not None
        put = run.sink.put

        def plain(namespace: tuple[str, ...], mode: str, payload: Any) -> None:
            if namespace == () and mode == "values":
                if _RETURN not in payload:  # of the input
                    return
                payload = payload[_RETURN]
            elif namespace == () and mode == "updates":
                payload = {
                    name: told[_RETURN] if isinstance(told, dict) and _RETURN in told else told
                    for name, told in payload.items()
                }
            put(namespace, mode, payload)

        run.sink.put = plain
        return run, form


def _hints(function: Callable[..., Any]) -> list[Any]:
    try:
        return list(get_type_hints(function, include_extras=True).values())
    except Exception:  # noqa: BLE001 - annotations may name what is not there; an object of it then says how to allow it
        return []


def _wrapped(input: Any) -> Any:
    return input if input is None or isinstance(input, Command) else {_INPUT: input}


def _unwrapped(output: Any) -> Any:
    if not isinstance(output, dict):  # a RunResult
        return output
    return {"__interrupt__": output["__interrupt__"]} if "__interrupt__" in output else output.get(_RETURN)
