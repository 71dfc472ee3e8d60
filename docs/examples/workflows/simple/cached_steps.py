"""The same question costs once: a node's result is kept, and used again for the same inputs.

`CachePolicy` names what counts as the same question with `key_func`: here spaces and capitals do not. `ttl` bounds how
long an answer stays good, and `clear_cache` drops all. Worth it for whatever is slow or paid and does not change: a
lookup, a translation, an embedding. Checkpoints remember what one run did; a cache is shared by all runs of a graph.

Needs: victor-core, victor-graph
Run: python docs/examples/workflows/simple/cached_steps.py
Prints:
      the service is asked for 'blue tea'
    blue tea -> 3.50 EUR
    Blue  Tea -> 3.50 EUR
      the service is asked for 'honey'
    honey -> 6.20 EUR
    blue tea -> 3.50 EUR
      the service is asked for 'honey'
    cleared: 6.20 EUR
"""

from __future__ import annotations

from typing import TypedDict

from victor.graph import START, CachePolicy, InMemoryCache, StateGraph

PRICE_LIST = {"blue tea": "3.50 EUR", "honey": "6.20 EUR"}


class State(TypedDict, total=False):
    """A question and its answer."""

    item: str
    price: str


def look_up(state: State) -> State:
    """Ask a slow service that is paid by the call; here it prints that it was asked."""
    print(f"  the service is asked for {state['item']!r}")
    return {"price": PRICE_LIST.get(" ".join(state["item"].lower().split()), "unknown")}


def same_question(state: State) -> str:
    """Spaces and capitals make no difference."""
    return " ".join(state["item"].lower().split())


if __name__ == "__main__":
    graph = StateGraph(State)
    graph.add_node(look_up, cache_policy=CachePolicy(key_func=same_question, ttl=3600))
    app = graph.add_edge(START, "look_up").compile(cache=InMemoryCache(maxsize=1000))
    for item in ("blue tea", "Blue  Tea", "honey", "blue tea"):
        print(item, "->", app.invoke({"item": item})["price"])
    app.clear_cache()
    print("cleared:", app.invoke({"item": "honey"})["price"])
