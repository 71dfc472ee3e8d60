"""What the fields of a form hold, by their names."""

from __future__ import annotations

import re
from typing import Any

from victor.core.ranking import stem

__all__ = ["list_kind", "string_kind"]

_STRING_KINDS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (kind, frozenset(stem(word) for word in known.split()))
    for kind, known in (
        ("summary", "summary abstract overview synopsis gist tldr description digest outline recap conclusion"),
        ("title", "title headline head subject"),
        ("sentiment", "sentiment tone mood"),
        ("language", "language lang locale"),
        ("label", "category label topic class genre type kind"),
        ("email", "email mail"),
        ("url", "url link website homepage uri"),
        ("date", "date deadline day due when birthday"),
        ("path", "path file filename folder directory"),
        ("reason", "reason rationale justification explanation evidence why reasoning"),
        ("answer", "answer reply response"),
        ("quote", "quote quotation excerpt"),
        ("name", "author name person sender recipient customer client writer speaker owner company"),
        ("text", "text content output result message body"),
    )
)


def string_kind(roots: list[str], description: str) -> str:
    """What a text field holds, by the stems of its name; ``""`` when they do not tell."""
    for kind, known in _STRING_KINDS:
        if any(root in known for root in roots):
            return kind
    if roots in ([], ["value"]) and re.search(r"summar", description, re.IGNORECASE):
        return "summary"
    return ""


_LIST_KINDS: tuple[tuple[str, str], ...] = (
    ("keyword", r"keyword|key ?phrase|\btags?\b|topic|subject|theme|\bterms?\b|concept"),
    ("date", r"\bdates?\b|deadline"),
    ("email", r"e-?mail"),
    ("url", r"\burls?\b|\blinks?\b|website"),
    ("amount", r"amount|price|cost"),
    ("heading", r"heading|section|chapter|outline"),
    ("question", r"question"),
    ("action", r"action|todo|to-do|\btasks?\b|next step|follow"),
    ("risk", r"risk|problem|issue|concern|bug|weakness|limitation|warning|\bcons\b"),
    ("praise", r"strength|benefit|advantage|\bpros\b"),
    ("requirement", r"requirement|\brules?\b|constraint|obligation"),
    ("decision", r"decision|recommendation|conclusion"),
    (
        "point",
        r"key ?point|main ?point|point|highlight|takeaway|finding|bullet|sentence|fact|insight|summar|quote|argument",
    ),
    ("path", r"\bpaths?\b|\bfiles?\b"),
    ("name", r"name|people|person|author|participant|entit|compan|organi[sz]ation|place|location|attendee"),
    ("number", r"number|figure"),
)


def list_kind(spoken: str, about: str) -> Any:
    """What the items of a list are, by its name and what is said about it; ``""`` when they do not tell."""
    for text in (spoken, about):
        for kind, cue in _LIST_KINDS:
            if text and re.search(cue, text, re.IGNORECASE):
                return kind
    return ""
