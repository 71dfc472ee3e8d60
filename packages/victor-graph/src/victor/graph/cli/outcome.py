"""What ``victor workflow run`` prints when a run is over: its outputs, or how to go on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import evolve, frozen

from victor.core.cli.terminal import note, print_json, style
from victor.core.errors import VictorError
from victor.graph.errors import CheckpointError
from victor.graph.interrupts import Interrupt
from victor.graph.yaml.choices import IN_CONDITION
from victor.graph.yaml.context import WorkflowRunError
from victor.graph.yaml.nodes.hitl import RejectedError

if TYPE_CHECKING:
    from victor.graph.cli.progress import Progress
    from victor.graph.cli.target import Target
    from victor.graph.result import RunResult

__all__ = ["Outcome", "failure", "go_on_line", "print_outcome"]

_LONG: Final = 2_000


@frozen
class Outcome:
    """How a run ended.

    Args:
        status: As `RunResult` has it, or ``"stopped"`` by a signal.
        thread: Name of the run.
        outputs: Of a completed one.
        questions: Of an interrupted one.
        error: Of a failed one.
        steps: Supersteps taken.
        seconds: How long it took.
    """

    status: Literal["completed", "interrupted", "failed", "stopped"]
    thread: str
    outputs: Any = None
    questions: tuple[Interrupt, ...] = ()
    error: Exception | None = None
    steps: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, result: RunResult, target: Target, thread: str) -> Outcome:
        """That of a run's result."""
        made = cls(result.status, thread, None, result.interrupts, result.error, result.steps, result.duration_s)
        return evolve(made, outputs=target.read_outputs(result.state)) if result.status == "completed" else made

    def as_data(self, target: Target, progress: Progress) -> dict[str, Any]:
        """For machines."""
        return {
            "workflow": target.name,
            "status": self.status,
            "thread": self.thread,
            "outputs": self.outputs,
            "questions": [{"id": one.id, "asks": one.value} for one in self.questions],
            "error": None if self.error is None else f"{type(self.error).__name__}: {self.error}",
            "nodes": progress.summary(),
            "seconds": round(self.seconds, 6),
        }


def print_outcome(outcome: Outcome, target: Target, file: str, progress: Progress, *, recorded: bool) -> None:
    """Print what comes of a run: outputs on stdout, remarks on stderr."""
    again = go_on_line(file, target, outcome.thread)
    if outcome.status == "completed":
        _print_outputs(outcome.outputs)
        tokens = f", {progress.tokens:,} tokens" if progress.tokens else ""
        steps = "1 step" if outcome.steps == 1 else f"{outcome.steps} steps"
        how = f"in {outcome.seconds:.2f} s, {steps}{tokens}"
        note(f"{target.name}: completed {how}; thread {outcome.thread}")
    elif outcome.status == "interrupted":
        note(f"{target.name} waits for an answer:", kind="warning")
        for one in outcome.questions:
            question = one.value if isinstance(one.value, dict) else {"prompt": one.value}
            name = style(str(question.get("node", one.id)), "bold", stream=sys.stderr)
            print(f"  {name}: {question.get('prompt')}", file=sys.stderr)
            if "problem" in question:
                print(f"    {style(str(question['problem']), 'yellow', stream=sys.stderr)}", file=sys.stderr)
        first = outcome.questions[0].value if outcome.questions else None
        node = f"{first['node']}=" if isinstance(first, dict) and "node" in first else ""
        if recorded:
            note(f"Answer with: {again} --answer {node}...")
        else:
            note("The run is not recorded, so it cannot be resumed; leave --checkpoints none out, or give --answer.")
    elif outcome.status == "stopped":
        note(f"{target.name} was stopped" + (f". Go on: {again}" if recorded else "; it was not recorded."))
    elif recorded and isinstance(outcome.error, RejectedError):
        note(f"What was done is kept. To answer anew: {again} --answer {outcome.error.node}=...")
    elif recorded and isinstance(outcome.error, CheckpointError) and not outcome.steps:
        note("Nothing was done yet; start it again when its store can be reached.")
    elif recorded:
        note(f"What was done is kept. Go on after mending: {again}")


def failure(outcome: Outcome, target: Target, progress: Progress) -> WorkflowRunError:
    """The error that says in one paragraph which node failed and how."""
    error = outcome.error
    text = str(error) if isinstance(error, VictorError) and str(error) else f"{type(error).__name__}: {error}"
    if len(text) > _LONG:
        text = f"{text[:_LONG]} ... ({len(text) - _LONG:,} more characters)"
    node = progress.failed_at(error)
    where = f" at node {node!r}" if node and f"node {node!r}" not in text else ""
    if not where and "node " not in text:
        notes: list[str] = getattr(error, "__notes__", [])
        where = next((f" {note}" for note in notes if note.startswith(IN_CONDITION)), "")
    return WorkflowRunError(f"{target.name} failed{where}: {text}")


def go_on_line(file: str, target: Target, thread: str) -> str:
    """The command that goes on with a run."""
    place = file
    if target.workflow is not None and "#" not in file and target.several:
        place = f"{file}#{target.name}"
    return f"victor workflow run {place} --thread {thread} --resume"


def _print_outputs(outputs: Any) -> None:
    """One text as it is; anything else by name."""
    if isinstance(outputs, dict) and len(outputs) == 1:
        (outputs,) = outputs.values()
    if isinstance(outputs, str):
        print(outputs.rstrip("\n"))
        return
    if isinstance(outputs, dict) and all(isinstance(v, (str, int, float, bool, type(None))) for v in outputs.values()):
        for name, value in outputs.items():
            text = "" if value is None else str(value)
            heading = style(name + ":", "bold")
            print(f"{heading} {text}" if "\n" not in text else f"{heading}\n{text.rstrip()}\n")
        return
    print_json(outputs)
