"""A package for one trade: instructions, tools, a workflow and limits under one name, which any program can ask for.

A vertical is what you hand to colleagues instead of a prompt in a chat: they ask for `bakery`, change the model or a
limit, and the tools come along. Here is the plugin that a package `victor-bakery` would hold (its `pyproject.toml`
needs one entry point: `bakery = "victor_bakery.plugin"` in the group `victor`); a rule for all tools of the trade,
approval of what costs money, comes with it. `victor new plugin bakery` writes such a package. The model is scripted,
so that the same happens every time; leave `model=` out, or name one, to have it decide.

Needs: victor-core, victor-graph
Run: python docs/examples/agents/advanced/custom_vertical_agent.py
Prints:
    bakery: plans what a bakery bakes; tools: recipe, order_flour
    allowed: order_flour {'kilograms': 12.0}
    We need {"flour":12000,"water":8400,"salt":240}. Flour: 12.0 kg of flour ordered.
    {'label': 'Rye Bread, 750 g'}
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from victor.core import Limits, Tool, ToolContext, Vertical, as_tool, hookimpl
from victor.core.testing import ScriptedModel, call, isolated_plugins
from victor.graph import load_workflow
from victor.graph import plugin as graph

RECIPES = {"rye bread": {"flour": 600, "water": 420, "salt": 12}, "rolls": {"flour": 500, "water": 300, "salt": 10}}
WORKFLOW = """
workflows:
  label:
    description: The label on the shelf.
    inputs:
      bread: {type: string}
      grams: {type: integer, default: 750}
    outputs:
      label: $ctx.label
    nodes:
      - id: label
        type: transform
        template: "{{ bread | title }}, {{ grams }} g"
"""


def recipe(bread: str, loaves: int = 1) -> dict[str, int]:
    """Ingredients in grams for so many loaves of a bread."""
    return {what: grams * loaves for what, grams in RECIPES[bread].items()}


def order_flour(kilograms: float) -> str:
    """Order flour at the mill."""
    return f"{kilograms} kg of flour ordered"


class Bakery:
    """The plugin; in a package these are functions of the module `victor_bakery.plugin`."""

    @hookimpl
    def victor_register_verticals(self, register: Any) -> None:
        """The bundle by its name."""
        vertical = Vertical(
            "bakery",
            "plans what a bakery bakes",
            instructions="You plan the work of a bakery. Weigh in grams.",
            tools=(recipe, as_tool(order_flour, category="purchase")),
            workflows={"label": "bakery.yaml"},
            limits=Limits(steps=10, cost_usd=0.10),
        )
        register("bakery", vertical, help=vertical.description)

    @hookimpl
    def victor_adjust_tool(self, tool: Tool) -> Tool | None:
        """The rule of the house: whatever buys something is asked for, whoever wrote the tool."""
        return tool.with_(requires_approval=True) if tool.metadata.category == "purchase" else None


def allow(context: ToolContext) -> bool:
    """Whoever decides about money."""
    print("allowed:", context.tool.name, context.arguments)
    return True


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    Path("bakery.yaml").write_text(WORKFLOW, encoding="utf-8")
    with isolated_plugins(Bakery(), graph) as plugins:  # as if nothing but these were installed
        bakery = plugins.verticals.get("bakery")
        print(f"{bakery.name}: {bakery.description}; tools: {', '.join(bakery.agent().tools)}")

        script = [
            call("recipe", bread="rye bread", loaves=20),
            call("order_flour", kilograms=12),
            lambda request: f"We need {request.messages[-3].content}. Flour: {request.messages[-1].content}.",
        ]
        agent = bakery.agent(model=ScriptedModel(script), approve=allow)
        print(agent.run_sync("Plan 20 loaves of rye bread for Saturday.").output)

        label = load_workflow(bakery.workflows["label"])
        print(label.read_outputs(label.compile().invoke(label.read_inputs({"bread": "rye bread"}))))
