"""One text in three lengths, and a check that the summary kept to its length.

How long a summary is to be stands in the request; whether it is that long is for the program to say, because a model
may overrun. The check costs one line and belongs into every pipeline that puts summaries where there is little room
(a subject line, a phone, a cell of a table). To correct an answer instead of counting it, see
`intermediate/self_correction.py`.

Needs: victor-core
Run: python docs/examples/agents/basic/summarization_agent.py
Prints:
    --- subject line: 17 words, TOO LONG
    The library is open from 9 to 18 on weekdays and from 10 to 14 on Saturdays.
    --- message: 29 words, fits
    The library is open from 9 to 18 on weekdays and from 10 to 14 on Saturdays. Two rooms can be booked for groups of
        up to six people.
    --- page: 39 words, fits
    - The library is open from 9 to 18 on weekdays and from 10 to 14 on Saturdays.
    - A card costs 12 EUR a year.
    - Two rooms can be booked for groups of up to six people.
"""

from __future__ import annotations

from pathlib import Path

from victor.core import Agent

TEXT = (Path(__file__).parent / "texts" / "library.md").read_text(encoding="utf-8")
LENGTHS = {
    "subject line": ("in one sentence", 15),
    "message": ("in at most 30 words", 30),
    "page": ("in 3 bullet points", 80),
}

if __name__ == "__main__":
    agent = Agent("You summarize texts for people in a hurry. Keep to the length you are given.")
    for place, (length, most_words) in LENGTHS.items():
        summary = agent.run_sync(f"Summarize {length}:\n\n{TEXT}").output
        words = len(summary.split())
        print(f"--- {place}: {words} words, {'fits' if words <= most_words else 'TOO LONG'}")
        print(summary)
