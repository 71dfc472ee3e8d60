"""The tools for asking people."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from attrs import frozen

from victor.core.errors import ToolError
from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.plain_text import plain
from victor.tools.toolkit import Toolkit

__all__ = ["Answerer", "Human", "set_answerer"]

Answerer = Callable[[str, Sequence[str]], "str | Awaitable[str]"]
"""Puts a question to somebody: gets the text and the choices (none for a free answer), returns the answer."""

_answerer: Answerer | None = None


def set_answerer(answerer: Answerer | None) -> Answerer | None:
    """How people are asked from now on; None for the terminal. Returns how it was."""
    global _answerer
    was, _answerer = _answerer, answerer
    return was


@frozen
class Human(Toolkit):
    """Asking whoever runs the program: on the terminal, or through `set_answerer`."""

    section: ClassVar[str] = "human"

    @tool(
        category=ToolCategory.CORE,
        sequential=True,
        keywords=[
            "user",
            "question",
            "clarify",
            "person",
            "input",
            "unclear",
            "which",
            "prompt",
            "feedback",
            "opinion",
        ],
    )
    async def ask(self, question: str, options: Sequence[str] = ()) -> str:
        """Ask the person a question and wait for the answer.

        Args:
            question: What to ask.
            options: Answers to choose from; none for a free answer.
        """
        return await _put(question, options)

    @tool(
        category=ToolCategory.CORE,
        sequential=True,
        keywords=["approve", "permission", "yes or no", "sure", "allow", "user", "go ahead", "okay", "check with"],
    )
    async def confirm(self, question: str) -> bool:
        """Ask the person a question that is answered with yes or no.

        Args:
            question: What to ask.
        """
        return (await _put(question, ["yes", "no"])).strip().lower() in {"y", "yes"}


async def _put(question: str, options: Sequence[str]) -> str:
    answerer = _answerer
    if answerer is None:
        if not sys.stdin or not sys.stdin.isatty():
            raise ToolError("nobody can be asked here; go on without an answer, or say what is unclear in yours")
        answerer = _on_terminal
    answer = answerer(question, options)
    return str(await answer if inspect.isawaitable(answer) else answer)


async def _on_terminal(question: str, options: Sequence[str]) -> str:
    def read() -> str:
        print(f"\n{plain(question)}", file=sys.stderr)  # noqa: T201 - this is the conversation
        for number, option in enumerate(options, 1):
            print(f"  {number}. {plain(option, 200)}", file=sys.stderr)  # noqa: T201
        while True:
            try:
                answer = input("> ").strip()
            except EOFError:
                raise ToolError("the person gave no answer") from None
            if not options:
                return answer
            if answer.isdigit() and 1 <= int(answer) <= len(options):
                return options[int(answer) - 1]
            chosen = [option for option in options if option.lower().startswith(answer.lower())] if answer else []
            if len(chosen) == 1:
                return chosen[0]
            print(f"Please choose from 1 to {len(options)}.", file=sys.stderr)  # noqa: T201

    return await asyncio.to_thread(read)
