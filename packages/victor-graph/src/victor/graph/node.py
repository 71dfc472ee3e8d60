"""A node as it was added: the function, what it wants to be given, and how it is to be run."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin

from attrs import define, field, frozen

from victor.graph.command import Command

if TYPE_CHECKING:
    from victor.graph.cache import CachePolicy
    from victor.graph.compiled import CompiledGraph
    from victor.graph.retry import RetryPolicy, TimeoutPolicy

__all__ = ["INJECTED", "Branch", "Edge", "Node", "NodeError", "Signature", "jumps", "read_signature"]

INJECTED: Final = frozenset({"config", "runtime", "store", "writer", "context", "previous", "error"})
"""Parameters of a node function, besides the state, that it is given by name."""


@frozen
class NodeError:
    """What an error handler gets as its ``error`` parameter.

    Args:
        node: The node that failed, retries included.
        error: What it raised.
    """

    node: str
    error: BaseException


@define(eq=False)
class Node:
    """A node of a `StateGraph`.

    Args:
        name: Unique in the graph.
        action: The function, or an object with ``ainvoke``/``invoke``.
        subgraph: The graph it is, if it is one.
        input_schema: What it gets, where that is not the graph's state.
        destinations: Nodes it may jump to with a `Command`, with labels.
        metadata: Whatever the author wants to attach; shown by pictures and events.
        defer: Run only when nothing else is left to run.
        retry: Policies, tried in order; the first that covers an error counts.
        timeout: How long an attempt may take.
        cache: When its result may be used again.
        error_handler: Called in place of failing.
    """

    name: str
    action: Any
    subgraph: CompiledGraph | None = None
    input_schema: Any = None
    destinations: Mapping[str, str] | None = None
    metadata: Mapping[str, Any] = field(factory=dict)
    defer: bool = False
    retry: tuple[RetryPolicy, ...] = ()
    timeout: TimeoutPolicy | None = None
    cache: CachePolicy | None = None
    error_handler: Callable[..., Any] | None = None


@frozen
class Edge:
    """An edge of a `StateGraph`, as pictures and tools see it.

    Args:
        from_: Where it starts.
        to: Where it ends.
        condition: None for a plain edge; for a conditional one the answer it stands for.
    """

    from_: str
    to: str
    condition: str | None = None


@define(eq=False)
class Branch:
    """A conditional edge: a function of the state that says where to go.

    Args:
        source: The node it leaves.
        path: The function.
        ends: Its answers and the nodes they stand for; None when unknown, and then answers are node names.
        input_schema: What the function gets, where that is not the graph's state.
    """

    source: str
    path: Callable[..., Any]
    ends: Mapping[Any, str] | None = None
    input_schema: Any = None

    @property
    def name(self) -> str:
        """The function's name."""
        return getattr(self.path, "__name__", None) or type(self.path).__name__


@frozen
class Signature:
    """What a function wants.

    Args:
        wants: Which of `INJECTED` it takes.
        is_async: Calling it gives an awaitable.
        problem: Why it cannot be called with a state, or ``""``.
    """

    wants: tuple[str, ...]
    is_async: bool
    problem: str = ""


def read_signature(function: Callable[..., Any]) -> Signature:
    """Finds out how to call a node function or a path function."""
    if type(function) is types.FunctionType:  # the common case, and inspect.signature is slow
        code = function.__code__
        count = code.co_argcount
        names = code.co_varnames[: count + code.co_kwonlyargcount]
        is_async = bool(code.co_flags & inspect.CO_COROUTINE)
        if len(names) == 1 and count == 1:
            return _PLAIN_ASYNC if is_async else _PLAIN_SYNC
        if hasattr(function, "__wrapped__"):
            return _inspected(function, is_async)
        wants = tuple(name for name in names[1 if count else 0 :] if name in INJECTED)
        optional = len(function.__defaults__ or ())
        required = [n for n in names[1 : count - optional] if n not in INJECTED]
        required += [n for n in names[count:] if n not in INJECTED and n not in (function.__kwdefaults__ or {})]
        takes_state = count > 0 or bool(code.co_flags & inspect.CO_VARARGS)
        return Signature(wants, is_async, _complaint(takes_state, required))
    target = function.func if isinstance(function, functools.partial) else function
    call = getattr(type(target), "__call__", None)  # noqa: B004 - the function itself is wanted
    is_async = inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(call)
    return _inspected(function, is_async)


def _inspected(function: Callable[..., Any], is_async: bool) -> Signature:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Signature((), is_async)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_state = bool(positional) or any(p.kind is p.VAR_POSITIONAL for p in parameters)
    rest = [p for p in parameters if not (positional and p is positional[0])]
    wants = tuple(p.name for p in rest if p.name in INJECTED and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
    required = [
        p.name
        for p in rest
        if p.name not in wants and p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return Signature(wants, is_async, _complaint(takes_state, required))


def _complaint(takes_state: bool, required: Sequence[str]) -> str:
    if not takes_state:
        return "its function takes no parameter for the state"
    if required:
        return (
            f"its function needs {', '.join(map(repr, required))}, which nobody passes; "
            f"besides the state it can have {', '.join(sorted(INJECTED))}"
        )
    return ""


_PLAIN_SYNC: Final = Signature((), False)
_PLAIN_ASYNC: Final = Signature((), True)


def jumps(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """Where the return annotation says a function goes: ``-> Literal["a", "b"]`` or ``-> Command[Literal["a"]]``."""
    annotation = getattr(function, "__annotations__", {}).get("return")
    if annotation is None or (
        isinstance(annotation, str) and "Literal" not in annotation and "Command" not in annotation
    ):
        return None
    if isinstance(annotation, str):
        names = {**getattr(function, "__globals__", {}), "Command": Command, "Literal": Literal}
        try:
            annotation = eval(annotation, names)  # noqa: S307 - the author's own annotation, as typing evaluates it
        except Exception:  # noqa: BLE001 - annotations may name what is not there at run time; then nothing is known
            return None
    return tuple(dict.fromkeys(_literals(annotation))) or None


def _literals(annotation: Any) -> list[str]:
    origin = get_origin(annotation)
    if origin is Literal:
        return [one for one in get_args(annotation) if isinstance(one, str)]
    if origin in (Command, Union, types.UnionType, list, tuple, Sequence):
        return [name for arg in get_args(annotation) for name in _literals(arg)]
    return []
