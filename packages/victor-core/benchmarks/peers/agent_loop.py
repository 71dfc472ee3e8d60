"""The same agent loop in other frameworks; started by ../agent_loop.py with the peers' own Python.

``python peers/agent_loop.py NAME`` prints ``{"name": ..., "us": {"10": ..., "100": ...}}``: median CPU microseconds per
iteration of a scripted model's answer and one call of an async tool with two integers.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

Run = Callable[[int], Awaitable[int]]


def agent_framework() -> Run:
    """Microsoft Agent Framework: a chat client of its own, function calling by its middleware."""
    from agent_framework import Agent, BaseChatClient, ChatResponse, Content, FunctionInvocationLayer, Message, tool

    @tool(approval_mode="never_require")
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    class Client(FunctionInvocationLayer, BaseChatClient):  # type: ignore[misc,type-arg]
        def __init__(self, calls: int) -> None:
            super().__init__(function_invocation_configuration={"max_iterations": calls + 2})
            self.left = calls
            self.made = 0

        async def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **more: Any) -> Any:
            if self.left == 0:
                return ChatResponse(messages=[Message("assistant", ["done"])])
            self.left -= 1
            self.made += 1
            call = Content.from_function_call(f"c{self.left}", "add", arguments=f'{{"a": {self.left}, "b": 1}}')
            return ChatResponse(messages=[Message("assistant", [call])])

    async def run(calls: int) -> int:
        client = Client(calls)
        await Agent(client, tools=[add]).run("go")
        return client.made

    return run


def langchain() -> Run:
    """LangChain's create_agent with a fake chat model."""
    from langchain.agents import create_agent
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool

    @tool
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    class Fake(GenericFakeChatModel):
        def bind_tools(self, tools: Any, **more: Any) -> Any:
            return self

    async def run(calls: int) -> int:
        answers = [
            AIMessage("", tool_calls=[{"id": f"c{i}", "name": "add", "args": {"a": i, "b": 1}}]) for i in range(calls)
        ]
        agent = create_agent(Fake(messages=iter([*answers, AIMessage("done")])), tools=[add])
        result = await agent.ainvoke({"messages": [("user", "go")]}, {"recursion_limit": 10 * calls + 10})
        return sum(message.type == "tool" for message in result["messages"])

    return run


def openai_agents() -> Run:
    """OpenAI Agents with a model of its own interface, tracing off."""
    from agents import Agent, Model, ModelResponse, Runner, Usage, function_tool, set_tracing_disabled
    from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

    set_tracing_disabled(True)

    @function_tool
    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    class Fake(Model):
        def __init__(self, calls: int) -> None:
            self.left = calls
            self.made = 0

        async def get_response(self, *given: Any, **named: Any) -> Any:
            if self.left == 0:
                text = ResponseOutputText(text="done", type="output_text", annotations=[])
                message = ResponseOutputMessage(
                    id="m", content=[text], role="assistant", status="completed", type="message"
                )
                return ModelResponse(output=[message], usage=Usage(), response_id=None)
            self.left -= 1
            self.made += 1
            call = ResponseFunctionToolCall(
                arguments=f'{{"a": {self.left}, "b": 1}}', call_id=f"c{self.left}", name="add", type="function_call"
            )
            return ModelResponse(output=[call], usage=Usage(), response_id=None)

        def stream_response(self, *given: Any, **named: Any) -> Any:
            raise NotImplementedError

    async def run(calls: int) -> int:
        model = Fake(calls)
        await Runner.run(Agent(name="a", tools=[add], model=model), "go", max_turns=calls + 2)
        return model.made

    return run


def pydantic_ai() -> Run:
    """pydantic-ai with its FunctionModel."""
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel
    from pydantic_ai.usage import UsageLimits

    async def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    async def run(calls: int) -> int:
        left = calls
        made = 0

        def answer(messages: Any, info: Any) -> Any:
            nonlocal left, made
            if left == 0:
                return ModelResponse(parts=[TextPart("done")])
            left -= 1
            made += 1
            return ModelResponse(parts=[ToolCallPart("add", f'{{"a": {left}, "b": 1}}', f"c{left}")])

        agent = Agent(FunctionModel(answer), tools=[add])
        await agent.run("go", usage_limits=UsageLimits(request_limit=None))
        return made

    return run


PEERS: dict[str, Callable[[], Run]] = {
    "agent-framework-core": agent_framework,
    "langchain": langchain,
    "openai-agents": openai_agents,
    "pydantic-ai": pydantic_ai,
}


async def main(name: str, rounds: int) -> None:
    """Measure one peer."""
    run = PEERS[name]()
    figures = {}
    for calls in (10, 100):
        samples = []
        for _ in range(rounds + 1):
            began = time.process_time()
            made = await run(calls)
            samples.append((time.process_time() - began) * 1e6 / calls)
            if made != calls:
                raise SystemExit(f"{name} made {made} calls, not {calls}")
        figures[calls] = statistics.median(samples[1:])
    distribution = "pydantic-ai-slim" if name == "pydantic-ai" else name
    print(json.dumps({"name": f"{name} {version(distribution)}", "us": figures}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5))
