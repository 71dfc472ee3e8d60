"""Input, output and private schemas; states that are classes; context and config."""

import dataclasses
from typing import TypedDict

import pydantic
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime


class Question(TypedDict):
    question: str


class Answer(TypedDict):
    answer: str


class Whole(Question, Answer):
    pass


class Secret(TypedDict):
    secret: str


@dataclasses.dataclass
class Context:
    user: str


class Model(pydantic.BaseModel):
    n: int = 3
    text: str = "x"


def think(state: Question) -> Secret:
    return {"secret": state["question"] + "?"}


def tell(state: Secret, config: RunnableConfig, runtime: Runtime[Context]) -> Answer:
    return {"answer": f"{sorted(state)} {state['secret']} {runtime.context.user} {config['configurable']['extra']}"}


def main():
    graph = StateGraph(Whole, input_schema=Question, output_schema=Answer, context_schema=Context)
    graph.add_sequence([think, tell]).add_edge(START, "think")
    first = graph.compile().invoke({"question": "why"}, {"configurable": {"extra": "e"}}, context=Context("ann"))
    model = StateGraph(Model).add_node("a", lambda state: {"n": state.n + 1}).add_edge(START, "a").compile()
    return first, [model.invoke({}), model.invoke({"n": 5, "text": "y"}), model.invoke(Model(n=7))]
