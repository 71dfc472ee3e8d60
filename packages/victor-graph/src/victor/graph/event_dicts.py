"""A run as the event dicts that LangChain's users read from ``astream_events(version="v2")``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from victor.core.message import Message
from victor.graph.words import MessageChunk

if TYPE_CHECKING:
    from victor.graph.compiled import CompiledGraph
    from victor.graph.runtime import RunnableConfig
    from victor.graph.stream import StreamMode

__all__ = ["event_dicts"]


async def event_dicts(
    graph: CompiledGraph, input: Any, config: RunnableConfig | None, options: Mapping[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    """Run, and yield what happens to the graph, its nodes, and the agents in them: starts, pieces, ends."""
    told = _Told(graph.name, config or {})
    yield told.event("on_chain_start", told.root, input=input)
    output: Any = None
    updates: list[Any] = []  # told once the node they are of has ended
    modes: list[StreamMode] = ["debug", "messages", "updates", "values"]
    async for namespace, mode, part in graph.astream(input, config, stream_mode=modes, subgraphs=True, **options):
        if mode == "debug":
            for event in told.task(namespace, part):
                yield event
        elif mode == "messages":
            for event in told.message(*part):
                yield event
        elif not namespace and mode == "updates":
            updates.append(part)
            continue
        elif not namespace:
            output = part
        while updates and not namespace:
            yield told.event("on_chain_stream", told.root, chunk=updates.pop(0))
    for part in updates:
        yield told.event("on_chain_stream", told.root, chunk=part)
    yield told.event("on_chain_end", told.root, output=output)


class _Source:
    """A graph, node, model or tool that events are about."""

    def __init__(self, name: str, metadata: Mapping[str, Any], parents: list[str], tags: list[str]) -> None:
        self.name = name
        self.metadata = dict(metadata)
        self.parents = parents
        self.tags = tags
        self.id = str(uuid4())
        self.input: Any = None
        self.whole: MessageChunk | None = None


class _Told:
    """What has begun and not ended."""

    def __init__(self, name: str, config: RunnableConfig) -> None:
        self.tags = list(config.get("tags") or ())
        self.root = _Source(config.get("run_name") or name, config.get("metadata") or {}, [], self.tags)
        self._nodes: dict[str, _Source] = {}
        self._models: dict[str, dict[str, _Source]] = {}
        self._tools: dict[tuple[str, str], _Source] = {}

    def event(self, kind: str, source: _Source, **data: Any) -> dict[str, Any]:
        """One event."""
        return {
            "event": kind, "name": source.name, "run_id": source.id, "parent_ids": list(source.parents),
            "tags": list(source.tags), "metadata": dict(source.metadata), "data": data,
        }  # fmt: skip

    def task(self, namespace: tuple[str, ...], part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """A node begins or ends."""
        payload = part["payload"]
        if part["type"] == "task":
            place = "|".join((*namespace, f"{payload['name']}:{payload['id']}"))
            about = {
                **self.root.metadata, "langgraph_step": part["step"], "langgraph_node": payload["name"],
                "langgraph_triggers": payload["triggers"], "langgraph_checkpoint_ns": place,
            }  # fmt: skip
            outer = self._nodes.get(namespace[-1].rpartition(":")[2]) if namespace else None
            parents = [*outer.parents, outer.id] if outer is not None else [self.root.id]
            node = self._nodes[payload["id"]] = _Source(payload["name"], about, parents, self.tags)
            node.input = payload["input"]
            yield self.event("on_chain_start", node, input=node.input)
        elif part["type"] == "task_result" and payload["id"] in self._nodes:
            for id in list(self._models.get(payload["id"], ())):
                yield self._said(payload["id"], id)
            node = self._nodes.pop(payload["id"])
            if payload["error"] is None and not payload["interrupts"]:
                yield self.event("on_chain_stream", node, chunk=payload["result"])
                yield self.event("on_chain_end", node, output=payload["result"], input=node.input)

    def message(self, message: Message, about: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """An agent says something, or calls a tool; messages of nodes are in what these return."""
        task_id = str(about["langgraph_checkpoint_ns"]).rpartition(":")[2]
        node = self._nodes.get(task_id)
        if node is None or "agent" not in about:
            return
        parents = [*node.parents, node.id]
        open = self._models.setdefault(task_id, {})
        if isinstance(message, MessageChunk) and message.id is not None:
            model = open.get(message.id)
            if model is None:
                for id in [id for id, one in open.items() if one.metadata["agent"] == about["agent"]]:
                    yield self._said(task_id, id)
                model = open[message.id] = _Source(str(about["ls_model_name"]), about, parents, self.tags)
                yield self.event("on_chat_model_start", model, input={})
            model.whole = message if model.whole is None else model.whole + message
            yield self.event("on_chat_model_stream", model, chunk=message)
            for call in message.tool_calls:
                tool = self._tools[task_id, call.id] = _Source(call.name, about, parents, self.tags)
                tool.input = call.arguments
                yield self.event("on_tool_start", tool, input=call.arguments)
        elif message.role == "tool" and (task_id, message.tool_call_id or "") in self._tools:
            tool = self._tools.pop((task_id, message.tool_call_id or ""))
            yield self.event("on_tool_end", tool, output=message, input=tool.input)

    def _said(self, task_id: str, id: str) -> dict[str, Any]:
        model = self._models[task_id].pop(id)
        return self.event("on_chat_model_end", model, output=model.whole, input={})
