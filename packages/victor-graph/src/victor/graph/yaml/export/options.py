"""What a node says besides its work: retries, timeouts, caches."""

from __future__ import annotations

from typing import Any

from victor.graph.retry import RetryPolicy, TimeoutPolicy, default_retry_on
from victor.graph.yaml.checking import given_inputs
from victor.graph.yaml.definition import NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.export.classes import ClassWriter
from victor.graph.yaml.export.layout import Code, Group, call, literal, quoted, render
from victor.graph.yaml.export.place import Place
from victor.graph.yaml.policies import CacheKey, cache_policy, may_pass, retry_policies, timeout_of
from victor.graph.yaml.spec import Cache, Map, Parallel, Retry

__all__ = ["OptionWriter", "errors_matter"]


class OptionWriter(ClassWriter):
    """Writes the options of nodes."""

    def retry(self, node: NodeDefinition, *, execution: bool = True) -> Code | None:
        """When a node is tried again."""
        policies = retry_policies(node, self.definition.execution if execution else None)
        given = node.common.retry
        specs = given if isinstance(given, list) else [given]
        made = [self.policy(one, specs[i] if i < len(specs) else None, node) for i, one in enumerate(policies)]
        return None if not made else made[0] if len(made) == 1 else Group("[", tuple(("", one) for one in made), "]")

    def policy(self, policy: RetryPolicy, spec: Any, node: NodeDefinition) -> Code:
        """One retry policy; ``spec`` is what the file says of it."""
        usual = RetryPolicy()
        options: dict[str, Code | None] = {
            name: repr(getattr(policy, name))
            for name in ("max_attempts", "initial_interval", "backoff_factor", "max_interval", "jitter")
            if getattr(policy, name) != getattr(usual, name)
        }
        if policy.retry_on is may_pass:
            options["retry_on"] = self.module.yaml("may_pass")
        elif policy.retry_on is not default_retry_on and isinstance(spec, Retry) and node.context is not None:
            names = [spec.retry_on] if isinstance(spec.retry_on, str) else spec.retry_on or []
            loaded = [self.exception(name, node) for name in names]
            options["retry_on"] = loaded[0] if len(loaded) == 1 else f"({', '.join(loaded)})"
        return call(self.module.graph("RetryPolicy"), **options)

    def exception(self, name: str, node: NodeDefinition) -> str:
        """The expression for an exception class, or a function of an error."""
        module, _, attribute = name.partition(":")
        if module == "builtins" or node.context is None:
            return attribute
        return self.module.load(name, node.context, f"node {node.id!r}")

    def timeout(self, node: NodeDefinition, *, execution: bool = True) -> Code | None:
        """How long an attempt of a node may take."""
        found = timeout_of(node, self.definition.execution if execution else None)
        if not isinstance(found, TimeoutPolicy):
            return None if found is None else repr(found)
        return call(
            self.module.graph("TimeoutPolicy"),
            run_timeout=None if found.run_timeout is None else repr(found.run_timeout),
            idle_timeout=None if found.idle_timeout is None else repr(found.idle_timeout),
            refresh_on=None if found.refresh_on == "auto" else quoted(found.refresh_on),
        )

    def cache(self, node: NodeDefinition, place: Place) -> Code | None:
        """When a result is used again; its key is written before."""
        policy = cache_policy(node)
        if policy is None:
            return None
        key: Code | None = None
        if isinstance(policy.key_func, CacheKey):
            inputs = given_inputs(node.common)
            names = [quoted(name) for name in policy.key_func.names]
            made = call(f"{self.steps(node, place)}.key", *names, inputs=None if inputs is None else literal(inputs))
            name = self.module.name(f"{self.functions[id(node)]}_key")
            self.module.blocks.append(f"{name} = {render(made, 0, len(name) + 3)}")
            key = name
        elif isinstance(node.common.cache, Cache) and node.common.cache.key is not None and node.context is not None:
            key = self.module.load(node.common.cache.key, node.context, f"node {node.id!r}")
        ttl = None if policy.ttl is None else repr(policy.ttl)
        return call(self.module.graph("CachePolicy"), key_func=key, ttl=ttl)

    def guarded(self, function: str, node: NodeDefinition) -> Code:
        """A function with the retries and the timeout of its node."""
        retry, timeout = self.retry(node), timeout_of(node, self.definition.execution)
        limit = timeout.run_s if isinstance(timeout, TimeoutPolicy) else timeout
        if retry is None and limit is None:
            return function
        listed = (
            retry
            if retry is None or (isinstance(retry, Group) and retry.open == "[")
            else Group("[", (("", retry),), "]")
        )
        return call(
            self.module.yaml("guarded"),
            function,
            quoted(node.id),
            policies=listed,
            timeout=None if limit is None else repr(limit),
        )


def errors_matter(node: NodeDefinition, definition: WorkflowDefinition) -> bool:
    """Whether the error of a node matters: it decides on a retry, or its text is kept."""
    if retry_policies(node, definition.execution):
        return True
    scope: Scope | None = node.scope
    while scope is not None:
        for one in scope.nodes.values():
            if (
                isinstance(one.spec, Parallel)
                and one.spec.join_strategy == "any"
                and node.id in one.spec.parallel_nodes
            ):
                return True
        parent = scope.parent
        if parent is not None and isinstance(parent.spec, Map) and (parent.spec.errors or parent.common.retry):
            return True
        scope = parent.scope if parent is not None else None
    return False
