"""Retrieve, grade, rewrite the question and try again, with a bound; then answer."""

from typing import Literal, TypedDict

from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, StateGraph

BOOKS = {"river": "The Danube flows through Ulm.", "minster": "The minster of Ulm is 161 m high."}


class State(TypedDict):
    question: str
    documents: list
    tries: int
    answer: str


def retrieve(state: State):
    return {"documents": [text for word, text in BOOKS.items() if word in state["question"]]}


def rewrite(state: State):
    return {"question": state["question"].replace("church", "minster"), "tries": state["tries"] + 1}


def generate(state: State):
    return {"answer": " ".join(state["documents"])}


def give_up(state: State):
    return {"answer": "I do not know."}


def grade(state: State) -> Literal["generate", "rewrite", "give_up"]:
    if state["documents"]:
        return "generate"
    return "rewrite" if state["tries"] < 2 else "give_up"


def check(state: State):
    return "useful" if "Ulm" in state["answer"] else "not useful"


def main():
    builder = StateGraph(State)
    builder.add_node(retrieve)
    builder.add_node(rewrite)
    builder.add_node(generate)
    builder.add_node(give_up)
    builder.add_edge(START, "retrieve")
    builder.add_conditional_edges("retrieve", grade)
    builder.add_edge("rewrite", "retrieve")
    builder.add_conditional_edges("generate", check, {"useful": END, "not useful": "rewrite"})
    builder.add_edge("give_up", END)
    graph = builder.compile()
    out = [graph.invoke({"question": question, "tries": 0}) for question in ("the river", "the church", "the moon")]
    out.append([next(iter(part)) for part in graph.stream({"question": "the church", "tries": 0})])
    try:
        graph.invoke({"question": "the moon", "tries": -10}, {"recursion_limit": 5})
    except GraphRecursionError:
        out.append("too long")
    return out
