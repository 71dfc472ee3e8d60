"""``victor run``: one prompt through an agent.

``--json`` prints one object with ``output`` (null when the run stopped before it had one), ``text``, ``stop_reason``,
``usage``, ``cost_usd`` (null when unknown), ``model``, ``steps``, ``tool_calls``, ``duration_s`` and ``messages``.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from victor.core import event_loop
from victor.core.cli.session import make_agent, note_offline, settings_for, show_step
from victor.core.cli.terminal import is_terminal, print_json, printable
from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.agent import Agent
    from victor.core.result import RunResult

__all__ = ["app"]

app: typer.Typer = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
"""The command ``victor run``."""


@app.command(context_settings={"allow_extra_args": True, "help_option_names": ["-h", "--help"]})
def run(
    context: typer.Context,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What to do; - reads it from stdin.", show_default=False)
    ] = "",
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="NAME", help="provider:name; see victor models.")
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(
            "-t",
            "--tool",
            metavar="NAME",
            help="Tool by name, pattern or module:function; 'NAME as OTHER' renames it; repeatable.",
        ),
    ] = None,
    system: Annotated[str, typer.Option("-s", "--system", help="Instructions to the model.", show_default=False)] = "",
    vertical: Annotated[str | None, typer.Option(help="Instructions and tools of an installed bundle.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option("-f", "--file", metavar="FILE", help="Text file to work on; repeatable.")
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="JSON Schema file the answer has to fit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    stream: Annotated[
        bool | None, typer.Option("--stream/--no-stream", help="Show the answer as it comes.  [default: on a terminal]")
    ] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Approve every tool call that needs it.")] = False,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Most requests to the model.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Most tokens, read and written.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most US dollars.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Most seconds.")] = None,
) -> None:
    """Send one prompt through an agent and print its answer.

    Text on stdin and in files is added to the prompt:  cat notes.txt | victor run "summarize"
    """
    if context.args:
        words = " ".join([prompt, *context.args])
        context.fail(f"put the prompt in quotes: victor run {json.dumps(words, ensure_ascii=False)}")
    text = _whole_prompt(prompt, file or [])
    settings = settings_for(
        model=model, yes=yes, max_steps=max_steps, max_tokens=max_tokens, max_cost=max_cost, timeout=timeout
    )
    agent = make_agent(settings, tools=tool or (), system=system, schema=schema, vertical=vertical)
    if not as_json:
        note_offline(agent.model)
    streamed = not as_json and schema is None and (is_terminal() if stream is None else stream)
    result = event_loop.run(_answer(agent, text, streamed=streamed))
    if as_json:
        print_json(_as_json(result))
        if not result.completed:
            raise typer.Exit(1)
        return
    if not result.completed:
        if result.text and not streamed:
            print(printable(result.text))
        result.output  # noqa: B018 - raises, and says why there is none
    elif schema is not None:
        print_json(result.output)
    elif not streamed:
        print(printable(str(result.output)))


async def _answer(agent: Agent[Any], prompt: str, *, streamed: bool) -> RunResult[Any]:
    from victor.core.model import TextDelta
    from victor.core.run_events import RunFinished

    try:
        if not streamed:
            return await agent.run(prompt)
        column = 0
        async for event in agent.stream(prompt):
            if isinstance(event, TextDelta):
                print(printable(event.text), end="", flush=True)
                column = (
                    len(event.text) - event.text.rfind("\n") - 1 if "\n" in event.text else column + len(event.text)
                )
                continue
            if column:
                print(flush=True)
                column = 0
            if isinstance(event, RunFinished):
                return event.result
            show_step(event)
        raise ConfigurationError("the run ended without a result")  # Agent.stream promises one
    finally:
        await agent.model.aclose()


def _whole_prompt(prompt: str, files: list[Path]) -> str:
    piped = _piped_text() if prompt == "-" or not files else ""
    if prompt == "-" and not piped:
        raise typer.BadParameter("stdin is empty", param_hint="PROMPT")
    texts = [("stdin", piped)] if piped.strip() else []
    texts += [(str(path), _read(path)) for path in files]
    said = "" if prompt == "-" else prompt.strip()
    if not said and not texts:
        raise typer.BadParameter('nothing to do; victor run "your prompt", or pipe text in', param_hint="PROMPT")
    bodies = [f"[{name}]\n{text}" for name, text in texts] if len(texts) > 1 else [text for _, text in texts]
    return "\n\n".join([said, *bodies] if said else bodies)


def _piped_text() -> str:
    """What is piped in. A terminal, a closed stdin and devices such as /dev/null have nothing to say."""
    if sys.stdin is None or sys.stdin.closed or is_terminal(sys.stdin):
        return ""
    try:
        if stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode):
            return ""
    except (OSError, ValueError):
        return sys.stdin.read()  # replaced by something that is no file
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"stdin is not text in UTF-8: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not a text file: {error}") from error


def _as_json(result: RunResult[Any]) -> dict[str, Any]:
    return {
        "output": result.output if result.completed else None,
        "text": result.text,
        "stop_reason": result.stop_reason.value,
        "usage": result.usage,
        "cost_usd": result.cost_usd,
        "model": result.model,
        "steps": result.steps,
        "tool_calls": result.tool_calls,
        "duration_s": round(result.duration_s, 3),
        "messages": result.messages,
    }
