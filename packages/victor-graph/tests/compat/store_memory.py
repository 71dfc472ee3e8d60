"""Memories kept in a store across threads, by user; context and store reached through the runtime."""

from dataclasses import dataclass
from typing import TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_store
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime, get_runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore


@dataclass
class Context:
    user: str
    language: str = "en"


class State(TypedDict, total=False):
    text: str
    known: list
    greeting: str


def remember(state: State, runtime: Runtime[Context]):
    namespace = ("memories", runtime.context.user)
    number = len(runtime.store.search(namespace))
    runtime.store.put(namespace, f"m{number}", {"text": state["text"], "kind": "fact"})


def recall(state: State, *, store: BaseStore):
    user = get_runtime(Context).context.user
    found = store.search(("memories", user), filter={"kind": "fact"}, limit=10)
    return {"known": sorted(item.value["text"] for item in found)}


def greet(state: State, runtime: Runtime[Context]):
    assert get_store() is runtime.store
    hello = {"en": "Hello", "de": "Hallo"}[runtime.context.language]
    return {"greeting": f"{hello} {runtime.context.user}, I know {len(state['known'])} things"}


def main():
    store = InMemoryStore()
    builder = StateGraph(State, context_schema=Context)
    builder.add_sequence([remember, recall, greet])
    builder.add_edge(START, "remember")
    graph = builder.compile(checkpointer=InMemorySaver(), store=store)
    out = []
    for thread, user, text in (("1", "ann", "likes tea"), ("2", "ann", "lives in Ulm"), ("3", "bob", "has a dog")):
        config = {"configurable": {"thread_id": thread}}
        out.append(graph.invoke({"text": text}, config, context=Context(user)))
    config = {"configurable": {"thread_id": "4"}}
    out.append(graph.invoke({"text": "x"}, config, context={"user": "cem", "language": "de"})["greeting"])
    out.append(sorted(store.list_namespaces(prefix=("memories",))))
    item = store.get(("memories", "ann"), "m1")
    out.append([item.key, list(item.namespace), item.value])
    store.delete(("memories", "ann"), "m1")
    out.append([store.get(("memories", "ann"), "m1"), len(store.search(("memories",), limit=100))])
    return out
