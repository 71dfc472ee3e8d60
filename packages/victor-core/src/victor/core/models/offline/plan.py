"""What to do next for a request: which clause of it still needs a tool, and with which arguments."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import frozen

from victor.core.models.offline import extract
from victor.core.models.offline.conversation import Done
from victor.core.models.offline.intent import intent_of
from victor.core.models.offline.match import Match, match_tools
from victor.core.models.offline.pattern import pattern

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["Call", "Plan", "make_plan", "split_clauses"]

_THEN = pattern(
    r"\s*(?:[,;.]\s*(?:and\s+)?(?:then|after that|afterwards|next|finally|after which)\b[,:]?\s+|;\s+|"
    r"\s+and\s+then\s+|\s+then\s+|"
    r"[.!?]\s+(?=[A-Z\"'`])|\n+\s*(?:\d+[.)]\s+|[-*]\s+)?)",
)
_AND = pattern(r",?\s+and\s+(?:also\s+)?(?=(\w+)\b)", re.IGNORECASE)
_ABBREVIATED = pattern(r"\b(?:e\.g|i\.e|etc|vs|mr|mrs|dr|no)$", re.IGNORECASE)
_WORK = frozenset(
    "summarise summarize count translate list extract classify find give tell show write save send email mail read "
    "open "
    "add multiply subtract divide search explain describe calculate compute print compare answer say delete remove "
    "create "
    "copy move convert sort check fetch download get run post store report".split()
)


@frozen
class Call:
    """A tool call to make.

    Args:
        name: Of the tool.
        arguments: What to call it with.
        notes: What was assumed.
    """

    name: str
    arguments: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def json(self) -> str:
        """The arguments as JSON text."""
        return msgspec.json.encode(self.arguments).decode()


@frozen
class Plan:
    """What is to be done next.

    Args:
        call: The next tool call, or None when all are made.
        rest: Clauses that no tool is for, to be answered from the results.
        lacking: Tools that fit, each with the required arguments that were not found.
        fed: The last call took the result of the one before, so that only its own result matters.
        notes: What was changed to make a call work.
    """

    call: Call | None
    rest: tuple[str, ...] = ()
    lacking: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fed: bool = False
    notes: tuple[str, ...] = ()


def split_clauses(task: str, names: Sequence[str] = ()) -> list[str]:
    """The parts of a request that are done one after another.

    Args:
        task: The request.
        names: Of tools: "and" before a word of theirs begins a new part.

    Example:
        >>> split_clauses("Read a.txt and then count the words. Send them to ada@x.org")
        ['Read a.txt', 'count the words', 'Send them to ada@x.org']
        >>> split_clauses("Add 2 and 3 and multiply the result by 4")
        ['Add 2 and 3', 'multiply the result by 4']
    """
    guarded = [(mention.start, mention.end) for mention in extract.quotations(task)]
    verbs = _WORK | {part for name in names for part in name.lower().split("_")[:1]}
    cuts = [match.span() for match in _THEN.finditer(task) if not _ABBREVIATED.search(task[: match.start()])]
    cuts += [match.span() for match in _AND.finditer(task) if match[1].lower() in verbs]
    clauses = []
    start = 0
    for begin, end in sorted(cuts):
        if begin < start or any(left < begin < right for left, right in guarded):
            continue
        clauses.append(task[start:begin])
        start = end
    clauses.append(task[start:])
    return [clause.strip().strip(",") for clause in clauses if any(char.isalnum() for char in clause)]


def make_plan(
    task: str,
    tools: Sequence[Tool],
    done: Sequence[Done],
    *,
    context: str = "",
    today: Callable[[], str] | None = None,
) -> Plan:
    """Find the next call of a request, given the calls that were made for it.

    The same request and results always give the same plan: each step is found again from the messages alone.

    Args:
        task: The request.
        tools: That can be called.
        done: Calls made so far, in order.
        context: Material that came with the request.
        today: Gives today's date.
    """
    previous: str | None = None
    rest: list[str] = []
    lacking: list[tuple[str, tuple[str, ...]]] = []
    notes: list[str] = []
    fed = False
    for clause in split_clauses(task, [tool.name for tool in tools]):
        if not _is_wished(clause):
            rest.append(clause)
            continue
        matches = match_tools(clause, tools, previous=previous, context=context, today=today)
        if previous is not None and _is_about_text(clause) and not any(_is_named(match, clause) for match in matches):
            rest.append(clause)
            continue
        ready = [match for match in matches if not match.arguments.missing]
        if matches and matches[0].arguments.missing and previous is None:
            # "Count the words of a.txt": the text that is missing may be in the file that is named.
            reader = _reader(clause, tools, matches[0].tool)
            read = None if reader is None else _made(reader, done)
            if reader is not None and read is None:
                return Plan(reader)
            if read is not None and not read.failed:
                previous = read.result
                fitted = match_tools(clause, [matches[0].tool], previous=previous, context=context, today=today)
                ready = [match for match in fitted if not match.arguments.missing] or ready
        if not ready:
            if matches and _worth_telling(matches[0]):
                lacking.append((matches[0].tool.name, matches[0].arguments.missing))
            else:
                rest.append(clause)
            continue
        for call in _calls(ready[0], clause):
            made = _made(call, done)
            if made is None:
                return Plan(call)
            if made.failed:
                second = _corrected(call, made.result, tools)
                if second is not None:
                    again = _made(second, done)
                    if again is None:
                        return Plan(second)
                    made = again
                    notes.append(_difference(call, second))
            if made.failed:
                return Plan(None, tuple(rest), tuple(lacking))
            previous = made.result
            fed = bool(ready[0].arguments.fed)
    return Plan(None, tuple(rest), tuple(lacking), fed, tuple(notes))


def _reader(clause: str, tools: Sequence[Tool], asked: Tool) -> Call | None:
    """A call that reads the one file or page a clause names, with another tool than the one that needs its text."""
    places = extract.urls(clause) or extract.paths(clause)
    if len(places) != 1:
        return None
    for match in match_tools(f"read the contents of {places[0].value}", [tool for tool in tools if tool is not asked]):
        values = list(match.arguments.values.values())
        if not match.arguments.missing and values == [places[0].value] and match.score >= 1.2:
            return Call(match.tool.name, dict(match.arguments.values))
    return None


_FORBIDDEN = pattern(
    r"\b(?:do(?:es)?\s*n[o']?t|don['\u2019]?t|never|not to|avoid|refrain|"
    r"(?:must|should|shall|may|need)\s*(?:not|n['\u2019]t))\b",
    re.IGNORECASE,
)
_ASKED_ABOUT = pattern(
    r"^\W*(?:should|shall|may|must|would it|is it|are we|how (?:do|does|can|could|would|should|to)|"
    r"what (?:happens|would|if)|why|when should|who)\b",
    re.IGNORECASE,
)
_REPORTED = pattern(
    r"\b(?:said|says|saying|wrote|writes|asked|told|tells|mentioned|quoted?|reads)\b[^\"\u201c]{0,20}[\"\u201c]",
    re.IGNORECASE,
)


def _is_wished(clause: str) -> bool:
    """False for what is forbidden, only asked about, or told as somebody else's words: no tool may act on that."""
    return not (_FORBIDDEN.search(clause) or _ASKED_ABOUT.search(clause) or _REPORTED.search(clause))


def _is_about_text(clause: str) -> bool:
    return intent_of(clause, material=True) in (
        "summarize",
        "keywords",
        "classify",
        "extract",
        "title",
        "count",
        "question",
    )


def _is_named(match: Match, clause: str) -> bool:
    return match.score >= 1.3 and not match.arguments.missing


def _worth_telling(match: Match) -> bool:
    return match.score >= 0.6


def _calls(match: Match, clause: str) -> list[Call]:
    """One call, or one for each path or address when a tool takes one at a time."""
    arguments = dict(match.arguments.values)
    first = Call(match.tool.name, arguments, match.arguments.notes)
    for name, value in arguments.items():
        for kind in ("path", "url"):
            mentions = extract.unique(mention.value for mention in extract.KINDS[kind](clause))
            others = [item for item in mentions if item not in arguments.values()]
            strings = [item for item in arguments.values() if isinstance(item, str)]
            if value in mentions and others and len(strings) == 1 and len(mentions) <= 20:
                return [Call(match.tool.name, {**arguments, name: item}, match.arguments.notes) for item in mentions]
    return [first]


def _made(call: Call, done: Sequence[Done]) -> Done | None:
    for made in done:
        if made.call.name == call.name and _same(made.call.arguments, call.arguments):
            return made
    return None


def _same(text: str, arguments: dict[str, Any]) -> bool:
    try:
        return bool(msgspec.json.decode(text or "{}") == msgspec.json.decode(msgspec.json.encode(arguments)))
    except msgspec.DecodeError:
        return False


def _difference(call: Call, second: Call) -> str:
    changed = [
        (value, second.arguments[name]) for name, value in call.arguments.items() if second.arguments[name] != value
    ]
    return ", ".join(f"I took {new!r} for {old!r}" for old, new in changed)


def _corrected(call: Call, error: str, tools: Sequence[Tool]) -> Call | None:
    """The call with the argument changed that the error names, when it also names what would do; else None."""
    named = [mention.value for mention in extract.quotations(error)] + [
        mention.value for mention in extract.paths(error)
    ]
    listed = re.search(
        r"(?:there (?:are|is)|did you mean|one of|available|choose from|options?|known|valid(?: \w+)?|try|"
        r"expected)\W*:?\s*(.+)",
        error,
        re.IGNORECASE | re.DOTALL,
    )
    offered = [part.strip(" \"'`.?[]()") for part in re.split(r",|\bor\b|\band\b|\n|;", listed[1])] if listed else []
    offered = extract.unique(part for part in (*offered, *named) if part and len(part) < 120)
    for name, value in call.arguments.items():
        if isinstance(value, str):
            candidates = [part for part in offered if part != value]
            close = difflib.get_close_matches(value.lower(), [part.lower() for part in candidates], 1, 0.7)
            if close and (value in error or len(call.arguments) == 1):
                better = next(part for part in candidates if part.lower() == close[0])
                return Call(call.name, {**call.arguments, name: better}, call.notes)
    return None
