"""How a search's ``query`` ranks values: by words (BM25), or by the nearness of vectors."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import mul
from typing import Any, Final

__all__ = ["by_vectors", "by_words", "pack_vector", "texts_at", "unpack_vector"]

_WORD: Final = re.compile(r"\w+")
_K1: Final = 1.2
_B: Final = 0.75
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\*|-?\d+)\]")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def texts_at(value: Any, fields: Sequence[str]) -> list[str]:
    """The texts of a value that a search looks at.

    Args:
        value: A stored value.
        fields: Paths, such as ``"title"``, ``"author.name"``, ``"parts[*].text"``, ``"parts[0]"``; ``"$"`` is all.

    Example:
        >>> texts_at({"title": "Tea", "parts": [{"text": "hot"}, {"text": "wet"}]}, ["title", "parts[*].text"])
        ['Tea', 'hot', 'wet']
    """
    found: list[str] = []
    for path in fields:
        places = [value]
        if path != "$":
            for name, index in _STEP.findall(path):
                places = [below for place in places for below in _below(place, name, index)]
        found += [text for place in places for text in _leaves(place)]
    return found


def _below(place: Any, name: str, index: str) -> Iterable[Any]:
    if name:
        return [place[name]] if isinstance(place, Mapping) and name in place else []
    if not isinstance(place, list | tuple):
        return []
    if index == "*":
        return place
    return [place[int(index)]] if -len(place) <= int(index) < len(place) else []


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def by_words(query: str, documents: Sequence[Sequence[str]]) -> list[float]:
    """The score of each document (a sequence of texts) for a query: Okapi BM25; 0 when no word of it is there.

    Source: S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), with the
    inverse document frequency kept positive as Lucene does.
    """
    wanted = set(_words(query))
    counts = [Counter(word for text in texts for word in _words(text)) for texts in documents]
    lengths = [sum(count.values()) for count in counts]
    average = sum(lengths) / len(lengths) if any(lengths) else 1.0
    scores = [0.0] * len(documents)
    for word in sorted(wanted):
        holders = [index for index, count in enumerate(counts) if word in count]
        weight = math.log(1 + (len(documents) - len(holders) + 0.5) / (len(holders) + 0.5))
        for index in holders:
            often = counts[index][word]
            scores[index] += weight * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * lengths[index] / average))
    return scores


def pack_vector(vectors: Sequence[Sequence[float]]) -> bytes:
    """Vectors of one length as bytes: how many, then their numbers as 32-bit floats."""
    flat = array("f", (number for vector in vectors for number in vector))
    return len(vectors).to_bytes(4, "big") + flat.tobytes()


def unpack_vector(data: bytes) -> list[array[float]]:
    """What `pack_vector` made, as vectors again."""
    count = int.from_bytes(data[:4], "big")
    flat = array("f", data[4:])
    size = len(flat) // count if count else 0
    return [flat[start : start + size] for start in range(0, size * count, size)] if size else []


def by_vectors(query: Sequence[float], documents: Sequence[bytes | None]) -> list[float | None]:
    """The score of each document for a query: the cosine of its nearest vector; None without vectors."""
    norm = math.sqrt(sum(map(mul, query, query))) or 1.0
    scores: list[float | None] = []
    for data in documents:
        best: float | None = None
        for vector in unpack_vector(data) if data else ():
            size = math.sqrt(sum(map(mul, vector, vector))) or 1.0
            score = sum(map(mul, query, vector)) / (norm * size)
            best = score if best is None else max(best, score)
        scores.append(best)
    return scores
