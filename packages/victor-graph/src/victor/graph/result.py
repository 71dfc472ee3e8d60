"""What came of a run, said outright."""

from __future__ import annotations

from typing import Any, Literal

from attrs import frozen

from victor.graph.interrupts import Interrupt

__all__ = ["RunResult"]


@frozen
class RunResult:
    """What came of a run.

    Args:
        status: ``"completed"``, ``"interrupted"`` (a question waits, or the graph was told to stop here), ``"failed"``.
        state: The output as far as the run came; of a failed run, after its last whole superstep.
        interrupts: The questions that wait.
        error: Why it failed.
        thread_id: The thread, where there is one.
        steps: Supersteps taken.
        duration_s: Seconds it took.
    """

    status: Literal["completed", "interrupted", "failed"]
    state: Any
    interrupts: tuple[Interrupt, ...] = ()
    error: Exception | None = None
    thread_id: str | None = None
    steps: int = 0
    duration_s: float = 0.0

    @property
    def value(self) -> Any:
        """The same as ``state``."""
        return self.state

    def unwrap(self) -> Any:
        """The output of a completed run.

        Raises:
            Exception: The error of a failed one.
            RuntimeError: It waits for an answer.
        """
        if self.error is not None:
            raise self.error
        if self.status != "completed":
            raise RuntimeError(f"the run is {self.status}: {len(self.interrupts)} interrupts wait for an answer")
        return self.state
