"""Jobs wait in a queue; workers run each as a workflow, and a job that is delivered twice is done once.

The thread of a run is the job's number: a worker that gets a job goes on with its run if there is one, and a run that
is finished stays finished. So the queue may deliver a job again (a worker died, a lease ran out), and nothing is done
again. A job that fails is put aside with its error, and the others go on. The queue is a table in SQLite; another queue
would do as well, since all it has to promise is to deliver at least once.

Needs: victor-core, victor-graph
Run: python docs/examples/workflows/real_world/queue_worker.py
Prints:
      shrinking cat
    job 1 is done, and the worker dies before it can say so
    job 2 failed: a width of -1 is none
      shrinking cow
    job 3: cow at 90 px
    job 1: cat at 200 px (was done already)
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

from victor.core.errors import VictorError
from victor.graph import START, CompiledGraph, StateGraph

TABLE = "CREATE TABLE jobs (id INTEGER PRIMARY KEY, picture, width, state DEFAULT 'waiting', taken DEFAULT 0)"


class Job(TypedDict, total=False):
    """A picture to be made smaller."""

    picture: str
    width: int
    result: str


def shrink(job: Job) -> Job:
    """Make a picture smaller."""
    if job["width"] <= 0:
        raise ValueError(f"a width of {job['width']} is none")
    print(f"  shrinking {job['picture']}")
    return {"result": f"{job['picture']} at {job['width']} px"}


def deliver(queue: sqlite3.Connection) -> tuple[int, Job] | None:
    """Take the next job from the queue; it comes again unless `settle` is called."""
    row = queue.execute("SELECT id, picture, width FROM jobs WHERE state = 'waiting' ORDER BY taken, id").fetchone()
    if row is None:
        return None
    queue.execute("UPDATE jobs SET taken = taken + 1 WHERE id = ?", (row[0],))
    return row[0], {"picture": row[1], "width": row[2]}


def settle(queue: sqlite3.Connection, number: int, state: str) -> None:
    """Tell the queue what became of a job."""
    queue.execute("UPDATE jobs SET state = ? WHERE id = ?", (state, number))


def work(graph: CompiledGraph, queue: sqlite3.Connection, dies_after: int = 0) -> None:
    """Work until the queue is empty. A worker that ``dies_after`` a job does so before the queue is told."""
    while (delivered := deliver(queue)) is not None:
        number, job = delivered
        known: Any = graph.get_state({"configurable": {"thread_id": str(number)}})
        try:
            done = known.values if known.values and not known.next else graph.invoke(job, thread_id=str(number))
        except (VictorError, ValueError) as error:
            settle(queue, number, "failed")
            print(f"job {number} failed: {error}")
            continue
        if number == dies_after:
            print(f"job {number} is done, and the worker dies before it can say so")
            return
        settle(queue, number, "done")
        print(f"job {number}: {done['result']}{' (was done already)' if known.values else ''}")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        queue = sqlite3.connect(Path(folder, "queue.db"), isolation_level=None)
        queue.execute(TABLE)
        queue.executemany("INSERT INTO jobs (picture, width) VALUES (?, ?)", [("cat", 200), ("dog", -1), ("cow", 90)])
        for dies_after in (1, 0):
            graph = StateGraph(Job).add_node(shrink).add_edge(START, "shrink")
            work(graph.compile(f"sqlite:{folder}/runs.db"), queue, dies_after)
        queue.close()
