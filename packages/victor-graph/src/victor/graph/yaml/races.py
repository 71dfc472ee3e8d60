"""Nodes that run side by side until one of them is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import define

from victor.graph.yaml.context import WorkflowRunError
from victor.graph.yaml.policies import Values, run_on

__all__ = ["Race"]


@define(eq=False)
class Race:
    """A node that runs others side by side and takes what one of them gives; the rest are cancelled.

    Args:
        id: Of the node.
        runners: Functions of the state, by name; each gives what it changes.
        strategy: ``"any"`` waits for the first that succeeds, ``"first"`` for the first to finish.
    """

    id: str
    runners: Mapping[str, Callable[[Values], Any]]
    strategy: Literal["any", "first"]

    async def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """What the winner changes.

        Raises:
            WorkflowRunError: All failed.
        """
        tasks = {asyncio.ensure_future(run_on(run, values)): name for name, run in self.runners.items()}
        order = list(self.runners)
        failures: list[str] = []
        try:
            pending = set(tasks)
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda task: order.index(tasks[task])):
                    error = task.exception()
                    if error is None or self.strategy == "first":
                        update: dict[str, Any] = task.result()
                        return update
                    failures.append(f"{tasks[task]}: {type(error).__name__}: {error}")
            raise WorkflowRunError(f"node {self.id!r}: every one of its nodes failed: " + "; ".join(failures))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
