"""Interrupts: one, several in a node, several side by side, static ones."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    seen: Annotated[list, operator.add]


def ask(*questions):
    return lambda state: {"seen": [interrupt(question) for question in questions]}


def main():
    saver = InMemorySaver()
    config = {"configurable": {"thread_id": "1"}}
    told = []

    one = StateGraph(State).add_node("ask", ask("a", "b")).add_node("end", lambda s: {"seen": ["end"]})
    one = one.add_edge(START, "ask").add_edge("ask", "end").compile(checkpointer=saver)
    result = one.invoke({"seen": ["in"]}, config)
    told.append([result["seen"], [q.value for q in result["__interrupt__"]], one.get_state(config).next])
    result = one.invoke(Command(resume="A"), config)
    told.append([q.value for q in result["__interrupt__"]])
    told.append(one.invoke(Command(resume="B"), config))

    several = StateGraph(State)
    for name in "xyz":
        several.add_node(name, ask(f"{name}?")).add_edge(START, name)
    several = several.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "2"}}
    asked = several.invoke({}, config)["__interrupt__"]
    told.append(sorted(q.value for q in asked))
    told.append(several.invoke(Command(resume={q.id: q.value.upper() for q in asked}), config))

    static = (
        StateGraph(State)
        .add_sequence([(name, lambda s, name=name: {"seen": [name]}) for name in "abc"])
        .add_edge(START, "a")
    )
    static = static.compile(checkpointer=saver, interrupt_before=["b"], interrupt_after=["b"])
    config = {"configurable": {"thread_id": "3"}}
    for input in ({}, None, None):
        told.append([static.invoke(input, config), static.get_state(config).next])
    return told
