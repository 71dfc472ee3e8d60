"""What is wrong with a workflow file, with the place it stands at."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from victor.core.errors import VictorError

__all__ = ["Problem", "WorkflowFileError"]


@frozen(order=True)
class Problem:
    """One thing that is wrong.

    Args:
        file: Path of the file, or ``"<text>"``.
        line: Counted from 1.
        column: Counted from 1.
        message: What is wrong and what would be right.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class WorkflowFileError(VictorError):
    """A workflow file cannot be used. Lists everything that is wrong, in the order of the file.

    Args:
        problems: At least one.

    Attributes:
        problems: The same, sorted.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))
