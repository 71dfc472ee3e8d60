"""Run every code block of the documentation as its reader would: ``hatch run docs:test [PAGE ...]``.

The pages are README.md, packages/*/README.md and docs/**/*.md; each runs by itself, from top to bottom, in a scratch
folder that holds a copy of ``docs/`` and the README, with nothing configured (so the ``offline`` model answers).

- ``python`` blocks share one namespace per page; ``await`` may stand at the top level. A block written as a
  ``>>>`` session is compared like a doctest.
- ``bash`` blocks run in one shell each and must succeed. A line ``pip install ...`` is not executed, but names no
  package that does not exist.
- ``console`` blocks hold ``$ command`` lines, each followed by what it prints, errors included; nothing is compared
  when nothing follows. A command that is meant to fail ends in ``|| true``.
- A ``text`` block that comes next is the expected output of a ``python`` or ``bash`` block. ``...`` stands for
  anything, as in doctest.
- A block whose first line is a comment with nothing but a file name (``# flow.yaml``) is saved under that name, not
  run. The line stays in a file where ``#`` begins a comment, as a reader copies it along: lines are counted from it.
- ``# not run: REASON`` as the first line, or ``<!-- not run: REASON -->`` on the line before the block, leaves a block
  out; the reason is printed at the end of the run.

The programs of ``docs/examples/**/*.py`` run as well; their first line may be such a comment, too. Where a program's
docstring has a line that ends in ``prints:``, what stands indented below is the expected output; white space does not
count there, so that a long line may be broken. A file ``docs/examples/**/*.yaml`` that begins with a comment in which
there are ``$ command`` lines is run by these, as a ``console`` block. A file without ``Needs: ...`` in its docstring or
comment only supports an example, and a Markdown file among the examples is a page when it begins with front matter.

There are libraries that test documentation (sybil, pytest-examples); they are made for Python blocks. Most pages here
mix Python, shell sessions and YAML files, which is what the rules above are about.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import Any

from workspace import ROOT, packages

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<info>[^`]*)$")
NOT_RUN = re.compile(r"^\s*(?:#|<!--) *not run: *(?P<reason>.+?)(?: *-->)?\s*$")
FILE_NAME = re.compile(r"^(?:#|//|<!--) *(?P<name>[\w][\w./-]*\.[a-z]{1,5})(?: *-->)?$")
PIP_INSTALL = re.compile(
    r"^\$? *(?:python3? -m )?(?:uv )?(?:pip install|pipx install|uv add|uv tool install)\s+(?P<what>.*)$"
)
PRINTS = re.compile(r"^.*prints:\n(?P<printed>(?:(?: .*)?\n?)*)", re.MULTILINE | re.IGNORECASE)
HASH_COMMENTS = {".py", ".yaml", ".yml", ".toml", ".sh", ".cfg", ".ini"}
"""Files in which the line with their name is a comment, so that a reader may copy it along."""
RUNNABLE = {"python", "py", "bash", "sh", "shell", "console"}
ALIKE = re.compile(
    r"(?:\{(?:code|code-block|sourcecode)\} *)?(?:i?py(?:thon|con)?|sh|bash|zsh|shell|console)(?=\W|\d|$)"
)
"""Fences that look as if they were run."""
BLOCK_LIMIT_S = 120
ENDED = re.compile(r"(?:: \d+ blocks ran|: ran|: nothing to run|not run: .*)\n\Z")
"""The last line of what a page or program printed that came to its end."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, its text, why it is not run, if it is not, and its first line."""

    line: int
    language: str
    text: str
    not_run: str = ""
    fence: str = field(default="", compare=False)


class BlockFailed(Exception):
    """A block did not do what the page says."""


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text, in order."""
    found: list[Block] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        if opening is None:
            at += 1
            continue
        start, indent = at, len(opening["indent"])
        body = []
        at += 1
        while at < len(lines) and not re.match(rf"^ *{opening['fence'][0]}{{{len(opening['fence'])},}} *$", lines[at]):
            body.append(lines[at][indent:] if lines[at][:indent].isspace() else lines[at])
            at += 1
        at += 1
        info = opening["info"].strip()
        language = info.split()[0].lower() if info else ""
        above = NOT_RUN.match(lines[start - 1]) if start else None
        inside = NOT_RUN.match(body[0]) if body else None
        reason = (above or inside or {"reason": ""})["reason"]
        found.append(Block(start + 1, language, "\n".join(body) + "\n", reason, info.lower()))
    return found


def saved_file(text: str) -> tuple[str, str] | None:
    """Name and content of the file that a block is saved as; None where its first line is no file name."""
    first, _, rest = text.partition("\n")
    name = FILE_NAME.match(first.strip())
    if name is None:
        return None
    stays = first.startswith("#") and Path(name["name"]).suffix in HASH_COMMENTS
    return name["name"], text if stays else rest


def pip_names_are_real(line: str) -> None:
    """Refuse an install line that names a ``victor`` package which is not ours.

    Raises:
        BlockFailed: With the name.
    """
    known = {one.name: set(one.extras) for one in packages()}
    for word in PIP_INSTALL.sub(r"\g<what>", line).replace('"', " ").replace("'", " ").split():
        name = re.split(r"[\[<>=!~]", word, maxsplit=1)[0]
        if name == "victor" or (name.startswith("victor-") and name not in known):
            raise BlockFailed(f"`{line.strip()}`: there is no package {name!r} of ours")
        extras = {extra.strip() for extra in word.partition("[")[2].partition("]")[0].split(",")} - {""}
        if missing := extras - known.get(name, extras):
            raise BlockFailed(f"`{line.strip()}`: {name} has no extra {', '.join(sorted(missing))}")


def compare(expected: str, got: str, flags: int = doctest.ELLIPSIS) -> None:
    """Compare printed output with what the page shows.

    Args:
        expected: What the page shows.
        got: What was printed.
        flags: Of doctest.

    Raises:
        BlockFailed: They differ; the text shows both.
    """
    want = "\n".join(line.rstrip() for line in expected.strip().splitlines()) + "\n"
    have = "\n".join(line.rstrip() for line in got.strip().splitlines()) + "\n"
    if not doctest.OutputChecker().check_output(want, have, flags):
        raise BlockFailed(f"expected:\n{_indented(want)}\ngot:\n{_indented(have)}")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())


class Page:
    """One page on its way from top to bottom.

    Args:
        folder: The scratch folder, which is the current one while the page runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.runner = asyncio.Runner()

    def run(self, block: Block, expected: str | None) -> bool:
        """Run one block; False when it holds nothing to run.

        Raises:
            BlockFailed: It did not do what the page says.
        """
        if saved := saved_file(block.text):
            file = self.folder / saved[0]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(saved[1], encoding="utf-8")
            return True
        if block.language not in RUNNABLE:
            if ALIKE.match(block.fence):
                raise BlockFailed(
                    f"a block `{block.fence}` is not run: write python, bash or console, and nothing more"
                )
            return False
        if block.language in {"python", "py"}:
            self._python(block, expected)
        elif block.language == "console":
            self._console(block)
        else:
            output = self._shell(block.text)
            if expected is not None:
                compare(expected, output)
        return True

    def _python(self, block: Block, expected: str | None) -> None:
        # Line numbers of tracebacks are those of the page.
        source = "\n" * block.line + block.text
        if block.text.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block.text, self.names, "page", None, block.line)
            report = io.StringIO()
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            if runner.run(test, out=report.write, clear_globs=False).failed:
                raise BlockFailed(report.getvalue())
            self.names.update(test.globs)
            return
        printed = io.StringIO()
        try:
            code = compile(source, "page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                if code.co_flags & inspect.CO_COROUTINE:
                    self.runner.run(eval(code, self.names))
                else:
                    exec(code, self.names)
        except (Exception, SystemExit) as error:
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "page"]
            where = f"line {frames[-1].lineno}: " if frames else ""
            raise BlockFailed(f"{where}{type(error).__name__}: {error}\n{_indented(printed.getvalue())}") from error
        if expected is not None:
            compare(expected, printed.getvalue())

    def _console(self, block: Block) -> None:
        command, output = "", ""
        for line in [*block.text.splitlines(), "$ "]:
            if command.endswith("\\"):
                command = f"{command}\n{line.removeprefix('> ')}"
            elif line.startswith("$ "):
                if command:
                    got = self._shell(command)
                    if output.strip():
                        compare(output, got)
                command, output = line[2:], ""
            else:
                output += line + "\n"

    def _shell(self, script: str) -> str:
        lines = []
        for line in script.splitlines():
            if PIP_INSTALL.match(line):
                pip_names_are_real(line)
            else:
                lines.append(line)
        try:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=BLOCK_LIMIT_S,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BlockFailed(f"took more than {BLOCK_LIMIT_S} s: {script.strip()}") from error
        if done.returncode:
            raise BlockFailed(f"exit code {done.returncode}: {script.strip()}\n{_indented(done.stdout)}")
        return done.stdout


def run_page(file: Path) -> int:
    """Run one page in the current folder; print what happened, return the number of failures."""
    name = file.relative_to(ROOT).as_posix()
    everything = blocks(file.read_text(encoding="utf-8"))
    page = Page(Path.cwd())
    ran = failed = 0
    for block, following in zip_longest(everything, everything[1:]):
        if block.not_run:
            print(f"  not run: {name}:{block.line}: {block.not_run}")
            continue
        expected = following.text if following and following.language == "text" and not following.not_run else None
        try:
            ran += page.run(block, expected)
        except BlockFailed as error:
            failed += 1
            print(f"FAILED {name}:{block.line} ({block.language})\n{_indented(str(error))}")
    print(f"{name}: {ran} blocks ran" + (f", {failed} FAILED" if failed else ""))
    return failed


def run_program(file: Path) -> int:
    """Run one example program in the current folder; print what happened, return the number of failures."""
    name = file.relative_to(ROOT).as_posix()
    if reason := NOT_RUN.match(file.read_text(encoding="utf-8").partition("\n")[0]):
        print(f"  not run: {name}: {reason['reason']}")
        return 0
    try:
        done = subprocess.run(
            [sys.executable, str(file)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BLOCK_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"FAILED {name} (took more than {BLOCK_LIMIT_S} s)")
        return 1
    if done.returncode:
        print(f"FAILED {name} (exit code {done.returncode})\n{_indented(done.stdout + done.stderr)}")
        return 1
    if expected := printed_by(file.read_text(encoding="utf-8")):
        try:
            compare(expected, done.stdout, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        except BlockFailed as error:
            print(f"FAILED {name}\n{_indented(str(error))}")
            return 1
    print(f"{name}: ran")
    return 0


def printed_by(source: str) -> str:
    """What a program prints by its docstring; ``""`` where that does not say."""
    found = PRINTS.search(ast.get_docstring(ast.parse(source), clean=False) or "")
    return textwrap.dedent(found["printed"]).strip("\n") if found else ""


def commands_of(header: str) -> str:
    """The commands in the header of a YAML file, and what they print; ``""`` where it has none."""
    start = re.search(r"^\$ ", header, re.MULTILINE)
    return header[start.start() :] if start else ""


def run_commands(file: Path) -> int:
    """Run the commands of a YAML file's comment; print what happened, return the number of failures."""
    name = file.relative_to(ROOT).as_posix()
    try:
        ran = Page(Path.cwd()).run(Block(1, "console", commands_of(header_of(file))), None)
    except BlockFailed as error:
        print(f"FAILED {name}\n{_indented(str(error))}")
        return 1
    print(f"{name}: {'ran' if ran else 'nothing to run'}")
    return 0


RUN = {".py": run_program, ".yaml": run_commands}


def checked(code: int, printed: str, file: Path) -> tuple[int, str]:
    """What came of a page or program; one that says it succeeded must have come to its end."""
    if code == 0 and not ENDED.search(printed):
        return 1, f"{printed}FAILED {file.relative_to(ROOT)}: it left before its end\n"
    return code, printed


def in_scratch_folder(file: Path) -> tuple[int, str]:
    """Run a page or a program in a process, a home and a folder of its own; return its exit code and output."""
    with tempfile.TemporaryDirectory(prefix="victor-docs-") as temporary:
        folder = Path(temporary) / "work"
        shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "README.md", folder)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "COLUMNS"))}
        environment |= {"HOME": temporary, "XDG_CONFIG_HOME": f"{temporary}/config", "NO_COLOR": "1", "TERM": "dumb"}
        for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
            environment.pop(key, None)
        command = [sys.executable, str(Path(__file__).resolve()), "--here", str(file)]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return checked(done.returncode, done.stdout, file)


def pages(root: Path = ROOT) -> list[Path]:
    """Every Markdown page that somebody reads, in order; a text that an example works on is none."""
    named = [root / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")]
    found = [*named, *sorted(root.glob("packages/*/README.md")), *sorted(root.glob("docs/**/*.md"))]
    data = root / "docs" / "examples"
    return [
        file
        for file in found
        if file.is_file() and (data not in file.parents or file.read_text(encoding="utf-8").startswith("---\n"))
    ]


def examples(root: Path = ROOT) -> list[Path]:
    """Every example, programs first: what says in its header what it needs. Other files support one of them."""
    folder = root / "docs" / "examples"
    found = [*sorted(folder.rglob("*.py")), *sorted(folder.rglob("*.yaml"))]
    return [file for file in found if re.search(r"^Needs: ", header_of(file), re.MULTILINE)]


def header_of(file: Path) -> str:
    """What an example says of itself: the docstring of a program, the comment that a YAML file begins with."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return ast.get_docstring(ast.parse(text)) or ""
    return "\n".join(
        line[1:].removeprefix(" ") for line in takewhile(lambda line: line.startswith("#"), text.splitlines())
    )


def main() -> int:
    """Run the chosen pages, or all of them; the exit code says whether all did what they say."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, help="Markdown pages or examples; all by default")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    files = [file.resolve() for file in options.pages] or [*pages(), *examples()]
    if options.here:
        return 1 if sum(RUN.get(file.suffix, run_page)(file) for file in files) else 0
    codes = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for code, output in pool.map(in_scratch_folder, files):
            codes.append(code)
            print(output, end="", flush=True)
    print(f"{len(files)} pages and programs, {sum(map(bool, codes))} of them failed")
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
