"""Send: the same node many times, each on its own argument."""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send


class State(TypedDict, total=False):
    subjects: list
    jokes: Annotated[list, operator.add]
    best: str


class Job(TypedDict):
    subject: str


def plan(state: State):
    return {"subjects": ["lions", "ants", "bees"]}


def fan(state: State):
    return [Send("joke", {"subject": subject}) for subject in state["subjects"]]


def joke(state: Job):
    return {"jokes": [f"joke about {state['subject']}"]}


def judge(state: State):
    return {"best": max(state["jokes"], key=len)}


def main():
    graph = StateGraph(State).add_node(plan).add_node(joke).add_node(judge)
    graph.add_edge(START, "plan").add_conditional_edges("plan", fan, ["joke"]).add_edge("joke", "judge").add_edge(
        "judge", END
    )
    return graph.compile().invoke({})
