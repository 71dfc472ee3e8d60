"""Choosing the tool a request is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.core.models.offline.arguments import Arguments, find_arguments
from victor.core.models.offline.arithmetic import find_expression
from victor.core.models.offline.extract import numbers
from victor.core.models.offline.nodes import node_of
from victor.core.models.offline.pattern import pattern
from victor.core.ranking import BM25, content_words, stem, terms

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["Match", "match_tools"]

_THRESHOLD = 1.0

# What people say, and what tools are called.
_SYNONYMS: dict[str, str] = {
    "open": "read",
    "show": "read list get",
    "display": "read show",
    "cat": "read",
    "load": "read",
    "view": "read",
    "look": "search find get",
    "lookup": "search find get",
    "find": "search",
    "google": "search web",
    "locate": "find search",
    "calculate": "calculator compute evaluate math",
    "compute": "calculate calculator evaluate",
    "evaluate": "calculate",
    "plus": "add sum",
    "sum": "add total",
    "total": "sum add",
    "times": "multiply product",
    "multiplied": "multiply",
    "product": "multiply",
    "minus": "subtract",
    "difference": "subtract",
    "divided": "divide",
    "remove": "delete",
    "erase": "delete",
    "create": "write make new add",
    "save": "write store",
    "store": "save write",
    "write": "save",
    "make": "create",
    "fetch": "get download http web",
    "download": "fetch get",
    "get": "fetch read",
    "visit": "fetch",
    "mail": "email send",
    "email": "mail send",
    "message": "send",
    "forecast": "weather",
    "temperature": "weather",
    "rain": "weather",
    "raining": "weather",
    "sunny": "weather",
    "warm": "weather",
    "directory": "folder dir list",
    "folder": "directory dir list",
    "dir": "directory folder",
    "files": "list directory",
    "rename": "move",
    "copy": "duplicate",
    "execute": "run",
    "run": "execute",
    "grep": "search",
    "translate": "translation",
    "hour": "time clock",
    "date": "today time",
    "remember": "note save",
    "ask": "query question",
    "convert": "conversion",
    "length": "count len",
    "many": "count",
    "count": "length",
    "schedule": "calendar event",
    "meeting": "calendar event",
    "call": "phone",
    "roll": "dice",
    "toss": "flip",
    "clock": "time",
    "list": "show",
    "exchange": "convert currency",
    "page": "url web",
    "website": "url web",
    "summarise": "summarize summary",
}


_VERBS = frozenset(
    stem(word) for word in "get do run make fetch tell show set use handle process perform current my".split()
)


@frozen
class Match:
    """A tool that fits a request.

    Args:
        tool: It.
        score: How well; `_THRESHOLD` is just enough.
        arguments: What was found for it.
    """

    tool: Tool
    score: float
    arguments: Arguments


def match_tools(
    text: str,
    tools: Sequence[Tool],
    *,
    previous: str | None = None,
    context: str = "",
    today: Callable[[], str] | None = None,
) -> list[Match]:
    """The tools that fit a request, best first; none when it is about something else.

    A tool all of whose required arguments are in the request stands above one that lacks some.

    Args:
        text: The request, or one clause of it.
        tools: To choose from.
        previous: The result of the step before.
        context: Material that came with the request.
        today: Gives today's date.
    """
    expanded = _expanded(text)
    index: BM25[int] = BM25(
        ((at, _fields(tool)) for at, tool in enumerate(tools)),
        weights={"name": 3.0, "keywords": 2.0, "parameters": 0.6},
        tokenizer=terms_without_stops,
    )
    asked = terms_without_stops(text)
    candidates = [at for at, _ in index.search(expanded, 12)]
    candidates += [at for at, tool in enumerate(tools) if at not in candidates and _named(tool, text)]
    if find_expression(text) is not None:
        candidates += [at for at, tool in enumerate(tools) if at not in candidates and _does_sums(tool)]
    numeric = len(numbers(text)) if find_expression(text) is not None else 0
    wording = f"{text} {context}" if "=" in context and len(context.split()) <= 40 else text
    found = []
    for at in candidates:
        tool = tools[at]
        evidence = _evidence(tool, text, set(asked), set(terms_without_stops(expanded)))
        if evidence <= 0.0:
            continue
        arguments = find_arguments(tool.name, tool.parameters, wording, previous=previous, context=context, today=today)
        needed = len(node_of(tool.parameters, tool.parameters).schema.get("required") or ())
        score = evidence + 0.35 * min(arguments.certain, 3)
        if needed and not arguments.missing:
            score += 0.5
        score -= 1.0 * len(arguments.missing) / max(1, needed)
        if numeric and arguments.certain and not _does_sums(tool):
            # A tool for two numbers is not for a request with three.
            score -= 0.5 * max(0, numeric - _numbers_in(arguments.values))
        ranked = index.score(expanded, at)
        found.append((score + ranked / (ranked + 6.0), at, Match(tool, score, arguments)))
    found.sort(key=lambda item: (-item[0], item[1]))
    return [
        match for _, _, match in found if match.score >= _THRESHOLD or (match.arguments.missing and match.score >= 0.6)
    ]


def _numbers_in(values: Mapping[str, Any]) -> int:
    return sum(
        len(value) if isinstance(value, list) else isinstance(value, int | float) and not isinstance(value, bool)
        for value in values.values()
    )


def terms_without_stops(text: str) -> list[str]:
    """Terms for matching tools: little words are left out, but not those that tools are named by."""
    kept = content_words(text)
    return kept or terms(text)


def _fields(tool: Tool) -> dict[str, str]:
    properties = node_of(tool.parameters, tool.parameters).schema.get("properties") or {}
    about = [
        f"{name} {schema.get('description', '') if isinstance(schema, dict) else ''}"
        for name, schema in properties.items()
    ]
    return {
        "name": tool.name,
        "description": tool.description,
        "keywords": " ".join(tool.metadata.keywords),
        "parameters": " ".join(about),
    }


_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = (
    (pattern(r"\bwhat(?:'s|s| is| does| do)\b.*\b(?:in|inside|contain|say)\b", re.IGNORECASE), "read contents list"),
    (pattern(r"\bhow (?:much|many)\b.*\b(?:is|are)\b", re.IGNORECASE), "count calculate"),
    (pattern(r"\bwhat day\b|\btoday's date\b", re.IGNORECASE), "date today"),
)


def _expanded(text: str) -> str:
    spoken = re.findall(r"[^\W_]+", text.lower())
    more = [_SYNONYMS.get(word) or _SYNONYMS.get(stem(word), "") for word in spoken]
    more += [words for phrase, words in _PHRASES if phrase.search(text)]
    return " ".join((text, *more))


def _named(tool: Tool, text: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(tool.name)}(?![\w-])", text, re.IGNORECASE))


def _does_sums(tool: Tool) -> bool:
    return bool(
        set(terms(f"{tool.name} {' '.join(tool.metadata.keywords)}"))
        & {"calculator", "calculat", "calc", "math", "evaluat", "arithmetic", "comput"}
    ) or bool({"expression", "formula"} & set(node_of(tool.parameters, tool.parameters).schema.get("properties") or {}))


def _evidence(tool: Tool, text: str, asked: set[str], expanded: set[str]) -> float:
    """How much of the request speaks of this tool: its name above all."""
    if _named(tool, text) and (
        "_" in tool.name
        or re.search(rf"\b(?:use|call|run|with|using|tool)\b.*\b{re.escape(tool.name)}\b", text, re.IGNORECASE)
    ):
        return 3.0
    named = list(dict.fromkeys(terms(tool.name)))
    spoken = set(terms(text))
    evidence = 0.0
    # "get_time" is about time, not about getting.
    weights = {word: 0.4 if word in _VERBS and len(named) > 1 else 1.0 for word in named}
    whole = 0.45 + 0.55 * sum(weights.values())
    for at, word in enumerate(named):
        weight = weights[word] * (1.2 if at == 0 else 1.0) / whole
        if word in spoken:
            evidence += weight
        elif word in expanded:
            evidence += 0.75 * weight
    keywords = set(terms(" ".join(tool.metadata.keywords)))
    evidence += 0.9 * min(2, len(keywords & asked)) + 0.3 * min(1, len((keywords & expanded) - asked))
    described = set(content_words(tool.description))
    shared = described & asked
    evidence += min(0.9, 0.4 * len(shared)) + min(0.3, 0.15 * len((described & expanded) - asked))
    if _does_sums(tool) and find_expression(text) is not None:
        evidence += 1.5
    if asked:
        # A tool that covers little of a long request is about something else.
        covered = len(asked & (set(named) | keywords | described)) / len(asked)
        evidence *= 0.75 + 0.5 * min(1.0, covered * 1.5)
    return evidence
