"""A ReAct agent written by hand: a model that asks for tools, a node that runs them, messages that are replaced and removed."""

from typing import Annotated, TypedDict

from langchain_core.messages import RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import REMOVE_ALL_MESSAGES, add_messages

TOOLS = {"add": lambda a, b: a + b, "upper": str.upper}


class State(MessagesState):
    pending: list
    summary: str


def model(state: State):
    last = state["messages"][-1].content
    if last.startswith("ask"):
        return {"messages": [("assistant", "I will use tools")], "pending": [["add", [1, 2]], ["upper", ["x"]]]}
    return {"messages": [("assistant", f"the tools said {last}")], "pending": []}


def tools(state: State):
    answers = [str(TOOLS[name](*arguments)) for name, arguments in state["pending"]]
    return {"messages": [{"role": "user", "content": ", ".join(answers)}], "pending": []}


def forget(state: State):
    old = [RemoveMessage(id=one.id) for one in state["messages"][:-2]]
    return {"messages": old, "summary": f"{len(old)} forgotten"}


def route(state: State):
    return "tools" if state["pending"] else "forget"


class Plain(TypedDict):
    messages: Annotated[list, add_messages]


def main():
    builder = StateGraph(State)
    builder.add_node(model)
    builder.add_node(tools)
    builder.add_node(forget)
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", route, ["tools", "forget"])
    builder.add_edge("tools", "model")
    builder.add_edge("forget", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    out = []
    for text in ("ask one", "ask two"):
        result = graph.invoke({"messages": [{"role": "user", "content": text}]}, config)
        out.append([[one.content for one in result["messages"]], result["summary"], result["pending"]])
    messages = graph.get_state(config).values["messages"]
    graph.update_state(
        config, {"messages": [{"role": "user", "content": "edited", "id": messages[0].id}]}, as_node="model"
    )
    out.append([one.content for one in graph.get_state(config).values["messages"]])
    plain = StateGraph(Plain).add_node(
        "clear", lambda s: {"messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES), ("user", "new")]}
    )
    graph = plain.add_edge(START, "clear").compile()
    out.append([one.content for one in graph.invoke({"messages": ["a", ("assistant", "b")]})["messages"]])
    return out
