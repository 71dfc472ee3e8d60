"""``victor completion SHELL``: a script that completes commands, sub-commands and options.

The script asks ``victor completion words -- WORDS...`` for each press of Tab; only the command that is being
completed is imported.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from victor.core.plugins import get_plugins

__all__ = ["app", "candidates"]

app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Print the completion script of a shell.",
)
"""The command ``victor completion``."""

_BASH: Final = """\
_victor() {
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(victor completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" \\
        -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _victor victor
"""

_ZSH: Final = """\
#compdef victor
_victor() {
    local -a found
    found=("${(@f)$(victor completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    found=(${found:#})
    (( $#found )) && compadd -- $found || _files
}
compdef _victor victor
"""

_FISH: Final = """\
complete -c victor -a '(victor completion words -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
"""


@app.command()
def bash() -> None:
    """For bash:  eval "$(victor completion bash)"  in ~/.bashrc."""
    print(_BASH, end="")


@app.command()
def zsh() -> None:
    """For zsh:  eval "$(victor completion zsh)"  in ~/.zshrc, after compinit."""
    print(_ZSH, end="")


@app.command()
def fish() -> None:
    """For fish:  victor completion fish > ~/.config/fish/completions/victor.fish."""
    print(_FISH, end="")


@app.command(hidden=True)
def words(typed: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """What may stand in place of the last word."""
    for word in candidates(typed or []):
        print(word)


def candidates(typed: list[str]) -> list[str]:
    """Words that may stand in place of the last one.

    Args:
        typed: The words after ``victor``; the last is what is being typed, perhaps empty.

    Example:
        >>> candidates(["doc"])
        ['doctor']
    """
    from victor.core.cli.help import OPTIONS

    *before, last = typed or [""]
    commands = get_plugins().commands
    path = [word for word in before if not word.startswith("-")]
    if not path:
        options = [word for names, _ in OPTIONS for word in names.split(", ")]
        return [word for word in (options if last.startswith("-") else commands.names) if word.startswith(last)]
    if path[0] not in commands:
        return []
    from victor.core.cli.root import command_of

    at: Any = command_of(path[0], commands.get(path[0]))
    for word in path[1:]:
        at = getattr(at, "commands", {}).get(word, at)
    if last.startswith("-"):
        found = [option for parameter in at.params for option in (*parameter.opts, *parameter.secondary_opts)]
        found = [option for option in found if option.startswith("-")] + ["--help"]
    else:
        found = [name for name, command in getattr(at, "commands", {}).items() if not command.hidden]
    return sorted({word for word in found if word.startswith(last)})
