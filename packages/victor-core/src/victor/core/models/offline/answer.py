"""Answering a question by the sentences of a text that share most with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from attrs import frozen

from victor.core.models.offline.extract import dates, names, numbers
from victor.core.models.offline.markdown import blocks
from victor.core.models.offline.pattern import pattern
from victor.core.models.offline.sentences import split_sentences
from victor.core.ranking import BM25, content_words, stem, words

__all__ = ["Found", "answer"]

_LEAST_COVERAGE = 0.5
_LONGEST = 4000  # sentences of one search; what is beyond is not looked at


@frozen
class Found:
    """Sentences that answer a question.

    Args:
        text: They themselves, as they stand.
        source: Number of the text they are from.
        coverage: Share of the question's words they have, weighted by rarity, 0 to 1.
    """

    text: str
    source: int
    coverage: float


class _Line(NamedTuple):
    text: str
    heading: str
    before: str
    source: int


_KINDS = frozenset(
    stem(word) for word in "day date time year month person people company place city country number".split()
)
_BEING = frozenset(stem(word) for word in "live exist have contain hold include work stay belong dwell".split())
_PRONOUN = pattern(r"\b(?:it|its|they|their|them|he|she|his|her|this|these|that|those)\b", re.IGNORECASE)

# What a question's words are also called.
_ALIASES: dict[str, tuple[str, ...]] = {
    "cost": ("price", "pay"),
    "price": ("cost",),
    "much": (),
    "creat": ("made", "wrote", "built"),
    "author": ("wrote", "written", "by"),
    "wrote": ("author", "written"),
    "live": ("lived", "home"),
    "born": ("birth",),
    "old": ("age",),
    "tall": ("height", "high"),
    "far": ("distance",),
    "instal": ("setup",),
    "start": ("begin",),
    "begin": ("start",),
    "end": ("finish",),
    "open": ("hour",),
    "purpose": ("goal", "aim"),
    "licens": ("licensed",),
    "call": ("name", "named"),
    "big": ("size",),
    "size": ("large", "big"),
    "happen": (),
    "mean": ("is",),
    "work": (),
    "tell": (),
    "explain": (),
    "describe": (),
    "say": (),
    "know": (),
}
_EMPTY = frozenset(
    "much mani kind sort type happen tell explain describ say said know find give show text "
    "document above file follow context passage articl answer question sentence accord base "
    "pleas mention exactly".split()
)


def answer(question: str, texts: Sequence[str], limit: int = 2) -> Found | None:
    """The sentences that answer a question, or None when no sentence has enough of its words.

    Args:
        question: In plain words.
        texts: Where to look; of equal sentences the one of the earlier text wins.
        limit: Most sentences.

    Example:
        >>> answer("When does the shop open?", ["The shop opens at 9. It sells tea."], 1).text
        'The shop opens at 9.'
        >>> answer("Who is the queen?", ["The shop opens at 9."]) is None
        True
    """
    asked = [word for word in dict.fromkeys(content_words(question)) if word not in _EMPTY]
    if "how many" in question.lower():
        # What is counted is the word that matters, and how it is said to be there is not: "have", "live", "work".
        asked = [word for word in asked if word not in _BEING] or asked
    else:
        # "On which day" asks for a day, and not for the word.
        asked = [word for word in asked if word not in _KINDS] or asked
    lines = _lines(texts)
    if not asked or not lines:
        return None
    index: BM25[int] = BM25(
        ((at, {"text": line.text, "around": f"{line.heading} {line.before}"}) for at, line in enumerate(lines)),
        weights={"around": 0.4},
    )
    rarity = {word: index.rarity(word) for word in asked}
    whole = sum(rarity.values()) or 1.0
    expanded = " ".join((question, *(alias for word in asked for alias in _ALIASES.get(word, ()))))
    ranked: list[tuple[float, int, float]] = []
    for at, score in index.search(expanded, 40):
        line = lines[at]
        own = frozenset(content_words(line.text))
        near = own | frozenset(content_words(f"{line.heading} {line.before}"))
        coverage = (
            sum(
                weight
                * (1.0 if word in own else 0.6 if word in near else 0.7 if _aliased(word, own, line.text) else 0.0)
                for word, weight in rarity.items()
            )
            / whole
        )
        kind = _fits(question, line.text) * (0.75 if " | " in line.text else 1.0)
        ranked.append((score * (0.3 + coverage) * kind, at, coverage))
    ranked.sort(key=lambda item: (-item[0], item[1]))
    if not ranked:
        return None
    best, first, coverage = ranked[0]
    if coverage < _LEAST_COVERAGE:
        return None
    chosen = [first]
    for score, at, other in ranked[1:]:
        if len(chosen) >= limit:
            break
        same = lines[at].source == lines[first].source
        if same and score >= 0.75 * best and other >= _LEAST_COVERAGE and lines[at].text != lines[first].text:
            chosen.append(at)
    return Found(" ".join(lines[at].text for at in sorted(chosen)), lines[first].source, coverage)


def _aliased(word: str, own: frozenset[str], text: str) -> bool:
    if word in {"address", "contact", "email", "mail"} and "@" in text:
        return True
    return any(alias in own for name in _ALIASES.get(word, ()) for alias in content_words(name))


def _lines(texts: Sequence[str]) -> list[_Line]:
    found: list[_Line] = []
    for source, text in enumerate(texts):
        heading = ""
        for block in blocks(text):
            if block.kind == "heading":
                heading = block.text
                continue
            before = ""
            for sentence in [block.text] if block.kind == "row" else split_sentences(block.text):
                # "On Sundays it is closed" is about what the sentence before is about.
                leaning = bool(_PRONOUN.search(sentence))
                found.append(_Line(sentence, heading, before if leaning else "", source))
                before = f"{before} {sentence}"[-600:] if leaning else sentence
                if len(found) >= _LONGEST:
                    return found
    return found


_WANTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (pattern(r"\bwho(?:se|m)?\b|\bwhich (?:person|company)\b", re.IGNORECASE), "name"),
    (pattern(r"\bwhen\b|\bwhat (?:date|day|year|time)\b|\bwhich (?:day|year|month)\b", re.IGNORECASE), "time"),
    (
        pattern(
            r"\bhow (?:many|much|long|old|far|big|tall|often|fast|high)\b|\bwhat (?:number|price|cost)", re.IGNORECASE
        ),
        "number",
    ),
    (pattern(r"\bwhere\b", re.IGNORECASE), "place"),
    (pattern(r"\bwhy\b", re.IGNORECASE), "reason"),
    (pattern(r"\bhow (?:do|can|to|should|does)\b", re.IGNORECASE), "way"),
    (pattern(r"^\s*what(?:'s| is| are| was)\b", re.IGNORECASE), "definition"),
)


def _fits(question: str, sentence: str) -> float:
    """More than 1 for a sentence that has the kind of thing the question asks for."""
    wanted = next((kind for pattern, kind in _WANTS if pattern.search(question)), "")
    if sentence.endswith("?"):
        return 0.3
    if wanted == "name":
        return 1.35 if names(sentence) or re.match(r"[A-Z]\w+ [A-Z]\w+", sentence) else 0.7
    if wanted == "time":
        timely = dates(sentence) or re.search(
            r"\b(?:1\d{3}|20\d{2})\b|\d{1,2}(?::\d{2}|\s?[ap]m)|\b(?:at|on|in|until|since|every|before|after) (?:\d|"
            r"[A-Z]|noon|midnight)",
            sentence,
        )
        return 1.35 if timely else 0.75
    if wanted == "number":
        return 1.35 if numbers(sentence) else 0.6
    if wanted == "place":
        return 1.25 if re.search(r"\b(?:in|at|on|near|from|under|to|by) (?:the |a )?[\w/`.~]", sentence) else 0.8
    if wanted == "reason":
        return (
            1.3
            if re.search(
                r"\b(?:because|since|so that|due to|as a result|in order to|to avoid|therefore)\b",
                sentence,
                re.IGNORECASE,
            )
            else 1.0
        )
    if wanted == "way":
        return 1.15 if re.search(r"\b(?:use|run|call|set|by|with|install|must|can)\b", sentence, re.IGNORECASE) else 1.0
    if wanted == "definition":
        return _defines(question, sentence)
    return 1.0


def _defines(question: str, sentence: str) -> float:
    subject = [
        word
        for word in words(re.sub(r"^\s*what(?:'s| is| are| was)\b", "", question, flags=re.IGNORECASE))
        if word not in {"the", "a", "an"}
    ]
    head = " ".join(words(sentence)[: len(subject) + 4])
    if subject and " ".join(subject) in head and re.search(r"\b(?:is|are|was|means|refers to)\b", sentence):
        return 1.5
    return 1.0
