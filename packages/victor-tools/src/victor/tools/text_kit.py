"""The tools for texts."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from attrs import frozen

from victor.core.errors import ToolError
from victor.tools.decorator import tool
from victor.tools.toolkit import Toolkit

__all__ = ["Text"]

_Long = Annotated[str, msgspec.Meta(max_length=2_000_000)]


@frozen
class Text(Toolkit):
    """Counting, comparing, searching and replacing in texts.

    Args:
        regex_seconds: Seconds a regular expression may take.
    """

    section: ClassVar[str] = "text"

    regex_seconds: float = 2.0

    @tool(
        category="text",
        idempotent=True,
        keywords=["words", "characters", "lines", "length", "how many", "how long", "word count", "size", "letters"],
    )
    def count(self, text: _Long) -> dict[str, int]:
        """Count the characters, words, lines, sentences and bytes of a text.

        Args:
            text: The text.
        """
        import re

        return {
            "characters": len(text),
            "words": len(text.split()),
            "lines": len(text.splitlines()),
            "sentences": len(re.findall(r"[^.!?\s][^.!?]*[.!?]?", text)),
            "bytes": len(text.encode("utf-8", "surrogatepass")),
        }

    @tool(
        category="text",
        idempotent=True,
        keywords=["compare", "difference", "differ", "changes", "versions", "same", "between", "unified"],
    )
    def diff(self, before: _Long, after: _Long, context: Annotated[int, msgspec.Meta(ge=0, le=50)] = 3) -> str:
        """Compare two texts line by line and return a unified diff.

        Args:
            before: The first text.
            after: The second text.
            context: Lines around each change.
        """
        import difflib

        a, b = before.splitlines(), after.splitlines()
        if len(a) * len(b) > 400_000_000:
            raise ToolError("the texts are too long to be compared line by line")
        lines = list(difflib.unified_diff(a, b, "before", "after", n=context, lineterm=""))
        return "\n".join(lines) or "the texts are the same"

    @tool(
        category="text",
        idempotent=True,
        keywords=["pattern", "match", "extract", "find", "regular expression", "regexp", "all", "emails", "numbers"],
    )
    def find(
        self,
        text: _Long,
        pattern: str,
        ignore_case: bool = False,
        limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100,
    ) -> list[dict[str, Any]]:
        """Find all matches of a regular expression in a text, with their places and groups.

        Args:
            text: The text.
            pattern: A regular expression, in Python's syntax.
            ignore_case: Upper and lower case are the same.
            limit: Most matches.
        """
        from victor.tools.bounded_regex import BoundedRegex

        regex = BoundedRegex(pattern, ignore_case=ignore_case, multiline=True, seconds=self.regex_seconds)
        out: list[dict[str, Any]] = []
        for found in regex.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            groups = {"groups": found.groupdict() or list(found.groups())} if found.groups() else {}
            out.append({"text": found.group()[:2_000], "line": line, "start": found.start(), **groups})
            if len(out) >= limit:
                break
        return out

    @tool(
        category="text",
        idempotent=True,
        keywords=["substitute", "regex", "pattern", "swap", "change", "regular expression", "rewrite"],
    )
    def replace(
        self, text: _Long, pattern: str, replacement: str, literal: bool = False, ignore_case: bool = False
    ) -> str:
        r"""Replace all matches of a pattern in a text and return the new text.

        Args:
            text: The text.
            pattern: A regular expression, in Python's syntax.
            replacement: What to put there; \1 is the first group.
            literal: Pattern and replacement are plain text.
            ignore_case: Upper and lower case are the same.
        """
        from victor.tools.bounded_regex import BoundedRegex

        regex = BoundedRegex(
            pattern, ignore_case=ignore_case, literal=literal, multiline=True, seconds=self.regex_seconds
        )
        changed, _ = regex.sub(replacement.replace("\\", "\\\\") if literal else replacement, text)
        if len(changed) > 10_000_000:
            raise ToolError("the new text would have more than 10,000,000 characters")
        return changed
