"""The checks of ``parallel_processing.yaml``. Each gets the state and returns what it adds to the list of findings."""

from __future__ import annotations

import re
from typing import Any

LONGEST = 25  # words of a sentence


def words(state: dict[str, Any]) -> dict[str, Any]:
    """Words that stand twice, and two that are often mixed up."""
    twice = [f"'{found[1]}' stands twice" for found in re.finditer(r"\b(\w+) \1\b", state["text"], re.IGNORECASE)]
    mixed = ["'Its the' should be 'It's the'"] if "Its the" in state["text"] else []
    return {"findings": [{"check": "words", "what": what} for what in [*twice, *mixed]]}


def links(state: dict[str, Any]) -> dict[str, Any]:
    """Links that are not encrypted."""
    found = re.findall(r"http://\S+", state["text"])
    return {"findings": [{"check": "links", "what": f"{link} is not https"} for link in found]}


def sentences(state: dict[str, Any]) -> dict[str, Any]:
    """Sentences that are too long to be read in one go."""
    lengths = [len(sentence.split()) for sentence in re.split(r"(?<=[.!?])\s+", state["text"])]
    long = [f"sentence {number} has {length} words" for number, length in enumerate(lengths, 1) if length > LONGEST]
    return {"findings": [{"check": "sentences", "what": what} for what in long]}
