"""The tool for running programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from attrs import frozen

from victor.core.errors import ConfigurationError, ToolError
from victor.tools.decorator import tool
from victor.tools.files.root import Root
from victor.tools.programs.process import clean_environment, run_program
from victor.tools.toolkit import Toolkit

__all__ = ["Shell"]


@frozen
class Shell(Toolkit):
    """Programs, run with an argument list: no shell reads it, so nothing in it can become another command.

    Args:
        root: Directory they run in, with bubblewrap the only one they can write; None for the working directory.
        allow: Programs that may be run at all; empty for any. What those can be told to start is not looked at:
            ``git``, ``find``, ``env`` and many others start any program.
        keep_environment: Names of variables handed on, besides PATH, HOME and the like.
        sandbox: ``"auto"`` uses bubblewrap where it works, ``"always"`` insists, ``"never"`` never does; without it,
            a program that leaves its process group (``setsid``) can outlive the call.
        network: Whether programs in the sandbox may use the network.
        timeout_s: Most seconds one may take.
        max_output: Most bytes of each stream that are kept.
    """

    section: ClassVar[str] = "shell"

    root: Path | None = None
    allow: tuple[str, ...] = ()
    keep_environment: tuple[str, ...] = ()
    sandbox: Literal["auto", "always", "never"] = "auto"
    network: bool = False
    timeout_s: float = 120.0
    max_output: int = 30_000

    def __attrs_post_init__(self) -> None:
        if self.sandbox not in {"auto", "always", "never"}:
            raise ConfigurationError(f"sandbox is one of 'auto', 'always', 'never', not {self.sandbox!r}")

    @tool(
        category="execution",
        cost_tier="low",
        requires_approval=True,
        sequential=True,
        keywords=[
            "command",
            "execute",
            "bash",
            "terminal",
            "process",
            "program",
            "script",
            "cli",
            "build",
            "test",
            "tests",
            "install",
            "make",
        ],
    )
    async def run(
        self,
        command: list[str],
        folder: str = ".",
        stdin: str = "",
        timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] | None = None,
    ) -> dict[str, Any]:
        """Run a program and return its exit code and what it wrote. Somebody has to allow each call.

        There is no shell: no pipes, no wildcards, no ``&&``.

        Args:
            command: The program and its arguments, each one text of the list: ["ls", "-l", "src"].
            folder: Directory to run it in.
            stdin: What the program reads.
            timeout_s: Seconds it may take.
        """
        from victor.tools.programs import bubblewrap

        root = Root(self.root)
        where = root.folder / root.relative(folder)
        if not where.is_dir():
            raise ToolError(f"there is no directory {folder!r}", retry=True)
        if self.allow and (not command or command[0] not in self.allow):
            raise ToolError(f"only these programs may be run: {', '.join(self.allow)}", retry=True)
        inside = self.sandbox != "never" and bubblewrap.works()
        if self.sandbox == "always" and not inside:
            raise ToolError(
                "programs may only be run in a sandbox, and bubblewrap (bwrap) is not installed or not allowed here"
            )
        program = (
            bubblewrap.confined(command, root.folder, where, network=self.network) if inside and command else command
        )
        done = await run_program(
            program,
            folder=where,
            environment=clean_environment(self.keep_environment),
            stdin=stdin.encode(),
            timeout_s=min(timeout_s or self.timeout_s, self.timeout_s),
            most_bytes=self.max_output,
            name=command[0] if command else "",
        )
        return {"exit_code": done.code, "stdout": done.stdout.text, "stderr": done.stderr.text, "sandboxed": inside}
