"""The tool for running Python code that can reach nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from attrs import field, frozen

from victor.core.errors import ToolError
from victor.core.tool import render_result
from victor.tools.decorator import tool
from victor.tools.toolkit import Toolkit

__all__ = ["Python"]


@frozen
class Python(Toolkit):
    """Python code in pydantic-monty, an interpreter of a part of Python without files, network, processes or modules.

    It runs in a process of its own, which ends when the call does. Needs ``pip install 'victor-tools[sandbox]'``.

    Args:
        timeout_s: Seconds of computing.
        max_memory: Most bytes of memory.
        max_output: Most bytes printed.
    """

    section: ClassVar[str] = "python"

    timeout_s: float = 10.0
    max_memory: int = 100_000_000
    max_output: int = field(default=30_000)

    @tool(
        category="execution",
        keywords=[
            "code",
            "execute",
            "script",
            "compute",
            "program",
            "calculate",
            "eval",
            "snippet",
            "loop",
            "algorithm",
        ],
    )
    async def run(self, code: Annotated[str, msgspec.Meta(max_length=100_000)], inputs: Mapping[str, Any] = {}) -> str:
        """Run Python code in a sandbox and return what it prints and the value of its last expression.

        It has the language with math, re, json and datetime, but no files, no network, no other modules.

        Args:
            code: The program. Its last line may be an expression whose value comes back.
            inputs: Variables it begins with, by name.
        """
        try:
            import pydantic_monty as monty
        except ImportError as error:
            raise ToolError("python.run needs the sandbox: pip install 'victor-tools[sandbox]'") from error
        for name in inputs:
            if not name.isidentifier():
                raise ToolError(f"inputs: {name!r} is no name for a variable", retry=True)
        printed = monty.CollectString(self.max_output)
        limits: Any = {
            "max_feed_duration_secs": self.timeout_s,
            "max_memory": self.max_memory,
            "max_recursion_depth": 500,
            "max_suspensions": 100,
        }
        try:
            async with (
                monty.AsyncMonty(max_processes=1, request_timeout=self.timeout_s + 5) as pool,
                pool.checkout(limits=limits) as session,
            ):
                value = await session.feed_run(code, inputs=dict(inputs) or None, print_callback=printed)
        except monty.MontySyntaxError as error:
            raise ToolError(f"the code is not right: {error}", retry=True) from error
        except monty.MontyError as error:
            before = printed.output[-2000:]
            raise ToolError(
                f"the code failed: {error}" + (f"\nIt had printed:\n{before}" if before else ""), retry=True
            ) from error
        shown = "" if value is None else render_result(value)
        if len(shown) > self.max_output:
            shown = f"{shown[: self.max_output]}\n[{len(shown) - self.max_output:,} more characters were dropped]"
        return (
            "\n".join(part for part in (printed.output.rstrip("\n"), shown) if part)
            or "done; it printed nothing and has no value"
        )
