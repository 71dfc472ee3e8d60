"""``type: compute``: tools or a function of yours do a step, without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import frozen

from victor.core.errors import VictorError
from victor.core.topology import NodeKind
from victor.graph.yaml.context import (
    APPROVE,
    CheckContext,
    NodeContext,
    WorkflowRunError,
    call,
    load_function,
    parameters,
)
from victor.graph.yaml.spec import key

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["ComputeNode"]


@frozen
class ComputeNode:
    """Calls tools, or a function, with the inputs; what they return is the output.

    With several tools the output is a mapping of tool name to result, and each gets those inputs it has
    parameters for.
    """

    tools: list[str] = key("names of tools to call", [])
    handler: str | None = key("function to call: package.module:function, ./file.py:function, or a registered name")
    parallel: bool = key("call the tools at once rather than one after the other", False)
    fail_fast: bool = key("false: go on with the other tools when one fails; its result is then null", True)
    takes: str = key(
        "inputs: the handler is called with them, and gives the output; state, or the import string of a class of "
        "state: it is a node of a StateGraph, called with the state, and returns what it changes of it",
        "inputs",
    )

    kind: ClassVar[NodeKind] = "tool"

    def check(self, context: CheckContext) -> Iterable[tuple[str, str]]:
        """Unknown tools, functions and inputs."""
        if bool(self.tools) == bool(self.handler):
            yield "", "a compute node needs either 'tools' or a 'handler'"
            return
        if self.takes != "inputs":
            yield from self._check_node(context)
            return
        if self.handler is not None:
            yield from self._check_handler(self.handler, context)
        for index, name in enumerate(self.tools):
            try:
                tool = _tool(name, context)
            except VictorError as error:
                yield f"tools[{index}]", str(error)
                continue
            yield from self._check_inputs(tool, context.inputs or frozenset())

    def _check_node(self, context: CheckContext) -> Iterable[tuple[str, str]]:
        from victor.graph.node import read_signature
        from victor.graph.yaml.state import read_class

        if self.handler is None:
            yield "takes", f"'takes: {self.takes}' goes with a 'handler', which is called with the state"
            return
        try:
            problem = read_signature(load_function(self.handler, context)).problem
            if problem:
                yield "handler", problem
        except VictorError as error:
            yield "handler", str(error)
        try:
            if self.takes != "state":
                read_class(self.takes, context.folder)
        except VictorError as error:
            yield "takes", str(error)

    def _check_handler(self, name: str, context: CheckContext) -> Iterable[tuple[str, str]]:
        try:
            function = load_function(name, context)
        except VictorError as error:
            yield "handler", str(error)
            return
        wanted = parameters(function)
        open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in wanted.values())
        for given in sorted(context.inputs or ()):
            if wanted and given not in wanted and not open_ended:
                yield (
                    f"inputs.{given}",
                    f"the function {name!r} has no parameter {given!r}; it has: {', '.join(wanted)}",
                )
        for parameter in wanted.values():
            missing = parameter.default is parameter.empty and parameter.kind not in (
                parameter.VAR_KEYWORD,
                parameter.VAR_POSITIONAL,
            )
            if missing and parameter.name != "context" and parameter.name not in (context.inputs or ()):
                if context.inputs is not None or context.known(parameter.name) is not None:
                    yield "inputs", f"the function {name!r} needs {parameter.name!r}; add it to inputs"

    def _check_inputs(self, tool: Tool, given: frozenset[str]) -> Iterable[tuple[str, str]]:
        schema = tool.parameters
        known = schema.get("properties", {})
        if len(self.tools) == 1 and schema.get("additionalProperties") is False:
            for name in sorted(given - set(known)):
                yield (
                    f"inputs.{name}",
                    f"the tool {self.tools[0]!r} has no parameter {name!r}; it has: {', '.join(known)}",
                )
        for name in schema.get("required", []):
            if name not in given:
                yield "inputs", f"the tool {tool.name!r} needs {name!r}; add it to inputs"

    async def run(self, context: NodeContext) -> Any:
        """Call the tools or the function."""
        if self.handler is not None:
            function = load_function(self.handler, context.check)
            return await call(function, _arguments(function, context))
        tools = {name: _tool(name, context.check) for name in self.tools}
        if len(tools) == 1:
            return await _call_tool(next(iter(tools.values())), context.inputs, context)
        if self.parallel:
            answers = await asyncio.gather(*(self._one(tool, context) for tool in tools.values()))
        else:
            answers = [await self._one(tool, context) for tool in tools.values()]
        return dict(zip(tools, answers, strict=True))

    async def _one(self, tool: Tool, context: NodeContext) -> Any:
        known = tool.parameters.get("properties", {})
        try:
            return await _call_tool(
                tool, {name: value for name, value in context.inputs.items() if name in known}, context
            )
        except WorkflowRunError:
            if self.fail_fast:
                raise
            return None


def _tool(name: str, context: CheckContext) -> Tool:
    from victor.core.agent import resolve_tools

    (tool,) = resolve_tools([name], context.folder).values()
    return tool


async def _call_tool(tool: Tool, arguments: dict[str, Any], context: NodeContext) -> Any:
    from victor.core.tool import ToolScope

    scope = ToolScope(agent=context.id, approve=APPROVE.get())
    result = await tool.call(arguments, scope=scope)
    if result.error is not None:
        raise WorkflowRunError(f"node {context.id!r}: {result.error}") from result.error
    return result.value


def _arguments(function: Any, context: NodeContext) -> dict[str, Any]:
    wanted = parameters(function)
    given = dict(context.inputs)
    if context.check.inputs is None:
        given = {name: context.values[name] for name in wanted if name in context.values}
    if "context" in wanted and "context" not in given:
        given["context"] = context
    return given
