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
    "GraphBubbleUp",
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
    "ThreadBusyError",
    "ThreadConflictError",
]


class GraphError(VictorError):
    """Root of what this package raises on purpose.

    What to do: see the kinds below it.
    """


class GraphValidationError(GraphError, ValueError):
    """The graph is wrong; the text lists everything that is, one line each.

    What to do: correct what ``problems`` lists: nodes without a way to them, edges to nodes that are not there, and the
    like.

    Attributes:
        problems: The same as a tuple of texts.
    """

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems)


class InvalidUpdateError(GraphError):
    """A node or a caller wrote something the state cannot take; names the node and the key.

    What to do: return only keys of the state; give a key that several nodes write in one superstep a reducer.
    """


class EmptyInputError(GraphError, ValueError):
    """There is nothing to run: no input was given and no unfinished run is stored for the thread.

    What to do: give an input, or the ``thread_id`` of a run that has not ended.
    """


class GraphRecursionError(GraphError, RecursionError):
    """The run took ``recursion_limit`` supersteps and was not done.

    What to do: look for a loop without an end; raise ``recursion_limit`` where there is none.
    """


class NodeCancelledError(GraphError):
    """A node ended with `asyncio.CancelledError` though nobody had cancelled the run.

    What to do: find what cancels inside of the node, such as a task group or a timeout of its own, and handle it there.
    """


class NodeTimeoutError(GraphError, TimeoutError):
    """A node did not finish within its timeout.

    What to do: give the node more time or less to do, or a ``retry``; what other nodes did in that superstep is kept
    where there is a checkpointer.

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

    What to do: answer with a mapping of ``pending_ids`` to answers; ``get_state`` shows what each asks.

    Attributes:
        pending_ids: Ids of the interrupts that wait for an answer.
    """

    def __init__(self, message: str, *, pending_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.pending_ids: tuple[str, ...] = tuple(pending_ids)


class GraphDrained(GraphError):
    """The run stopped between two supersteps because a drain was requested; its checkpoint can be resumed.

    What to do: invoke the graph again with the same ``thread_id`` and no input; it goes on where it stopped.

    Attributes:
        reason: What `RunControl.request_drain` was told.
    """

    def __init__(self, reason: str = "shutdown") -> None:
        super().__init__(f"graph drained: {reason}")
        self.reason = reason


class CheckpointError(GraphError):
    """A checkpoint cannot be written or read; says which and why.

    What to do: see the kinds below it; where the store itself fails, check its file, its disk or its server.
    """


class CheckpointNotFoundError(CheckpointError, LookupError):
    """No such checkpoint in the store.

    What to do: take an id that ``get_state_history`` or ``victor workflow history`` lists.
    """


class StoreVersionError(CheckpointError):
    """The store was made by a version of the software this one cannot read; says what to do.

    What to do: install the newer version of victor-graph, or take another store.
    """


class ThreadConflictError(CheckpointError):
    """Somebody else wrote to the thread since this run read it, so what it did goes on from nothing; none was written.

    Two runs on one thread at once, an update of a thread while it runs, or a thread deleted under a run. What the other
    wrote is intact: run again to go on from there, or name a checkpoint to make a fork of it.

    What to do: run again to go on from what the other wrote, or name a checkpoint to make a fork of it.

    Attributes:
        thread_id: The thread.
        namespace: Whose log moved: ``""`` for the outermost graph.
        expected: Id of the checkpoint this run went on from; None if the thread was new to it.
        found: Id of the latest checkpoint now; None if there is none any more.
    """

    def __init__(self, thread_id: str, namespace: str, expected: str | None, found: str | None) -> None:
        place = f"thread {thread_id!r}" + (f", subgraph {namespace!r}" if namespace else "")
        if found is None:
            what = f"its checkpoints are gone (deleted?), {expected} among them"
        elif expected is None:
            what = f"it was new, and somebody else has begun it: its latest checkpoint is {found}"
        else:
            what = f"it went on from checkpoint {expected}, and the latest is {found} now"
        super().__init__(
            f"{place} was changed by another run or update while this one was at work: {what}. Nothing of this "
            "superstep was written. Let one run at a time work on a thread; to go on from where it stands now, run it "
            "again"
        )
        self.thread_id = thread_id
        self.namespace = namespace
        self.expected = expected
        self.found = found


class ThreadBusyError(GraphError):
    """Another run of this process works on the thread; this one has done nothing.

    What to do: wait for that run, or take another ``thread_id``.

    Attributes:
        thread_id: The thread.
    """

    def __init__(self, thread_id: str) -> None:
        super().__init__(
            f"thread {thread_id!r} is busy: another run of this process works on it. Wait for its end, ask it to stop "
            "(RunControl), or go on from a checkpoint of your choice, as a fork: checkpoint_id=..."
        )
        self.thread_id = thread_id


class GraphBubbleUp(BaseException):  # noqa: N818 - control flow, not an error, and named as LangGraph's users know it
    """Root of what leaves a node without being an error: `GraphInterrupt`, `ParentCommand`. Let it pass.

    What to do: let it pass: catch `Exception` in nodes, not `BaseException`.
    """


class GraphInterrupt(GraphBubbleUp):
    """Leaves a node that waits for an answer. No `Exception`, so a node's ``except Exception`` lets it pass.

    What to do: let it pass. Who runs the graph finds the questions in its result, and answers with
    ``Command(resume=...)``.

    Attributes:
        interrupts: What is asked.
    """

    def __init__(self, interrupts: Sequence[Interrupt] = ()) -> None:
        super().__init__(interrupts)
        self.interrupts: tuple[Interrupt, ...] = tuple(interrupts)


class ParentCommand(GraphBubbleUp):
    """Carries a ``Command(graph=Command.PARENT)`` out of a subgraph. Let it pass.

    What to do: let it pass; where it reaches you, the graph that sent it has no parent.
    """

    def __init__(self, command: Command[Any]) -> None:
        super().__init__(command)
        self.command = command
