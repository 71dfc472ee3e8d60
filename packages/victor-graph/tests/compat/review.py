"""A person approves, edits or rejects what the program wants to do."""

from typing import Literal, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    request: str
    call: dict
    result: str


def propose(state: State):
    return {"call": {"name": "pay", "amount": len(state["request"])}}


def review(state: State) -> Command[Literal["act", "propose", "__end__"]]:
    answer = interrupt({"question": "Shall I?", "call": state["call"]})
    if answer["action"] == "approve":
        return Command(goto="act")
    if answer["action"] == "edit":
        return Command(goto="act", update={"call": {**state["call"], **answer["changes"]}})
    return Command(goto=END, update={"result": f"rejected: {answer.get('why', '')}"})


def act(state: State):
    return {"result": f"{state['call']['name']} {state['call']['amount']}"}


def main():
    builder = StateGraph(State)
    builder.add_node(propose)
    builder.add_node(review)
    builder.add_node(act)
    builder.add_edge(START, "propose")
    builder.add_edge("propose", "review")
    graph = builder.compile(checkpointer=InMemorySaver())
    told = []
    answers = [{"action": "approve"}, {"action": "edit", "changes": {"amount": 3}}, {"action": "no", "why": "late"}]
    for number, answer in enumerate(answers):
        config = {"configurable": {"thread_id": str(number)}}
        first = graph.invoke({"request": "a bill"}, config)
        state = graph.get_state(config)
        told.append([first["__interrupt__"][0].value, list(state.next), len(state.tasks[0].interrupts)])
        told.append(graph.invoke(Command(resume=answer), config))
        told.append(list(graph.get_state(config).next))
    return told
