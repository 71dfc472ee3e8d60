"""``type: agent``: an agent does a step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import msgspec
from attrs import field, frozen

from victor.core.errors import VictorError
from victor.core.topology import NodeKind
from victor.graph.yaml.context import APPROVE, CheckContext, NodeContext, WorkflowRunError
from victor.graph.yaml.shape import read_shape
from victor.graph.yaml.spec import Count, Positive, key

if TYPE_CHECKING:
    from victor.core.agent import Agent

__all__ = ["AgentNode", "ModelOptions"]

_LETTERS: Final = 20_000  # of one input that is shown to the model; what is left out is said


@frozen
class ModelOptions:
    """Wishes to the model."""

    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = key("randomness, 0 to 2")
    max_tokens: Count | None = key("most tokens of one answer")
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = key("nucleus sampling")
    stop_sequences: list[str] = key("texts that end an answer", [])
    seed: int | None = key("for repeatable sampling, where offered")


@frozen
class AgentNode:
    """An agent does this step: it gets a goal and the inputs, may call tools, and its answer is the output."""

    goal: str = key("what is to be done; a template", required=True)
    role: str = key("who the agent is: 'editor', 'You review contracts for a bank.'", "executor")
    instructions: str = key("more of what it is told first; a template", "")
    tools: list[str] = key("names of tools it may call", [])
    output_schema: Any = key("shape of the answer: {title: string, tags: list[string], kind: [a, b]}, or a JSON Schema")
    model: str | None = key("provider:name; the workflow's model where left out")
    llm_config: ModelOptions | None = key("wishes to the model")
    tool_budget: Count = key("steps the agent may take with tools", 15)
    max_cost_usd: Positive | None = key("US dollars at most, where the price is known")

    templates: ClassVar[tuple[str, ...]] = ("goal", "instructions")
    kind: ClassVar[NodeKind] = "agent"
    _agent: list[Any] = field(factory=list, init=False, repr=False, eq=False)

    def check(self, context: CheckContext) -> Iterable[tuple[str, str]]:
        """Unknown tools and models, and shapes that cannot be."""
        from victor.core.agent import resolve_tools
        from victor.core.plugins import get_plugins

        for index, name in enumerate(self.tools):
            try:
                resolve_tools([name], context.folder)
            except VictorError as error:
                yield f"tools[{index}]", str(error)
        model = self.model
        if model is not None:
            try:
                get_plugins().models.entry(model.partition(":")[0])
            except VictorError as error:
                yield "model", str(error)
        if self.output_schema is not None:
            try:
                read_shape(self.output_schema)
            except VictorError as error:
                yield "output_schema", str(error)

    async def run(self, context: NodeContext) -> Any:
        """Let the agent answer."""
        result = await self._make(context).run(_prompt(context.text("goal"), context.inputs))
        if not result.completed:
            raise WorkflowRunError(
                f"node {context.id!r}: the agent stopped without an answer: {result.stop_reason.value}"
            )
        return result.output

    def _make(self, context: NodeContext) -> Agent[Any]:
        if self._agent and not self.instructions:
            made: Agent[Any] = self._agent[0]
            return made
        from victor.core.agent import Agent, resolve_tools
        from victor.core.limits import Limits
        from victor.core.model import ModelSettings

        options = self.llm_config or ModelOptions()
        role = (
            self.role if self.role.rstrip().endswith((".", "!", "?")) else f"You are {_article(self.role)} {self.role}."
        )
        made = Agent(
            "\n\n".join(part for part in (role, context.text("instructions") if self.instructions else "") if part),
            tools=resolve_tools(self.tools, context.check.folder).values(),
            model=self.model or context.check.model,
            output_type=str if self.output_schema is None else read_shape(self.output_schema),
            name=context.id,
            limits=Limits(steps=self.tool_budget + 1, cost_usd=self.max_cost_usd or 5.0),
            settings=ModelSettings(
                temperature=options.temperature,
                max_tokens=options.max_tokens,
                top_p=options.top_p,
                stop=tuple(options.stop_sequences),
                seed=options.seed,
            ),
            approve=_ask,
        )
        self._agent[:] = [made]
        return made


def _article(word: str) -> str:
    return "an" if word[:1].lower() in {"a", "e", "i", "o", "u"} else "a"


def _ask(context: Any) -> Any:
    approve = APPROVE.get()
    return False if approve is None else approve(context)


def _prompt(goal: str, inputs: dict[str, Any]) -> str:
    """The goal, and under it each input between tags of its name."""
    from victor.core.tool import render_result

    parts = [goal]
    for name, value in inputs.items():
        text = "" if value is None else render_result(value)
        if len(text) > _LETTERS:
            left_out = len(text) - _LETTERS
            text = f"{text[:_LETTERS]}\n[{left_out:,} more characters are left out]"
        parts.append(f"<{name}>\n{text}\n</{name}>")
    return "\n\n".join(parts)
