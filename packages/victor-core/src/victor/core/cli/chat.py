"""``victor chat``: a conversation in the terminal, or line by line from a pipe."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from victor.core.cli.failures import note_running, report
from victor.core.cli.session import find_tools, make_agent, note_offline, settings_for, show_step
from victor.core.cli.terminal import is_terminal, note, print_table, printable, style
from victor.core.errors import ConfigurationError
from victor.core.event_loop import woken

if TYPE_CHECKING:
    from victor.core.agent import Agent
    from victor.core.chat import Chat

__all__ = ["app"]

app: typer.Typer = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
"""The command ``victor chat``."""

_COMMANDS: Final = (
    ("/help", "this list"),
    ("/model [NAME]", "show the model, or go on with another"),
    ("/tools [NAME ...]", "show the tools, or give it these as well; NAME as OTHER renames one"),
    ("/save FILE", "write the conversation as JSON"),
    ("/load FILE", "go on with a saved conversation"),
    ("/clear", "forget what was said"),
    ("/exit", "leave; so does Ctrl-D. Ctrl-C stops an answer"),
)


@app.command()
def chat(
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
    load: Annotated[Path | None, typer.Option(help="Go on with a conversation that /save wrote.")] = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Approve every tool call that needs it.")] = False,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Most requests to the model per answer.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most US dollars per answer.")] = None,
) -> None:
    """Talk with an agent. What was said is remembered until /clear."""
    settings = settings_for(model=model, yes=yes, max_steps=max_steps, max_cost=max_cost)
    talk = _Talk(make_agent(settings, tools=tool or (), system=system, vertical=vertical))
    if load is not None:
        talk.load(str(load))
    note_offline(talk.agent.model)
    with asyncio.Runner() as runner:
        failed = talk.hold(runner)
    if failed and not is_terminal(sys.stdin):
        raise typer.Exit(1)


class _Talk:
    """One conversation and what its slash commands change."""

    def __init__(self, agent: Agent[Any]) -> None:
        self.agent = agent
        self.chat: Chat[Any] = agent.chat()
        self.commands: dict[str, Callable[[str], None]] = {
            "/help": lambda _: print_table(_COMMANDS),
            "/model": self.model,
            "/tools": self.tools,
            "/save": self.save,
            "/load": self.load,
            "/clear": self.clear,
        }

    def hold(self, runner: asyncio.Runner) -> bool:
        """Answer until the end; True when a turn failed."""
        read = _reader()
        failed = False
        while True:
            try:
                line = read()
            except EOFError:
                break
            except KeyboardInterrupt:
                note("(/exit or Ctrl-D leaves)")
                continue
            if line in {"/exit", "/quit"}:
                break
            if not line:
                continue
            try:
                if line.startswith("/"):
                    self.command(line)
                else:
                    runner.run(woken(self.answer(line)))
            except KeyboardInterrupt:
                note("\n(stopped)")
                note_running()
            except BrokenPipeError:
                raise
            except Exception as error:  # noqa: BLE001 - one failed turn does not end the conversation
                report(error, debug=False)
                failed = True
        runner.run(self.agent.model.aclose())
        return failed

    def command(self, line: str) -> None:
        """Do what a line with a slash says."""
        name, _, rest = line.partition(" ")
        if name not in self.commands:
            from victor.core.catalog import near_matches

            near = near_matches(name, [*self.commands, "/exit"])
            raise ConfigurationError(f"no command {name}; {f'did you mean {near[0]}?' if near else '/help lists them'}")
        self.commands[name](rest.strip())

    async def answer(self, prompt: str) -> None:
        """Print the answer as it comes."""
        from victor.core.model import TextDelta
        from victor.core.run_events import RunFinished

        written = False
        async with aclosing(self.chat.stream(prompt)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    print(printable(event.text), end="", flush=True)
                    written = True
                    continue
                if written:
                    print(flush=True)
                    written = False
                if isinstance(event, RunFinished):
                    event.result.output  # noqa: B018 - raises where a limit ended the run
                else:
                    show_step(event)

    def model(self, name: str) -> None:
        """Show or change the model; the conversation goes on."""
        if name:
            from victor.core.model import resolve_model

            self._renew(model=resolve_model(name))
        print(self.agent.model.id)

    def tools(self, names: str) -> None:
        """Show or add tools."""
        if names:
            known = self.agent.tools
            asked = [name.strip() for name in re.split(r"\s+(?!as\s)(?<!\sas\s)", names)]
            self._renew(tools=[*known.values(), *(t for t in find_tools(asked) if t.name not in known)])
        rows = [(tool.name, tool.description.partition("\n")[0]) for tool in self.agent.tools.values()]
        if rows:
            print_table(rows)
        else:
            note("no tools; /tools NAME adds one, victor tools lists what is installed")

    def save(self, path: str) -> None:
        """Write the conversation."""
        from victor.core.message import dump_messages

        file = _file(path, "/save")
        try:
            file.write_bytes(dump_messages(self.chat.messages, indent=2) + b"\n")
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from error
        note(f"{len(self.chat.messages)} messages written to {file}")

    def load(self, path: str) -> None:
        """Go on with a saved conversation."""
        from victor.core.message import load_messages

        file = _file(path, "/load")
        try:
            messages = load_messages(file.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
        self.chat = self.agent.chat(messages)
        note(f"{len(messages)} messages read from {file}")

    def clear(self, _: str) -> None:
        """Forget what was said."""
        self.chat = self.agent.chat()
        note("forgotten")

    def _renew(self, **changes: Any) -> None:
        from victor.core.agent import Agent

        now: dict[str, Any] = {
            "instructions": self.agent.instructions,
            "tools": self.agent.tools.values(),
            "model": self.agent.model,
            "name": self.agent.name,
            "limits": self.agent.limits,
            "approve": self.agent.approve,
            **changes,
        }
        self.agent = Agent(**now)
        self.chat = self.agent.chat(self.chat.messages)


def _file(path: str, command: str) -> Path:
    if not path:
        raise ConfigurationError(f"{command} needs a file name")
    return Path(path).expanduser()


def _reader() -> Callable[[], str]:
    """What reads the next line: with editing and history on a terminal, plainly elsewhere."""
    if not is_terminal(sys.stdin):

        def read_plain() -> str:
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            return line.strip()

        return read_plain
    _keep_history()
    prompt = style("> ", "bold", "cyan")
    note("/help lists commands, Ctrl-D leaves")

    def read_terminal() -> str:
        try:
            return input(prompt).strip()
        except EOFError:
            print()
            raise

    return read_terminal


def _keep_history() -> None:
    """Line editing, and a history that outlives the chat; without the readline module there is neither."""
    try:
        import readline
    except ImportError:
        return
    import atexit

    from platformdirs import user_state_path

    file = user_state_path("victor", appauthor=False) / "chat_history"
    try:
        readline.read_history_file(file)
    except OSError:  # none yet
        pass
    readline.set_history_length(1000)
    atexit.register(_write_history, readline, file)


def _write_history(readline: Any, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(file)
        file.chmod(0o600)
    except OSError as error:
        note(f"the history was not kept: {error}", kind="warning")
