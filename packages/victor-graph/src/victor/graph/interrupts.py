"""Interrupts: a node asks something from outside, and the run waits for the answer, for a minute or a month."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from attrs import field, frozen

from victor.graph.errors import GraphInterrupt
from victor.graph.isolate import isolate

__all__ = ["NEXT", "Interrupt", "interrupt", "interrupt_id"]

NEXT: Final[Any] = "(next)"
"""In place of a question's id: the answer is for the next question, whichever that is."""


@frozen
class Interrupt:
    """A question that waits for an answer.

    Args:
        value: What is asked; anything a checkpoint can hold.
        id: By which the answer finds it: ``Command(resume={interrupt.id: answer})``.
    """

    value: Any = field(hash=False)
    id: str = ""


def interrupt_id(task_id: str, count: int) -> str:
    """The id of the ``count``-th question of a task: the same each time the task runs."""
    return blake2b(f"{task_id}?{count}".encode(), digest_size=16).hexdigest()


def interrupt(value: Any) -> Any:
    """Ask for something from outside and return the answer.

    The first time, the run stops here and hands ``value`` out; with a checkpointer it can be resumed with
    ``Command(resume=answer)``. The node then runs again from its start, and this call returns the answer. What
    the node did before it is done again, unless it was wrapped in `victor.graph.step`.

    A node may ask several times; the questions are told apart by their order.

    Args:
        value: What to ask.

    Returns:
        The answer.

    Raises:
        GraphInterrupt: There is no answer yet. Do not catch it.
        RuntimeError: Called outside a node.
    """
    from victor.graph.runtime import current_task

    task = current_task()
    asked = task.asked
    task.asked = asked + 1
    id = interrupt_id(task.id, asked)
    root = task.run.root
    if id in root.answers:
        return isolate(root.answers[id])
    answer = root.answers.pop(NEXT, NEXT)
    if answer is not NEXT:
        root.answers[id] = root.adopted[id] = answer
        return isolate(answer)
    raise GraphInterrupt((Interrupt(isolate(value), id),))
