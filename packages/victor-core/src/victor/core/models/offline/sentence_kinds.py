"""Finding the sentences of a text that ask, demand, warn, praise, require or decide."""

from __future__ import annotations

import re

from victor.core.models.offline.markdown import blocks
from victor.core.models.offline.pattern import pattern
from victor.core.models.offline.sentences import split_sentences

__all__ = ["SENTENCE_KINDS", "sentences_of_kind"]

SENTENCE_KINDS: dict[str, re.Pattern[str]] = {
    "question": pattern(r"\?$"),
    "action": pattern(
        r"\b(?:todo|must|should|need(?:s)? to|have to|has to|will|please|action|next step|let's|to be done)\b",
        re.IGNORECASE,
    ),
    "risk": pattern(
        r"\b(?:risk|problem|issue|bug|fail(?:s|ed|ure)?|error|danger|weak|missing|limitation|cannot|broken|unsafe|warning|slow|lack)",
        re.IGNORECASE,
    ),
    "praise": pattern(
        r"\b(?:fast|easy|simple|strength|benefit|advantage|reliable|good|best|improve|light|safe|works)", re.IGNORECASE
    ),
    "requirement": pattern(r"\b(?:must|shall|required?|requires|never|always|only|at least|at most)\b", re.IGNORECASE),
    "decision": pattern(r"\b(?:decided|decision|recommend|conclude|agreed|chose|chosen|we will)", re.IGNORECASE),
}
"""Patterns that tell what a sentence does, by kind."""


def sentences_of_kind(kind: str, text: str) -> list[str]:
    """The sentences of one of the `SENTENCE_KINDS`.

    Example:
        >>> sentences_of_kind("question", "It rains. Why?")
        ['Why?']
    """
    cue = SENTENCE_KINDS[kind]
    found = []
    for block in blocks(text):
        if block.kind not in ("heading", "row"):
            found += [sentence for sentence in split_sentences(block.text) if cue.search(sentence)]
    return list(dict.fromkeys(found))
