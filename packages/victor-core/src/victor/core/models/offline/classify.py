"""Choosing among given labels: by the labels' own words, what is said about them, and small lexicons."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from victor.core.models.offline.lexicons import DECISIONS, FALLBACKS, label_words, polarity
from victor.core.models.offline.markdown import blocks, title_of
from victor.core.models.offline.pattern import pattern
from victor.core.ranking import content_words, stem, words

__all__ = ["Verdict", "classify", "find_labels", "is_decision", "language_of"]

_LANGUAGES: dict[str, tuple[str, str]] = {
    "english": (
        "en",
        "the and of to is in that it for was with are this you not have be on as at by or an from can all no",
    ),
    "german": ("de", "der die und das ist nicht ein eine zu mit den von sich auf f\u00fcr im dem auch wir ich es sie"),
    "french": ("fr", "le la les et des est une un du que pour dans qui pas sur au avec ce nous vous il elle"),
    "spanish": ("es", "el la los y de que en un una es por con para no se del las al como su m\u00e1s pero"),
    "italian": ("it", "il di che e la un per non una sono con del si da come le gli nel alla pi\u00f9 ma"),
    "portuguese": ("pt", "o de que e do da em um para com n\u00e3o uma os no se na por mais as dos ao"),
    "dutch": ("nl", "de het een en van is dat niet op te zijn met voor in aan er ook maar naar bij"),
}


@frozen
class Verdict:
    """A label and what speaks for it.

    Args:
        label: The chosen one.
        score: How much speaks for it; 0.0 when nothing does.
        confidence: Its share of all that speaks for any label, 0 to 1; 0 when nothing speaks for any.
        evidence: The words of the text that speak for it, most frequent first.
    """

    label: str
    score: float
    confidence: float
    evidence: tuple[str, ...] = ()


def is_decision(labels: Sequence[str]) -> bool:
    """The labels decide something (APPROVE or REJECT, yes or no) rather than sort.

    Example:
        >>> is_decision(["APPROVE", "REJECT"]), is_decision(["guide", "plan"])
        (True, False)
    """
    return bool(labels) and all(label.strip().lower() in DECISIONS for label in labels)


def classify(text: str, labels: Sequence[str], descriptions: Mapping[str, str] | None = None) -> Verdict:
    """The label a text fits best.

    Words of the title and of headings count more. When nothing speaks for any label, it is one that says so
    ("other", "neutral", ...) if there is one, else the first; the score is then 0.

    Args:
        text: Markdown or plain text.
        labels: At least one.
        descriptions: What is said about each label.

    Raises:
        ValueError: No labels.

    Example:
        >>> classify("The app crashes with an exception.", ["feature", "bug"]).label
        'bug'
        >>> classify("It is not a good idea.", ["positive", "negative", "neutral"]).label
        'negative'
    """
    if not labels:
        raise ValueError("classify needs at least one label")
    lowered = {label.strip().lower(): label for label in labels}
    if languages := _languages(text, labels):
        return languages
    if _is_sentiment(lowered):
        return _sentiment(text, lowered)
    if {"yes", "no"} >= set(lowered) or {"true", "false"} >= set(lowered):
        return Verdict(labels[0], 0.0, 0.0)
    counts = _weighted_words(text)
    titled = {stem(word) for word in words(title_of(text))}
    total = sum(counts.values()) or 1.0
    scores: list[tuple[float, tuple[str, ...]]] = []
    shared: dict[str, int] = {}
    solid = [label for label in labels if label.strip().lower() not in FALLBACKS] or list(labels)
    vocabularies = [
        _vocabulary(label, (descriptions or {}).get(label, "")) if label in solid else {} for label in labels
    ]
    for vocabulary in vocabularies:
        for word in vocabulary:
            shared[word] = shared.get(word, 0) + 1
    for vocabulary in vocabularies:
        score = 0.0
        seen: list[tuple[float, str]] = []
        for word in sorted(vocabulary):
            count = counts.get(word, 0.0)
            if count:
                # A word that speaks for every label tells them apart by nothing.
                strength = 1.0 + math.log1p(count) + 60.0 * count / total + (6.0 if word in titled else 0.0)
                worth = vocabulary[word] * strength / shared[word] ** 2
                score += worth
                seen.append((-worth, word))
        scores.append((score / (3.0 + math.sqrt(len(vocabulary))), tuple(word for _, word in sorted(seen))))
    best = max(range(len(labels)), key=lambda at: (scores[at][0], -at))
    everything = sum(score for score, _ in scores)
    if everything <= 0.0:
        asks = next((label for label in labels if stem("question") in map(stem, words(label))), None)
        if asks is not None and text.rstrip().endswith("?"):
            return Verdict(asks, 1.0, 0.5, ("?",))
        return Verdict(_without_evidence(labels), 0.0, 0.0)
    score, evidence = scores[best]
    # A little of every doubt stays: two words in a short text make nobody sure.
    return Verdict(labels[best], score, score / (everything + 0.6), evidence)


def _without_evidence(labels: Sequence[str]) -> str:
    lowered = [label.strip().lower() for label in labels]
    for fallback in FALLBACKS:
        if fallback in lowered:
            return labels[lowered.index(fallback)]
    return labels[0]


def _vocabulary(label: str, description: str) -> dict[str, float]:
    vocabulary = dict.fromkeys(label_words(label), 1.0)
    for word in content_words(description):
        vocabulary[word] = max(vocabulary.get(word, 0.0), 1.5)
    for word in content_words(label) or [stem(word) for word in words(label)]:
        vocabulary[word] = 3.0
    return vocabulary


def _weighted_words(text: str) -> dict[str, float]:
    counts: dict[str, float] = {}
    titled = False
    for block in blocks(text) or []:
        weight = 1.0
        if block.kind == "heading":
            weight = 2.0 if titled else 5.0
            titled = True
        elif block.kind == "row":
            weight = 0.5
        for word in words(block.text):
            root = stem(word)
            counts[root] = counts.get(root, 0.0) + weight
    if not counts:
        for word in words(text):
            root = stem(word)
            counts[root] = counts.get(root, 0.0) + 1.0
    return counts


_GOOD = frozenset("positive pos good happy favorable great like".split())
_BAD = frozenset("negative neg bad unhappy angry unfavorable sad dislike".split())


def _is_sentiment(lowered: Mapping[str, str]) -> bool:
    plain = {label.removeprefix("very ").removeprefix("very_") for label in lowered}
    return bool(plain & _GOOD) and bool(plain & _BAD) and len(lowered) <= 5


def _sentiment(text: str, lowered: Mapping[str, str]) -> Verdict:
    spoken = words(text)
    good, bad = polarity(spoken)
    neutral = next(
        (lowered[label] for label in ("neutral", "mixed", "other", "none", "unknown") if label in lowered), None
    )
    like = next(
        lowered[label] for label in sorted(lowered) if label in _GOOD or label.split("very")[-1].strip(" _") in _GOOD
    )
    dislike = next(
        lowered[label] for label in sorted(lowered) if label in _BAD or label.split("very")[-1].strip(" _") in _BAD
    )
    whole = good + bad
    if whole == 0.0:
        return Verdict(neutral or _without_evidence(list(lowered.values())), 0.0, 0.0)
    share = max(good, bad) / whole
    # A long text with a few such words says nothing; nor does one that praises and blames alike.
    weak = whole < 0.012 * len(spoken) or share < 0.6
    if neutral is not None and weak:
        return Verdict(lowered.get("mixed", neutral) if whole > 3 and share < 0.6 else neutral, whole, 1.0 - share / 2)
    return Verdict(like if good >= bad else dislike, whole, share)


def _languages(text: str, labels: Sequence[str]) -> Verdict | None:
    codes = {code: name for name, (code, _) in _LANGUAGES.items()}
    asked = {label: codes.get(label.strip().lower(), label.strip().lower()) for label in labels}
    if sum(name in _LANGUAGES for name in asked.values()) < max(2, len(labels) - 1):
        return None
    spoken = language_of(text)
    for label, name in asked.items():
        if name == spoken:
            return Verdict(label, 1.0, 1.0)
    return Verdict(_without_evidence(labels), 0.0, 0.0)


def language_of(text: str) -> str:
    """The language of a text by its little words, in lower case; ``""`` when they do not tell.

    Example:
        >>> language_of("Das ist nicht der Hund, und ich bin es auch nicht."), language_of("xyzzy")
        ('german', '')
    """
    spoken = re.findall(r"[^\W\d_]+", text[:20_000].lower())
    best, most, second = "", 0, 0
    for name, (_, little) in _LANGUAGES.items():
        known = frozenset(little.split())
        found = sum(word in known for word in spoken)
        if found > most:
            best, most, second = name, found, most
        elif found > second:
            second = found
    return best if most >= 2 and most > second and most >= 0.03 * len(spoken) else ""


_LISTED = pattern(
    r"(?:\bas|\binto|\bone of|\bonly|\bwith|\breply|\banswer|\brespond|\breturn|\boutput|\bsay|\blabels?|\bcategories|"
    r"\bclasses|\boptions|\bchoices|\btopics|\bis (?:it|this)|\beither|\bbetween|\bsentiment)(?:\s+(?:are|is|of|the|"
    r"one|following|"
    r"exactly|just|only|with|single|word|label|labels|categories|category|a|an|as|into|these|text|review|message|"
    r"email|e-mail|"
    r"ticket|document|comment|feedback|sentence|either|this|that|it|my|following)\b)*\s*:?\s*"
    r"(?P<list>\(?[\"'`*]?[\w-]+(?:[ -](?!or\b|and\b)[\w-]+){0,2}[\"'`*]?(?:\s*(?:,|/|\||;)\s*(?:or\s+|"
    r"and\s+)?[\"'`*]?[\w-]+(?:[ -](?!or\b|and\b)[\w-]+){0,2}[\"'`*]?)*"
    r"(?:\s*(?:,\s*)?(?:or|and|\||/)\s+[\"'`*]?[\w-]+(?:[ -][\w-]+){0,2}[\"'`*]?)?)",
    re.IGNORECASE,
)
_DESCRIBED = pattern(
    r"^\s*(?:[-*\u2022]|\d+[.)])\s+[\"'`*]*([\w -]{1,30}?)[\"'`*]*\s*(?::|\u2013|\u2014| - )\s*(\S.*)$", re.MULTILINE
)
_PLAIN_ITEM = pattern(r"^\s*(?:[-*\u2022]|\d+[.)])\s+[\"'`*]*([\w -]{1,30}?)[\"'`*]*\s*$", re.MULTILINE)
_SPLIT = pattern(r"\s*(?:,\s*(?:or|and)\s+|,|;|\||\bor\b|\band\b|(?<=\w)\s*/\s*(?=\w))\s*", re.IGNORECASE)


def find_labels(instructions: str) -> dict[str, str]:
    r"""The labels instructions name, each with what is said about it (``""`` where nothing is).

    Args:
        instructions: Such as "Classify as bug, feature or question" or a list of ``- label: description`` lines.

    Example:
        >>> list(find_labels("Classify the ticket as bug, feature request or question."))
        ['bug', 'feature request', 'question']
        >>> find_labels("Labels:\n- spam: unwanted offers\n- ham: anything else")
        {'spam': 'unwanted offers', 'ham': 'anything else'}
        >>> list(find_labels("You are a reviewer; reply APPROVE or REJECT."))
        ['APPROVE', 'REJECT']
    """
    described = {label.strip(): text.strip() for label, text in _DESCRIBED.findall(instructions)}
    if len(described) > 1:
        return described
    items = [label.strip() for label in _PLAIN_ITEM.findall(instructions)]
    if len(items) > 1:
        return dict.fromkeys(items, "")
    best: list[str] = []
    for match in _LISTED.finditer(instructions):
        found = [part.strip(" \"'`*().").strip() for part in _SPLIT.split(match["list"])]
        found = [
            re.sub(r"^(?:a|an|the|either|only|with)\s+", "", label, flags=re.IGNORECASE) for label in found if label
        ]
        found = list(dict.fromkeys(found))
        if len(found) > len(best) and len(found) > 1 and all(len(label) <= 40 for label in found):
            best = found
    return dict.fromkeys(best, "")
