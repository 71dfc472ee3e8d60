"""What has no form in the other language."""

from __future__ import annotations

from collections.abc import Iterable

from victor.core.errors import VictorError

__all__ = ["ExportError"]


class ExportError(VictorError):
    """A workflow cannot be exported. Lists every reason, each with its place and what to do.

    What to do: change what the text lists: name functions that can be imported, or leave out what the other form cannot
    say.

    Args:
        what: What was to be exported.
        problems: At least one.

    Attributes:
        problems: The same.
    """

    def __init__(self, what: str, problems: Iterable[str]) -> None:
        self.problems: tuple[str, ...] = tuple(dict.fromkeys(problems))
        super().__init__(f"{what} cannot be exported:\n" + "\n".join(f"  - {one}" for one in self.problems))
