"""What a guest likes is remembered beyond the conversation, by person, in a store.

A checkpoint belongs to one thread; a store belongs to all of them. Two conversations of the same guest, a month apart
and in threads of their own, share the namespace ("guests", name), which no other guest's conversation reads. `search`
finds by words and by field values. The store is a file, so it outlives the program.

Needs: victor-core, victor-graph
Run: python docs/examples/workflows/complex/long_term_memory.py
Prints:
    march-1 ada: I am vegetarian, and I cannot eat nuts. Please a quiet room.
    march-1 bob: Coffee with breakfast, please.
    april-9 ada: I am vegetarian, and I cannot eat nuts.
    april-9 bob: I do not know anything about that yet.
    namespaces: guests/ada/food guests/ada/room guests/bob/food
    rooms: ['Please a quiet room.']
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict

from victor.graph import START, SqliteStore, StateGraph, Store

TOPICS = {"food": ("vegetarian", "fish", "nuts", "coffee"), "room": ("quiet", "floor", "view", "bath")}


class State(TypedDict, total=False):
    """One message and its answer."""

    guest: str
    message: str
    answer: str


def note_down(state: State, store: Store) -> State:
    """Keep each sentence that speaks of something worth knowing, below the guest's own namespace."""
    for sentence in re.split(r"(?<=[.!?])\s+", state["message"]):
        for topic, words in TOPICS.items() if not sentence.endswith("?") else ():
            if any(word in sentence.lower() for word in words):
                store.put(("guests", state["guest"], topic), sentence[:20], {"said": sentence, "topic": topic})
    return {}


def answer(state: State, store: Store) -> State:
    """Say what is known that has to do with the message."""
    found: list[Any] = store.search(("guests", state["guest"]), query=state["message"], limit=2)
    return {"answer": " ".join(item.value["said"] for item in found) or "I do not know anything about that yet."}


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        for thread, guest, message in (
            ("march-1", "ada", "I am vegetarian, and I cannot eat nuts. Please a quiet room."),
            ("march-1", "bob", "Coffee with breakfast, please."),
            ("april-9", "ada", "What do you know about nuts?"),
            ("april-9", "bob", "What do you know about nuts?"),
        ):
            with SqliteStore(Path(folder, "guests.db")) as store:  # opened anew, as another process would
                graph = StateGraph(State).add_sequence([note_down, answer]).add_edge(START, "note_down")
                app = graph.compile(checkpointer="memory:", store=store)
                done = app.invoke({"guest": guest, "message": message}, thread_id=thread)
                print(f"{thread} {guest}: {done['answer']}")
        with SqliteStore(Path(folder, "guests.db")) as store:
            print("namespaces:", *("/".join(names) for names in store.list_namespaces()))
            print("rooms:", [item.value["said"] for item in store.search(("guests",), filter={"topic": "room"})])
