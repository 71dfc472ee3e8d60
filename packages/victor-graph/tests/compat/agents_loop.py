"""An agent with a tool, as a loop over messages."""

from typing import Annotated, Literal, TypedDict

from langgraph.graph import END, START, StateGraph, add_messages


class State(TypedDict):
    messages: Annotated[list, add_messages]
    calls: int


def model(state: State) -> dict:
    last = state["messages"][-1].content
    text = f"the answer is {last}" if last.isdigit() else "use the tool"
    return {"messages": [("assistant", text)], "calls": state.get("calls", 0) + 1}


def tool(state: State) -> dict:
    return {"messages": [{"role": "user", "content": "42"}]}


def route(state: State) -> Literal["tool", "__end__"]:
    return "tool" if "tool" in state["messages"][-1].content else END


def main():
    graph = StateGraph(State)
    graph.add_node(model)
    graph.add_node(tool)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", route)
    graph.add_edge("tool", "model")
    result = graph.compile().invoke({"messages": [("user", "hello")]})
    return [message.content for message in result["messages"]], result["calls"]
