"""Splitting prose into sentences, each with where it stands in its document."""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

from victor.core.models.offline.markdown import BlockKind, blocks
from victor.core.models.offline.pattern import pattern

__all__ = ["Sentence", "sentences_of", "split_sentences"]


@frozen
class Sentence:
    """A sentence of a document.

    Args:
        text: As it stands there, without markup.
        number: Its place in the document, from 0.
        kind: Of the block it stands in.
        heading: The nearest heading above it, ``""`` without one.
        first: It opens its block.
        block: Number of that block.
        code: Share of its block that is code, 0 to 1.
    """

    text: str
    number: int
    kind: BlockKind = "paragraph"
    heading: str = ""
    first: bool = True
    block: int = 0
    code: float = 0.0


_END = pattern(
    r"([.!?\u2026]+[\"')\]\u201d\u2019]*)(\s+)(?=\S)|([\u3002\uff01\uff1f]+[\u300d\u300f\u201d]?)(\s*)(?=\S)"
)
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc eg e.g ie i.e cf al fig figs no nos vol pp ed eds approx ca dept inc ltd co "
    "corp "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m u.s u.k ph.d min max incl "
    "resp sec ch art nr tel ave blvd gen col sgt capt lt rev hon z.b d.h bzw usw ca evtl ggf".split()
)
_IDENTIFIER = pattern(r"[a-z]+(?:[_/][A-Za-z]|\.[a-z]|\(|-[a-z]+ (?:is|has|needs|imports|gives|runs)\b)\w*")
_LAST_WORD = pattern(r"([^\s(\[\"'\u201c]+)$")


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph, in order; nothing is lost but the space between them.

    Example:
        >>> split_sentences("It costs 3.5 EUR, e.g. in Rome. Dr. Ada pays! Why?")
        ['It costs 3.5 EUR, e.g. in Rome.', 'Dr. Ada pays!', 'Why?']
    """
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if end[1] is not None and not _is_end(text, end):
            continue
        stop = end.end(1) if end[1] is not None else end.end(3)
        found.append(text[start:stop].strip())
        start = end.end()
    rest = text[start:].strip()
    if rest:
        found.append(rest)
    return [sentence for sentence in found if sentence]


def _is_end(text: str, end: re.Match[str]) -> bool:
    following = text[end.end()]
    if end[1][0] != ".":
        return not following.islower()
    before = _LAST_WORD.search(text, max(0, end.start() - 40), end.start())
    word = before[1].lower().strip("(") if before else ""
    if word in _ABBREVIATIONS:
        # "etc." and "Inc." may end a sentence; a title or "e.g." does not.
        return (
            word in {"etc", "inc", "ltd", "co", "corp", "al", "a.m", "p.m", "u.s", "u.k", "usw"} and following.isupper()
        )
    if len(word) == 1 and word.isalpha() and before is not None and before[1].isupper():
        return False  # an initial
    if word.isdigit() and len(word) <= 2 and before is not None and before.start() == 0:
        return False  # the number of an item
    # A lower case letter goes on, unless it begins an identifier: "It is lazy. victor_graph is not."
    return not following.islower() or bool(_IDENTIFIER.match(text, end.end()))


@lru_cache(maxsize=4)
def sentences_of(text: str) -> tuple[Sentence, ...]:
    r"""The sentences of a document's paragraphs, items and quotes, in order.

    Example:
        >>> [(s.heading, s.text) for s in sentences_of("# A\n\nOne. Two.\n\n```\ncode.\n```")]
        [('A', 'One.'), ('A', 'Two.')]
    """
    found: list[Sentence] = []
    heading = ""
    for at, block in enumerate(blocks(text)):
        if block.kind == "heading":
            heading = block.text
        elif block.kind != "row":
            for place, sentence in enumerate(split_sentences(block.text)):
                found.append(Sentence(sentence, len(found), block.kind, heading, place == 0, at, block.raw_code))
    return tuple(found)
