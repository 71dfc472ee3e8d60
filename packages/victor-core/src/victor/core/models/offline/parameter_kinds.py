"""What a parameter holds, by the words of its name; and the words of a request that point at it."""

from __future__ import annotations

import re
from typing import Final

from victor.core.models.offline.extract import Kind
from victor.core.models.offline.fields import field_words
from victor.core.models.offline.nodes import Node
from victor.core.models.offline.pattern import pattern
from victor.core.ranking import stem

__all__ = ["kind_of", "stems"]


def stems(text: str) -> frozenset[str]:
    """The stems of some words."""
    return frozenset(stem(word) for word in text.split())


# Names of parameters by what they hold.
PATHS = stems(
    "path file filename folder directory dir filepath source destination src dst target root document doc input output"
)
TEXTS = frozenset(
    "queri text messag question prompt topic content body input keyword search term sentenc word subject q note task "
    "instruct descript comment string titl name phrase summari data request pattern code".split()
)
CONTENTS = stems("text content contents body document data")
VAGUE = stems("source destination src dst root target input output doc document")
FREE = TEXTS - stems("name")
PLACES = stems("city location place town country region where address airport station")
PEOPLE = stems("name person user username recipient author who customer contact sender to owner assignee")
DATES = stems("date day when deadline due since until start end from to after before")
ADDRESSEES = stems("to cc bcc recipient recipients sender address")
EXPRESSIONS = stems("expression formula equation calculation sum math")
FIRST = stems(
    "from source src start begin origin departure min minimum low first since after old lower left minuend dividend"
)
SECOND = stems(
    "to destination dst target end stop until arrival max maximum high last before new upper right subtrahend divisor"
)
LIMITS = stems("limit max_results count top number num n k size amount max results maximum")
PRONOUN = pattern(
    r"\s*(?:it|that|this|them|those|these|the (?:result|results|answer|output|file|text|content|contents|sum|number|"
    r"page|total|value|product|summary|first|previous)(?: (?:result|one))?)\s*",
    re.IGNORECASE,
)
RESULT = pattern(
    r"\b(?:it|that|this|the (?:result|answer|sum|product|total|number|output|value|difference))\b", re.IGNORECASE
)
LEAD = pattern(
    r"\s*(?:(?:please|now|then|and|also|just|kindly|can you|could you|would you|will you|i want (?:you )?to|i need "
    r"(?:you )?to|i'd like (?:you )?to|"
    r"let's|go and|hey|hi|hello)[\s,]+)*",
    re.IGNORECASE,
)
FROM = pattern(
    r"\b(?:from|of|between|since|after|starting|off)\s+(?:the\s+|file\s+|folder\s+|directory\s+)*[\"'`]?$",
    re.IGNORECASE,
)
TO = pattern(
    r"(?:\b(?:to|into|as|until|till|and|by|before)|->|-|\u2013)\s*(?:the\s+|file\s+|folder\s+|directory\s+)*[\"'`]?$",
    re.IGNORECASE,
)
LIMIT_LEAD = pattern(
    r"\b(?:top|first|last|at most|up to|only|max(?:imum)?|limit(?:ed)?(?: to)?|best|latest)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
AND: Final = r"(?:\s*,\s*(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+|\s*;\s*)"


def kind_of(name: str, node: Node) -> Kind | None:
    """What kind of value a parameter takes, by its name, format and description; None when they do not tell."""
    form = str(node.schema.get("format") or "")
    if form in ("date", "date-time"):
        return "date"
    if form in ("email", "uri", "url"):
        return "email" if form == "email" else "url"
    if form == "path":
        return "path"
    roots = set(field_words(name))
    about = node.description.lower()
    if roots & stems("url uri link href website endpoint"):
        return "url"
    if roots & {"email", "mail"} or (roots & ADDRESSEES and "mail" in about):
        return "email"
    if roots & {"glob", "pattern"} and ("glob" in about or "file" in about or "glob" in roots):
        return "path"
    if roots & (PATHS - VAGUE):
        return "path"
    if roots & VAGUE and re.search(r"\b(?:path|file|folder|directory)\b", about):
        return "path"
    if roots & stems("date day deadline due") or (roots & DATES and re.search(r"\bdate|\bday\b|iso", about)):
        return "date"
    return None
