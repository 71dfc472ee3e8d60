"""Tools as classes, for those that have state of their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from victor.core.errors import ConfigurationError, SchemaError
from victor.core.tool import Tool, ToolMetadata
from victor.tools.policy.policy import Policy

__all__ = ["BaseTool"]


class BaseTool(ABC):
    """A tool as a class: say what it is in ``metadata`` and what it does in ``execute``.

    The schema comes from the parameters of ``execute``, unless ``parameters`` gives one.

    Attributes:
        metadata: What is known about it.
        policy: What surrounds a call.
        parameters: JSON Schema of the arguments; None to make it from ``execute``.

    Example:
        >>> class Counter(BaseTool):
        ...     metadata = ToolMetadata("count", "Count up.", category="math")
        ...     def __init__(self) -> None:
        ...         self.total = 0
        ...     async def execute(self, step: int = 1) -> int:
        ...         self.total += step
        ...         return self.total
        >>> import asyncio
        >>> asyncio.run(Counter().__victor_tool__.call('{"step": 2}')).value
        2
    """

    policy: Policy = Policy()
    parameters: Mapping[str, Any] | None = None

    @property
    @abstractmethod
    def metadata(self) -> ToolMetadata:
        """What is known about it; may be a plain class attribute."""

    @abstractmethod
    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """What it does; sync or async, with parameters of its own."""

    @property
    def is_idempotent(self) -> bool:
        """Whether calling it again with the same arguments changes nothing more."""
        return self.metadata.idempotent

    @property
    def __victor_tool__(self) -> Tool:
        """The tool core runs; made once per object."""
        made: Tool | None = self.__dict__.get("_victor_tool")
        if made is None:
            if not isinstance(self.metadata, ToolMetadata):
                raise ConfigurationError(
                    f"{type(self).__name__}.metadata must be a ToolMetadata, not {self.metadata!r}"
                )
            try:
                made = Tool(
                    self.execute,
                    self.metadata,
                    parameters=self.parameters,
                    middleware=self.policy.build(),
                )
            except SchemaError as error:
                raise SchemaError(f"{type(self).__name__}.{error}") from error
            self.__dict__["_victor_tool"] = made
        return made
