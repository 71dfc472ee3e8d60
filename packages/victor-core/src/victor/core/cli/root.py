"""The root of ``victor``: global options, then one command's Typer app, imported only when it is named.

Starting fast is a feature: neither typer nor rich is imported for ``--help`` and ``--version``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from attrs import define

from victor.core.cli.failures import (
    DONE,
    FAILED,
    INTERRUPTED,
    USAGE,
    close_quietly,
    leave_at_once,
    note_running,
    report,
)
from victor.core.cli.terminal import is_terminal, uses_color
from victor.core.errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    import typer

__all__ = ["Globals", "command_of", "main", "run_command"]

_WITHOUT_SETTINGS: Final = frozenset({"", "completion", "config", "doctor", "help", "new", "plugins"})
"""What must work although ``victor.toml`` is wrong, not least to find out what is wrong."""

_LISTS_BROKEN: Final = frozenset({"completion", "doctor", "plugins"})
"""Commands that say themselves which plugins are broken, or must not say anything else."""

_FLAGS: Final[dict[str, str]] = {
    "-h": "help",
    "--help": "help",
    "-V": "version",
    "--version": "version",
    "-v": "verbose",
    "--verbose": "verbose",
    "--debug": "debug",
}


@define
class Globals:
    """What stands before the command.

    Args:
        help: Show the help of ``victor`` itself.
        version: Show versions.
        verbose: Log what happens to stderr.
        debug: Show tracebacks.
        unknown: The first option that is none of these.
    """

    help: bool = False
    version: bool = False
    verbose: bool = False
    debug: bool = False
    unknown: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        The exit code: 0 done, 1 an error that was reported, 2 wrong usage, 130 interrupted.
    """
    given, args = _split(list(sys.argv[1:] if argv is None else argv))
    given.debug = given.debug or os.environ.get("VICTOR_DEBUG", "").lower() in {"1", "true", "yes", "on"}
    try:
        with ExitStack() as stack:
            code = _dispatch(given, args, stack)
            if sys.stdout is not None:  # None where the program was started with it closed
                sys.stdout.flush()
        return code
    except BrokenPipeError:
        return close_quietly()
    except KeyboardInterrupt:
        if is_terminal(sys.stderr):
            print(file=sys.stderr)  # the terminal shows ^C
        note_running()
        if argv is None:
            leave_at_once(INTERRUPTED)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last boundary: everything is reported in words
        try:
            return report(error, debug=given.debug)
        except OSError:  # stderr cannot be written either
            return FAILED


def run_command(name: str, target: Any, args: Sequence[str]) -> int:
    """Run one command, which is a Typer app or a function, as ``victor NAME``.

    Args:
        name: What the user typed.
        target: The app or function.
        args: What follows the name.

    Returns:
        Its exit code.

    Raises:
        ConfigurationError: The target is neither.
    """
    app = _app(name, target)
    if not uses_color():
        app.rich_markup_mode = None  # plain help, and no import of rich, where nobody looks
    try:
        app(args=list(args), prog_name=f"victor {name}")
    except SystemExit as end:
        code = end.code
        if code == INTERRUPTED:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt from None
        if isinstance(code, str):
            print(code, file=sys.stderr)
            return FAILED
        return DONE if code is None else code
    return DONE


def command_of(name: str, target: Any) -> Any:
    """The parsed command behind a Typer app or function: its options and sub-commands, for completion."""
    import typer.main

    return typer.main.get_command(_app(name, target))


def _split(args: list[str]) -> tuple[Globals, list[str]]:
    """The global options, and the rest beginning with the command. ``--debug`` counts anywhere before ``--``."""
    given = Globals()
    while args and args[0].startswith("-") and args[0] != "-":
        flag = args.pop(0)
        if flag not in _FLAGS:
            given.unknown = flag
            break
        setattr(given, _FLAGS[flag], True)
    end = args.index("--") if "--" in args else len(args)
    if "--debug" in args[:end]:
        given.debug = True
        args = [arg for arg in args[:end] if arg != "--debug"] + args[end:]
    return given, args


def _left_out() -> str:
    """What to know about an unknown command where a setting chooses the plugins: its package may well be installed."""
    from victor.core.settings import load_settings

    settings = load_settings()
    if settings.load_plugins is None:
        return ""
    where, named = settings.origin("load_plugins"), ", ".join(settings.load_plugins) or "none"
    return f"; not every installed plugin is loaded: load_plugins, from {where}, names {named}"


def _dispatch(given: Globals, args: list[str], stack: ExitStack) -> int:
    from victor.core.cli.terminal import note

    if given.unknown:
        from victor.core.catalog import near_matches

        near = near_matches(given.unknown, _FLAGS)
        hint = f"; did you mean {near[0]}?" if near else ""
        note(f"no such option: {given.unknown}{hint} (options of a command follow its name)", kind="error")
        return USAGE
    if given.version:
        from victor.core.cli.version import print_versions

        print_versions()
        return DONE
    name, *rest = args or [""]
    if name == "help" and rest:
        name, rest = rest[0], ["--help"]
    _prepare(name, given, stack)

    from victor.core.plugins import get_plugins

    plugins = get_plugins()
    if given.help or name in {"", "help"}:
        from victor.core.cli.help import print_help

        print_help(plugins)
        return DONE
    try:
        command = plugins.commands.entry(name)
    except UnknownNameError as error:
        note(f"{error} (victor --help lists the commands){_left_out()}", kind="error")
        return USAGE
    if header := os.environ.get("TRACEPARENT"):  # whoever started this process is traced, and this is a part of it
        from victor.core.trace_context import continuing

        stack.enter_context(continuing(header))
    if given.verbose:
        stack.callback(_listen())
    return run_command(name, command.load(), rest)


def _prepare(name: str, given: Globals, stack: ExitStack) -> None:
    """Color and logging as settings have them, until the stack is closed."""
    from victor.core.cli import terminal
    from victor.core.cli.logs import log_to_stderr
    from victor.core.settings import Settings, load_settings, strangers_to_tell

    for sentence in strangers_to_tell(os.environ):
        if name not in {"", "completion", "config", "doctor", "help"}:  # two of them tell it themselves
            terminal.note(sentence, kind="warning")
    broken = False
    try:
        settings = load_settings()
    except ConfigurationError as error:
        if name not in _WITHOUT_SETTINGS and not given.help:
            raise
        if name not in {"config", "doctor"}:
            terminal.note(str(error), kind="warning")
        settings = Settings()
        broken = True
    stack.callback(terminal.set_color, terminal.set_color(settings.color))
    level = "debug" if given.debug else settings.log_level
    stack.enter_context(log_to_stderr(level, quiet_plugins=name in _LISTS_BROKEN and not given.debug))
    if broken:
        from victor.core.plugins import Plugins, set_plugins

        chosen = os.environ.get("VICTOR_LOAD_PLUGINS")  # what is left of the settings when a file is broken
        only = None if chosen is None else [name.strip() for name in chosen.split(",") if name.strip()]
        stack.callback(set_plugins, set_plugins(Plugins(only=only).load()))


def _listen() -> Callable[[], None]:
    from victor.core.events import get_stream
    from victor.core.log import make_listener

    return get_stream().subscribe(make_listener())


def _app(name: str, target: Any) -> typer.Typer:
    import typer

    if isinstance(target, typer.Typer):
        if hasattr(target, "_add_completion"):
            target._add_completion = False  # completion is the root's: victor completion
        return target
    if not isinstance(target, Callable) or isinstance(target, type):  # type: ignore[arg-type]
        raise ConfigurationError(
            f"the command {name!r} is a {type(target).__name__}; a command is a typer.Typer app or a function"
        )
    app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
    app.command()(target)
    return app
