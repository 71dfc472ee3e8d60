"""A conversation that goes on tomorrow: what was said is kept in a file and read back.

An agent holds no conversation of its own. `agent.chat()` does, and `dump_messages` / `load_messages` make it JSON and
messages again, tool calls included. So a conversation survives a restart, can be moved to another machine, and can go
on with another model. For what is known about a person beyond one conversation, see `advanced/long_term_memory.py`.

Needs: victor-core
Run: python docs/examples/agents/basic/chat_history.py
Prints:
    A card costs 12 EUR a year. Children under 14 pay nothing.
    (read 3 messages from conversation.json)
    A book that is late costs 0.50 EUR a week.
    roles: system user assistant user assistant
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from victor.core import Agent
from victor.core.message import dump_messages, load_messages

TEXT = (Path(__file__).parent / "texts" / "library.md").read_text(encoding="utf-8")
FILE = Path("conversation.json")


def today() -> None:
    """The first half: the text is sent once, and then asked about."""
    chat = Agent("Answer from the text that the person has sent.").chat()
    print(chat.send_sync(f"How much does a card cost?\n\n{TEXT}").output)
    FILE.write_bytes(dump_messages(chat.messages, indent=2))


def tomorrow() -> None:
    """The second half, in a new process for all it knows."""
    chat = Agent().chat(load_messages(FILE.read_bytes()))
    print(f"(read {len(chat.messages)} messages from {FILE})")
    print(chat.send_sync("And what does a late book cost?").output)
    print("roles:", " ".join(message.role for message in chat.messages))


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    today()
    tomorrow()
