"""What a text says about a named field: lines such as ``Due date: 3 March 2026``, rows of tables, front matter."""

from __future__ import annotations

import re
from collections.abc import Iterable

from victor.core.models.offline.markdown import plain_inline
from victor.core.models.offline.pattern import pattern
from victor.core.ranking import content_words, stem, words

__all__ = ["field_words", "items_under", "near", "pairs", "rows_with", "spoken_value"]

_PAIR = pattern(
    r"^[ \t]*(?:[-*+\u2022>][ \t]+)?(?:\*\*|__)?(?P<name>[^\W\d_][\w /()#.'-]{0,40}?)(?:\*\*|__)?[ \t]*(?::(?:\*\*|"
    r"__)?|=|\u2192)[ \t]+(?P<value>\S[^\n]*)$",
    re.MULTILINE,
)
_INLINE = pattern(r"(?:\*\*|__)(?P<name>[^*:\n]{1,40}):?(?:\*\*|__):?[ \t]*(?P<value>[^|\n]+?)(?=[ \t]*(?:\||\n|$))")
_ROW = pattern(r"^[ \t]*\|(?P<name>[^|\n]+)\|(?P<value>[^|\n]+)\|[ \t]*$", re.MULTILINE)
_HEADING = pattern(
    r"^[ \t]*(?:#{1,6}[ \t]+(?P<atx>.+?)[ \t#]*|(?P<label>[^\W\d_][\w ()/-]{1,50}):)[ \t]*$", re.MULTILINE
)
_ITEM = pattern(r"^[ \t]*(?:[-*+\u2022]|\d+[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(\S[^\n]*)$", re.MULTILINE)
# Words of a field's name that tell its type rather than its subject.
_TYPES = frozenset(
    "date number name id text value list field string of the a in is has num no amount count total".split()
)


_UNITS = frozenset("km m cm mm kg g s ms min h eur usd gbp percent pct mb gb kb".split())
_ADJECTIVES = {
    "width": "wide",
    "length": "long",
    "height": "high tall",
    "depth": "deep",
    "age": "old aged",
    "weight": "weigh weighs",
    "speed": "fast",
    "distanc": "far",
    "price": "cost costs",
    "cost": "price",
    "durat": "long takes took lasts",
    "count": "many",
    "size": "large big",
}


def field_words(name: str) -> list[str]:
    """The stems of a field's name.

    Example:
        >>> field_words("invoiceNumber"), field_words("due_date")
        (['invoic', 'number'], ['due', 'date'])
    """
    return [stem(word) for word in words(name.replace("_", " "))]


def pairs(text: str) -> list[tuple[str, str]]:
    r"""The ``name: value`` pairs of a text, in order: lines, bold labels, and tables of two columns.

    Example:
        >>> pairs("Invoice: 12\n**Total**: 3 EUR\n\n| Due | today |")
        [('Invoice', '12'), ('Total', '3 EUR'), ('Due', 'today')]
    """
    found: list[tuple[int, str, str]] = []
    taken: set[int] = set()
    for form in (_PAIR, _INLINE, _ROW):
        for match in form.finditer(text):
            line = text.count("\n", 0, match.start("value"))
            value = plain_inline(match["value"]).strip().strip("\"'").rstrip(",").strip()
            if value and (line not in taken or form is _INLINE) and len(match["name"].split()) <= 5:
                name = plain_inline(match["name"]).strip(" *_")
                if form is _INLINE and any(name == other for _, other, _ in found):
                    continue
                taken.add(line)
                found.append((match.start(), name, value))
    return [(name, value) for _, name, value in sorted(found)]


def spoken_value(name: str, text: str, known: Iterable[tuple[str, str]] | None = None) -> str | None:
    """What the text gives as the value of a field, or None.

    Args:
        name: Of the field.
        text: Where to look.
        known: `pairs` of the text, where the caller has them already.

    Example:
        >>> spoken_value("due_date", "Due: 3 March 2026"), spoken_value("color", "The color is blue.")
        ('3 March 2026', 'blue')
    """
    wanted = field_words(name)
    if not wanted:
        return None
    telling = [word for word in wanted if word not in _TYPES] or wanted
    best: tuple[float, str] | None = None
    for label, value in pairs(text) if known is None else known:
        spoken = field_words(label)
        if not spoken:
            continue
        if spoken == wanted:
            return value
        shared = len(set(spoken) & set(wanted))
        if shared and all(word in spoken for word in telling) and shared / len(set(spoken)) >= 0.5:
            score = shared / len(set(spoken) | set(wanted))
        elif shared == len(set(spoken)) and any(word in telling for word in spoken):
            score = 0.5 * shared / len(wanted)
        else:
            continue
        if best is None or score > best[0]:
            best = (score, value)
    if best is not None:
        return best[1]
    plain = r"[\s_-]+".join(re.escape(word) for word in words(name.replace("_", " ")))
    match = re.search(
        rf"\b{plain}\b(?:\s+(?:is|was|are|will be|of|equals|named|called|set to)\s+|\s*[:=]\s*)(?:the\s+|"
        # A mark between two digits belongs to the number: 1,250.50.
        rf"an?\s+)?((?:[^.,;\n]|(?<=\d)[.,](?=\d))+)",
        text,
        re.IGNORECASE,
    )
    return plain_inline(match[1]) if match and len(match[1].split()) <= 8 else None


def near(name: str, text: str, spans: Iterable[tuple[int, int]]) -> int | None:
    """Which of some places of a text stands nearest to the words of a field's name, or None when none is near.

    Args:
        name: Of the field; its words are looked for in the text.
        text: Where the places are.
        spans: Start and end of each place.
    """
    wanted = [word for word in field_words(name) if word not in _TYPES]
    wanted = [word for word in wanted if word not in _UNITS] or wanted
    after = {stem(alias) for word in wanted for alias in _ADJECTIVES.get(word, "").split()}
    if not wanted:
        return None
    places = [
        (match.start(), root in after)
        for match in re.finditer(r"[^\W_]+", text)
        if (root := stem(match[0].lower())) in wanted or root in after
    ]
    best: tuple[int, int] | None = None
    for number, (start, end) in enumerate(spans):
        for place, follows in places:
            between = text[min(end, place) : max(start, place)]
            if re.search(r"[.!?]\s|\n\s*\n", between):
                continue
            distance = abs(start - place) + (15 if (place > start) != follows else 0)  # "length: 12", but "12 km long"
            if distance <= 80 and (best is None or distance < best[0]):
                best = (distance, number)
    return None if best is None else best[1]


def items_under(name: str, text: str, synonyms: Iterable[str] = ()) -> list[str]:
    r"""The items of the list that stands under a heading (or a line with a colon) named like a field.

    Example:
        >>> items_under("next_steps", "## Next steps\n\n- Ship it\n- Rest\n\n## End")
        ['Ship it', 'Rest']
    """
    wanted = [frozenset(content_words(option.replace("_", " "))) for option in (name, *synonyms)]
    headings = list(_HEADING.finditer(text))
    for at, match in enumerate(headings):
        said = frozenset(content_words(match["atx"] or match["label"] or ""))
        if not any(option and option <= said for option in wanted):
            continue
        end = headings[at + 1].start() if at + 1 < len(headings) else len(text)
        found = [plain_inline(item) for item in _ITEM.findall(text[match.end() : end])]
        if found:
            return found
    return []


def rows_with(names: Iterable[str], text: str) -> list[dict[str, str]]:
    r"""The rows of the table whose columns are named like the fields, as field to cell.

    Example:
        >>> rows_with(["name", "age"], "| Name | Age |\n|---|---|\n| Ada | 36 |")
        [{'name': 'Ada', 'age': '36'}]
    """
    wanted = {name: frozenset(field_words(name)) for name in names}
    lines = text.split("\n")
    for at, line in enumerate(lines[:-1]):
        if "|" not in line or not re.fullmatch(r"[\s|:-]*-[\s|:-]*", lines[at + 1]) or "|" not in lines[at + 1]:
            continue
        header = [frozenset(field_words(cell)) for cell in _cells(line)]
        columns: dict[str, int] = {}
        for name, stems in wanted.items():
            best = [
                (len(stems & cell) / len(stems | cell), -place) for place, cell in enumerate(header) if stems & cell
            ]
            if best:
                columns[name] = -max(best)[1]
        if len(columns) * 2 < len(wanted) or not columns:
            continue
        rows = []
        for row in lines[at + 2 :]:
            if "|" not in row:
                break
            cells = [plain_inline(cell) for cell in _cells(row)]
            rows.append({name: cells[place] for name, place in columns.items() if place < len(cells) and cells[place]})
        if rows:
            return rows
    return []


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
