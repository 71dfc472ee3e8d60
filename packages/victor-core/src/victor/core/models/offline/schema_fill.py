"""Filling a JSON Schema from a text: each field by its name, its description, its type and its format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from victor.core.models.offline import extract
from victor.core.models.offline.answer import Found, answer
from victor.core.models.offline.classify import Verdict, classify, find_labels, is_decision, language_of
from victor.core.models.offline.field_kinds import list_kind, string_kind
from victor.core.models.offline.fields import field_words, items_under, near, pairs, rows_with, spoken_value
from victor.core.models.offline.keywords import keywords
from victor.core.models.offline.markdown import blocks, title_of
from victor.core.models.offline.nodes import Node, conforms, node_of
from victor.core.models.offline.prompt import Limits, limits_of
from victor.core.models.offline.sentence_kinds import SENTENCE_KINDS, sentences_of_kind
from victor.core.models.offline.sentences import split_sentences
from victor.core.models.offline.signs import counted, has_sign
from victor.core.models.offline.summarize import choose_sentences, shorten, summarize
from victor.core.ranking import content_words, stem, words

__all__ = ["NotFound", "Source", "fill"]

_MISSING: Final = object()
_DEPTH = 8
_EMPTY: Mapping[str, tuple[Any, ...]] = {
    "string": ("",),
    "array": ([],),
    "boolean": (False,),
    "object": ({},),
    "": (None,),
}
_MOST_ITEMS = 50


class NotFound(Exception):
    """A required field is not in the text, and the schema allows nothing that would say so.

    What to do: nothing; the offline model turns it into an answer that says what it did not find.

    Args:
        problems: Pairs of field path (``"items.price"``) and what was looked for.
    """

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path} ({what})" for path, what in problems))
        self.problems = problems


class Source:
    """What a schema is filled from.

    Args:
        text: The material.
        task: What was asked for, for questions, labels and lengths.
        question: The part of it that may be a question; other words of the task would hide what it asks for.
    """

    def __init__(self, text: str, task: str = "", question: str = "") -> None:
        self.text = text
        self.task = task
        self.question = question
        self._pairs: list[tuple[str, str]] | None = None
        self._verdict: Verdict | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The ``name: value`` pairs of the text."""
        if self._pairs is None:
            self._pairs = pairs(self.text)
        return self._pairs

    def answered(self, text: str, most: int = 2) -> Found | None:
        """What of a text answers the question, or else the whole task."""
        asked = dict.fromkeys(one for one in (self.question, self.task) if one)
        return next((found for one in asked if (found := answer(one, [text], most)) is not None), None)

    def classify(self, labels: list[str], descriptions: Mapping[str, str]) -> Verdict:
        """Choose a label, and keep the verdict for fields that tell how sure it is."""
        self._verdict = classify(self.text, labels, descriptions)
        return self._verdict

    @property
    def verdict(self) -> Verdict | None:
        """The last choice of a label."""
        return self._verdict


def fill(schema: Mapping[str, Any], source: Source) -> Any:
    r"""A value of that schema, with what the text says.

    A field that is not in the text is left out, or is null, its default, or empty, as the schema allows; numbers
    are never made up.

    Args:
        schema: JSON Schema.
        source: The text and the task.

    Raises:
        NotFound: A required field is not in the text and the schema allows nothing empty.

    Example:
        >>> schema = {"type": "object", "required": ["title", "total"],
        ...           "properties": {"title": {"type": "string"}, "total": {"type": "number"}}}
        >>> fill(schema, Source("# Invoice 7\n\nTotal: 99.50 EUR"))
        {'title': 'Invoice 7', 'total': 99.5}
    """
    filler = _Filler(schema, source)
    value = filler.value(schema, "", "", source.text, 0, required=True)
    if filler.problems or value is _MISSING:
        raise NotFound(filler.problems or [("$", "a value")])
    if not conforms(value, schema, schema):
        raise NotFound([("$", "a value that keeps every rule of the schema")])
    return value


class _Filler:
    def __init__(self, root: Mapping[str, Any], source: Source) -> None:
        self.root = root
        self.source = source
        self.problems: list[tuple[str, str]] = []

    def value(self, schema: Any, name: str, path: str, text: str, depth: int, *, required: bool) -> Any:
        """What the text gives for a schema, or what stands for nothing, or _MISSING (with a problem when required)."""
        node = node_of(schema, self.root)
        before = len(self.problems)
        found = self.found(node, name, path, text, depth)
        if found is not _MISSING and conforms(found, schema, self.root):
            return found
        for other in node.alternatives:
            found = self.found(node_of(other, self.root), name, path, text, depth)
            if found is not _MISSING and conforms(found, schema, self.root):
                return found
        inner = self.problems[before:]
        del self.problems[before:]
        if not required:
            return _MISSING
        empty = self.nothing(node, schema, depth)
        if empty is _MISSING and inner:
            self.problems += inner  # they say it more exactly
        elif empty is _MISSING:
            self.problems.append((path or name or "the value", _wanted(node)))
        return empty

    def nothing(self, node: Node, schema: Any, depth: int) -> Any:
        """What says "not in the text" in the words of the schema."""
        options: list[Any] = []
        if "default" in node.schema:
            options.append(node.schema["default"])
        if node.nullable:
            options.append(None)
        if len(node.choices) == 1:
            options.append(node.choices[0])
        elif not node.choices:
            options += _EMPTY.get(node.type, ())
        for option in options:
            if conforms(option, schema, self.root):
                return option
        return _MISSING

    def found(self, node: Node, name: str, path: str, text: str, depth: int) -> Any:
        if depth > _DEPTH:
            return _MISSING
        if node.choices:
            return self.choice(node, name, text)
        if node.type == "object":
            return self.record(node, path, text, depth)
        if node.type == "array":
            return self.array(node, name, path, text, depth)
        if node.type == "string":
            return self.string(node, name, text)
        if node.type in ("integer", "number"):
            return self.number(node, name, text)
        if node.type == "boolean":
            return self.truth(node, name, text)
        if node.type == "" and name:
            said = spoken_value(name, text)
            return _MISSING if said is None else said
        return _MISSING

    def record(self, node: Node, path: str, text: str, depth: int) -> Any:
        properties = node.schema.get("properties") or {}
        needed = set(node.schema.get("required") or ())
        made: dict[str, Any] = {}
        # Labels first: how sure the choice was is a field of its own in many schemas.
        order = sorted(properties, key=lambda name: not node_of(properties[name], self.root).choices)
        for name in order:
            below = f"{path}.{name}" if path else name
            found = self.value(properties[name], name, below, text, depth + 1, required=name in needed)
            if found is not _MISSING:
                made[name] = found
        others = node.schema.get("additionalProperties")
        if not properties and others is not False:
            made = self.mapping(others, path, text, depth)
        return {name: made[name] for name in (*properties, *made) if name in made}

    def mapping(self, schema: Any, path: str, text: str, depth: int) -> dict[str, Any]:
        made = {}
        for name, value in self.source.pairs if text is self.source.text else pairs(text):
            key = name.strip().lower().replace(" ", "_")
            node = node_of(schema if isinstance(schema, Mapping) else {}, self.root)
            parsed = _parsed(node, value)
            if parsed is not _MISSING and conforms(parsed, schema if schema is not None else True, self.root):
                made[key] = parsed
            if len(made) >= _MOST_ITEMS:
                break
        return made

    def choice(self, node: Node, name: str, text: str) -> Any:
        choices = list(node.choices)
        if len(choices) == 1:
            return choices[0]
        if not all(isinstance(choice, str) for choice in choices):
            return self.number_choice(choices, name, text)
        said = (
            spoken_value(name, text, self.source.pairs if text is self.source.text else None)
            if name != "value"
            else None
        )
        if said is not None:
            for choice in choices:
                if field_words(choice) == field_words(said) or said.strip().lower() == choice.lower():
                    return choice
        descriptions = {
            label: about
            for label, about in {**find_labels(node.description), **find_labels(self.source.task)}.items()
            if about
        }
        by_lower = {label.lower(): about for label, about in descriptions.items()}
        verdict = self.source.classify(choices, {choice: by_lower.get(choice.lower(), "") for choice in choices})
        if verdict.score == 0.0 and is_decision(choices):
            return _MISSING
        return verdict.label

    def number_choice(self, choices: list[Any], name: str, text: str) -> Any:
        said = spoken_value(name, text)
        for mention in extract.numbers(said or ""):
            if mention.value in choices:
                return mention.value
        return _MISSING

    def truth(self, node: Node, name: str, text: str) -> Any:
        said = spoken_value(name, text, self.source.pairs if text is self.source.text else None)
        if said is not None:
            lowered = words(said)
            if lowered and lowered[0] in {"yes", "true", "y", "on", "1", "done", "x"}:
                return True
            if lowered and lowered[0] in {"no", "false", "n", "off", "0", "none", "not"}:
                return False
        shown = has_sign(name, text)
        return _MISSING if shown is None else shown

    def number(self, node: Node, name: str, text: str) -> Any:
        number = counted(name, text)
        if number is not None:
            return number
        if re.search(r"confiden|probabilit|certaint|likelihood", f"{name} {node.description}", re.IGNORECASE):
            verdict = self.source.verdict
            return round(verdict.confidence, 2) if verdict is not None and node.type == "number" else _MISSING
        said = spoken_value(name, text, self.source.pairs if text is self.source.text else None)
        if said is not None:
            parsed = _parsed(node, said)
            if parsed is not _MISSING:
                return parsed
        money = re.search(r"price|cost|total|amount|salary|fee|budget|revenue|sum\b", name, re.IGNORECASE)
        mentions = extract.amounts(text) if money else []
        mentions = mentions or extract.numbers(text)
        if node.type == "integer":
            mentions = [mention for mention in mentions if isinstance(mention.value, int)]
        at = near(f"{name} {_subject(node.description)}", text, [(mention.start, mention.end) for mention in mentions])
        if at is None:
            stems = field_words(name)
            for mention in mentions:
                if mention.unit and stem(mention.unit.lower()) in stems:
                    return mention.value
            if money and mentions and extract.amounts(text):
                return max(mention.value for mention in mentions)
            if name in {"value", "number", "result", "answer"}:
                return self.answered_number(mentions)
            return _MISSING
        return mentions[at].value

    def answered_number(self, mentions: list[extract.Mention]) -> Any:
        found = self.source.answered(self.source.text, 1)
        inside = extract.numbers(found.text) if found else []
        if inside:
            return inside[0].value
        return mentions[0].value if len(mentions) == 1 else _MISSING

    def string(self, node: Node, name: str, text: str) -> Any:
        longest = node.schema.get("maxLength")
        found = self.plain_string(node, name, text)
        if isinstance(found, str) and longest is not None and len(found) > longest:
            found = found[: max(0, longest - 1)].rsplit(" ", 1)[0] + "\u2026" if longest > 1 else found[:longest]
        return found

    def plain_string(self, node: Node, name: str, text: str) -> Any:
        form = node.schema.get("format")
        if form is not None:
            return self.formatted(str(form), name, text)
        roots = field_words(name)
        known = self.source.pairs if text is self.source.text else None
        kind = string_kind(roots, node.description)
        if kind == "title":
            return self.title(node, text)
        if kind in ("summary", "text"):
            return self.prose(kind, node, text)
        said = spoken_value(name, text, known)
        if kind == "label":
            labels = list(find_labels(f"{node.description}")) or list(find_labels(self.source.task))
            if labels:
                return said if said in labels else self.source.classify(labels, find_labels(self.source.task)).label
            return said or next(iter(keywords(text, 1)), _MISSING)
        if kind == "sentiment":
            return self.source.classify(["positive", "negative", "neutral"], {}).label
        if kind == "language":
            return language_of(text).capitalize() or said or _MISSING
        if kind == "reason":
            return self.reason(text)
        if kind == "answer":
            if said is not None:
                return said
            found = self.source.answered(text)
            return found.text if found else _MISSING
        if kind == "quote":
            chosen = choose_sentences(text, 1)
            return chosen[0].text if chosen else _MISSING
        if said is not None:
            typed = _of_kind(kind, said)
            return typed[0] if typed else said
        if kind:
            return self.mention(kind, name, node, text)
        return self.described(name, node, text)

    def title(self, node: Node, text: str) -> Any:
        said = title_of(text) or spoken_value("title", text, self.source.pairs) or spoken_value("subject", text)
        if said:
            return said
        for block in blocks(text):
            if block.kind != "row":
                first = split_sentences(block.text)[0].rstrip(".:;")
                return shorten(first, 12)
        return _MISSING

    def prose(self, kind: str, node: Node, text: str) -> Any:
        limits = limits_of(f"{node.description}")
        asked = limits_of(self.source.task)
        sentences = limits.sentences or asked.sentences or (None if limits.words or asked.words else 2)
        made = summarize(text, sentences or 6, words=limits.words or asked.words)
        return made or _MISSING

    def reason(self, text: str) -> Any:
        verdict = self.source.verdict
        if verdict is not None and verdict.evidence:
            return f"Words that speak for {verdict.label}: {', '.join(_spoken(verdict.evidence[:5], text))}."
        chosen = choose_sentences(text, 1)
        return chosen[0].text if chosen else _MISSING

    def formatted(self, form: str, name: str, text: str) -> Any:
        if form in ("date", "date-time", "time"):
            found = self.mention("date", name, None, text)
            if found is _MISSING:
                return found
            if form == "date":
                return found[:10]
            return found if "T" in found and form == "date-time" else _MISSING
        if form in ("email", "uri", "url"):
            return self.mention("email" if form == "email" else "url", name, None, text)
        said = spoken_value(name, text)
        return said if said is not None else _MISSING

    def mention(self, kind: str, name: str, node: Node | None, text: str) -> Any:
        if (
            kind == "name"
            and (match := re.search(r"\b(?:written |created |made )?by\s+((?:[A-Z][\w.'-]+\s?){1,4})", text))
            and _is_author(name)
        ):
            return match[1].strip().rstrip(".")
        mentions = extract.KINDS[kind](text)  # type: ignore[index]
        if not mentions:
            return _MISSING
        about = f"{name} {_subject(node.description) if node else ''}"
        at = near(about, text, [(mention.start, mention.end) for mention in mentions])
        if at is None and kind == "name" and name not in {"name", "person", "customer", "author", "sender"}:
            return _MISSING
        return mentions[at or 0].value

    def described(self, name: str, node: Node, text: str) -> Any:
        """A sentence that has the words of the field's name, when there is one."""
        items = items_under(name, text)
        if items:
            return "; ".join(items[:5])
        question = f"{name.replace('_', ' ')} {_subject(node.description)}"
        found = answer(question, [text], 1)
        return found.text if found is not None else _MISSING

    def array(self, node: Node, name: str, path: str, text: str, depth: int) -> Any:
        items = node_of(node.schema.get("items", {}), self.root)
        limits = limits_of(f"{node.description}")
        most = min(node.schema.get("maxItems", _MOST_ITEMS), _MOST_ITEMS)
        if "prefixItems" in node.schema:
            return _MISSING
        if items.type == "object":
            made = self.records(node.schema.get("items", {}), items, name, path, text, depth)
        elif items.choices:
            made = self.labels(items, name, text)
        elif items.type in ("integer", "number"):
            made = [
                mention.value
                for mention in extract.numbers(spoken_value(name, text) or text)
                if items.type == "number" or isinstance(mention.value, int)
            ]
        elif items.type in ("string", ""):
            made = self.strings(items, name, node.description, text, limits, most)
        else:
            return _MISSING
        schema = node.schema.get("items", True)
        made = [item for item in made if conforms(item, schema, self.root)]
        if node.schema.get("uniqueItems"):
            made = [item for at, item in enumerate(made) if item not in made[:at]]
        wanted = limits.items or limits.sentences
        return made[: min(most, wanted or most)] if made else _MISSING

    def labels(self, items: Node, name: str, text: str) -> list[Any]:
        choices = [choice for choice in items.choices if isinstance(choice, str)]
        spoken = set(content_words(text))
        named = [choice for choice in choices if set(content_words(choice)) and set(content_words(choice)) <= spoken]
        if named or not choices:
            return named
        verdict = self.source.classify(choices, {})
        return [verdict.label] if verdict.score > 0 else []

    def strings(self, items: Node, name: str, about: str, text: str, limits: Limits, most: int) -> list[Any]:
        form = str(items.schema.get("format") or "")
        kind = {"date": "date", "email": "email", "uri": "url"}.get(form) or list_kind(" ".join(words(name)), about)
        asked = limits_of(self.source.task)
        number = min(most, limits.items or limits.sentences or asked.items or {"keyword": 6, "point": 3}.get(kind, 20))
        under = items_under(name, text)
        if kind == "keyword":
            said = spoken_value(name, text, self.source.pairs)
            return _listed(said) if said and "," in said else keywords(text, number)
        listed = spoken_value(name, text, self.source.pairs) if kind == "name" else None
        if listed and "," in listed:
            return _listed(listed)[:number]
        if kind in extract.KINDS and kind != "path":
            return extract.unique(mention.value for mention in extract.KINDS[kind](text))[:number]
        if under:
            return under[:number]
        if kind == "point":
            return [sentence.text for sentence in choose_sentences(text, number)]
        if kind == "heading":
            return extract.unique(block.text for block in blocks(text) if block.kind == "heading")
        if kind in SENTENCE_KINDS:
            return sentences_of_kind(kind, text)[:number]
        if kind == "path":
            return extract.unique(mention.value for mention in extract.paths(text))[:number]
        said = spoken_value(name, text, self.source.pairs)
        return _listed(said) if said else self.general_list(name, text, number)

    def general_list(self, name: str, text: str, number: int) -> list[Any]:
        if name in {"value", "values", "items", "results", "output", "list"}:
            kind = list_kind("", self.source.task)
            if kind == "keyword":
                return list(keywords(text, number))
            if kind in extract.KINDS:
                return extract.unique(mention.value for mention in extract.KINDS[kind](text))[:number]
            found = [block.text for block in blocks(text) if block.kind == "item"]
            return found[:number] or [sentence.text for sentence in choose_sentences(text, min(number, 5))]
        return []

    def records(self, schema: Any, items: Node, name: str, path: str, text: str, depth: int) -> list[Any]:
        properties = list(items.schema.get("properties") or {})
        pieces = ["\n".join(f"{key}: {value}" for key, value in row.items()) for row in rows_with(properties, text)]
        pieces = pieces or items_under(name, text)
        made = []
        for piece in pieces[:_MOST_ITEMS]:
            before = len(self.problems)
            found = self.value(schema, name, path, piece, depth + 1, required=False)
            if len(self.problems) > before:
                del self.problems[before:]
            elif isinstance(found, dict) and any(value not in ("", None, [], {}) for value in found.values()):
                made.append(found)
        return made


def _wanted(node: Node) -> str:
    form = node.schema.get("format")
    if node.choices:
        return f"one of {', '.join(map(str, node.choices))}, of which the text gives no sign"
    return f"{form or node.type or 'a value'}"


def _subject(description: str) -> str:
    """The first words of a description, which name the field in other words."""
    return " ".join(re.split(r"[.;(]", description, maxsplit=1)[0].split()[:6])


def _parsed(node: Node, value: str) -> Any:
    """A written value as the type of a node."""
    if node.type == "string":
        return value
    if node.type == "boolean":
        head = (words(value) or [""])[0]
        return True if head in {"yes", "true", "on"} else False if head in {"no", "false", "off"} else _MISSING
    if node.type in ("integer", "number"):
        for mention in extract.numbers(value):
            if node.type == "number" or isinstance(mention.value, int):
                return mention.value
        return _MISSING
    if node.type == "array":
        return _listed(value)
    return value if node.type == "" else _MISSING


def _listed(text: str) -> list[str]:
    parts = re.split(r"\s*[,;]\s*(?:and\s+)?|\s+and\s+", text.strip().strip("[]").rstrip("."))
    return [part.strip("\"' ") for part in parts if part.strip("\"' ")]


def _is_author(name: str) -> bool:
    return any(root in {"author", "writer", "name"} for root in field_words(name))


def _of_kind(kind: str, text: str) -> list[Any]:
    if kind in ("date", "email", "url", "path"):
        return [mention.value for mention in extract.KINDS[kind](text)]  # type: ignore[index]
    return []


def _spoken(stems: tuple[str, ...] | list[str], text: str) -> list[str]:
    """The words of a text that have these stems, as they are written first."""
    seen: dict[str, str] = {}
    for word in words(text):
        seen.setdefault(stem(word), word)
    return [seen.get(root, root) for root in stems]
