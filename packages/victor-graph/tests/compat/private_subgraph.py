"""Subgraphs with a state of their own: called in a node, and as a node with shared keys; private keys between nodes."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class Outer(TypedDict):
    text: str
    notes: Annotated[list, operator.add]


class Inner(TypedDict):
    draft: str
    score: int


class Shared(TypedDict):
    notes: Annotated[list, operator.add]
    secret: str


class Between(TypedDict):
    handed: str


def first(state: Inner):
    return {"draft": state["draft"].upper()}


def second(state: Inner):
    return {"score": len(state["draft"])}


def hide(state: Shared):
    return {"secret": "s3", "notes": ["hidden"]}


def ask(state: Shared):
    return {"notes": [f"{state['secret']}:{interrupt('which?')}"]}


def hand(state: Outer) -> Between:
    return {"handed": state["text"] + "!"}


def take(state: Between):
    return {"notes": [state["handed"]]}


def main():
    inner = StateGraph(Inner).add_sequence([first, second]).add_edge(START, "first").compile()
    shared = StateGraph(Shared).add_sequence([hide, ask]).add_edge(START, "hide").compile()

    def call_inner(state: Outer):
        result = inner.invoke({"draft": state["text"]})
        return {"text": result["draft"], "notes": [result["score"]]}

    builder = StateGraph(Outer)
    builder.add_sequence([("call_inner", call_inner), ("shared", shared), ("hand", hand), ("take", take)])
    builder.add_edge(START, "call_inner")
    graph = builder.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    first_parts = [
        [[name.partition(":")[0] for name in namespace], part if "__interrupt__" not in part else "asks"]
        for namespace, part in graph.stream({"text": "hi", "notes": []}, config, subgraphs=True)
    ]
    state = graph.get_state(config, subgraphs=True)
    inside = state.tasks[0].state
    out = [first_parts, list(state.next), inside.values, list(inside.next)]
    out.append(graph.invoke(Command(resume="blue"), config))
    out.append(sorted(graph.get_state(config).values))
    out.append([name for name, _ in graph.get_subgraphs()])
    return out
