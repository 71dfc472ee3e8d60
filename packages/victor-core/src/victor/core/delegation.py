"""An agent as a tool of another: what `Agent.as_tool` makes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from victor.core.errors import ConfigurationError, ToolError
from victor.core.tool import Approve, Tool, ToolContext, ToolMetadata

if TYPE_CHECKING:
    from victor.core.agent import Agent
    from victor.core.loop import Run
    from victor.core.result import RunResult
    from victor.core.schema import Parameters

__all__ = ["agent_tool"]

_DEEPEST: Final = 16
_TASK: Final = {
    "type": "object",
    "properties": {"task": {"type": "string", "description": "What it should do, with all it needs to know."}},
    "required": ["task"],
    "additionalProperties": False,
}


def agent_tool(
    agent: Agent[Any],
    *,
    name: str | None = None,
    description: str | None = None,
    prompt: Callable[..., str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    result: Callable[[RunResult[Any]], Any] | None = None,
    **metadata: Any,
) -> Tool:
    """What `Agent.as_tool` does; its arguments are explained there.

    Raises:
        ConfigurationError: The name is none, or both ``prompt`` and ``parameters`` are given.
        SchemaError: The parameters of ``prompt`` cannot be described.
    """
    if prompt is not None and parameters is not None:
        raise ConfigurationError("as_tool takes prompt= or parameters=, not both: a prompt's parameters are its own")
    signature: Parameters | None = None
    if prompt is not None:
        from victor.core.schema import parameters_of

        signature = parameters_of(prompt)
    chosen = name or re.sub(r"[^A-Za-z0-9_-]+", "_", agent.name).strip("_")[:64] or "agent"
    schema = _TASK if parameters is None else parameters

    async def ask(context: ToolContext, **arguments: Any) -> Any:
        return await _ask(agent, _text(arguments, prompt, signature, parameters), context, result)

    return Tool(
        ask,
        ToolMetadata(chosen, _description(agent, description, prompt), **metadata),
        parameters=schema if signature is None else signature.schema,
    )


def _description(agent: Agent[Any], given: str | None, prompt: Callable[..., str] | None) -> str:
    if given is not None:
        return given
    if prompt is not None and prompt.__doc__:
        from victor.core.docstring import summary_of

        return summary_of(prompt)
    if agent.description:
        return agent.description
    first = agent.instructions.strip().partition("\n")[0] if isinstance(agent.instructions, str) else ""
    return f"Asks the agent {agent.name}" + (f", whose instructions begin: {first[:200]}" if first else ".")


def _text(
    arguments: dict[str, Any],
    prompt: Callable[..., str] | None,
    signature: Parameters | None,
    parameters: Mapping[str, Any] | None,
) -> str:
    """What the agent is asked, from the arguments of a call."""
    if prompt is not None and signature is not None:
        return prompt_text(signature.by_keyword(prompt)(**signature.decode(arguments)))
    if parameters is not None:
        return msgspec.json.encode(arguments).decode()
    return str(arguments["task"])


def prompt_text(made: object) -> str:
    """The text a function for prompts made.

    Raises:
        ConfigurationError: It made none.
    """
    if not isinstance(made, str):
        if inspect.iscoroutine(made):
            made.close()
        raise ConfigurationError(f"the prompt of an agent that is a tool must be a text, not {type(made).__name__}")
    return made


async def _ask(
    agent: Agent[Any], text: str, context: ToolContext, shown: Callable[[RunResult[Any]], Any] | None
) -> Any:
    scope = context.scope
    asking: Run[Any] | None = scope.run
    if asking is not None and asking.depth >= _DEEPEST:
        raise ToolError(f"{context.tool.name}: agents ask each other {_DEEPEST} deep; answer without it")
    run = agent._start(agent._begin(text, (), scope.deps), scope.deps, None, None, asking)
    run.approve = _passed_up(agent.approve or scope.approve, context)
    if run.approval_timeout_s is None:
        run.approval_timeout_s = scope.approval_timeout_s
    done = await run.execute()
    if not done.completed:
        said = f" Its last words: {done.text}" if done.text else ""
        raise ToolError(f"{context.tool.name} stopped before it had an answer ({done.stop_reason.value}).{said}")
    return done.output if shown is None else shown(done)


def _passed_up(approve: Approve | None, context: ToolContext) -> Approve | None:
    """The approval of the agent that asks, whose clock stands still meanwhile as well."""
    clock = context.scope.clock
    if approve is None or clock is None:
        return approve

    async def ask(inner: ToolContext) -> bool:
        with clock.paused():
            answer = approve(inner)
            return await answer if inspect.isawaitable(answer) else answer

    return ask
