"""What a node may say besides its work: how often it is tried, how long it may take, whether its result is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from victor.core.errors import ConfigurationError
from victor.graph.cache import CachePolicy, default_cache_key
from victor.graph.errors import GraphInterrupt
from victor.graph.retry import RetryPolicy
from victor.graph.yaml.context import WorkflowRunError, load_function, parameters
from victor.graph.yaml.definition import NodeDefinition, Scope
from victor.graph.yaml.spec import Execution, Map, Retry
from victor.graph.yaml.values import ExpressionError

__all__ = ["Values", "Work", "cache_policy", "guarded", "names_used", "retry_policy"]

Values = Mapping[str, Any]
Work = Callable[..., Any]


def guarded(work: Work, node: NodeDefinition, execution: Execution | None) -> Work:
    """Work with the retries and the timeout its node asks for, where the engine does not see to them."""
    common = node.common
    policy = retry_policy(common.retry, execution.max_retries if execution is not None else None)
    limit = common.timeout or common.timeout_seconds or (execution.default_node_timeout if execution else None)
    if policy is None and limit is None:
        return work

    async def once(values: Values) -> Any:
        try:
            async with asyncio.timeout(limit) as deadline:
                return await work(values)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise WorkflowRunError(f"node {node.id!r} did not finish within {limit:g} s") from error

    async def tried(values: Values) -> Any:
        attempt = 1
        while True:
            try:
                return await once(values)
            except GraphInterrupt:
                raise
            except Exception as error:
                if policy is None or attempt >= policy.max_attempts or not policy.covers(error):
                    raise
                await asyncio.sleep(policy.wait_s(attempt))
            attempt += 1

    return tried


def retry_policy(retry: Retry | int | None, default: int | None) -> RetryPolicy | None:
    """A node that asks for retries is tried again after any error but those that come again each time."""
    if retry is None:
        return RetryPolicy(max_attempts=default + 1) if default else None
    if isinstance(retry, int):
        return RetryPolicy(max_attempts=retry, retry_on=_may_pass) if retry > 1 else None
    return RetryPolicy(
        initial_interval=retry.initial_interval,
        backoff_factor=retry.backoff_factor,
        max_interval=retry.max_interval,
        max_attempts=retry.max_attempts,
        jitter=retry.jitter,
        retry_on=_may_pass,
    )


def _may_pass(error: Exception) -> bool:
    from victor.graph.yaml.nodes.hitl import RejectedError

    return not isinstance(error, (RejectedError, ExpressionError, ConfigurationError))


def cache_policy(node: NodeDefinition) -> CachePolicy | None:
    """Keeps a result by what the node reads, so that what else is in the context does not matter."""
    cache = node.common.cache
    if not cache:
        return None
    inputs = node.inputs
    names = [*names_used(node), node.spec.as_] if isinstance(node.spec, Map) else _reads(node, inputs=False)

    def key(values: Values) -> bytes:
        given = inputs.evaluate(values) if inputs is not None else {}
        return default_cache_key([given, {name: values[name] for name in names if name in values}])

    return CachePolicy(key_func=key, ttl=None if cache is True else cache.ttl)


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
