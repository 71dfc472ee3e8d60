"""Ranking short texts by the words they share with a query: BM25 with field weights, in pure Python.

The offline model finds tools and sentences with it; a registry of tools searches with it.

Example:
    >>> index = BM25({"read_file": "Read a text file", "send_mail": "Send a mail to somebody"})
    >>> [key for key, score in index.search("reading files")]
    ['read_file']
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Set
from functools import cache, lru_cache
from itertools import islice, repeat
from operator import add
from typing import Final, Generic, TypeAlias, TypeVar

__all__ = ["BM25", "STOP_WORDS", "content_words", "stem", "terms", "words"]

K = TypeVar("K", bound=Hashable)
# For one term: document -> impact; documents by impact; all these documents.
_Weighed: TypeAlias = tuple[dict[int, float], list[int], frozenset[int]]
_FEW: Final = 6  # up to so many terms their combinations are fewer than the documents
_ROUNDING: Final = 1.0 - 1e-9  # bounds are added in another order than scores

# Scripts written without spaces: Han, kana, and the Hangul of compounds are indexed by pairs of characters.
_CJK = "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z]+)*")
# Vowel signs and other marks belong to the word they stand in, although they are no letters.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u1037-\u103e"
_CAMEL = re.compile(r"[a-z0-9](?=[A-Z])|[A-Z](?=[A-Z][a-z])")

STOP_WORDS = frozenset(
    "a about above after again against all also am an and any are as at be because been before being below "
    "between both but by can could did do does doing down during each either few for from further had has have "
    "having he her here hers him his how i if in into is it its itself just let like may me might more most "
    "much must my myself no nor not now of off on once one only or other our ours out over own per please same "
    "shall she should so some such than that the their theirs them then there these they this those through "
    "thus to too under until up upon us very was we were what when where which while who whom whose why will "
    "with within without would yes yet you your yours it's i'm don't doesn't isn't can't won't that's there's "
    "what's let's i'd i'll we're you're they're".split()
)
"""English words that carry no subject. Kept out of ranking."""


def words(text: str) -> list[str]:
    """The words of a text, in lower case, accents removed, in order.

    ``snake_case`` and ``camelCase`` fall apart into their words; scripts without spaces become pairs of characters.

    Example:
        >>> words("readFile: the Résumé of HTTPServer_2")
        ['read', 'file', 'the', 'resume', 'of', 'http', 'server', '2']
        >>> words("東京都")
        ['東京', '京都']
    """
    pattern = _WORD
    if not text.isascii():
        text = _fold(text)
        pattern = _any_word()
    found: list[str] = []
    for word in pattern.findall(text):
        if word.islower() or word.isdigit():
            found.append(word)
        elif word[1:].islower():
            found.append(word.lower())
        elif not word.isascii() and _cjk().search(word):
            found += _split_cjk(word.lower())
        else:
            found += _CAMEL.sub(r"\g<0> ", word).lower().split()
    return found


def _fold(text: str) -> str:
    text = text.replace("\u2019", "'")
    decomposed = unicodedata.normalize("NFKD", text)
    stripped = "".join(
        char
        for char in decomposed
        # Only Latin, Greek and Cyrillic accents; the voicing marks of kana and vowel signs of Indic scripts stay.
        if not "\u0300" <= char <= "\u036f"
    )
    return unicodedata.normalize("NFKC", stripped)


@cache
def _any_word() -> re.Pattern[str]:
    return re.compile(rf"(?:[^\W_]|[{_MARKS}])+(?:'[^\W\d_]+)*")


@cache
def _cjk() -> re.Pattern[str]:
    # Compiling so many ranges takes milliseconds, which English need not pay.
    return re.compile(f"[{_CJK}]+")


def _split_cjk(word: str) -> list[str]:
    found: list[str] = []
    at = 0
    for run in _cjk().finditer(word):
        if run.start() > at:
            found.append(word[at : run.start()])
        text = run.group()
        found += [text] if len(text) == 1 else [text[i : i + 2] for i in range(len(text) - 1)]
        at = run.end()
    if at < len(word):
        found.append(word[at:])
    return found


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """What the forms of an English word have in common; other words come back as they are.

    Lighter than Porter's stemmer (Program 14, 1980, 130-137): it takes off inflections and the commonest endings
    of nouns made from verbs, so that "summarising", "summaries" and "summarize" meet and "universe" and
    "university" do not.

    Example:
        >>> stem("summarised") == stem("summarizes") == stem("summarization")
        True
        >>> stem("files"), stem("class"), stem("calculator") == stem("calculate")
        ('file', 'class', True)
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word.removesuffix("'s")
    word = _singular(word)
    for ending in ("ing", "ed"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) >= 3 and _has_vowel(base):
            word = _undouble(base)
            break
    if word.endswith("ly") and len(word) > 6:
        word = word[:-2]
    if word.endswith(("ization", "isation")):
        word = word[:-5]
    elif word.endswith(("ator", "ation")) and len(word) > 6:
        word = word[: word.rindex("at") + 2]
    elif word.endswith(("tion", "sion")) and len(word) > 6:
        word = word[:-3]
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    elif word.endswith("y") and len(word) > 3 and word[-2] not in "aeiou":
        word = word[:-1] + "i"
    if word.endswith("is") and len(word) > 5:
        word = word[:-1] + "z"
    return word


_SINGULARS = frozenset("news lens alias canvas atlas bias always perhaps pandas kubernetes aws https".split())


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in _SINGULARS:
        return word[:-1]
    return word


def _undouble(base: str) -> str:
    if base[-1] == base[-2] and base[-1] not in "lsz":
        return base[:-1]
    return base


def _has_vowel(text: str) -> bool:
    return any(char in "aeiouy" for char in text)


def terms(text: str) -> list[str]:
    """The stems of a text's words, all of them.

    Example:
        >>> terms("Which files were read?")
        ['which', 'file', 'were', 'read']
    """
    return [stem(word) for word in words(text)]


def content_words(text: str) -> list[str]:
    """The stems of a text's words that are no `STOP_WORDS`: what `BM25` indexes.

    Example:
        >>> content_words("Where are the test results of the parser?")
        ['test', 'result', 'parser']
    """
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


class BM25(Generic[K]):
    """An index of short texts, ranked by BM25F (Robertson and Zaragoza, 2009), that can grow and shrink.

    Args:
        documents: Key to text, or key to a mapping of field to text.
        weights: How much a word in a field counts; 1.0 for fields not named.
        k1: How soon repeating a word stops helping.
        b: How much longer texts are held back, 0 to 1.
        tokenizer: Text to terms; the default is `content_words`.

    Example:
        >>> index = BM25(weights={"name": 3.0})
        >>> index.add("a", {"name": "read_file", "help": "Read a text file"})
        >>> index.add("b", {"name": "list_dir", "help": "List the files of a folder"})
        >>> [key for key, score in index.search("file")]
        ['a', 'b']
        >>> index.remove("a")
        >>> len(index), "a" in index
        (1, False)
    """

    def __init__(
        self,
        documents: Mapping[K, str | Mapping[str, str]] | Iterable[tuple[K, str | Mapping[str, str]]] = (),
        *,
        weights: Mapping[str, float] | None = None,
        k1: float = 1.2,
        b: float = 0.75,
        tokenizer: Callable[[str], list[str]] = content_words,
    ) -> None:
        self._weights = dict(weights or {})
        self._k1, self._b = k1, b
        self._tokenize = tokenizer
        self._order: dict[K, int] = {}
        self._keys: dict[int, K] = {}
        self._next = 0
        # document number -> field -> (term -> occurrences, length)
        self._fields: dict[int, dict[str, tuple[dict[str, int], int]]] = {}
        self._postings: dict[str, dict[int, None]] = {}
        self._lengths: dict[str, list[int]] = {}  # field -> [sum of lengths, documents that have it]
        self._impacts: dict[str, _Weighed] = {}
        for key, document in documents.items() if isinstance(documents, Mapping) else documents:
            self.add(key, document)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, key: object) -> bool:
        return key in self._order

    def add(self, key: K, document: str | Mapping[str, str]) -> None:
        """Index a document; one with the same key is replaced."""
        if key in self._order:
            self.remove(key)
        number = self._next
        self._next += 1
        self._order[key] = number
        self._keys[number] = key
        fields = {"": document} if isinstance(document, str) else document
        counted: dict[str, tuple[dict[str, int], int]] = {}
        for name, text in fields.items():
            found = self._tokenize(text)
            occurrences: dict[str, int] = {}
            for term in found:
                occurrences[term] = occurrences.get(term, 0) + 1
                self._postings.setdefault(term, {})[number] = None
            counted[name] = (occurrences, len(found))
            total = self._lengths.setdefault(name, [0, 0])
            total[0] += len(found)
            total[1] += 1
        self._fields[number] = counted
        self._impacts.clear()

    def remove(self, key: K) -> None:
        """Forget a document.

        Raises:
            KeyError: There is none of that key.
        """
        number = self._order.pop(key)
        del self._keys[number]
        for name, (occurrences, length) in self._fields.pop(number).items():
            for term in occurrences:
                holders = self._postings.get(term)
                if holders is not None:
                    holders.pop(number, None)
                    if not holders:
                        del self._postings[term]
            total = self._lengths[name]
            total[0] -= length
            total[1] -= 1
        self._impacts.clear()

    def search(self, query: str, limit: int = 10) -> list[tuple[K, float]]:
        """The best documents with their scores, best first; equal ones in the order they were added.

        Documents that share no term with the query are left out.

        Args:
            query: Any text; its terms are looked up with the index's own tokenizer.
            limit: Most documents to return.
        """
        lists = self._ordered(dict.fromkeys(self._tokenize(query)))
        if not lists or limit <= 0:
            return []
        scores = self._meetings(lists, limit) if len(lists) <= _FEW else self._accumulated(lists, limit)
        if len(scores) > limit:  # finding the bar first costs half of ranking them all
            bar = _bar(scores, limit)
            scores = {number: score for number, score in scores.items() if score >= bar}
        best = sorted(scores.items(), key=_rank)[:limit]
        return [(self._keys[number], score) for number, score in best]

    def score(self, query: str, key: K) -> float:
        """The score of one document, 0.0 when it shares no term with the query.

        Raises:
            KeyError: There is no document of that key.
        """
        number = self._order[key]
        total = 0.0
        for impacts, _, _ in self._ordered(dict.fromkeys(self._tokenize(query))):
            total += impacts.get(number, 0.0)
        return total

    def rarity(self, term: str) -> float:
        """How telling a term is (its inverse document frequency): high for one that few documents have, or none.

        Args:
            term: As the tokenizer makes it.
        """
        count = len(self._order)
        holders = len(self._postings.get(term, ()))
        return math.log(1.0 + (count - holders + 0.5) / (holders + 0.5))

    def _ordered(self, query: Iterable[str]) -> list[_Weighed]:
        # Rare terms first; the order also fixes the order of additions, so that scores are the same everywhere.
        found = [self._impacts.get(term) or self._weigh(term) for term in query if term in self._postings]
        found.sort(key=lambda pair: len(pair[0]))
        return found

    def _meetings(self, lists: list[_Weighed], limit: int) -> dict[int, float]:
        """Scores of a superset of the best ``limit`` documents (exact for each one that is there), for few terms.

        Only documents are scored in which enough terms meet to reach what ``limit`` known documents have. Meetings are
        intersections of sets, so that no loop of this file walks the documents of a frequent term.
        """
        if len(lists) == 1:
            return _sums(lists, lists[0][1][:limit])
        terms = sorted(((impacts[ranked[0]], ranked, holders) for impacts, ranked, holders in lists), key=_bound)
        terms.reverse()
        # Any documents show that the bar is at least so high; those in which strong terms meet show it best.
        known: set[int] = set()
        held = terms[0][2]
        for _, _, holders in terms[1:]:
            both = held & holders
            if len(both) >= limit:
                held = both
                if len(held) <= 4 * limit:
                    break
            else:
                known |= both
                if len(held) < limit:
                    held = holders
        known.update(islice(held, 4 * limit))
        if len(known) < limit:
            for _, ranked, _ in terms:
                known.update(ranked[:limit])
        scores = _sums(lists, known)
        bar = _bar(scores, limit) * _ROUNDING
        left = [0.0] * (len(terms) + 1)  # what the terms from here on can add
        for at in range(len(terms) - 1, -1, -1):
            left[at] = left[at + 1] + terms[at][0]
        more: set[int] = set()

        def meet(held: Set[int], reached: float, at: int) -> None:
            for next_at in range(at, len(terms)):
                if reached + left[next_at] < bar:
                    return
                bound, _, holders = terms[next_at]
                both = held & holders
                if not both:
                    continue
                if reached + bound >= bar:
                    more.update(both)
                else:
                    meet(both, reached + bound, next_at + 1)

        for at, (bound, ranked, holders) in enumerate(terms):
            if left[at] < bar:
                break
            if bound >= bar:  # a document that holds this term only cannot get past the first ones that hold it
                more.update(ranked[:limit])
            meet(holders, bound, at + 1)
        more -= known
        if more:
            scores.update(_sums(lists, more))
        return scores

    def _accumulated(self, lists: list[_Weighed], limit: int) -> dict[int, float]:
        """The same for any number of terms: term after term, rare ones first."""
        # The longest list is never walked: of the documents that only it holds, the best stand at its front.
        *others, (last, front, _) = lists
        rest = [impacts[ranked[0]] for impacts, ranked, _ in lists]
        scores: dict[int, float] = {}
        for at, (impacts, _, _) in enumerate(others):
            if len(scores) >= limit and len(impacts) > len(scores):
                # What no earlier term found can reach at most the sum of the best that is left (MaxScore:
                # Turtle and Flood, 1995). When that is too little, only the found ones are worth looking up.
                bar = _bar(scores, limit)
                if sum(rest[at:]) < bar * _ROUNDING:
                    for number in scores:
                        scores[number] += impacts.get(number, 0.0)
                    continue
            for number, impact in impacts.items():
                scores[number] = scores.get(number, 0.0) + impact
        for number in scores:
            scores[number] += last.get(number, 0.0)
        left = limit
        for number in front:
            if left == 0:
                break
            if number not in scores:
                scores[number] = last[number]
                left -= 1
        return scores

    def _weigh(self, term: str) -> _Weighed:
        holders = self._postings[term]
        idf = self.rarity(term)
        averages = {
            name: max(total / number, 1e-9) if number else 1.0 for name, (total, number) in self._lengths.items()
        }
        impacts: dict[int, float] = {}
        for document in holders:
            frequency = 0.0
            for name, (occurrences, length) in self._fields[document].items():
                found = occurrences.get(term)
                if found:
                    norm = 1.0 - self._b + self._b * length / averages[name]
                    frequency += self._weights.get(name, 1.0) * found / norm
            impacts[document] = idf * frequency * (self._k1 + 1.0) / (self._k1 + frequency)
        weighed = (impacts, sorted(impacts, key=lambda number: (-impacts[number], number)), frozenset(impacts))
        self._impacts[term] = weighed
        return weighed


def _rank(item: tuple[int, float]) -> tuple[float, int]:
    return (-item[1], item[0])


def _bound(term: tuple[float, list[int], frozenset[int]]) -> float:
    return term[0]


def _bar(scores: Mapping[int, float], limit: int) -> float:
    """What a document must reach to be among the best ``limit``."""
    return sorted(scores.values(), reverse=True)[limit - 1] if len(scores) >= limit else 0.0


def _sums(lists: list[_Weighed], documents: Collection[int]) -> dict[int, float]:
    """Scores of some documents, added term by term in the order of the lists."""
    totals: Iterable[float] = map(lists[0][0].get, documents, repeat(0.0))
    for impacts, _, _ in lists[1:]:
        totals = map(add, totals, map(impacts.get, documents, repeat(0.0)))
    return dict(zip(documents, totals, strict=True))
