"""The functional API: tasks side by side, retries, questions in the middle, what the last run saved."""

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.func import entrypoint, task
from langgraph.types import Command, RetryPolicy, interrupt

TRIED = []


@task(retry_policy=RetryPolicy(max_attempts=3, initial_interval=0.01, jitter=False, retry_on=ValueError))
def flaky(n: int) -> int:
    TRIED.append(n)
    if TRIED.count(n) < n:
        raise ValueError(f"not yet {n}")
    return n * 10


@task
def slow(word: str) -> str:
    get_stream_writer()(f"working on {word}")
    TRIED.append(word)
    return word.title()


@entrypoint(checkpointer=InMemorySaver())
def workflow(inputs: dict, *, previous=None):
    futures = [flaky(n) for n in inputs["numbers"]]
    title = slow(inputs["word"]).result()
    total = sum(future.result() for future in futures)
    answer = interrupt({"title": title, "total": total})
    return entrypoint.final(value={"answer": answer, "total": total, "before": previous}, save=total + (previous or 0))


@entrypoint()
def fails(n: int):
    return flaky(n).result()


def main():
    config = {"configurable": {"thread_id": "1"}}
    out = []
    first = workflow.invoke({"numbers": [1, 2, 3], "word": "ulm"}, config)
    out.append(first["__interrupt__"][0].value)
    out.append(workflow.invoke(Command(resume="yes"), config))
    out.append(sorted(map(str, TRIED)))
    workflow.invoke({"numbers": [1], "word": "b"}, config)
    out.append(workflow.invoke(Command(resume="again"), config))
    out.append(sorted(map(str, TRIED)))
    try:
        fails.invoke(100)
    except ValueError as error:
        out.append(str(error))
    parts = list(
        workflow.stream({"numbers": [1], "word": "c"}, {"configurable": {"thread_id": "2"}}, stream_mode="custom")
    )
    out.append(parts)
    return out
