"""What is wrong with a workflow file, with the place it stands at."""

from __future__ import annotations

from victor.core.yaml_file import Problem, YamlFileError

__all__ = ["Problem", "WorkflowFileError"]


class WorkflowFileError(YamlFileError):
    """A workflow file cannot be used. Lists everything that is wrong, in the order of the file.

    What to do: correct the file at the places the text names; ``victor workflow validate`` shows them without running
    anything.

    Args:
        problems: At least one.

    Attributes:
        problems: The same, sorted.
    """
