"""What ``victor run`` and ``victor chat`` share: an agent from options and settings, and what is shown of its work."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from victor.core.cli.terminal import is_terminal, note
from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.agent import Agent
    from victor.core.message import ToolCall
    from victor.core.model import Model
    from victor.core.run_events import RunEvent
    from victor.core.settings import Settings
    from victor.core.tool import Approve, Tool, ToolContext
    from victor.core.vertical import Vertical

__all__ = ["TOOL_HELP", "find_tools", "make_agent", "note_offline", "read_schema", "settings_for", "show_step"]

TOOL_HELP: Final = "Tool by name, pattern or module:function; 'NAME as OTHER' renames it; repeatable."
"""What the help of several commands says of ``--tool``."""


def settings_for(
    *,
    model: str | None = None,
    yes: bool = False,
    max_steps: int | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    timeout: float | None = None,
) -> Settings:
    """The settings with what the command line says on top."""
    from victor.core.settings import load_settings

    return load_settings(
        {
            "model": model,
            "approve": "always" if yes else None,
            "limits.steps": max_steps,
            "limits.tokens": max_tokens,
            "limits.cost_usd": max_cost,
            "limits.timeout_s": timeout,
        }
    )


def make_agent(
    settings: Settings,
    *,
    tools: Sequence[str] = (),
    system: str = "",
    schema: Path | None = None,
    vertical: str | None = None,
) -> Agent[Any]:
    """An agent as settings and options describe it.

    Raises:
        VictorError: A tool, the model or the schema is not there or does not fit.
    """
    from victor.core.agent import Agent
    from victor.core.limits import Limits
    from victor.core.model import resolve_model
    from victor.core.plugins import get_plugins

    limits: dict[str, Any] = settings.limits.as_dict()
    options: dict[str, Any] = {
        "output_type": str if schema is None else read_schema(schema),
        "approve": _approver(settings.approve),
    }
    if vertical is None:
        return Agent(
            system,
            tools=find_tools(tools),
            model=resolve_model(settings.model),
            name="victor",
            limits=Limits(**limits),
            **options,
        )
    bundle: Vertical = get_plugins().verticals.get(vertical)
    if system:
        options["instructions"] = f"{bundle.instructions}\n\n{system}".strip()
    if settings.model is not None or bundle.model is None:
        options["model"] = resolve_model(settings.model)
    return bundle.agent(tools=[*bundle.tools, *find_tools(tools)], limits=replace(bundle.limits, **limits), **options)


def find_tools(names: Sequence[str]) -> list[Tool]:
    """Tools by name: of the catalog, ``module:function`` (also in the working directory), ``file.py:function``, or a
    pattern as ``files.*``.

    ``"weather.count_words as words"`` gives a tool another name. Where two would have the same one, both are called
    by the whole of theirs, ``weather_count_words``, and a note says so.

    Raises:
        UnknownNameError: There is none of that name.
        ConfigurationError: A pattern fits none, or two tools have the same name however they are called.
    """
    from victor.core.tool import as_tool

    found: dict[tuple[str, str], Tool] = {}
    for asked in names:
        name, _, other = (part.strip() for part in asked.partition(" as "))
        fitting = _fitting(name)
        if other and len(fitting) > 1:
            raise ConfigurationError(f"{name!r} stands for {len(fitting)} tools, which cannot all be named {other!r}")
        for known, target in fitting.items():
            tool = as_tool(target)
            found[known, other] = tool.with_(name=other) if other else tool
    return _told_apart(found)


def _fitting(name: str) -> dict[str, Any]:
    from victor.core.import_strings import load_object
    from victor.core.plugins import get_plugins

    if ":" in name:
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        return {name: load_object(name)}
    catalog = get_plugins().tools
    if not any(sign in name for sign in "*?["):
        return {name: catalog.get(name)}
    fitting = [known for known in catalog.names if fnmatchcase(known, name)]
    if not fitting:
        raise ConfigurationError(f"no tool is named like {name!r}; victor tools lists them")
    return {known: catalog.get(known) for known in fitting}


def _told_apart(found: dict[tuple[str, str], Tool]) -> list[Tool]:
    """The tools, those of one name under the whole of theirs; by what they were asked for, and the name chosen."""
    called: dict[str, list[tuple[str, str]]] = {}
    for asked, tool in found.items():
        called.setdefault(tool.name, []).append(asked)
    for name, same in called.items():
        if len(same) < 2:
            continue
        whole = {asked: re.sub(r"[^A-Za-z0-9_-]+", "_", asked[0])[-64:] for asked in same if not asked[1]}
        taken = {name, *(tool.name for asked, tool in found.items() if asked not in same)}
        if len(set(whole.values()) - taken) < len(whole) or len(same) - len(whole) > 1:
            raise ConfigurationError(
                f"{' and '.join(known for known, _ in same)} are both named {name!r}; "
                f"give one another name: -t '{same[-1][0]} as OTHER'"
            )
        for asked, other in whole.items():
            found[asked] = found[asked].with_(name=other)
        told = ", ".join(f"{asked[0]} as {other}" for asked, other in whole.items())
        note(f"several tools are named {name}: {told} (-t '{same[-1][0]} as OTHER' chooses another name)")
    return list(found.values())


def read_schema(path: Path) -> dict[str, Any]:
    """A JSON Schema from a file.

    Raises:
        ConfigurationError: The file is not there, not JSON, or holds no object.
    """
    import msgspec

    try:
        schema = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"the schema {path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"the schema {path} is not JSON: {error}") from error
    if not isinstance(schema, dict) or not schema:
        raise ConfigurationError(f'the schema {path} must be a JSON object such as {{"type": "object", ...}}')
    return schema


def note_offline(model: Model) -> None:
    """Say that no language model answers, when none does."""
    if model.provider == "offline":
        note(
            "offline model: not a language model; it extracts, summarizes and calls tools. "
            "For a real one: export OPENAI_API_KEY=... VICTOR_MODEL=openai:gpt-5-mini (victor models lists more)"
        )


def show_step(event: RunEvent) -> None:
    """One line on stderr for what a run does beside writing text."""
    from victor.core.run_events import AnswerRejected, ToolFinished, ToolStarted

    if isinstance(event, ToolStarted):
        note(f"· {_call(event.call)}")
    elif isinstance(event, ToolFinished) and event.result.error is not None:
        note(f"{event.call.name}: {event.result.text}", kind="warning")
    elif isinstance(event, AnswerRejected):
        note(f"the answer did not fit and is asked for again: {event.reason}", kind="warning")


def _call(call: ToolCall) -> str:
    from victor.core.redact import redact

    arguments = redact.text(call.arguments)
    return f"{call.name} {arguments if len(arguments) <= 120 else arguments[:119] + '…'}"


def _approver(policy: str) -> Approve | None:
    if policy == "always":
        return _allow
    if policy == "never":
        return _deny
    return _ask if is_terminal(sys.stderr) and _keyboard() is not None else _nobody


def _allow(context: ToolContext) -> bool:
    return True


def _deny(context: ToolContext) -> bool:
    note(f"{context.tool.name} was not run: the setting approve is 'never'", kind="warning")
    return False


def _nobody(context: ToolContext) -> bool:
    note(f"{context.tool.name} was not run: it needs approval and nobody can be asked; --yes approves", kind="warning")
    return False


def _keyboard() -> str | None:
    """Where a person types: stdin, or the terminal itself when stdin is piped."""
    if is_terminal(sys.stdin):
        return ""
    return "/dev/tty" if Path("/dev/tty").exists() and is_terminal(sys.stderr) else None


def _ask(context: ToolContext) -> bool:
    """Ask on the terminal. Everything else waits: two questions at once would be a mess."""
    import signal
    import threading

    import msgspec

    from victor.core.redact import redact

    arguments = redact.text(msgspec.json.encode(context.arguments, enc_hook=str).decode())
    question = f"Allow {context.tool.name} {arguments}? [y/N] "
    main = threading.current_thread() is threading.main_thread()
    # asyncio's own handler would swallow the first Ctrl-C here, since nothing runs that could be cancelled.
    before = signal.signal(signal.SIGINT, signal.default_int_handler) if main else None
    try:
        sys.stderr.write(question)
        sys.stderr.flush()
        source = _keyboard()
        if source:
            with Path(source).open(encoding="utf-8") as terminal:
                answer = terminal.readline()
        else:
            answer = sys.stdin.readline()
    except OSError:
        answer = ""
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    return answer.strip().lower() in {"y", "yes"}
