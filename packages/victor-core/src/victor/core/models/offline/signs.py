"""What is counted in a text, or shown by a sign in it, rather than read there."""

from __future__ import annotations

import re
from collections.abc import Callable

from victor.core.models.offline import extract
from victor.core.models.offline.keywords import keywords
from victor.core.models.offline.markdown import blocks
from victor.core.models.offline.sentences import split_sentences
from victor.core.models.offline.tokens import count_words
from victor.core.ranking import stem, words

__all__ = ["counted", "has_sign"]


def counted(name: str, text: str) -> int | None:
    """A number that is counted rather than read: words, sentences, lines, minutes of reading."""
    about = name.lower()
    if re.fullmatch(
        r"(?:word_?count|words|num_?words|n_?words|number_of_words|wordCount|length_words)", name, re.IGNORECASE
    ):
        return count_words(text)
    if re.search(r"reading|minutes_to_read", about) and re.search(r"time|minute", about):
        return max(1, round(count_words(text) / 220)) if text.strip() else 0
    match = re.fullmatch(
        r"(?:num_?|n_?|number_of_|count_of_)?(sentence|line|paragraph|heading|character|char|section|link|"
        r"keyword)s?(?:_?count)?",
        about,
    )
    if match and (about != match[1]):
        return _COUNTERS[match[1]](text)
    return None


_COUNTERS: dict[str, Callable[[str], int]] = {
    "sentence": lambda text: sum(
        len(split_sentences(block.text)) for block in blocks(text) if block.kind not in ("heading", "row")
    ),
    "line": lambda text: len(text.splitlines()),
    "paragraph": lambda text: sum(block.kind == "paragraph" for block in blocks(text)),
    "heading": lambda text: sum(block.kind == "heading" for block in blocks(text)),
    "section": lambda text: sum(block.kind == "heading" for block in blocks(text)),
    "character": len,
    "char": len,
    "link": lambda text: len(extract.urls(text)),
    "keyword": lambda text: len(keywords(text)),
}

_CUES: tuple[tuple[str, str], ...] = (
    (r"urgent|urgency", r"\b(?:urgent|urgently|asap|immediately|emergency|critical|as soon as possible|right away)\b"),
    (r"question", r"\?"),
    (r"code", r"```|\bdef \w+\(|\bclass \w+[:(]|\bimport \w+|</?\w+>"),
    (r"spam", r"\b(?:winner|free money|click here|lottery|viagra|casino|limited offer|act now|you have won)\b"),
    (r"todo|action", r"\b(?:todo|to-do|fixme|action item)\b"),
    (r"table", r"^\s*\|.*\|\s*$"),
    (r"link|url", r"https?://"),
    (r"email", r"\b[\w.+-]+@[\w-]+\.\w+"),
    (r"refund", r"\b(?:refund|money back)\b"),
    (r"positive", r"\b(?:good|great|excellent|love|happy|perfect)\b"),
    (r"negative", r"\b(?:bad|terrible|awful|hate|poor|worst)\b"),
    (r"number|figures", r"\d"),
)
_PREFIXES = frozenset(
    "is has have contain contains mention mentions need needs require requires include includes a an the was are "
    "does".split()
)


def has_sign(name: str, text: str) -> bool | None:
    """Whether the text has the sign of a yes-or-no field; None when there is no telling."""
    for about, cue in _CUES:
        if re.search(about, name, re.IGNORECASE):
            return bool(re.search(cue, text, re.IGNORECASE | re.MULTILINE))
    telling = [word for word in words(name.replace("_", " ")) if word not in _PREFIXES]
    if not telling:
        return None
    roots = {stem(word) for word in telling}
    for block in blocks(text):
        for sentence in split_sentences(block.text):
            spoken = words(sentence)
            if roots <= {stem(word) for word in spoken}:
                return not re.search(r"\b(?:not|no|never|without|cannot|n't)\b|n't\b", sentence, re.IGNORECASE)
    return None
