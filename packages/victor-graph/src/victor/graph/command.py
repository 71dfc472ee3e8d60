"""What a node can say besides values: where to go (`Send`, `Command`), and how to write (`Overwrite`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final, Generic, Literal, NamedTuple, TypeVar

from attrs import field, frozen

from victor.graph.errors import GraphValidationError

__all__ = ["END", "START", "All", "Command", "Overwrite", "Send", "StateUpdate", "destinations_of"]

START: Final = "__start__"
"""The name of the place every run begins. Only a source of edges."""

END: Final = "__end__"
"""The name of the place where a path ends. Only a target of edges."""

All = Literal["*"]
"""Stands for all nodes, in ``interrupt_before`` and ``interrupt_after``."""


@frozen(init=False)
class Send:
    """Runs a node in the next superstep on an argument of its own, in place of the graph's state.

    Args:
        node: The node to run. Sent to several times, it runs as many times, side by side.
        arg: What it gets.
        timeout: Seconds this run of it may take, in place of the node's own timeout.

    Example:
        >>> Send("summarize", {"page": 3})
        Send(node='summarize', arg={'page': 3}, timeout=None)
    """

    node: str
    arg: Any = field(hash=False)
    timeout: float | None = None

    def __init__(self, /, node: str, arg: Any, *, timeout: float | None = None) -> None:
        self.__attrs_init__(node, arg, timeout)


NodeT = TypeVar("NodeT")


@frozen(kw_only=True)
class Command(Generic[NodeT]):
    """An update and a jump in one; also how an interrupted run is resumed.

    Args:
        graph: None for this graph, ``Command.PARENT`` for the one it is a node of.
        update: What to write, as a node would return it.
        resume: The answer to the interrupt that waits, or a mapping of interrupt ids to answers.
        goto: A node, a `Send`, or several of them, to run next besides what edges say.

    Example:
        >>> Command(update={"n": 1}, goto="b").goto
        'b'

    As a return annotation it tells where the node may go: ``def route(state) -> Command[Literal["a", "b"]]``.
    """

    PARENT: ClassVar[Literal["__parent__"]] = "__parent__"

    graph: str | None = None
    update: Any = None
    resume: Any = None
    goto: Send | str | Sequence[Send | str] = ()


class StateUpdate(NamedTuple):
    """One update of ``bulk_update_state``.

    Args:
        values: What to write.
        as_node: The node it is by.
    """

    values: Any
    as_node: str | None = None


@frozen
class Overwrite:
    """Sets a key that has a reducer, past the reducer. At most one in a superstep.

    Args:
        value: The new value.
    """

    value: Any


def destinations_of(goto: Send | str | Sequence[Send | str]) -> Sequence[Send | str]:
    """``goto`` as a sequence.

    Raises:
        GraphValidationError: Something else than node names and Sends.
    """
    if isinstance(goto, (str, Send)):
        return (goto,)
    if isinstance(goto, (list, tuple)) and all(isinstance(one, (str, Send)) for one in goto):
        return tuple(goto)
    raise GraphValidationError(f"goto takes a node name, a Send or a list of them, not {goto!r}")
