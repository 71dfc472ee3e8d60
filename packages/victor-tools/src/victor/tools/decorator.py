"""`tool`: a function becomes a tool and stays a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from victor.core.errors import ConfigurationError
from victor.core.tool import Approval, CostTier, ToolCategory
from victor.tools.policy.policy import Policy
from victor.tools.spec import ToolSpec, metadata_of

if TYPE_CHECKING:
    from victor.core.tool import Middleware
    from victor.tools.registry import UnifiedToolRegistry

__all__ = ["tool"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *,
    category: str = ...,
    cost_tier: CostTier | str | None = ...,
    idempotent: bool = ...,
    keywords: Iterable[str] = ...,
    name: str | None = ...,
    description: str | None = ...,
    timeout: float | None = ...,
    retries: int = ...,
    requires_approval: Approval | None = ...,
    sequential: bool = ...,
    rate_limit: str | None = ...,
    cache_ttl: float | None = ...,
    max_result_chars: int | None = ...,
    version: str = ...,
    deprecated: str = ...,
    middleware: Iterable[Middleware] = ...,
    registry: UnifiedToolRegistry | None = ...,
    register: bool = ...,
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    /,
    *,
    category: str = ToolCategory.CUSTOM,
    cost_tier: CostTier | str | None = None,
    idempotent: bool = False,
    keywords: Iterable[str] = (),
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    retries: int = 0,
    requires_approval: Approval | None = None,
    sequential: bool = False,
    rate_limit: str | None = None,
    cache_ttl: float | None = None,
    max_result_chars: int | None = None,
    version: str = "",
    deprecated: str = "",
    middleware: Iterable[Middleware] = (),
    registry: UnifiedToolRegistry | None = None,
    register: bool = True,
) -> F | Callable[[F], F]:
    """Make a function a tool that agents can call. The function itself is returned and works as before.

    Its parameters become the schema, its docstring the description, and it is registered. It may be sync (then it
    runs in a thread), async, or a generator (then each ``yield`` reports progress). A parameter annotated
    `ToolContext` receives the call's context and is not shown to the model. On a method, the tool is made when
    its object is given to `victor.tools.toolkit.tools_of`.

    Args:
        function: The function, where `tool` is used without arguments.
        category: One of `ToolCategory`, or your own.
        cost_tier: What a call costs: FREE, LOW, MEDIUM or HIGH; None for what its category says, else FREE.
        idempotent: Calling it again with the same arguments changes nothing more.
        keywords: Words people use for it, for search.
        name: Instead of the function's name.
        description: Instead of the docstring.
        timeout: Seconds one attempt may take.
        retries: More attempts after transient failures; needs ``idempotent``.
        requires_approval: Somebody must allow each call: True, or a function of the arguments that tells. None for
            what its category says, else False.
        sequential: It must not run beside other calls.
        rate_limit: Such as ``"10/s"`` or ``"100/min"``.
        cache_ttl: Seconds a result is kept for equal calls; needs ``idempotent``.
        max_result_chars: Longer results are cut, and the text says how to get the rest.
        version: Free text.
        deprecated: What to use instead.
        middleware: More layers around a call, see `victor.core.tool.Middleware`.
        registry: Where to register it; None for the default registry.
        register: False to register it nowhere.

    Raises:
        SchemaError: A parameter's type cannot be described; the message names it.
        ConfigurationError: An argument is wrong, or the registry has another tool of that id.

    Example:
        >>> @tool(category="math", register=False)
        ... def add(a: int, b: int) -> int:
        ...     "Add two numbers."
        ...     return a + b
        >>> add(2, 3)
        5
        >>> add.__victor_tool__.metadata.id
        'math.add'
    """
    layers: tuple[Middleware, ...] = tuple(middleware)

    def decorate(function: F) -> F:
        if isinstance(function, (classmethod, staticmethod)):
            kind = type(function).__name__
            raise ConfigurationError(f"@{kind} goes above @tool: swap the two lines of {function.__name__}")
        if isinstance(function, type) or not callable(function):
            raise ConfigurationError(
                f"@tool takes a function, not {function!r}; for a class with state, see BaseTool and Toolkit"
            )
        texts: dict[str, Any] = {"name": name, "description": description}
        for what, text in texts.items():
            if text is not None and (not isinstance(text, str) or (what == "name" and not text)):
                raise ConfigurationError(f"the {what} of a tool is a text, not {text!r}")
        spec = ToolSpec(
            name=name,
            description=description,
            metadata=metadata_of(
                category=category,
                cost_tier=cost_tier,
                idempotent=idempotent,
                keywords=keywords if isinstance(keywords, str) else tuple(keywords),
                timeout=timeout,
                requires_approval=requires_approval,
                sequential=sequential,
                version=version,
                deprecated=deprecated,
            ),
            policy=Policy(
                retries=retries,
                rate_limit=rate_limit,
                cache_ttl_s=cache_ttl,
                max_result_chars=max_result_chars,
                middleware=layers,
            ),
        )
        if _is_method(function):
            from victor.core.schema import parameters_of

            parameters_of(function)  # so that what cannot be described is told here
            function.__victor_spec__ = spec  # type: ignore[attr-defined]
            return function
        made = spec.build(function)
        try:
            function.__victor_tool__ = made  # type: ignore[attr-defined]
        except (AttributeError, TypeError):
            raise ConfigurationError(
                f"{function!r} cannot carry the mark of @tool: give it to as_tool or registry.register instead, "
                "or mark a function that calls it (for methods, see tools_of)"
            ) from None
        if register or registry is not None:
            _register(made, spec, function, registry)
        return function

    return decorate if function is None else decorate(function)


def _register(made: Any, spec: ToolSpec, function: Any, registry: UnifiedToolRegistry | None) -> None:
    if registry is None:
        from victor.tools.registry import UnifiedToolRegistry

        registry = UnifiedToolRegistry.get_instance()
    alias = spec.name if spec.name is not None and "." in spec.name else None
    registry.register(made, alias=alias, replace=registry.is_redefinition(made))


def _is_method(function: Any) -> bool:
    """Whether a function stands in a class body and takes its object first."""
    if "." not in getattr(function, "__qualname__", "").rpartition("<locals>.")[2] or not inspect.isfunction(function):
        return False
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return bool(names) and names[0] in {"self", "cls"} and names[0] not in function.__annotations__
