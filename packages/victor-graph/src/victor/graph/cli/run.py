"""``victor workflow run``.

``--json`` prints one object: ``workflow``, ``status`` (``completed``, ``interrupted`` or ``failed``), ``thread``,
``outputs`` (null unless completed), ``questions`` (of an interrupted run: ``id`` and what is asked), ``error`` (of a
failed one), ``nodes`` (``node``, ``runs``, ``failed``, ``seconds``) and ``seconds``.

Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 it waits for an answer.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from victor.core.cli.terminal import is_terminal, note, print_json, style
from victor.core.errors import ConfigurationError, VictorError
from victor.graph.cli.answers import Answers
from victor.graph.cli.progress import Progress
from victor.graph.cli.store import open_store
from victor.graph.cli.target import Target, find_target, parse_inputs
from victor.graph.command import Command
from victor.graph.yaml.context import APPROVE

if TYPE_CHECKING:
    from victor.graph.result import RunResult

__all__ = ["run"]

WAITING = 3


def run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="file.yaml, file.yaml#workflow, or module:graph.")],
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
    checkpoints: Annotated[
        str, typer.Option(metavar="URL", help="Where the run is recorded; none for nowhere.", show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
) -> None:
    """Run a workflow and print what comes of it."""
    if model is not None:
        os.environ["VICTOR_MODEL"] = model
    target = find_target(file, name)
    if resume and thread is None:
        raise ConfigurationError(
            "--resume goes with --thread, which names the run to go on with; see victor workflow threads"
        )
    given = None if resume else target.read_inputs(parse_inputs(inputs or [], inputs_file))
    if resume and (inputs or inputs_file):
        raise ConfigurationError("a resumed run has its inputs already; leave --input out")
    if not as_json:
        _note_offline(target)
    thread = thread or f"{target.name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
    answers = Answers(answer or [], ask=not as_json)
    progress = Progress(quiet=quiet or as_json)
    began = time.perf_counter()
    with open_store(checkpoints) as store:
        result = asyncio.run(_go(target, given, thread, store, answers, progress, approve_all=yes))
        if as_json:
            print_json(_as_json(target, result, thread, progress, time.perf_counter() - began))
        else:
            _show(target, result, thread, file, progress, recorded=store is not None)
    if result.status == "interrupted":
        raise typer.Exit(WAITING)
    if result.error is not None:
        if as_json or not isinstance(result.error, VictorError):
            _raise_unless_json(result.error, as_json=as_json)
        raise result.error


def _raise_unless_json(error: Exception, *, as_json: bool) -> None:
    if as_json:
        raise typer.Exit(1)
    raise ConfigurationError(f"{type(error).__name__}: {error}") from error


async def _go(
    target: Target, given: Any, thread: str, store: Any, answers: Answers, progress: Progress, *, approve_all: bool
) -> RunResult:
    compiled = target.compile(store)
    config = target.config()
    APPROVE.set((lambda context: True) if approve_all else _asker(progress))
    try:
        async with asyncio.timeout(target.timeout) as deadline:
            with progress:
                todo: Any = given
                if todo is None:
                    state = await compiled.aget_state({"configurable": {"thread_id": thread}})
                    if state.created_at is None:
                        raise ConfigurationError(f"there is no run {thread!r}; see victor workflow threads")
                    found = answers.find(state.interrupts)
                    if state.interrupts and not found:
                        return await _still_waiting(compiled, state, thread)
                    todo = Command(resume=found) if found else None
                while True:
                    result = await compiled.arun(todo, config, thread_id=thread if store is not None else None)
                    if result.status != "interrupted" or store is None:
                        return result
                    progress.pause()
                    found = answers.find(result.interrupts)
                    progress.go_on()
                    if not found:
                        return result
                    todo = Command(resume=found)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise ConfigurationError(
            f"workflow {target.name!r} did not finish within {target.timeout:g} s; "
            f"go on with it: victor workflow run ... --thread {thread} --resume"
        ) from error


async def _still_waiting(compiled: Any, state: Any, thread: str) -> RunResult:
    from victor.graph.result import RunResult

    return RunResult("interrupted", state.values, tuple(state.interrupts), thread_id=thread)


def _asker(progress: Progress) -> Any:
    """Asks the person at the terminal before a tool call that needs approval; denies where there is none."""
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return None

    def ask(context: Any) -> bool:
        progress.pause()
        try:
            print(
                f"\n{context.tool.name}({context.arguments}) needs approval. Allow it? [yes/no] ",
                end="",
                file=sys.stderr,
                flush=True,
            )
            return sys.stdin.readline().strip().lower() in {"y", "yes"}
        finally:
            progress.go_on()

    return ask


def _note_offline(target: Target) -> None:
    workflow = target.workflow
    if workflow is None or not any(n.common.type == "agent" for n in workflow.definition.scope.every()):
        return
    from victor.core.model import DEFAULT_MODEL
    from victor.core.settings import load_settings

    model = workflow.definition.top.model or load_settings().model or DEFAULT_MODEL
    if model.partition(":")[0] == DEFAULT_MODEL:
        note(
            "The offline model answers: it extracts and ranks sentences and is not a language model. "
            "Set VICTOR_MODEL for a real one."
        )


def _as_json(target: Target, result: RunResult, thread: str, progress: Progress, seconds: float) -> dict[str, Any]:
    completed = result.status == "completed"
    return {
        "workflow": target.name,
        "status": result.status,
        "thread": thread,
        "outputs": target.read_outputs(result.state) if completed else None,
        "questions": [{"id": one.id, "asks": one.value} for one in result.interrupts],
        "error": None if result.error is None else f"{type(result.error).__name__}: {result.error}",
        "nodes": progress.summary(),
        "seconds": round(seconds, 6),
    }


def _show(target: Target, result: RunResult, thread: str, file: str, progress: Progress, *, recorded: bool) -> None:
    if result.status == "completed":
        outputs = target.read_outputs(result.state)
        _print_outputs(outputs)
        tokens = f", {progress.tokens:,} tokens" if progress.tokens else ""
        note(f"{target.name}: completed in {result.duration_s:.2f} s, {result.steps} steps{tokens}; thread {thread}")
        return
    again = f"victor workflow run {file} --thread {thread} --resume"
    if result.status == "interrupted":
        note(f"{target.name} waits for an answer:", kind="warning")
        for one in result.interrupts:
            question = one.value if isinstance(one.value, dict) else {"prompt": one.value}
            print(
                f"  {style(str(question.get('node', one.id)), 'bold', stream=sys.stderr)}: {question.get('prompt')}",
                file=sys.stderr,
            )
        if recorded:
            nodes = [str(one.value.get("node")) for one in result.interrupts if isinstance(one.value, dict)]
            note(f"Answer with: {again} --answer {nodes[0] + '=' if nodes else ''}...")
        return
    if recorded:
        note(f"{target.name} failed; what was done is kept. Go on after mending: {again}")


def _print_outputs(outputs: Any) -> None:
    """One text as it is; anything else by name."""
    if isinstance(outputs, dict) and len(outputs) == 1:
        (outputs,) = outputs.values()
    if isinstance(outputs, str):
        print(outputs.rstrip("\n"))
        return
    if isinstance(outputs, dict) and all(isinstance(v, (str, int, float, bool, type(None))) for v in outputs.values()):
        for name, value in outputs.items():
            text = str(value)
            print(
                f"{style(name + ':', 'bold')} {text}"
                if "\n" not in text
                else f"{style(name + ':', 'bold')}\n{text.rstrip()}\n"
            )
        return
    print_json(outputs)
