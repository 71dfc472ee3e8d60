"""A negotiation as a sequence diagram: Mermaid for pages, plain text for terminals."""

from __future__ import annotations

import re
from typing import Final

from victor.teams.negotiation.plain_data import shorten
from victor.teams.negotiation.record import Entry, Record

__all__ = ["to_mermaid", "to_text"]

_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+")
_PLAIN: Final = re.compile(r"[A-Za-z0-9 ,]*\Z")


def to_mermaid(record: Record, *, longest: int = 120) -> str:
    """The record as a Mermaid ``sequenceDiagram``, valid for any name and text.

    Answers are arrows to the protocol, failures end in a cross, what the protocol tells everybody is a note over all.

    Args:
        record: What to draw.
        longest: Characters of a text that are shown.

    Example:
        >>> entries = (Entry(1, "ann", (), "propose", "soup; rice"), Entry(1, "bob", (), "propose", "", "timeout"))
        >>> print(to_mermaid(Record("proposals", {}, ("ann", "bob"), "lunch", None, entries)))
        sequenceDiagram
          participant t as proposals
          participant p1 as ann
          participant p2 as bob
          Note over t,p2: lunch
          Note over t,p2: round 1
          p1->>t: propose#58; soup#59; rice
          p2--xt: propose#58; timeout
        <BLANKLINE>
    """
    names = _names(record)
    ids = {name: f"p{number}" for number, name in enumerate(names, 1)}
    everybody = f"t,p{len(names)}" if names else "t"
    lines = ["sequenceDiagram", f"  participant t as {_text(record.protocol, longest)}"]
    lines += [f"  participant {id} as {_text(name, 60)}" for name, id in ids.items()]
    lines.append(f"  Note over {everybody}: {_text(shorten(record.topic, longest), longest)}")
    round_ = 0
    for entry in record.entries:
        if entry.round != round_:
            round_ = entry.round
            lines.append(f"  Note over {everybody}: round {round_}")
        text = _text(_said(entry, longest), longest + 40)
        sender = ids.get(entry.sender, "t")
        if entry.failure:
            lines.append(f"  {sender}--xt: {text}")
        elif entry.receivers:
            lines += [f"  {sender}->>{ids.get(receiver, 't')}: {text}" for receiver in entry.receivers]
        elif entry.sender:
            lines.append(f"  {sender}->>t: {text}")
        else:
            lines.append(f"  Note over {everybody}: {text}")
    outcome = _outcome(record)
    if outcome:
        lines.append(f"  Note over {everybody}: {_text(outcome, longest + 40)}")
    return "\n".join(lines) + "\n"


def to_text(record: Record, *, width: int = 100) -> str:
    """The record as lines of text for a terminal.

    Args:
        record: What to write.
        width: Most columns of a line.

    Example:
        >>> entries = (Entry(1, "ann", (), "propose", "soup"), Entry(1, "", ("ann",), "accept", None))
        >>> print(to_text(Record("proposals", {}, ("ann", "bob"), "lunch", None, entries)))
        proposals: lunch
        ann, bob
        <BLANKLINE>
        round 1
          ann -> propose: soup
          -> ann  accept
        <BLANKLINE>
    """
    lines = [f"{record.protocol}: {_clean(shorten(record.topic, width))}", _clean(", ".join(record.parties)), ""]
    round_ = 0
    for entry in record.entries:
        if entry.round != round_:
            round_ = entry.round
            lines.append(f"round {round_}")
        text = _clean(_said(entry, width))
        sender = _clean(entry.sender)
        if entry.failure:
            lines.append(f"  {sender} -x {text}")
        elif entry.sender and not entry.receivers:
            lines.append(f"  {sender} -> {text}")
        elif entry.receivers:
            lines.append(f"  {sender}{' ' if sender else ''}-> {_clean(', '.join(entry.receivers))}  {text}")
        else:
            lines.append(f"  * {text}")
    outcome = _outcome(record)
    if outcome:
        lines += ["", _clean(outcome)]
    return "\n".join(line if len(line) <= width else line[: width - 3] + "..." for line in lines) + "\n"


def _names(record: Record) -> list[str]:
    """Parties, and whoever else speaks or is spoken to."""
    found = dict.fromkeys(record.parties)
    for entry in record.entries:
        found.update(dict.fromkeys([entry.sender, *entry.receivers] if entry.sender else entry.receivers))
    return list(found)


def _said(entry: Entry, longest: int) -> str:
    if entry.failure:
        return f"{entry.what}: {entry.failure}"
    if entry.content is None:
        return entry.what
    return f"{entry.what}: {shorten(entry.content, longest)}"


def _outcome(record: Record) -> str:
    if not record.outcome:
        return ""
    return f"{record.outcome.get('stop_reason', '')}: {record.outcome.get('explanation', '')}"


def _clean(text: str) -> str:
    """One line that a terminal shows as it is: no control characters."""
    return text if text.isprintable() else _UNPRINTABLE.sub(" ", text)


def _text(text: str, longest: int) -> str:
    """Text that Mermaid shows and never takes for syntax: everything but letters and digits is written as a number."""
    text = shorten(_clean(text), longest)
    if not text.strip():
        return "#160;"
    if _PLAIN.match(text):
        return text
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in " ,") else f"#{ord(sign)};" for sign in text)
