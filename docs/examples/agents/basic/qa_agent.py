"""Questions about a document, where "the text does not say" is an answer that a program can tell from others.

A wrong answer is worse than none, so the answer's type has a place for "not in the text" (`answer: str | None`), and
the program can count on it instead of searching a sentence for an apology. Read this before you build a help desk on
a document; where the text is too long to send, see `intermediate/document_search.py`.

Needs: victor-core
Run: python docs/examples/agents/basic/qa_agent.py
Prints:
    How much does a card cost?
        A card costs 12 EUR a year. Children under 14 pay nothing.
    How long may films be kept?
        Books may be kept for four weeks, films for one week.
    Why do reserved items wait only eight days?
        Reserved items wait at the desk for eight days, because the shelf behind it is small.
    Who is the director?
        (not in the text: ask a person)
    1 of 4 questions go to a person
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from victor.core import Agent

TEXT = (Path(__file__).parent / "texts" / "library.md").read_text(encoding="utf-8")
QUESTIONS = [
    "How much does a card cost?",
    "How long may films be kept?",
    "Why do reserved items wait only eight days?",
    "Who is the director?",
]


@frozen
class Answer:
    """An answer from a text.

    Args:
        answer: The sentence of the text that answers the question; null when the text does not say.
    """

    answer: str | None


if __name__ == "__main__":
    agent = Agent("Answer from the text alone. Where it does not say, answer null.", output_type=Answer)
    unanswered = 0
    for question in QUESTIONS:
        found = agent.run_sync(f"{question}\n\n{TEXT}").output.answer
        unanswered += found is None
        print(f"{question}\n    {found or '(not in the text: ask a person)'}")
    print(f"{unanswered} of {len(QUESTIONS)} questions go to a person")
