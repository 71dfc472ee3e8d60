"""The tools for notes: what a model wants to remember while it works."""

from __future__ import annotations

from threading import Lock
from typing import Annotated, Any, ClassVar

import msgspec
from attrs import field, frozen

from victor.core.errors import ToolError
from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.toolkit import Toolkit

__all__ = ["Notes"]


@frozen
class Notes(Toolkit):
    """A scratchpad in memory, for as long as the program runs.

    Args:
        max_notes: Most notes.
        max_chars: Most characters of one note.
    """

    section: ClassVar[str] = "notes"

    max_notes: int = 500
    max_chars: int = 100_000
    _notes: dict[str, str] = field(factory=dict, init=False, repr=False)
    _lock: Any = field(factory=Lock, init=False, repr=False)

    @tool(
        category=ToolCategory.CORE,
        keywords=["remember", "save", "memo", "scratchpad", "keep", "note down", "store", "memory", "jot", "later"],
    )
    def write(
        self, title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)], text: str, append: bool = False
    ) -> str:
        """Keep a note under a title; a note of the same title is replaced.

        Args:
            title: By which it can be found again.
            text: What to remember.
            append: Add to what the note has already.
        """
        with self._lock:
            old = self._notes.get(title, "")
            new = f"{old}\n{text}" if append and old else text
            if len(new) > self.max_chars:
                raise ToolError(f"a note has at most {self.max_chars:,} characters", retry=True)
            if title not in self._notes and len(self._notes) >= self.max_notes:
                raise ToolError(f"there are {self.max_notes} notes already; replace one")
            self._notes[title] = new
        return f"kept {title!r} ({len(new):,} characters)"

    @tool(
        category=ToolCategory.CORE,
        idempotent=True,
        keywords=["recall", "remember", "remembered", "memo", "scratchpad", "memory", "look up", "noted"],
    )
    def read(self, title: str) -> str:
        """Read a note.

        Args:
            title: Under which it was kept.
        """
        found = self._notes.get(title)
        if found is None:
            from victor.core.catalog import near_matches

            near = near_matches(title, self._notes)
            raise ToolError(
                f"there is no note {title!r}" + (f"; did you mean {near[0]!r}?" if near else ""), retry=True
            )
        return found

    @tool(
        name="list",
        category=ToolCategory.CORE,
        idempotent=True,
        keywords=["search", "remember", "memo", "scratchpad", "memory", "titles", "overview", "all"],
    )
    def entries(self, search: str = "") -> list[dict[str, Any]]:
        """List the notes that were kept, with their titles and beginnings.

        Args:
            search: Only notes with this text in them.
        """
        wanted = search.lower()
        with self._lock:
            return [
                {"title": title, "begins": text[:100], "characters": len(text)}
                for title, text in self._notes.items()
                if wanted in title.lower() or wanted in text.lower()
            ]
