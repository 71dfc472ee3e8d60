"""Where nodes are written to: a module, a graph in it, the classes of its state."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from victor.graph.yaml.definition import NodeDefinition, WorkflowDefinition
from victor.graph.yaml.export.layout import call, quoted, render
from victor.graph.yaml.export.module import Module, identifier

__all__ = ["KEYWORDS", "Place", "Writer"]


KEYWORDS: Final = frozenset(keyword.kwlist)
"""Words that cannot be names."""


@define(eq=False)
class Place:
    """A list of nodes that becomes a graph: that of a workflow, or of the body of a map.

    Args:
        state: Name of the class of its state.
        private: Name of the class with the keys that maps and loops keep for themselves.
        graph: Name of the graph.
        names: The names nodes see, with the types of their values.
        keys: Names of the state for what maps and loops keep.
        lines: What is written of it until now.
        steps: Names of what makes steps, by the folder of the file they are from.
    """

    state: str
    private: str
    graph: str
    names: dict[str, Any]
    keys: dict[str, str] = field(factory=dict)
    lines: list[str] = field(factory=list)
    steps: dict[Path | None, str] = field(factory=dict)


class Writer:
    """Writes one workflow; the classes derived from it add a subject each.

    Args:
        module: The module that is written.
        names: The names of workflows in it, by id of their definitions.
        definition: The workflow.
        main: Whether it is the one that was asked for.
    """

    def __init__(self, module: Module, names: Mapping[int, str], definition: WorkflowDefinition, *, main: bool) -> None:
        self.module = module
        self.names = names
        self.definition = definition
        self.prefix: str = "" if main else identifier(definition.name)
        self.functions: dict[int, str] = {id(node): module.name(node.id) for node in definition.scope.every()}
        self.graph: str = "graph" if main else module.name(f"{self.prefix}_graph")

    def class_name(self, name: str) -> str:
        """The name of a class of this workflow."""
        if not self.prefix:
            return name
        return self.module.name("".join(part[:1].upper() + part[1:] for part in self.prefix.split("_")) + name)

    def with_steps(self, place: Place) -> list[str]:
        """The blocks of a place, with what makes its steps before the first that uses it."""
        blocks, self.module.blocks = self.module.blocks, []
        if not place.steps:
            return blocks
        made = []
        for folder, name in place.steps.items():
            model = self.definition.top.model
            kind = place.private or place.state
            where = None if folder is None else self.module.folder_of(folder)
            made.append(
                f"{name} = "
                + render(call(self.module.yaml("Steps"), kind, folder=where, model=model and quoted(model)))
            )
        index = next((i for i, block in enumerate(blocks) if not block.startswith("class ")), len(blocks))
        return [*blocks[:index], "\n".join(made), *blocks[index:]]

    def steps(self, node: NodeDefinition, place: Place) -> str:
        """The name of what makes steps, for a node."""
        folder = node.context.folder if node.context is not None else None
        if folder not in place.steps:
            main = place.graph == "graph" and not place.steps
            place.steps[folder] = "steps" if main else self.module.name(f"{place.graph.removesuffix('_graph')}_steps")
        return place.steps[folder]
