"""What follows a condition, from its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from victor.graph.command import END
from victor.graph.yaml.context import WorkflowRunError, call, parameters
from victor.graph.yaml.definition import END_NAMES

__all__ = ["IN_CONDITION", "apply", "branch_of", "choose", "given", "named_condition", "pass_on"]

IN_CONDITION: Final = "in the condition of node "
"""So begins what `named_condition` notes on an error."""


@contextmanager
def named_condition(id: str) -> Iterator[None]:
    """Note on an error which condition it comes from: it is worked out after its node, so no node has failed."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{IN_CONDITION}{id!r}")
        raise


def branch_of(id: str, answer: Any, branches: Mapping[str, Any]) -> str:
    """The branch an answer takes: its own, ``true`` or ``false`` by whether it counts as true, or ``default``.

    ``yes`` and ``no`` serve a yes-or-no question too, as they did when YAML took these words for booleans.

    Raises:
        WorkflowRunError: There is none.
    """
    word = str(answer).lower() if isinstance(answer, bool) else str(answer)
    if word in branches:
        return word
    if isinstance(answer, bool) and (old := "yes" if answer else "no") in branches:
        return old
    truth = "true" if answer else "false"
    if truth in branches and "default" not in branches:
        return truth
    if "default" in branches:
        return "default"
    raise WorkflowRunError(
        f"node {id!r}: the condition gave {answer!r}, and there is no branch for that; "
        f"branches: {', '.join(branches)}; add default"
    )


def choose(id: str, answer: Any, branches: Mapping[str, str]) -> str:
    """The node an answer leads to.

    Args:
        id: Of the condition, for the error.
        answer: What it gave.
        branches: Answer -> node; ``"true"`` and ``"false"`` for a yes-or-no question, ``"default"`` for any other.

    Raises:
        WorkflowRunError: There is no branch for it.

    Example:
        >>> choose("kind", "b", {"a": "one", "default": "two"}), choose("any", [], {"true": "go", "false": "end"})
        ('two', '__end__')
    """
    target = branches[branch_of(id, answer, branches)]
    return END if target in END_NAMES else target


def given(state: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of some names that the state has, for parameters with defaults.

    Example:
        >>> given({"a": 1, "b": 2}, "a", "c")
        {'a': 1}
    """
    return {name: state[name] for name in names if name in state}


async def apply(function: Callable[..., Any], state: Mapping[str, Any]) -> Any:
    """Call a function with what it names of the state, or, where it names none and takes one thing, with all of it.

    Example:
        >>> import asyncio
        >>> asyncio.run(apply(lambda a, b=0: a + b, {"a": 1, "c": 2})), asyncio.run(apply(lambda x: len(x), {"a": 1}))
        (1, 1)
    """
    wanted = parameters(function)
    known = {name: state[name] for name in wanted if name in state}
    if not known and len(wanted) == 1:
        known = {next(iter(wanted)): dict(state)}
    return await call(function, known)


async def pass_on(state: Any) -> dict[str, Any]:
    """A node that changes nothing: a place for edges to meet and part."""
    return {}
