"""LangGraph on the growing state of ``checkpoints.py``; takes a folder, prints JSON."""

from __future__ import annotations

import asyncio
import json
import operator
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    n: int
    log: Annotated[list, operator.add]


async def tick(state: State) -> Any:
    return {"n": state["n"] + 1, "log": [os.urandom(250).hex()]}


async def run(path: Path, durability: str) -> dict[str, float]:
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await saver.conn.execute("PRAGMA synchronous = NORMAL")
        graph = StateGraph(State).add_node(tick).add_edge(START, "tick")
        graph.add_conditional_edges("tick", lambda state: "tick" if state["n"] % 500 else END)
        compiled = graph.compile(checkpointer=saver)
        began = time.perf_counter()
        await compiled.ainvoke(
            {"n": 0, "log": []}, {"configurable": {"thread_id": "t"}, "recursion_limit": 1000}, durability=durability
        )
        wall = time.perf_counter() - began
    return {"ms": wall * 1000, "mb": os.stat(path).st_size / 1e6}  # noqa: ASYNC240, PTH116 - when all is done


async def main() -> None:
    folder = Path(sys.argv[1])
    modes = ("sync", "async")
    print(json.dumps({f"durability={one}": await run(folder / f"langgraph-{one}.db", one) for one in modes}))


asyncio.run(main())
