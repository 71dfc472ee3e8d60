"""A run is killed in the middle of its work, and the next process goes on without doing anything twice.

The process below really dies (SIGKILL, no chance to clean up) after it charged the second of three customers. Each
charge is a `step`: its result is stored before the next begins, so the node that runs again skips what was done.
Without steps a node is done again as a whole. What happens between a charge and its record can still happen twice; the
header of `victor.graph.step` says what to do about that. One would want this wherever a node does things to the world.

Needs: victor-core, victor-graph
Run: python docs/examples/workflows/complex/crash_and_resume.py
Prints:
    process told to die:
      charged ada
      charged bob
      ended with -9
    process told to live:
      charged cid
      done: receipt of ada, receipt of bob, receipt of cid
      ended with 0
    the bank saw: ['ada', 'bob', 'cid']
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from victor.graph import START, StateGraph, step

CUSTOMERS = ["ada", "bob", "cid"]


class State(TypedDict, total=False):
    """What the run knows."""

    receipts: list[str]


def charge(customer: str) -> str:
    """Charge a customer, which must not happen twice."""
    with Path("bank.txt").open("a", encoding="utf-8") as bank:
        bank.write(f"{customer}\n")
    print(f"  charged {customer}", flush=True)
    return f"receipt of {customer}"


def collect(state: State) -> State:
    """Charge all, one after another; this process dies after the second when it is told to."""
    receipts = []
    for customer in CUSTOMERS:
        receipts.append(step(f"charge {customer}", charge, customer))
        if customer == "bob" and "die" in sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)
    return {"receipts": receipts}


def work() -> None:
    """One process: begins the run, or goes on with it where it is there already."""
    graph = StateGraph(State).add_node(collect).add_edge(START, "collect").compile("sqlite:runs.db")
    known = graph.get_state({"configurable": {"thread_id": "may"}}).next
    done = graph.invoke(None if known else {}, thread_id="may")
    print("  done:", ", ".join(done["receipts"]))


if __name__ == "__main__":
    if sys.argv[1:]:
        work()
    else:
        with TemporaryDirectory() as folder:
            for word in ("die", "live"):
                print(f"process told to {word}:", flush=True)
                code = subprocess.run([sys.executable, str(Path(__file__).resolve()), word], cwd=folder, check=False)
                print(f"  ended with {code.returncode}")
            print("the bank saw:", Path(folder, "bank.txt").read_text(encoding="utf-8").split())
