"""A vertical of one's own, for a garden centre: defined, registered by a plugin, found by its name, and tested.

The smallest whole of what the other examples here elaborate. A `Vertical` is data: instructions, tools and limits that
belong together. A plugin registers it, so that whoever installs the package says `verticals.get("garden")` and has an
agent of the domain; `agent(...)` takes another model or other limits where a program wants them. The test at the end is
the kind a package would bring along. `creating_verticals.md` makes a package of such a file.

Needs: victor-core
Run: python docs/examples/verticals/custom_vertical_example.py
Prints:
    verticals: ['garden']
    In which month is 'garlic' planted? garlic: in October
    How far apart do plants of 'lettuce' stand? lettuce: 25 cm apart
    the test passed
"""

from __future__ import annotations

from victor.core import Limits, ToolError, Vertical, hookimpl
from victor.core.hookspecs import Register
from victor.core.testing import ScriptedModel, call, isolated_plugins

PLANTS = {"tomato": ("May", "60 cm"), "garlic": ("October", "15 cm"), "lettuce": ("April", "25 cm")}


def planting_time(plant: str) -> str:
    """Say in which month a plant is planted.

    Args:
        plant: Its name, such as tomato.
    """
    if plant.lower() not in PLANTS:
        raise ToolError(f"nothing is known about {plant!r}; there are: {', '.join(PLANTS)}", retry=True)
    return f"{plant}: in {PLANTS[plant.lower()][0]}"


def planting_distance(plant: str) -> str:
    """Say how far apart plants stand, their spacing.

    Args:
        plant: Its name, such as tomato.
    """
    return f"{plant}: {PLANTS[plant.lower()][1]} apart"


GARDEN = Vertical(
    name="garden",
    description="Answers questions about planting.",
    instructions="You are a gardener. Look everything up, and never answer from memory.",
    tools=(planting_time, planting_distance),
    limits=Limits(steps=5, cost_usd=0.05),
)


class Plugin:
    """What a package's plugin module would hold."""

    @hookimpl
    def victor_register_verticals(self, register: Register) -> None:
        """The bundle, by name."""
        register("garden", GARDEN, help=GARDEN.description)


def test_it_corrects_a_name_nobody_knows() -> None:
    """What the model is told about a wrong name lets it try another."""
    model = ScriptedModel([call("planting_time", plant="potatoe"), call("planting_time", plant="tomato"), "In May."])
    result = GARDEN.agent(model=model).run_sync("When do I plant tomatoes?")
    told = [message.content for message in result.messages if message.role == "tool"]
    assert "there are: tomato, garlic, lettuce" in told[0]
    assert told[1] == "tomato: in May"


if __name__ == "__main__":
    with isolated_plugins(Plugin()) as plugins:
        print("verticals:", plugins.verticals.names)
        agent = plugins.verticals.get("garden").agent()
        for question in ("In which month is 'garlic' planted?", "How far apart do plants of 'lettuce' stand?"):
            print(f"{question} {agent.run_sync(question).output}")
    test_it_corrects_a_name_nobody_knows()
    print("the test passed")
