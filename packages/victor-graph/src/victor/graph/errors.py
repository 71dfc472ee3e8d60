"""The errors a graph raises: wrong when built, wrong when run, stopped on purpose, or a store that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from victor.core.errors import VictorError

if TYPE_CHECKING:
    from victor.graph.command import Command
    from victor.graph.interrupts import Interrupt

__all__ = [
    "CheckpointError",
    "CheckpointNotFoundError",
    "EmptyInputError",
    "GraphDrained",
    "GraphError",
    "GraphInterrupt",
    "GraphRecursionError",
    "GraphValidationError",
    "InvalidUpdateError",
    "NodeCancelledError",
    "NodeTimeoutError",
    "ParentCommand",
    "ResumeError",
    "StoreVersionError",
]


class GraphError(VictorError):
    """Root of what this package raises on purpose."""


class GraphValidationError(GraphError, ValueError):
    """The graph is wrong; the text lists everything that is, one line each.

    Attributes:
        problems: The same as a tuple of texts.
    """

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class InvalidUpdateError(GraphError):
    """A node or a caller wrote something the state cannot take; names the node and the key."""


class EmptyInputError(GraphError, ValueError):
    """There is nothing to run: no input was given and no unfinished run is stored for the thread."""


class GraphRecursionError(GraphError, RecursionError):
    """The run took ``recursion_limit`` supersteps and was not done."""


class NodeCancelledError(GraphError):
    """A node ended with `asyncio.CancelledError` though nobody had cancelled the run."""


class NodeTimeoutError(GraphError, TimeoutError):
    """A node did not finish within its timeout.

    Attributes:
        node: Its name.
        timeout_s: The limit it passed, in seconds.
    """

    def __init__(self, message: str, *, node: str = "", timeout_s: float = 0.0) -> None:
        super().__init__(message)
        self.node = node
        self.timeout_s = timeout_s


class ResumeError(GraphError, RuntimeError):
    """``Command(resume=...)`` does not fit the interrupts that wait; nothing was written, so they still do.

    Attributes:
        pending_ids: Ids of the interrupts that wait for an answer.
    """

    def __init__(self, message: str, *, pending_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.pending_ids = tuple(pending_ids)


class GraphDrained(GraphError):
    """The run stopped between two supersteps because a drain was requested; its checkpoint can be resumed.

    Attributes:
        reason: What `RunControl.request_drain` was told.
    """

    def __init__(self, reason: str = "shutdown") -> None:
        super().__init__(f"graph drained: {reason}")
        self.reason = reason


class CheckpointError(GraphError):
    """A checkpoint cannot be written or read; says which and why."""


class CheckpointNotFoundError(CheckpointError, LookupError):
    """No such checkpoint in the store."""


class StoreVersionError(CheckpointError):
    """The store was made by a version of the software this one cannot read; says what to do."""


class GraphInterrupt(BaseException):  # noqa: N818 - control flow, not an error, and named as LangGraph's users know it
    """Leaves a node that waits for an answer. No `Exception`, so a node's ``except Exception`` lets it pass.

    Attributes:
        interrupts: What is asked.
    """

    def __init__(self, interrupts: Sequence[Interrupt] = ()) -> None:
        super().__init__(interrupts)
        self.interrupts = tuple(interrupts)


class ParentCommand(BaseException):  # noqa: N818 - control flow
    """Carries a ``Command(graph=Command.PARENT)`` out of a subgraph. Let it pass."""

    def __init__(self, command: Command[Any]) -> None:
        super().__init__(command)
        self.command = command
