"""Searches the text of files: with ripgrep where it is installed, else here."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Generator
from threading import Event, Timer
from typing import Any, Final

from victor.core.errors import ToolError
from victor.tools.files.patterns import compile_glob
from victor.tools.files.root import Root
from victor.tools.files.text import is_binary

__all__ = ["search_files"]

_SECONDS: Final = 20.0
_MAX_FILE: Final = 20_000_000
_MAX_LINE: Final = 300
_MAX_PATTERN: Final = 10_000


def search_files(
    root: Root,
    pattern: str,
    path: str,
    *,
    glob: str | None,
    ignore_case: bool,
    literal: bool,
    context: int,
    limit: int,
    skip: frozenset[str],
    max_chars: int,
    ripgrep: str | None = "",
) -> str:
    """Matches as ``path:line: text``, with a last line in brackets when there are more.

    Args:
        root: Where to search.
        pattern: A regular expression.
        path: File or directory below the root.
        glob: Only files whose path fits.
        ignore_case: Upper and lower case are the same.
        literal: The pattern is plain text.
        context: Lines before and after.
        limit: Most matches.
        skip: Names of directories not to search.
        max_chars: Most characters to return.
        ripgrep: The program; ``""`` to look for it, None to do without.

    Raises:
        ToolError: The pattern is wrong, or the search took too long.
    """
    if not pattern:
        raise ToolError("the pattern is empty", retry=True)
    if len(pattern) > _MAX_PATTERN or "\0" in pattern:
        raise ToolError(f"a pattern has at most {_MAX_PATTERN:,} characters, and no NUL", retry=True)
    relative = root.relative(path)
    try:
        known = (root.folder / relative).stat()
    except FileNotFoundError:
        known = None
    except (OSError, ValueError) as error:  # too long, for one
        raise ToolError(f"there can be no such path: {getattr(error, 'strerror', error)}", retry=True) from error
    if known is None:
        raise ToolError(f"there is no {path!r}", retry=True)
    if not stat.S_ISDIR(known.st_mode):
        if not stat.S_ISREG(known.st_mode):
            raise ToolError(f"{path!r} is no regular file (a pipe, socket or device)")
        if known.st_size > _MAX_FILE:
            raise ToolError(f"{path!r} has {known.st_size:,} bytes, more than the {_MAX_FILE:,} that are searched")
    fits = compile_glob(glob) if glob else None
    program = shutil.which("rg") if ripgrep == "" else ripgrep
    options: dict[str, Any] = {"ignore_case": ignore_case, "literal": literal, "context": context}
    if program is not None:
        found = _by_ripgrep(program, root, pattern, relative.as_posix(), skip=skip, **options)
    else:
        found = _by_hand(root, pattern, relative.as_posix(), fits, skip=skip, **options)
    lines: list[str] = []
    matches = chars = 0
    for name, number, text, is_match in found:
        if fits is not None and not fits(name):
            continue
        if is_match and matches >= limit:
            lines.append(f"[more than {limit} matches; narrow the pattern, the path or glob]")
            break
        matches += is_match
        line = f"{name}:{number}{':' if is_match else '-'} {_short(text)}"
        chars += len(line) + 1
        if chars > max_chars:
            lines.append(f"[cut after {matches - 1} matches; narrow the pattern, the path or glob]")
            break
        lines.append(line)
    found.close()  # ends the program
    return "\n".join(lines) if matches else f"nothing matches {pattern!r} in {path}"


_Line = tuple[str, int, str, bool]


def _by_ripgrep(
    program: str,
    root: Root,
    pattern: str,
    path: str,
    *,
    skip: frozenset[str],
    ignore_case: bool,
    literal: bool,
    context: int,
) -> Generator[_Line, None, None]:
    arguments = [
        program,
        "--no-config",
        "--json",
        "--sort=path",
        "--no-follow",
        "--max-filesize=20M",
        f"--context={context}",
    ]
    arguments += ["--ignore-case"] if ignore_case else ["--case-sensitive"]
    arguments += ["--fixed-strings"] if literal else []
    arguments += [f"--glob=!**/{name}/**" for name in sorted(skip)]
    # -e and -- keep a pattern or path that begins with a dash from being an option.
    arguments += ["-e", pattern, "--", path if path == "." else f"./{path}"]
    environment = {key: value for key, value in os.environ.items() if key != "RIPGREP_CONFIG_PATH"}
    process = subprocess.Popen(
        arguments,
        cwd=root.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    late = Event()

    def stop() -> None:
        late.set()
        process.kill()

    # A timer, and no look at the clock at each line: a search that finds nothing says nothing.
    timer = Timer(_SECONDS, stop)
    timer.daemon = True
    timer.start()
    try:
        for raw in process.stdout:
            if late.is_set():
                break
            message = json.loads(raw)
            if message["type"] in {"match", "context"}:
                data = message["data"]
                name = _field(data["path"]).removeprefix("./")
                yield name, data["line_number"] or 0, _field(data["lines"]), message["type"] == "match"
        if late.is_set():
            raise ToolError(f"the search took more than {_SECONDS:g} s; narrow it", retry=True)
        error = process.stderr.read().decode("utf-8", "replace").strip()
        if process.wait(timeout=5) == 2 and "regex" in error:
            raise ToolError(f"the pattern is wrong: {' '.join(error.split())[:300]}", retry=True)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _field(value: dict[str, str]) -> str:
    if "text" in value:
        return value["text"]
    import base64

    return base64.b64decode(value["bytes"]).decode("utf-8", "replace")


def _by_hand(
    root: Root, pattern: str, path: str, fits: Callable[[str], bool] | None, *,
    skip: frozenset[str], ignore_case: bool, literal: bool, context: int,
) -> Generator[_Line, None, None]:  # fmt: skip
    from victor.tools.bounded_regex import BoundedRegex

    regex = BoundedRegex(pattern, ignore_case=ignore_case, literal=literal, seconds=_SECONDS)
    names: Any
    if (root.folder / path).is_dir():
        names = (
            found.path for found in root.walk(path, skip=skip) if found.kind == "file" and "/." not in f"/{found.path}"
        )
    else:
        names = [path]
    for name in names:
        if fits is not None and not fits(name):
            continue
        try:
            with root.open(name) as (file, known):
                data = file.read() if known.st_size <= _MAX_FILE else b"\0"
        except ToolError:  # gone or closed to us
            continue
        if is_binary(data[:8192]):
            continue
        yield from _in_text(name, data.decode("utf-8", "replace").splitlines(), regex, context)


def _in_text(name: str, lines: list[str], regex: Any, context: int) -> Generator[_Line, None, None]:
    matching = [number for number, line in enumerate(lines) if regex.search(line[:10_000])]
    if not context:
        for number in matching:
            yield name, number + 1, lines[number], True
        return
    hits = set(matching)
    shown = sorted({n for hit in matching for n in range(max(0, hit - context), min(len(lines), hit + context + 1))})
    for number in shown:
        yield name, number + 1, lines[number], number in hits


def _short(text: str) -> str:
    text = text.rstrip("\r\n")
    return text if len(text) <= _MAX_LINE else text[:_MAX_LINE] + f"... [{len(text) - _MAX_LINE} more characters]"
