"""What the offline model says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["HOW_TO_CONFIGURE", "cannot", "introduction", "is_refusal", "list_tools"]

HOW_TO_CONFIGURE = """\
To use a language model:
    pip install "victor-core[openai]"
    export OPENAI_API_KEY=...          and   export VICTOR_MODEL=openai:gpt-5-mini
or, without a key, a local one by Ollama:
    pip install "victor-core[openai]"  and   export VICTOR_MODEL=ollama:llama3.2"""
"""The lines that configure a language model."""

_SELF = "I am Victor's offline model, not a language model: I work by fixed rules and quote what is there."
_HELLO = "Hello."
_ABILITIES = (
    "I can summarize a text, answer from it, find keywords, dates, names and amounts in it, sort it into labels you "
    "name, do sums, and call tools whose arguments stand in your request."
)


def introduction(tools: Sequence[Tool] = ()) -> str:
    """The answer to "hello" and "what can you do?"."""
    parts = [f"{_HELLO} {_SELF} {_ABILITIES}"]
    if tools:
        parts.append(list_tools(tools))
    parts.append(HOW_TO_CONFIGURE)
    return "\n\n".join(parts)


def list_tools(tools: Sequence[Tool]) -> str:
    """The tools, a line each, with what they need."""
    if not tools:
        return "I have no tools."
    lines = []
    for tool in tools:
        needed = ", ".join(tool.parameters.get("required") or ())
        about = tool.description.strip().split("\n")[0].strip()
        lines.append(f"- {tool.name}({needed}){f': {about}' if about else ''}")
    return "Tools I can call:\n" + "\n".join(lines)


def cannot(why: str) -> str:
    """A refusal: why, what it is, and what would help.

    Example:
        >>> is_refusal(cannot("I cannot translate."))
        True
    """
    return f"{why} {_SELF} {_ABILITIES}\n\n{HOW_TO_CONFIGURE}"


def is_refusal(text: str) -> bool:
    """The text is one of `cannot`."""
    return _SELF in text and HOW_TO_CONFIGURE in text and not text.startswith(_HELLO)
