"""Answers to the questions of human nodes: from the command line, or from the person at the terminal."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any

import msgspec

from victor.core.cli.terminal import is_terminal, style
from victor.graph.interrupts import Interrupt
from victor.graph.yaml.nodes.hitl import TIMED_OUT

__all__ = ["Answers"]


class Answers:
    """Hands out answers.

    Args:
        given: As on the command line: ``node=answer``, or ``answer`` for whichever question comes next.
        ask: Whether the person at the terminal may be asked.
    """

    def __init__(self, given: list[str], *, ask: bool) -> None:
        self._named: dict[str, deque[Any]] = {}
        self._next: deque[Any] = deque()
        for text in given:
            node, equals, value = text.partition("=")
            if equals and node.replace("-", "_").isidentifier():
                self._named.setdefault(node, deque()).append(_value(value))
            else:
                self._next.append(_value(text))
        self._ask = ask and is_terminal(sys.stdin) and is_terminal(sys.stderr)

    def find(self, interrupts: tuple[Interrupt, ...], *, ask: bool = True) -> dict[str, Any]:
        """Answers by interrupt id, for as many of the questions as can be answered.

        Args:
            interrupts: The questions.
            ask: Whether the person at the terminal may be asked these.
        """
        found: dict[str, Any] = {}
        for interrupt in interrupts:
            question = interrupt.value if isinstance(interrupt.value, dict) else {"prompt": interrupt.value}
            named = self._named.get(str(question.get("node", "")))
            if named:
                found[interrupt.id] = named.popleft()
            elif self._next:
                found[interrupt.id] = self._next.popleft()
            elif self._ask and ask:
                try:
                    found[interrupt.id] = _ask(question)
                except EOFError:  # nobody is there any more; whoever comes back can answer
                    self._ask = False
        return found

    @property
    def names(self) -> list[str]:
        """The nodes that answers are for."""
        return list(self._named)

    @property
    def unused(self) -> list[str]:
        """Answers nothing was asked for, as on the command line."""
        named = [f"{node}={_text(value)}" for node, values in self._named.items() for value in values]
        return [*named, *map(_text, self._next)]


def _ask(question: dict[str, Any]) -> Any:
    out = sys.stderr
    print(file=out)
    for name, value in question.get("context", {}).items():
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        print(f"{style(name, 'bold', stream=out)}: {text[:4000]}", file=out)
    if "problem" in question:
        print(style(question["problem"], "yellow", stream=out), file=out)
    choices = question.get("choices", [])
    for number, choice in enumerate(choices, 1):
        print(f"  {number}. {choice}", file=out)
    kind = question.get("type")
    hint = {
        "approval": " [yes/no]",
        "confirmation": " [yes/no]",
        "review": " [yes, or what to change]",
        "choice": " [number]",
    }
    print(f"{question.get('prompt', question)}{hint.get(str(kind), '')} ", end="", file=out, flush=True)
    line = _read_line(question.get("wait_seconds"))
    return TIMED_OUT if line is None else line.strip()


def _read_line(wait_s: float | None) -> str | None:
    """A line of stdin, or None when nothing was typed in time.

    Raises:
        EOFError: Nothing will be typed any more.
    """
    if wait_s is not None:
        import select

        if not select.select([sys.stdin], [], [], wait_s)[0]:
            print(file=sys.stderr)
            return None
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise EOFError
    return line


def _value(text: str) -> Any:
    if text[:1] in {"{", "["} or text in {"true", "false", "null"}:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
