"""A vertical: what an agent for one domain needs, in one declarative bundle.

Example:
    >>> review = Vertical("review", "reads code and says what is wrong", instructions="You review code.")
    >>> review.agent(model="offline").name
    'review'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field, frozen

from victor.core.agent import Agent
from victor.core.limits import Limits
from victor.core.model import Model, ModelSettings
from victor.core.tool import Tool

__all__ = ["Vertical"]


AnyTool = Tool | Callable[..., Any] | str


def _tools(tools: Iterable[AnyTool]) -> tuple[AnyTool, ...]:
    return tuple(tools)


@frozen
class Vertical:
    """Instructions, tools, workflows and teams that belong together. Plugins register them by name.

    Args:
        name: What it is looked up by.
        description: One sentence.
        instructions: What an agent of this domain is told.
        tools: Functions, tools, catalog names or import strings.
        workflows: Name -> path of a YAML file or import string of a graph.
        teams: Name -> path of a YAML file or import string of a team.
        model: The model it is made for, or None for what settings say.
        settings: Wishes to the model.
        limits: What a run may use.
        attributes: Anything else the domain wants to hand on.
    """

    name: str
    description: str = ""
    instructions: str = ""
    tools: tuple[AnyTool, ...] = field(default=(), converter=_tools, hash=False)
    workflows: Mapping[str, str] = field(factory=dict, hash=False)
    teams: Mapping[str, str] = field(factory=dict, hash=False)
    model: Model | str | None = None
    settings: ModelSettings = field(factory=ModelSettings)
    limits: Limits = field(factory=Limits)
    attributes: Mapping[str, Any] = field(factory=dict, hash=False)

    def agent(self, **changes: Any) -> Agent[Any]:
        """An agent of this domain.

        Args:
            **changes: Arguments of `Agent` that take the place of the bundle's own.

        Raises:
            UnknownNameError: A tool is not installed; the message says what to install.
        """
        own: dict[str, Any] = {
            "instructions": self.instructions,
            "tools": self.tools,
            "model": self.model,
            "name": self.name,
            "description": self.description,
            "settings": self.settings,
            "limits": self.limits,
        }
        return Agent(**{**own, **changes})
