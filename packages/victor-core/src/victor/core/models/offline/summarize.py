"""Summaries made of a text's own sentences.

A sentence counts by the weight of its words in the whole text (a centroid, after Radev and others, 2004), where it
stands, and its shape; the choice among the best goes by maximal marginal relevance (Carbonell and Goldstein, 1998), so
that no two say the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from victor.core.models.offline.markdown import blocks, title_of
from victor.core.models.offline.pattern import pattern
from victor.core.models.offline.sentences import Sentence, sentences_of
from victor.core.models.offline.tokens import count_words
from victor.core.ranking import content_words

__all__ = ["choose_sentences", "shorten", "summarize"]

_DIVERSITY = 0.45
_CANDIDATES = 80
# A sentence that begins like this leans on the one before it.
_LEANING = pattern(
    r"(?:this|that|these|those|it|they|he|she|its|their|such|however|but|and|or|so|also|then|therefore|thus|hence|"
    r"moreover|furthermore|otherwise|instead|besides|for example|for instance|e\.g\.|i\.e\.|see|note|again|both|here|"
    r"there|yet|still|because|which|same|neither|either|similarly|likewise|meanwhile|consequently)\b",
    re.IGNORECASE,
)
_CUE = pattern(
    r"\b(?:in short|in summary|in conclusion|to sum up|overall|the (?:main|key|central) (?:point|finding|result|idea|"
    r"goal)|"
    r"this (?:document|paper|report|page|guide|article|plan|package|library|project|tutorial|survey) |conclude[sd]?|"
    r"we (?:propose|present|show|found|recommend|decided)|recommend(?:s|ed|ation)?|decided|decision|must|"
    r"the (?:purpose|aim|goal|objective)|is an? [\w-]+ (?:framework|library|tool|package|model|method|way)|aims? to)\b",
    re.IGNORECASE,
)
_SELF = pattern(
    r"th(?:is|e) (?:document|paper|report|page|guide|article|plan|package|library|project|tutorial|survey|chapter|"
    r"module)\b",
    re.IGNORECASE,
)
_LABELLED = pattern(r"[^\s:][^:.,;]{0,40}:\s")
_SYMBOLS = pattern(r"[^\w\s.,;:'\"!?()\u2013\u2014\u2018-\u201d-]")


class _Scored(NamedTuple):
    sentence: Sentence
    words: frozenset[str]
    score: float


def summarize(
    text: str, sentences: int = 3, *, words: int | None = None, focus: str = "", bullets: bool = False
) -> str:
    r"""The sentences that say most of a text, in its own order and words.

    A text without sentences is summarized by its headings, or its first line. An empty one has an empty summary.

    Args:
        text: Markdown or plain text.
        sentences: Most sentences.
        words: Most words altogether; a sentence too long for what is left is passed over, and the very first is cut.
        focus: Words that should count more.
        bullets: One line per sentence, each a bullet of a Markdown list.

    Example:
        >>> summarize("# Grid\n\nThe grid carries power to every town. It is old. Birds like it.", 1)
        'The grid carries power to every town.'
    """
    chosen = [sentence.text for sentence in choose_sentences(text, sentences, words=words, focus=focus)]
    if not chosen:
        outline = _outline(text)
        chosen = [outline] if outline else []
    if words is not None and chosen and count_words(chosen[0]) > words:
        chosen = [shorten(chosen[0], words)]
    return "\n".join(f"- {sentence}" for sentence in chosen) if bullets else " ".join(_closed(chosen))


def choose_sentences(text: str, limit: int, *, words: int | None = None, focus: str = "") -> list[Sentence]:
    """The sentences of a summary, in the order of the text; empty when it has no prose.

    Args:
        text: Markdown or plain text.
        limit: Most sentences.
        words: Most words altogether; at least one sentence comes whatever its length.
        focus: Words that should count more.
    """
    if limit <= 0:
        return []
    scored = _score(sentences_of(text), title_of(text), focus)
    scored.sort(key=lambda item: (-item.score, item.sentence.number))
    pool = scored[:_CANDIDATES]
    chosen: list[_Scored] = []
    used = 0
    while pool and len(chosen) < limit:
        best = max(pool, key=lambda item: (_marginal(item, chosen), -item.sentence.number))
        pool.remove(best)
        length = count_words(best.sentence.text)
        if words is not None and chosen and used + length > words:
            continue
        if any(best.sentence.text == other.sentence.text for other in chosen):
            continue
        used += length
        chosen.append(best)
    return sorted((item.sentence for item in chosen), key=lambda sentence: sentence.number)


def _score(sentences: Sequence[Sentence], title: str, focus: str) -> list[_Scored]:
    bags = [frozenset(content_words(sentence.text)) for sentence in sentences]
    frequency: dict[str, int] = {}
    for bag in bags:
        for word in bag:
            frequency[word] = frequency.get(word, 0) + 1
    titled = frozenset(content_words(title))
    wanted = frozenset(content_words(focus))
    weights = {word: math.log1p(number) * (1.6 if word in titled else 1.0) for word, number in frequency.items()}
    # A document says what it is in the first real sentence of its first paragraph.
    opening, lead = next(
        ((s.block, s.number) for s in sentences if s.kind == "paragraph" and count_words(s.text) > 5), (-1, -1)
    )
    seen: set[str] = set()
    scored: list[_Scored] = []
    for sentence, bag in zip(sentences, bags, strict=True):
        shape = _shape(sentence)
        if shape <= 0.0 or not bag:
            continue
        # sorted: the sum must not depend on the order of a set
        total = math.fsum(weights[word] for word in bag)
        score = total / (len(bag) + 4.0) * shape
        if wanted:
            score *= 1.0 + 2.0 * len(wanted & bag) / len(wanted)
        elif sentence.block == opening:
            score *= 2.2 if sentence.number == lead else 1.3
        elif sentence.first:
            score *= 1.1 if sentence.heading in seen else 1.2
        seen.add(sentence.heading)
        if _CUE.search(sentence.text):
            score *= 1.3
        scored.append(_Scored(sentence, bag, score))
    return scored


def _shape(sentence: Sentence) -> float:
    """How well it can stand alone in a summary, 0 for not at all."""
    text = sentence.text
    length = count_words(text)
    if length < 3:
        return 0.0
    shape = 1.0
    if length < 7:
        shape *= 0.55
    elif length > 32:
        shape *= max(0.35, 32.0 / length)
    if text.endswith((":", "?")):
        shape *= 0.45
    elif text[-1] not in ".!\u3002\uff01\u201d\"')":
        shape *= 0.7
    if sentence.kind != "paragraph":
        shape *= 0.65
    if _LEANING.match(text) and not _SELF.match(text):
        shape *= 0.6
    if text[0].islower():
        shape *= 0.8
    if _LABELLED.match(text):
        shape *= 0.75
    # Notes and enumerations: many figures, many separators.
    figures = sum(char.isdigit() for char in text) / len(text)
    shape *= max(0.4, 1.0 - 3.0 * max(0.0, figures - 0.04))
    separators = text.count(",") + 2 * text.count(";") + text.count("/") + 2 * text.count("=") + 2 * text.count("+")
    shape *= max(0.4, 1.0 - 2.5 * max(0.0, separators / length - 0.12))
    symbols = len(_SYMBOLS.findall(text))
    shape *= max(0.3, 1.0 - 4.0 * symbols / len(text))
    return shape * (1.0 - 0.6 * sentence.code)


def _marginal(item: _Scored, chosen: list[_Scored]) -> float:
    if not chosen:
        return item.score
    overlap = max(len(item.words & other.words) / min(len(item.words), len(other.words)) for other in chosen)
    score = item.score * (1.0 - _DIVERSITY * overlap)
    if overlap > 0.8:
        return score * 0.2
    if any(other.sentence.block == item.sentence.block for other in chosen):
        score *= 0.85
    if item.sentence.heading and any(other.sentence.heading == item.sentence.heading for other in chosen):
        score *= 0.9
    return score


def _outline(text: str) -> str:
    found = blocks(text)
    headings = [block.text for block in found if block.kind == "heading"]
    if len(headings) > 1:
        return f"{headings[0]}: {', '.join(headings[1:8])}."
    if headings:
        return headings[0]
    if found:
        return found[0].text
    for line in text.splitlines():
        line = line.strip("#/*-=;\"'` \t")
        if sum(char.isalpha() for char in line) > 2:
            return line
    return ""


def shorten(text: str, words: int) -> str:
    """The beginning of a text up to a number of words, with a mark where something is missing.

    Example:
        >>> shorten("one two three four", 2)
        'one two \u2026'
    """
    parts = text.split()
    if count_words(text) <= words:
        return text
    while parts and count_words(" ".join(parts)) > words:
        parts.pop()
    return f"{' '.join(parts)} \u2026".strip()


def _closed(sentences: list[str]) -> list[str]:
    """Items of lists often have no full stop; between other sentences they need one."""
    if len(sentences) < 2:
        return sentences
    return [text if text[-1] in ".!?:;\u2026\u3002\uff01\uff1f)\"\u201d'" else f"{text}." for text in sentences]
