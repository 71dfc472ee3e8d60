"""Arguments of a tool, found in the words of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from attrs import evolve, field, frozen

from victor.core.models.offline import extract
from victor.core.models.offline.arithmetic import find_expression
from victor.core.models.offline.extract import Mention
from victor.core.models.offline.fields import field_words
from victor.core.models.offline.nodes import Node, conforms, node_of
from victor.core.models.offline.parameter_kinds import (
    ADDRESSEES,
    AND,
    CONTENTS,
    DATES,
    EXPRESSIONS,
    FIRST,
    FREE,
    FROM,
    LEAD,
    LIMIT_LEAD,
    LIMITS,
    PATHS,
    PEOPLE,
    PLACES,
    PRONOUN,
    RESULT,
    SECOND,
    TEXTS,
    TO,
    VAGUE,
    kind_of,
)
from victor.core.ranking import STOP_WORDS, stem, words

__all__ = ["Arguments", "find_arguments"]

_MISSING: Final = object()


@frozen
class Arguments:
    """What was found for a tool.

    Args:
        values: By parameter; what was found, no defaults.
        missing: Required parameters for which nothing was found.
        certain: How many were found by something better than "what is left of the text".
        notes: What was assumed, to be told.
        fed: Parameters that took the result of the step before.
    """

    values: Mapping[str, Any] = field(hash=False)
    missing: tuple[str, ...] = ()
    certain: int = 0
    notes: tuple[str, ...] = ()
    fed: tuple[str, ...] = ()


def find_arguments(
    name: str,
    parameters: Mapping[str, Any],
    text: str,
    *,
    previous: str | None = None,
    context: str = "",
    today: Callable[[], str] | None = None,
) -> Arguments:
    """Find a tool's arguments in a request.

    Args:
        name: Of the tool; its words are not taken for free text.
        parameters: JSON Schema of the arguments.
        text: The request.
        previous: The result of the step before, for what is missing or called "it".
        context: Material that came with the request: what a text parameter without its own words takes.
        today: Gives today's date for "yesterday" and the like; without it those are not understood.

    Example:
        >>> schema = {"type": "object", "required": ["a", "b"],
        ...           "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
        >>> dict(find_arguments("add", schema, "add 2 and 3").values)
        {'a': 2, 'b': 3}
    """
    return _Finder(name, parameters, text, previous, context, today).find()


class _Finder:
    """The search for one tool's arguments: what was found, and which parts of the text are taken."""

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Any],
        text: str,
        previous: str | None,
        context: str,
        today: Callable[[], str] | None,
    ) -> None:
        self.name = name
        self.root = parameters
        self.text = text
        self.previous = previous
        self.context = context
        self.today = today
        self.values: dict[str, Any] = {}
        self.taken: list[tuple[int, int]] = []
        self.certain = 0
        self.notes: list[str] = []
        self.fed: list[str] = []
        self.cache: dict[str, list[Mention]] = {}
        root = node_of(parameters, parameters)
        self.schemas: Mapping[str, Any] = root.schema.get("properties") or {}
        self.nodes = {key: node_of(schema, parameters) for key, schema in self.schemas.items()}
        # A function's parameter without a type may be anything; words or a number are what a request has.
        self.untyped = {key for key, node in self.nodes.items() if not node.type and not node.alternatives}
        for key in self.untyped:
            self.nodes[key] = evolve(self.nodes[key], type="string")
        self.required = tuple(key for key in root.schema.get("required") or () if key in self.nodes)

    def find(self) -> Arguments:
        # Required ones choose first, in the order of the signature.
        order = sorted(self.nodes, key=lambda name: name not in self.required)
        passes: tuple[Callable[[str, Node], Any], ...] = (
            self.by_name,
            self.by_choice,
            self.by_expression,
            self.by_kind,
            self.by_direction,
            self.by_number,
            self.by_list,
            self.by_record,
            self.by_truth,
            self.by_quotation,
            self.by_place,
            self.by_any_number,
        )
        for step in passes:
            for name in order:
                if name not in self.values:
                    found = step(name, self.nodes[name])
                    if found is not _MISSING and self.keep(name, found):
                        self.certain += 1
        self.fill_rest()
        missing = tuple(name for name in self.required if name not in self.values)
        return Arguments(self.ordered(), missing, self.certain, tuple(self.notes), tuple(self.fed))

    def ordered(self) -> dict[str, Any]:
        return {name: self.values[name] for name in self.nodes if name in self.values}

    def keep(self, name: str, value: Any) -> bool:
        if not conforms(value, self.schemas[name], self.root):
            return False
        self.values[name] = value
        return True

    # Mentions that no argument has taken yet.

    def free(self, kind: extract.Kind) -> list[Mention]:
        if kind not in self.cache:
            self.cache[kind] = extract.KINDS[kind](self.text)
        return [mention for mention in self.cache[kind] if not self.is_taken(mention.start, mention.end)]

    def is_taken(self, start: int, end: int) -> bool:
        return any(start < other_end and other_start < end for other_start, other_end in self.taken)

    def take(self, mention: Mention) -> Any:
        self.taken.append((mention.start, mention.end))
        return mention.value

    # The ways of finding, the surest first.

    def by_name(self, name: str, node: Node) -> Any:
        """``limit=5``, "limit: 5", "with limit 5", "whose name is Ada"."""
        plain = r"[\s_-]*".join(re.escape(word) for word in words(name.replace("_", " ")))
        if not plain:
            return _MISSING
        sure = re.search(rf"(?<![\w-])(?:--)?{plain}\s*(?:=|:(?!//))\s*", self.text, re.IGNORECASE)
        match = sure
        if match is None and len(name) > 2 and name.lower() not in {"text", "to", "from", "for", "with"}:
            match = re.search(
                rf"\b{plain}\s+(?:(?:is|of|to|as|equals|set to|called|named|should be)\s+)?(?=[\"'`\u201c\d]|(?:is|"
                rf"of|called|named)\s|[-+]\d)",
                self.text,
                re.IGNORECASE,
            )
        if match is None or self.is_taken(match.start(), match.end()):
            return _MISSING
        rest = self.text[match.end() :]
        value, length = _first_value(rest, node, self.root, loose=sure is not None)
        if value is _MISSING:
            return _MISSING
        self.taken.append((match.start(), match.end() + length))
        return value

    def by_choice(self, name: str, node: Node) -> Any:
        if not node.choices:
            return _MISSING
        best: tuple[int, int, Any] | None = None
        for choice in node.choices:
            if isinstance(choice, bool) or not isinstance(choice, str):
                continue
            match = _spoken_choice(choice, self.text)
            if match and not self.is_taken(*match.span()) and (best is None or len(choice) > best[0]):
                best = (len(choice), match.start(), choice)
        if best is None:
            return _MISSING
        length, start, choice = best
        # "high priority": the name beside the choice says nothing more.
        own = "|".join(map(re.escape, words(name))) or "x"
        beside = re.match(rf"[\s_-]*(?:{own})\b", self.text[start + length :], re.IGNORECASE)
        self.taken.append((start, start + length + (beside.end() if beside else 0)))
        return choice

    def by_expression(self, name: str, node: Node) -> Any:
        if node.type != "string" or node.choices or not set(field_words(name)) & EXPRESSIONS:
            return _MISSING
        found = find_expression(self.text)
        if found is None:
            return _MISSING
        self.taken.append((0, len(self.text)))
        return found

    def by_kind(self, name: str, node: Node) -> Any:
        """Addresses, paths and dates, by the name or the format of the parameter."""
        if node.type != "string" or node.choices:
            return _MISSING
        kind = kind_of(name, node)
        roots = set(field_words(name))
        if kind is None and roots & ADDRESSEES and self.free("email"):
            kind = "email"
        if kind is None and roots & {"pattern", "glob"}:
            wild = [mention for mention in self.free("path") if "*" in mention.value]
            return self.take(wild[0]) if wild else _MISSING
        if kind is None and roots & (VAGUE | FIRST | SECOND) and self.free("path"):
            kind = "path"
        if kind is None:
            return _MISSING
        mentions = self.free(kind)
        if kind == "path":
            if any(set(field_words(other)) & {"pattern", "glob"} for other in self.nodes if other != name):
                mentions = [mention for mention in mentions if "*" not in mention.value]
            mentions = self.paths(mentions)
        if not mentions and kind == "date" and self.today is not None:
            found = extract.relative_date(self.text, self.today)
            if found is not None:
                self.notes.append(f'"{found.text}" is {found.value}')
                return self.take(found)
        if not mentions:
            return _MISSING
        chosen = self.directed(name, mentions)
        value = self.take(chosen)
        return value[:10] if node.schema.get("format") == "date" else value

    def paths(self, mentions: list[Mention]) -> list[Mention]:
        """Paths, and quoted words where a path could stand."""
        if mentions:
            return mentions
        after = re.search(
            r"\b(?:file|folder|directory|dir|in|of|from|into|under|inside|path|called|named|open|read|list|create|"
            r"delete|remove)\s+"
            r"(?:the\s+)?(?:(?:file|folder|directory|dir|files in|contents of)\s+)?(?:called\s+|named\s+|"
            r"the\s+)?[\"'`]?((?!the\b|my\b|a\b|it\b|this\b|that\b|and\b|all\b|file|folder|director|to\b|in\b|"
            r"for\b)[\w.-]+)[\"'`]?(?:\s+(?:folder|directory|dir|file))?",
            self.text,
            re.IGNORECASE,
        )
        quoted = self.free("quotation")
        if quoted:
            return quoted[:1]
        if after and after[1].lower() not in STOP_WORDS and not after[1].isdigit():
            return [Mention("path", after[1], after.start(1), after.end(1), after[1])]
        here = re.search(
            r"\b(?:here|this (?:folder|directory|project|repo(?:sitory)?)|(?:the )?current (?:folder|directory|dir)|"
            r"working directory)\b",
            self.text,
            re.IGNORECASE,
        )
        return [Mention("path", ".", here.start(), here.end(), here[0])] if here else []

    def directed(self, name: str, mentions: list[Mention]) -> Mention:
        """Of several, the one that "from" or "to" points at, where the name says which."""
        roots = set(field_words(name)) | {name.rstrip("_").lower()}
        if not roots & (FIRST | SECOND):
            return mentions[0]
        wanted = FROM if roots & FIRST else TO
        for mention in mentions:
            if wanted.search(self.text[: mention.start]):
                return mention
        return mentions[0]

    def by_direction(self, name: str, node: Node) -> Any:
        """Cities, people, units or accounts in "from X to Y"."""
        roots = set(field_words(name)) | {name.rstrip("_").lower()}
        if node.type != "string" or node.choices or not roots & (FIRST | SECOND | ADDRESSEES):
            return _MISSING
        pair = re.search(
            r"\b(?:from|between)\s+(?P<first>\S.*?)\s+(?:to|into|and|until|->)\s+(?P<second>\S.*?)(?=$|[.,;?!](?:\s|"
            r"$)|\s+(?:on|by|with|at|for|in|as|using|then)\b)",
            self.text,
            re.IGNORECASE,
        )
        group = "first" if roots & FIRST else "second" if roots & SECOND else ""
        if pair and group:
            value = pair[group].strip("\"'` ")
            self.taken.append(pair.span(group))
            return value
        if roots & (SECOND | ADDRESSEES):
            match = re.search(r"\b(?:to|into)\s+([A-Z][\w.-]*(?:\s+[A-Z][\w.-]*)*|\w+$|[A-Z]{2,4}\b)", self.text)
            if match and not self.is_taken(*match.span(1)):
                self.taken.append(match.span(1))
                return match[1]
        if roots & FIRST and (match := re.search(r"\bfrom\s+([A-Z][\w.-]*(?:\s+[A-Z][\w.-]*)*)", self.text)):
            if not self.is_taken(*match.span(1)):
                self.taken.append(match.span(1))
                return match[1]
        return _MISSING

    def by_number(self, name: str, node: Node) -> Any:
        if node.type not in ("integer", "number"):
            return _MISSING
        mentions = [
            mention
            for mention in self.free("number")
            if node.type == "number" or isinstance(mention.value, int) or mention.value.is_integer()
        ]
        mentions = [mention for mention in mentions if not _is_article(mention, self.text)]
        if not mentions:
            return _MISSING
        roots = set(field_words(name))
        chosen: Mention | None = None
        for mention in mentions:
            before = self.text[: mention.start]
            if (
                (mention.unit and stem(mention.unit.lower()) in roots)
                or (roots & LIMITS and LIMIT_LEAD.search(before))
                or any(_names_it(word, before) for word in words(name) if len(word) > 2)
            ):
                chosen = mention
                break
        if chosen is None and name in self.required and not self.waits_for_result(name, mentions):
            unnamed = [mention for mention in mentions if not self.belongs_to_other(mention, name)]
            chosen = self.directed(name, self.turned(unnamed)) if unnamed else None
        if chosen is None and roots & LIMITS and name not in self.required:
            plural = [mention for mention in mentions if mention.unit.endswith("s") and len(mention.unit) > 2]
            chosen = plural[0] if plural else None
        if chosen is None:
            return _MISSING
        value = self.take(chosen)
        lead = LIMIT_LEAD.search(self.text[: chosen.start]) if roots & LIMITS else None
        if lead is not None:
            # "top 3 results" is all about the limit
            self.taken.append((lead.start(), chosen.end + (len(chosen.unit) + 1 if chosen.unit.endswith("s") else 0)))
        return int(value) if node.type == "integer" else value

    def waits_for_result(self, name: str, mentions: list[Mention]) -> bool:
        """Whether the first number is what came before: "multiply the result by 4"."""
        numeric = [
            other
            for other in self.required
            if other not in self.values and self.nodes[other].type in ("integer", "number")
        ]
        if self.previous is None or len(numeric) <= len(mentions) or numeric[0] != name:
            return False
        pronoun = RESULT.search(self.text)
        first = pronoun is not None and pronoun.start() < mentions[0].start
        return first != self.is_turned()

    def is_turned(self) -> bool:
        """Whether the numbers are named the other way round: "subtract 3 from 10" is 10 - 3."""
        return bool(re.search(r"\b(?:subtract|take|deduct)\b.*\bfrom\b", self.text, re.IGNORECASE))

    def turned(self, mentions: list[Mention]) -> list[Mention]:
        waiting = [
            other
            for other in self.required
            if other not in self.values and self.nodes[other].type in ("integer", "number")
        ]
        return mentions[::-1] if len(mentions) == len(waiting) == 2 and self.is_turned() else mentions

    def belongs_to_other(self, mention: Mention, name: str) -> bool:
        unit = stem(mention.unit.lower()) if mention.unit else ""
        return bool(unit) and any(unit in field_words(other) for other in self.nodes if other != name)

    def by_list(self, name: str, node: Node) -> Any:
        if node.type != "array":
            return _MISSING
        items = node_of(node.schema.get("items", {}), self.root)
        if items.type in ("integer", "number"):
            mentions = [m for m in self.free("number") if items.type == "number" or isinstance(m.value, int)]
            return [self.take(mention) for mention in mentions] or _MISSING
        if items.choices:
            found = [
                choice for choice in items.choices if isinstance(choice, str) and _spoken_choice(choice, self.text)
            ]
            return found or _MISSING
        if items.type not in ("string", ""):
            return _MISSING
        kind = kind_of(name, items)
        if kind is None and set(field_words(name)) & PATHS:
            kind = "path"
        mentions = self.free(kind) if kind else []
        if name in self.required:
            mentions = mentions or self.free("quotation")
        if mentions:
            return [self.take(mention) for mention in mentions]
        plain = "|".join(sorted({*words(name), *(word.removesuffix("s") for word in words(name))})) or "x"
        one = r"[\w-]+(?: (?!and\b|or\b)[\w-]+)?(?!\s*=|[\w-])"
        listed = re.search(
            rf"(?:\b(?:{plain})\b\s*(?::|=|of|are|like|such as)?\s*|:\s*)({one}(?:{AND}{one})+)|"
            rf"([\w-]+(?:\s*,\s*[\w-]+)+{AND}[\w-]+(?!\s*=|[\w-])|[A-Z][\w-]*(?:{AND}[A-Z][\w-]*)+)",
            self.text,
        )
        if listed is None or (name not in self.required and listed[1] is None):
            return _MISSING
        group = 1 if listed[1] else 2
        self.taken.append(listed.span(group))
        return [part.strip() for part in re.split(AND, listed[group]) if part.strip()]

    def by_record(self, name: str, node: Node) -> Any:
        if node.type != "object":
            return _MISSING
        properties = node.schema.get("properties")
        if properties:
            inner = find_arguments(
                "", {**node.schema, "$defs": self.root.get("$defs", {})}, self.text, today=self.today
            )
            return dict(inner.values) if inner.values and not inner.missing else _MISSING
        found = {}
        for match in re.finditer(r"\b([A-Za-z_]\w*)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s,;]+)", self.text):
            if match[1] in self.nodes or self.is_taken(*match.span()):
                continue
            value = match[2].strip("\"'")
            number = extract.numbers(value)
            found[match[1]] = number[0].value if number and number[0].text == value else value
            self.taken.append(match.span())
        return found or _MISSING

    def by_truth(self, name: str, node: Node) -> Any:
        if node.type != "boolean":
            return _MISSING
        telling = [
            word
            for word in words(name.replace("_", " "))
            if word not in {"is", "include", "use", "with", "show", "has", "do", "should", "allow", "enable"}
        ]
        roots = [stem(word)[:6] for word in telling]
        for match in re.finditer(r"[^\W_]+", self.text):
            if roots and stem(match[0].lower())[:6] == roots[0]:
                before = self.text[: match.start()][-24:]
                return not re.search(
                    r"\b(?:no|not|non|without|don't|do not|never|exclud\w+|disable|skip|ignor\w+)\W+(?:\w+\W+)?$",
                    before,
                    re.IGNORECASE,
                )
        return _MISSING

    def by_quotation(self, name: str, node: Node) -> Any:
        if node.type != "string" or node.choices:
            return _MISSING
        if name not in self.required and not set(field_words(name)) & TEXTS:
            return _MISSING
        quoted = self.free("quotation")
        if not quoted:
            return _MISSING
        waiting = [other for other in self.required if other not in self.values and self.nodes[other].type == "string"]
        if (
            len(waiting) > 1
            and len(quoted) < len(waiting)
            and not set(field_words(name)) & TEXTS
            and any(set(field_words(o)) & TEXTS for o in waiting)
        ):
            return _MISSING  # the one with a text's name takes it
        return self.take(quoted[0])

    def by_place(self, name: str, node: Node) -> Any:
        """Names of places and people, by their capitals or the word before them."""
        roots = set(field_words(name))
        if node.type != "string" or node.choices or not roots & (PLACES | PEOPLE):
            return _MISSING
        preposition = (
            r"in|at|for|near|of|from|around" if roots & PLACES else r"to|for|with|named|called|name is|by|user|about"
        )
        match = re.search(
            rf"\b(?:{preposition})\s+(?:the\s+(?:city|town|user|"
            rf"person)\s+(?:of\s+)?)?((?:[A-Z\u00c0-\u00de][\w'\u2019.-]*|[^\x00-\x7f]+)(?:\s+(?:de |la |of |am "
            rf")?[A-Z\u00c0-\u00de][\w'\u2019-]*)*)",
            self.text,
        )
        if match and not self.is_taken(*match.span(1)):
            self.taken.append(match.span(1))
            return match[1].rstrip(".,")
        for mention in self.free("name"):
            if stem(mention.value.lower()) not in field_words(self.name):
                return self.take(mention)
        match = re.search(
            rf"\b(?:{preposition})\s+(?!the\b|a\b|an\b|my\b|me\b|it\b|this\b|that\b|your\b|today|tomorrow|"
            rf"now)([a-z][\w-]+)\s*(?:[?.!]|$)",
            self.text,
        )
        if match and not self.is_taken(*match.span(1)):
            self.taken.append(match.span(1))
            return match[1]
        return _MISSING

    def by_any_number(self, name: str, node: Node) -> Any:
        """A number where any value goes: the code that takes "order 17" without a type most likely means one."""
        if name not in self.untyped or name not in self.required or node.choices:
            return _MISSING
        mentions = [mention for mention in self.free("number") if not _is_article(mention, self.text)]
        return self.take(mentions[0]) if len(mentions) == 1 else _MISSING

    # What is left.

    def fill_rest(self) -> None:
        waiting = [name for name in self.required if name not in self.values]
        if not waiting and not self.required and not self.values:
            waiting = [
                name for name in self.nodes if set(field_words(name)) & FREE and self.nodes[name].type == "string"
            ][:1]
        for name in waiting:
            node = self.nodes[name]
            value = self.fed_value(name, node) if self.previous is not None else _MISSING
            if value is not _MISSING and self.keep(name, value):
                self.fed.append(name)
                continue
            strings = [other for other in waiting if other not in self.values and self.nodes[other].type == "string"]
            if node.type != "string" or node.choices:
                continue
            roots = set(field_words(name))
            if self.context and (roots & FREE or len(strings) == 1) and not roots & (PATHS - TEXTS):
                self.keep(name, self.context)
            elif roots & FREE and (len(strings) == 1 or name == _freest(strings)):
                rest = self.rest()
                # A file that is named is not the text that stands in it.
                if rest and not PRONOUN.fullmatch(rest) and not (roots & CONTENTS and extract.paths(rest)):
                    self.keep(name, rest)
            elif len(strings) == 1 and not roots & (PATHS | DATES) and len(self.rest().split()) in (1, 2, 3):
                self.keep(name, self.rest())
        if self.previous is not None:
            for name, value in list(self.values.items()):
                if isinstance(value, str) and PRONOUN.fullmatch(value):
                    fed = self.fed_value(name, self.nodes[name])
                    if fed is not _MISSING and self.keep(name, fed):
                        self.fed.append(name)

    def fed_value(self, name: str, node: Node) -> Any:
        """The result of the step before, when it is of the parameter's type."""
        previous = self.previous or ""
        if node.choices:
            return previous.strip() if previous.strip() in node.choices else _MISSING
        if node.type == "string":
            if set(field_words(name)) & (PATHS - TEXTS):
                found = extract.paths(previous)
                return found[0].value if found else previous.strip() if len(previous.split()) == 1 else _MISSING
            value = _decoded(previous)
            return value if isinstance(value, str) and value.strip() else previous if previous.strip() else _MISSING
        if node.type in ("integer", "number"):
            value = _decoded(previous)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return int(value) if node.type == "integer" and float(value).is_integer() else value
            found = extract.numbers(previous)
            return found[0].value if len(found) == 1 else _MISSING
        if node.type == "array":
            value = _decoded(previous)
            return (
                value
                if isinstance(value, list)
                else [line for line in previous.splitlines() if line.strip()] or _MISSING
            )
        value = _decoded(previous)
        return value if node.type == "object" and isinstance(value, dict) else _MISSING

    def rest(self) -> str:
        """The request without what arguments took, the tool's own verb and its little words."""
        text = self.text
        for start, end in sorted(self.taken, reverse=True):
            text = f"{text[:start]}\x00{text[end:]}"
        text = LEAD.sub("", text, count=1)
        own = set(field_words(self.name)) | _ASKING_VERBS
        parts = text.split()
        while len(parts) > 1:
            plain = parts[0].strip(",:;.\"'").lower()
            if stem(plain) in own or plain in _LEADING:
                parts = parts[1:]
            else:
                break
        text = " ".join(parts)
        text = re.sub(
            r"\s*\b(?:in|at|to|from|with|by|for|on|of|as|and|called|named|within)?\s*[\"'`]?\x00[\"'`]?", " ", text
        )
        text = re.sub(
            rf"\s*\b(?:using|with|via|by) (?:the )?{re.escape(self.name)}(?: tool)?\b", "", text, flags=re.IGNORECASE
        )
        return re.sub(r"\s+", " ", text.replace("\x00", " ")).strip(" ,:;").rstrip(".!").strip()


_ASKING_VERBS = frozenset(
    stem(word)
    for word in "search find look get show tell give fetch ask query say send write call use run lookup google explain "
    "check "
    "retrieve echo print post create make save remember note".split()
)
_LEADING = frozenset(
    "me up for about the a an on of that to what is are please some any all out everything information info "
    "using".split()
)


def _freest(names: Sequence[str]) -> str:
    order = ("query", "question", "text", "message", "content", "prompt", "body", "input")
    return next((name for name in order if name in names), names[0])


def _spoken_choice(choice: str, text: str) -> re.Match[str] | None:
    """Where a choice is named: as it is, or by its words in any common form."""
    plain = r"[\s_-]+".join(re.escape(word) for word in words(choice.replace("_", " "))) or re.escape(choice)
    match = re.search(rf"(?<![\w]){plain}(?![\w])", text, re.IGNORECASE)
    if match or len(choice) < 4 or " " in choice:
        return match
    root = stem(choice.lower())
    for word in re.finditer(r"[^\W_]+", text):
        if stem(word[0].lower()) == root:
            return word
    return None


def _names_it(word: str, before: str) -> bool:
    return bool(re.search(rf"\b{re.escape(word)}\W{{0,3}}(?:\w+\W+)?$", before, re.IGNORECASE))


def _is_article(mention: Mention, text: str) -> bool:
    """Whether it is a "one" that counts nothing: "this one", "one of"."""
    return mention.text.lower() == "one" and not re.match(
        r"\s+(?:result|item|line|day|hour|time|page|file)", text[mention.end :]
    )


def _first_value(text: str, node: Node, root: Mapping[str, Any], *, loose: bool) -> tuple[Any, int]:
    """The value at the beginning of a text, and how long it is written."""
    quoted = re.match(r"\"([^\"]*)\"|'([^']*)'|`([^`]*)`|\u201c([^\u201d]*)\u201d", text)
    if node.choices:
        head = quoted[0].strip("\"'`\u201c\u201d") if quoted else (re.match(r"[\w-]+", text) or [""])[0]
        for choice in node.choices:
            if str(choice).lower() == head.lower():
                return choice, len(quoted[0]) if quoted else len(head)
        return _MISSING, 0
    if node.type == "string":
        if quoted:
            return next(group for group in quoted.groups() if group is not None), len(quoted[0])
        match = re.match(r"[^\s,;]+", text) if loose else None
        return (match[0].rstrip(".?!"), len(match[0])) if match else (_MISSING, 0)
    if node.type in ("integer", "number"):
        found = extract.numbers(text[:60])
        if found and found[0].start == 0 and (node.type == "number" or float(found[0].value).is_integer()):
            return int(found[0].value) if node.type == "integer" else found[0].value, found[0].end
        return _MISSING, 0
    if node.type == "boolean":
        match = re.match(r"(true|yes|on|1|false|no|off|0)\b", text, re.IGNORECASE)
        return (match[1].lower() in {"true", "yes", "on", "1"}, len(match[0])) if match else (_MISSING, 0)
    if node.type in ("array", "object") and text[:1] in ("[", "{"):
        closing = text.rfind("]" if text[0] == "[" else "}")
        value = _decoded(text[: closing + 1])
        return (value, closing + 1) if isinstance(value, list | dict) else (_MISSING, 0)
    if node.type == "array":
        match = re.match(r"[^\s,;]+(?:\s*,\s*[^\s,;]+)*", text)
        items = node_of(node.schema.get("items", {}), root)
        if match and items.type in ("string", ""):
            return [part.strip().strip("\"'") for part in match[0].split(",")], len(match[0])
    return _MISSING, 0


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text.strip())
    except msgspec.DecodeError:
        return None
