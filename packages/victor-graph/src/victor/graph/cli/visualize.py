"""``victor workflow visualize``."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from victor.core.cli.terminal import is_terminal, note, terminal_width
from victor.core.errors import ConfigurationError
from victor.graph.cli.look import Store, recorded_target
from victor.graph.cli.records import read_record, require_thread
from victor.graph.cli.store import default_path, open_store
from victor.graph.cli.target import Target, find_target

__all__ = ["visualize"]

_ENDINGS: Final = {
    ".mmd": "mermaid", ".mermaid": "mermaid", ".md": "mermaid", ".dot": "dot", ".gv": "dot", ".txt": "unicode",
    ".svg": "svg", ".png": "png", ".json": "json",
}  # fmt: skip


def visualize(
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="file.yaml, file.yaml#workflow, or module:graph; with --run optional."),
    ] = None,
    name: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Which workflow of the file.")] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "-f", "--format", metavar="FORMAT", help="mermaid, dot, ascii, unicode, svg, png, json, or a plugin's."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it there; its ending says the format.")
    ] = None,
    theme: Annotated[str, typer.Option(metavar="THEME", help="auto, light or dark.")] = "auto",
    direction: Annotated[
        str, typer.Option(metavar="WAY", help="TB, from top to bottom, or LR, from left to right.")
    ] = "TB",
    width: Annotated[int | None, typer.Option(min=1, help="Columns, or pixels of a PNG.")] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="THREAD", help="Show what this run did: visited, failed, waiting.")
    ] = None,
    show: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="Open it in the browser; by default where there is a display."),
    ] = None,
    checkpoints: Store = "",
) -> None:
    """Draw a workflow; everything is drawn on this machine."""
    from victor.core.plugins import get_plugins

    highlights: Any = None
    if run is not None:
        from victor.graph.cli.overlay import highlights_of

        with open_store(checkpoints, create=False) as store:
            require_thread(store, run)
            target = find_target(file, name) if file else recorded_target(read_record(store, run))
            highlights = highlights_of(target, store, run)
    elif file:
        target = find_target(file, name)
    else:
        raise ConfigurationError("name a workflow file or module:graph, or a recorded run with --run")
    opens = show if show is not None else output is None and form is None and _has_display() and is_terminal()
    chosen = form or (_by_ending(output) if output else "svg" if opens else _for_terminal())
    if opens and output is None and chosen in {"ascii", "unicode", "mermaid", "dot", "json"} and form is not None:
        raise ConfigurationError(f"a browser does not show {chosen}; --open goes with --format svg or png")
    render = get_plugins().visualizers.get(chosen)
    if width is None and chosen in {"ascii", "unicode"} and output is None and is_terminal():
        width = terminal_width()
    picture = render(target.topology(), highlights=highlights, theme=theme, width=width, direction=direction)
    if output is None and opens:
        output = _picture_path(target, chosen)
        output.parent.mkdir(parents=True, exist_ok=True)
    if output is None:
        _print(picture, chosen)
        return
    _write(output, picture)
    note(f"{target.name} is drawn in {output}")
    if opens:
        _open(output)


def _by_ending(path: Path) -> str:
    try:
        return _ENDINGS[path.suffix.lower()]
    except KeyError:
        raise ConfigurationError(
            f"{path.name!r} does not say the format: end it in {', '.join(_ENDINGS)}, or add --format"
        ) from None


def _for_terminal() -> str:
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    return "unicode" if encoding in {"utf8", ""} else "ascii"


def _has_display() -> bool:
    if sys.platform in {"darwin", "win32"}:
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _picture_path(target: Target, form: str) -> Path:
    plain = re.sub(r"[^\w.-]+", "-", target.name) or "workflow"
    return default_path().parent / "pictures" / f"{plain}.{form}"


def _write(path: Path, picture: str | bytes) -> None:
    try:
        if isinstance(picture, bytes):
            path.write_bytes(picture)
            return
        if path.suffix.lower() == ".md":
            picture = f"```mermaid\n{picture.rstrip()}\n```\n"
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from error


def _print(picture: str | bytes, form: str) -> None:
    if isinstance(picture, str):
        print(picture.rstrip("\n"))
    elif is_terminal():
        raise ConfigurationError(f"a terminal does not show {form}: write it to a file with -o, or --open it")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(picture)


def _open(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        note(f"no browser could be started; open {path} yourself", kind="warning")
