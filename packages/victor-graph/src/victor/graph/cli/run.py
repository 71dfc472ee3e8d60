"""``victor workflow run``.

``--json`` prints one object and nothing else on stdout: ``workflow``, ``status`` (``completed``, ``interrupted``,
``failed`` or ``stopped``), ``thread``, ``outputs`` (null unless completed), ``questions`` (of an interrupted run:
``id`` and what it ``asks``), ``error`` (of a failed one), ``nodes`` (``node``, ``runs``, ``failed``, ``seconds``) and
``seconds``. A mistake that keeps a run from beginning is told on stderr, as without ``--json``.

Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 it waits for an answer, 130 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from attrs import define, evolve

from victor.core import event_loop
from victor.core.catalog import near_matches
from victor.core.cli.terminal import is_terminal, note, print_json
from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Checkpointer
from victor.graph.cli.answers import Answers
from victor.graph.cli.look import Store, recorded_target
from victor.graph.cli.outcome import Outcome, failure, go_on_line, print_outcome
from victor.graph.cli.progress import Progress
from victor.graph.cli.records import read_record, require_thread, shown_file
from victor.graph.cli.stopping import EXIT_CODE, Stopping
from victor.graph.cli.store import open_store
from victor.graph.cli.target import Target, find_target, misplaced_input, parse_inputs
from victor.graph.command import Command
from victor.graph.errors import GraphDrained
from victor.graph.yaml.context import APPROVE
from victor.graph.yaml.problems import WorkflowFileError

__all__ = ["run"]

WAITING: Final = 3


def run(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help="file.yaml, file.yaml#workflow, or module:graph; optional with --resume."
        ),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Which workflow of the file.")] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option("-i", "--input", metavar="NAME=VALUE", help="An input; @path reads a file; repeatable."),
    ] = None,
    inputs_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Inputs as JSON or YAML.")] = None,
    thread: Annotated[str | None, typer.Option(help="Name of the run; made up where left out.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run named by --thread.")] = False,
    answer: Annotated[
        list[str] | None,
        typer.Option("-a", "--answer", metavar="[NODE=]ANSWER", help="Answer to a human node; repeatable."),
    ] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", metavar="NAME", help="Model of its agents.")] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Approve every tool call that needs it.")] = False,
    checkpoints: Store = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
) -> None:
    """Run a workflow and print what comes of it."""
    if model is not None:
        os.environ["VICTOR_MODEL"] = model
    if resume and (inputs or inputs_file):
        raise ConfigurationError("a resumed run has its inputs already; leave --input out")
    if resume and thread is None:
        raise ConfigurationError(
            "--resume goes with --thread, which names the run to go on with; see victor workflow threads"
        )
    if file is None and not resume:
        raise ConfigurationError("name a workflow file, or module:graph; victor workflow list shows the files here")
    target = _named(file, name) if file is not None else None
    given = None
    if target is not None and not resume:
        given = target.read_inputs(parse_inputs(inputs or [], inputs_file))
    with open_store(checkpoints, create=not resume) as store:
        if target is None or resume:
            target, file = _resumed(store, str(thread), target, file)
        elif thread is not None and store is not None:
            _must_be_new(store, thread, target, str(file))
        if not as_json:
            _note_offline(target)
        thread = thread or f"{target.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
        progress = Progress(quiet=quiet or as_json)
        answers = Answers(answer or [], ask=not as_json)
        _know_answers(answers, target)
        running = _Run(target, thread, store, answers, progress, yes, str(file))
        outcome = running.do(given)
        for text in answers.unused:
            note(f"--answer {text} was not used: nothing was asked that it would answer.", kind="warning")
        if as_json:
            print_json(outcome.as_data(target, progress))
        else:
            print_outcome(outcome, target, str(file), progress, recorded=store is not None)
    if outcome.status == "failed" and not as_json:
        raise failure(outcome, target, progress) from outcome.error
    code = {"interrupted": WAITING, "failed": 1, "stopped": EXIT_CODE}.get(outcome.status)
    if code is not None:
        raise typer.Exit(code)


def _named(file: str, name: str | None) -> Target:
    """The target of the command line; a text that was meant as an input is told from the name of a workflow."""
    try:
        return find_target(file, name)
    except WorkflowFileError as error:
        meant = "" if name is None else misplaced_input(file, name)
        if not meant:
            raise
        raise ConfigurationError(meant) from error


def _resumed(store: Checkpointer | None, thread: str, target: Target | None, file: str | None) -> tuple[Target, str]:
    """The workflow of a run that goes on; where a file was named, it must be the one the run belongs to."""
    if store is None:
        raise ConfigurationError("--checkpoints none records nothing, so there is nothing to resume")
    require_thread(store, thread)
    record = read_record(store, thread)
    if target is None:
        target = recorded_target(record)
        return target, shown_file(target.place)
    if record.workflow and record.workflow != target.name:
        raise ConfigurationError(
            f"run {thread!r} belongs to workflow {record.workflow!r} of {shown_file(record.file)}, "
            f"not to {target.name!r}"
        )
    return target, str(file)


def _know_answers(answers: Answers, target: Target) -> None:
    """An answer to a node that the workflow does not have is a mistake, told before anything is done."""
    if target.workflow is None:
        return
    nodes = list(target.workflow.definition.scope.every())
    if any(node.common.type == "workflow" for node in nodes):
        return  # whose nodes may ask too
    known = [node.id for node in nodes]
    for name in answers.names:
        if name not in known:
            near = near_matches(name, known)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"--answer {name}=...: workflow {target.name!r} has no node {name!r}{hint}")


def _must_be_new(store: Checkpointer, thread: str, target: Target, file: str) -> None:
    """A workflow's run begins afresh; a Python graph's thread may be a conversation that goes on."""
    if target.workflow is None or not store.entries(thread, limit=1):
        return
    raise ConfigurationError(
        f"there is a run {thread!r} already: go on with it ({go_on_line(file, target, thread)}), look at it "
        f"(victor workflow state {thread}), or choose another name"
    )


@define
class _Run:
    """One run, from its beginning or on from where it stood."""

    target: Target
    thread: str
    store: Checkpointer | None
    answers: Answers
    progress: Progress
    approve_all: bool
    file: str

    def do(self, given: Any) -> Outcome:
        """Run it, and say how it ended; an error that is no failure of a node is raised."""
        began = time.perf_counter()
        with Stopping(lambda: self.progress.paused) as stopping:
            try:
                return event_loop.run(self._go(given, stopping))
            except (asyncio.CancelledError, KeyboardInterrupt):
                if stopping.signal is None:
                    raise
                return Outcome("stopped", self.thread, seconds=time.perf_counter() - began)

    async def _go(self, given: Any, stopping: Stopping) -> Outcome:
        compiled = self.target.compile(self.store)
        config = self.target.config()
        APPROVE.set((lambda context: True) if self.approve_all else _asker(self.progress))
        stopping.watch()
        limit = self.target.timeout
        spent = 0.0
        steps = 0
        try:
            with self.progress:
                todo = given
                if todo is None:
                    todo, early = await self._where_it_stands(compiled)
                    if early is not None:
                        return early
                while True:
                    began = time.perf_counter()
                    left = None if limit is None else max(limit - spent, 0.001)
                    async with asyncio.timeout(left) as deadline:
                        thread = self.thread if self.store is not None else None
                        result = await compiled.arun(todo, config, thread_id=thread, control=stopping.control)
                    if isinstance(result.error, GraphDrained):
                        raise asyncio.CancelledError from result.error
                    spent += time.perf_counter() - began  # what a person takes to answer does not count
                    steps += result.steps
                    result = evolve(result, duration_s=spent, steps=steps)
                    if result.status != "interrupted" or self.store is None:
                        return Outcome.of(result, self.target, self.thread)
                    found = self._ask(result.interrupts)
                    if not found:
                        return Outcome.of(result, self.target, self.thread)
                    todo = Command(resume=found)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            how = "" if self.store is None else f"; go on with it: {go_on_line(self.file, self.target, self.thread)}"
            late = ConfigurationError(f"it did not finish within {limit:g} s{how}")
            late.__cause__ = error
            return Outcome("failed", self.thread, error=late, seconds=time.perf_counter() - began)

    async def _where_it_stands(self, compiled: Any) -> tuple[Any, Outcome | None]:
        """What to go on with, or the outcome where there is nothing to do."""
        state = await compiled.aget_state(thread_id=self.thread)
        if any(name not in compiled.program.ranks for name in state.next):
            return None, None  # to go on says what is wrong
        if state.interrupts:
            failed = tuple(one for task in state.tasks if task.error for one in task.interrupts)
            waiting = tuple(one for one in state.interrupts if one not in failed)
            found = {**self.answers.find(failed, ask=False), **self._ask(waiting)}
            if waiting and not found:
                return None, Outcome("interrupted", self.thread, questions=waiting)
            return Command(resume=found) if found else None, None
        if not state.next:
            note(f"{self.thread} is completed already; these are its outputs.")
            return None, Outcome("completed", self.thread, outputs=self.target.read_outputs(state.values))
        return None, None

    def _ask(self, questions: tuple[Any, ...]) -> dict[str, Any]:
        self.progress.pause()
        try:
            return self.answers.find(questions)
        finally:
            self.progress.go_on()


def _asker(progress: Progress) -> Any:
    """Asks the person at the terminal before a tool call that needs approval; denies where there is none."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return None

    def ask(context: Any) -> bool:
        progress.pause()
        try:
            text = f"\n{context.tool.name}({context.arguments}) needs approval. Allow it? [yes/no] "
            print(text, end="", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip().lower() in {"y", "yes"}
        finally:
            progress.go_on()

    return ask


def _note_offline(target: Target) -> None:
    """Say that no language model answers, where an agent would be answered by the built-in one."""
    workflow = target.workflow
    if workflow is None:
        return
    from victor.core.model import DEFAULT_MODEL
    from victor.core.settings import load_settings

    fallback = workflow.definition.top.model or load_settings().model or DEFAULT_MODEL
    agents = [node.spec for node in workflow.definition.scope.every() if node.common.type == "agent"]
    if any((agent.model or fallback).partition(":")[0] == DEFAULT_MODEL for agent in agents):
        note(
            "The offline model answers: it extracts and ranks sentences and is not a language model. "
            "Set VICTOR_MODEL for a real one."
        )
