"""The words and short phrases a text is about."""

from __future__ import annotations

from collections.abc import Iterable

from victor.core.models.offline.markdown import Block, blocks, title_of
from victor.core.models.offline.pattern import pattern
from victor.core.ranking import STOP_WORDS, stem

__all__ = ["keywords"]

# Words that are frequent in any text and tell nothing about this one.
_GENERIC = frozenset(
    "use used uses using make makes made making get gets give gives given go goes need needs want wants take takes "
    "keep "
    "see show shows shown say says said know like work works way ways thing things one two three four five six first "
    "second third last next new old good better best bad many much several another different same set add adds added "
    "run runs ran put time times day days year years week weeks month months today people etc eg ie yes no true "
    "false none "
    "null example examples case cases part parts kind kinds number numbers lot lots around without within must via "
    "still even ever never always often every everything something nothing anything else however therefore although "
    "though instead rather whether yet already back well come comes came look looks find found think note notes "
    "section "
    "page pages below above following based also can cannot could should would may might per since during across "
    "until among between including include includes e.g i.e something somebody someone nobody anyone everybody "
    "everyone "
    "really actually simply plain whole each only exactly little big small large long short high low main full else "
    "let lets start starts end ends start begin able help helps helped please thank thanks dear hello hi regards "
    "happen happens happened become becomes left right order call calls called don doesn isn didn won".split()
)
_UNITS = frozenset(
    "mb kb gb tb ms us ns kib mib gib px hz ghz mhz km kg cm mm eur usd gbp min sec mins secs "
    "hours minutes seconds".split()
)
_TERM = pattern(r"[^\W\d_][\w]*(?:[.'\u2019+#/-][\w+#]+)*[+#]*|[.!?;:,()\[\]{}|\u2013\u2014\"\u201c\u201d]|\s-\s|\d+")
_ENDINGS = ("ly", "ing", "ed")


def keywords(text: str, limit: int = 8) -> list[str]:
    r"""The words and two-word phrases a text is about, most telling first.

    Frequent words count, those of the title and of headings more, those that any text has not at all. A phrase takes
    the place of its words when it is used again and again. Each stands as it is written in the text most often.

    Args:
        text: Markdown or plain text.
        limit: Most keywords to return.

    Example:
        >>> keywords("# Heat pumps\n\nA heat pump uses electricity. Heat pumps save electricity.", 2)
        ['heat pumps', 'electricity']
    """
    if limit <= 0:
        return []
    found = blocks(text)
    title = title_of(text)
    counter = _Counter()
    if title:
        counter.read(title, 3.0)
    for block in found:
        counter.read(block.text, _weight(block), prose=block.kind in ("paragraph", "quote", "item"))
    return counter.best(limit)


def _weight(block: Block) -> float:
    if block.kind == "heading":
        return 2.0
    return 0.4 if block.kind == "row" else 1.0


class _Counter:
    def __init__(self) -> None:
        self.weights: dict[tuple[str, ...], float] = {}
        self.counts: dict[tuple[str, ...], int] = {}
        self.surfaces: dict[tuple[str, ...], dict[str, int]] = {}
        self.named: set[str] = set()  # forms that are capitalised in the middle of a sentence
        self.order: dict[tuple[str, ...], int] = {}

    def read(self, text: str, weight: float, *, prose: bool = False) -> None:
        previous: tuple[str, str] | None = None
        after_number = opened = False
        for match in _TERM.finditer(text):
            word = match[0]
            if word.isdigit():
                after_number, previous = True, None
                continue
            counted, after_number = after_number, False
            if word in ".!?":
                opened = False
            lower = word.lower().replace("\u2019", "'")
            if not _is_candidate(word, lower) or (counted and lower in _UNITS):
                previous = None
                opened = opened or word[0].isalpha()
                continue
            root = stem(lower.removesuffix("'s"))
            word = word.removesuffix("'s").removesuffix("\u2019s")
            self.count((root,), word, weight)
            inside = prose and opened
            if inside:
                self.named.add(word)
            if previous is not None and previous[0] != root:
                self.count((previous[0], root), f"{previous[1]} {word}", weight)
                if inside and word[0].isupper() and previous[1][0].isupper():
                    self.named.add(f"{previous[1]} {word}")
            opened = True
            previous = (root, word)

    def count(self, key: tuple[str, ...], surface: str, weight: float) -> None:
        self.order.setdefault(key, len(self.order))
        self.weights[key] = self.weights.get(key, 0.0) + weight
        self.counts[key] = self.counts.get(key, 0) + 1
        forms = self.surfaces.setdefault(key, {})
        forms[surface] = forms.get(surface, 0) + 1

    def best(self, limit: int) -> list[str]:
        scores: dict[tuple[str, ...], float] = {}
        for key, weight in self.weights.items():
            if len(key) == 2 and self.counts[key] < 2:
                continue
            scores[key] = weight * (1.7 if len(key) == 2 else _shape(self.surface(key)))
        ranked = sorted(scores, key=lambda key: (-scores[key], self.order[key]))
        chosen: list[tuple[str, ...]] = []
        for key in ranked:
            if len(chosen) == limit:
                break
            if not self.repeats(key, chosen):
                chosen.append(key)
        return [self.surface(key) for key in chosen]

    def repeats(self, key: tuple[str, ...], chosen: Iterable[tuple[str, ...]]) -> bool:
        """It says nothing that a chosen one does not say."""
        for other in chosen:
            shared = set(key) & set(other)
            if shared and (len(key) == 1 or len(other) == 1):
                # A word beside its phrase only when it is used far more often on its own.
                single, phrase = (key, other) if len(key) == 1 else (other, key)
                if self.counts[phrase] * 3 >= self.counts[single] or len(key) == 2:
                    return True
            elif len(shared) == 2:
                return True
        return False

    def surface(self, key: tuple[str, ...]) -> str:
        """As it is written most often; a capital that only begins a sentence or a heading is none of its own."""
        forms: dict[str, int] = {}
        known = self.surfaces[key]
        small = any(form.islower() for form in known)
        for form, number in known.items():
            lowered = " ".join(word.lower() if word[1:].islower() or len(word) == 1 else word for word in form.split())
            named = form in self.named or (number > 2 and not small)
            forms[form if named else lowered] = forms.get(form if named else lowered, 0) + number
        return min(forms, key=lambda form: (-forms[form], form))


def _is_candidate(word: str, lower: str) -> bool:
    if len(word) < 3 and not (len(word) == 2 and word.isupper() and word.isalpha()):
        return not word.isascii() and len(word) > 1 and word.isalpha()
    return word[0].isalpha() and lower not in STOP_WORDS and lower not in _GENERIC


def _shape(word: str) -> float:
    """Names and long words tell more than short verbs."""
    if word[1:] != word[1:].lower():
        return 1.25  # SQLite, HTTP
    if word.endswith(_ENDINGS):
        return 0.7
    return 1.0 if len(word) > 4 else 0.85
