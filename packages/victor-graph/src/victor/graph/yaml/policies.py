"""What a node may say besides its work: how often it is tried, how long it may take, whether its result is kept."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from victor.core.errors import ConfigurationError, PluginError
from victor.graph.cache import CachePolicy, default_cache_key
from victor.graph.errors import GraphInterrupt
from victor.graph.retry import RetryPolicy, TimeoutPolicy, default_retry_on
from victor.graph.runtime import control_of_run
from victor.graph.within import in_thread
from victor.graph.yaml.context import WorkflowRunError, load_function, load_object, parameters
from victor.graph.yaml.definition import NodeDefinition, Scope
from victor.graph.yaml.edges import works_on_state
from victor.graph.yaml.spec import Execution, Map, Timeouts
from victor.graph.yaml.values import Compiled, ExpressionError

__all__ = [
    "CacheKey", "Values", "Work", "cache_policy", "errors_of", "guarded", "guarded_node", "may_pass", "names_used",
    "retry_policies", "run_on", "timeout_of",
]  # fmt: skip

Values = Mapping[str, Any]
"""What expressions see."""
Work = Callable[..., Any]
"""What a policy is wrapped around."""


def guarded(work: Work, id: str, policies: Sequence[RetryPolicy] = (), timeout: float | None = None) -> Work:
    """Work with retries and a timeout, where the engine does not see to them.

    Args:
        work: A function of the values, sync or async.
        id: Of the node, for the error.
        policies: When to try again; the first that covers an error counts.
        timeout: Seconds one attempt may take.
    """
    if not policies and timeout is None:
        return work

    async def once(values: Values) -> Any:
        try:
            async with asyncio.timeout(timeout) as deadline:
                return await run_on(work, values)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise WorkflowRunError(f"node {id!r} did not finish within {timeout:g} s") from error

    async def tried(values: Values) -> Any:
        attempt = 1
        while True:
            try:
                return await once(values)
            except GraphInterrupt:
                raise
            except Exception as error:
                policy = next((one for one in policies if one.covers(error)), None)
                if policy is None or attempt >= policy.max_attempts:
                    raise
                await asyncio.sleep(policy.wait_s(attempt))
            attempt += 1

    return tried


async def run_on(work: Work, values: Values) -> Any:
    """Call a function of the values: async, or sync in a thread, as a graph runs its nodes."""
    if inspect.iscoroutinefunction(work) or inspect.iscoroutinefunction(_called(work)):
        return await work(values)
    if sys.platform == "emscripten":
        result = work(values)
    else:
        result = await in_thread(partial(copy_context().run, work, values), control_of_run())
    return await result if inspect.isawaitable(result) else result


def _called(work: Work) -> Any:
    """What is run when an object is called."""
    return getattr(type(work), "__call__", None)  # noqa: B004 - the function itself is wanted


def guarded_node(work: Work, node: NodeDefinition, execution: Execution | None) -> Work:
    """Work with the retries and the timeout its node asks for."""
    timeout = timeout_of(node, execution)
    limit = timeout.run_s if isinstance(timeout, TimeoutPolicy) else timeout
    return guarded(work, node.id, retry_policies(node, execution), limit)


def timeout_of(node: NodeDefinition, execution: Execution | None) -> float | TimeoutPolicy | None:
    """How long an attempt of a node may take."""
    given = node.common.timeout
    if isinstance(given, Timeouts):
        return TimeoutPolicy(given.run, given.idle, given.refresh_on)
    return given or node.common.timeout_seconds or (execution.default_node_timeout if execution else None)


def retry_policies(node: NodeDefinition, execution: Execution | None) -> tuple[RetryPolicy, ...]:
    """A node that asks for retries is tried again after any error but those that come again each time."""
    retry = node.common.retry
    if retry is None:
        default = execution.max_retries if execution is not None else None
        return (RetryPolicy(max_attempts=default + 1),) if default else ()
    if isinstance(retry, int):
        return (RetryPolicy(max_attempts=retry, retry_on=may_pass),) if retry > 1 else ()
    folder = node.context.folder if node.context is not None else None
    return tuple(
        RetryPolicy(
            initial_interval=one.initial_interval,
            backoff_factor=one.backoff_factor,
            max_interval=one.max_interval,
            max_attempts=one.max_attempts,
            jitter=one.jitter,
            retry_on=errors_of(one.retry_on, folder),
        )
        for one in (retry if isinstance(retry, list) else [retry])
    )


def errors_of(retry_on: str | list[str] | None, folder: Path | None) -> Any:
    """Which errors are tried again, as `RetryPolicy` takes it.

    Raises:
        VictorError: A name is neither that of an exception class nor of a function, or there are several functions.
    """
    if retry_on is None:
        return may_pass
    if retry_on == "transient":
        return default_retry_on
    found = [load_object(name, folder) for name in ([retry_on] if isinstance(retry_on, str) else retry_on)]
    classes = [one for one in found if isinstance(one, type) and issubclass(one, Exception)]
    if len(classes) == len(found):
        return tuple(classes)
    if isinstance(retry_on, str) and callable(found[0]) and not isinstance(found[0], type):
        return found[0]
    raise PluginError(f"{retry_on!r} names neither exception classes nor one function of an error")


def may_pass(error: Exception) -> bool:
    """False for errors that come again each time: a no, a wrong expression, a wrong setting."""
    from victor.graph.yaml.nodes.hitl import RejectedError

    return not isinstance(error, (RejectedError, ExpressionError, ConfigurationError))


def cache_policy(node: NodeDefinition) -> CachePolicy | None:
    """Keeps a result by what the node reads, so that what else is in the context does not matter."""
    cache = node.common.cache
    if not cache:
        return None
    ttl = None if cache is True else cache.ttl
    if cache is not True and cache.key is not None and node.context is not None:
        return CachePolicy(key_func=load_object(cache.key, node.context.folder), ttl=ttl)
    if works_on_state(node):
        return CachePolicy(ttl=ttl)
    names = [*names_used(node), node.spec.as_] if isinstance(node.spec, Map) else _reads(node, inputs=False)
    return CachePolicy(key_func=CacheKey(tuple(names), node.inputs), ttl=ttl)


@frozen
class CacheKey:
    """The key of a result: inputs worked out, and some names of the state.

    Args:
        names: What else of the state the result depends on.
        inputs: The inputs, or None.
    """

    names: tuple[str, ...] = ()
    inputs: Compiled | None = None

    def __call__(self, values: Values) -> bytes:
        """Equal for states that give the same."""
        given = self.inputs.evaluate(values) if self.inputs is not None else {}
        return default_cache_key([given, {name: values[name] for name in self.names if name in values}])


def names_used(node: NodeDefinition) -> list[str]:
    """The names of the surrounding context that the body of a map uses."""
    body = node.body
    if body is None:
        return []
    found: dict[str, None] = {}
    for inner in body.every():
        found.update(dict.fromkeys(_reads(inner)))
    own = {node.spec.as_, "index"}
    return [name for name in found if name not in own and not _private(body, name)]


def _reads(node: NodeDefinition, *, inputs: bool = True) -> list[str]:
    """The names of the context that a node uses, with or without those in its inputs."""
    found: dict[str, None] = {}
    for compiled in (
        node.inputs if inputs else None,
        *node.compiled.values(),
        *getattr(node.spec, "_made", {}).values(),
    ):
        found.update(dict.fromkeys(compiled.names if compiled is not None else ()))
    found.update(dict.fromkeys(getattr(node.spec, "context_keys", ())))
    handler = getattr(node.spec, "handler", None) or getattr(node.spec, "transform", None)
    if handler is not None and node.inputs is None and node.context is not None:
        if ":" in handler or handler in node.context.functions:
            found.update(dict.fromkeys(parameters(load_function(handler, node.context))))
    return list(found)


def _private(body: Scope, name: str) -> bool:
    return any(name in inner.writes for inner in body.nodes.values())
