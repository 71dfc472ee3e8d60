"""Runs a program with a time limit and an output cap, and leaves nothing of it behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from victor.core.errors import ToolError, ToolTimeoutError
from victor.core.trace_context import trace_environment

__all__ = ["Finished", "Output", "clean_environment", "run_program"]

_DYING_S: Final = 10.0
_KEPT: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TMPDIR",
    "TEMP",
    "TMP",
    "USER",
    "LOGNAME",
    "SHELL",
    "TZ",
    "SYSTEMROOT",
    "COMSPEC",
)


@frozen
class Output:
    """What a program wrote to one stream.

    Args:
        head: Its beginning.
        tail: Its end, where the middle was dropped.
        dropped: Bytes that were dropped between.
    """

    head: bytes
    tail: bytes = b""
    dropped: int = 0

    @property
    def text(self) -> str:
        """As text, with a note in the place of what was dropped."""
        head = self.head.decode("utf-8", "replace")
        if not self.dropped and not self.tail:
            return head
        note = f"\n[... {self.dropped:,} bytes were dropped here ...]\n" if self.dropped else ""
        return head + note + self.tail.decode("utf-8", "replace")


@frozen
class Finished:
    """A program that ended.

    Args:
        code: Exit code; negative: the signal that ended it.
        stdout: What it wrote.
        stderr: What it wrote besides.
    """

    code: int
    stdout: Output
    stderr: Output


def clean_environment(keep: Sequence[str] = (), more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program: no keys, tokens or passwords, only what programs need to find their way.

    Args:
        keep: Names of more variables to hand on.
        more: Variables to add.
    """
    names = {*_KEPT, *keep}
    out = {key: value for key, value in os.environ.items() if key in names or key.startswith("LC_")}
    if "PATH" in out:  # what is relative would be looked for where the program runs
        out["PATH"] = os.pathsep.join(place for place in out["PATH"].split(os.pathsep) if Path(place).is_absolute())
    return {**out, **(more or {})}


async def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    timeout_s: float,
    most_bytes: int,
    name: str = "",
) -> Finished:
    """Run a program to its end. When it takes too long or the call is cancelled, it and all its children are killed.

    Args:
        command: Program and arguments; no shell reads them.
        folder: Working directory.
        environment: All of it but ``TRACEPARENT``, which tells a traced program whose part it is.
        stdin: What it can read.
        timeout_s: Seconds.
        most_bytes: Most bytes kept of each stream: the beginning and the end. The rest is read and dropped.
        name: What errors call it; the program by default.

    Raises:
        ToolError: There is no such program, or it cannot be run.
        ToolTimeoutError: It took too long; tells what it had written.
    """
    if not command or not command[0]:
        raise ToolError("the command is empty", retry=True)
    name = name or command[0]
    if any("\0" in part for part in command):
        raise ToolError("an argument cannot contain a zero character")
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=trace_environment(environment), start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ToolError(f"there is no program {name!r}", retry=True) from error
    except (OSError, ValueError) as error:
        raise ToolError(f"{name!r} cannot be run: {error}") from error
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = _Kept(most_bytes), _Kept(most_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(_feed(process, stdin), out.fill(process.stdout), err.fill(process.stderr))
            code = await process.wait()
    except TimeoutError:
        shown = (out.output.text + err.output.text).strip()[-500:]
        tail = f"; it had written: {shown}" if shown else "; it had written nothing"
        raise ToolTimeoutError(f"{name!r} did not end within {timeout_s:g} s and was killed{tail}") from None
    finally:
        await _end(process)
    return Finished(code, out.output, err.output)


class _Kept:
    """The beginning and the end of a stream."""

    def __init__(self, most: int) -> None:
        self._head_size = most * 2 // 3
        self._tail_size = most - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    async def fill(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(1 << 16):
            room = self._head_size - len(self._head)
            if room > 0:
                self._head += chunk[:room]
                chunk = chunk[room:]
            if chunk:
                self._tail += chunk
                over = len(self._tail) - self._tail_size
                if over > 0:
                    self._dropped += over
                    del self._tail[:over]

    @property
    def output(self) -> Output:
        return Output(bytes(self._head), bytes(self._tail), self._dropped)


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    stdin = process.stdin
    assert stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if data:
            stdin.write(data)
            await stdin.drain()
    stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the program with all it started, and wait for it."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:  # elsewhere not: it would take the exit code away from asyncio, which waits for it
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    transport = getattr(process, "_transport", None)
    if transport is not None:  # a pipe nobody reads any more would never tell of its end, nor the program of its own
        for number in (0, 1, 2):
            pipe = transport.get_pipe_transport(number)
            if pipe is not None:
                pipe.close()
    ended = asyncio.ensure_future(process.wait())
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended], timeout=_DYING_S)
            break
        except asyncio.CancelledError as error:  # once more: the program must be gone before its loop is
            cancelled = error
    ended.cancel()  # if it hangs in the system, which no signal ends
    if transport is not None:
        transport.close()
    if cancelled is not None:
        raise cancelled
