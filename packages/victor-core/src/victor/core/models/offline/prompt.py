"""Reading a prompt: what is asked for, the material it is asked about, and how long the answer may be."""

from __future__ import annotations

import re

from attrs import frozen

from victor.core.models.offline.extract import numbers
from victor.core.models.offline.markdown import is_front_matter
from victor.core.models.offline.pattern import pattern

__all__ = ["Limits", "Prompt", "is_request", "limits_of", "read_prompt"]

_VERBS = (
    "summari[sz]e|sum up|condense|shorten|tl;?dr|classify|categori[sz]e|label|tag|extract|list|find|give|show|tell|"
    "what|which|who|whom|whose|when|where|why|how|is|are|was|were|does|do|did|can|could|will|would|should|has|have|"
    "answer|translate|write|count|describe|explain|return|reply|respond|read|analy[sz]e|review|rate|identify|name|get|"
    "fill|determine|decide|generate|create|compute|calculate|process|please|help|hello|hi|hey|add|subtract|multiply|"
    "divide|search|look up|send|open|delete|remove|make|convert|compare|check|run|fetch|download|use|set|save|rewrite|"
    "paraphrase|proofread|correct|draft|suggest|produce|pull|put|turn|say|repeat|print|draw|play|book|schedule|remind|"
    "evaluate|assess|judge|detect|sort|rank|pick|choose|select|outline|highlight|from (?:the|this)|in (?:one|two|"
    "three|\\d+)|"
    "based on|using|given|according|act as|you are"
)
_REQUEST = pattern(
    rf"\s*(?:[\"'(*#-]\s*)?(?:please[,:]?\s+|now[,:]?\s+|then[,:]?\s+|and\s+|can you\s+|could you\s+)?(?:{_VERBS})\b",
    re.IGNORECASE,
)
_TAGGED = pattern(r"<([A-Za-z][\w-]*)(?:\s[^<>]*)?>[ \t]*\n?(.*?)\s*</\1>", re.DOTALL)
_QUOTED = pattern(r"(\"\"\"|''')[ \t]*\n?(.*?)\1|^(```+|~~~+)[\w-]*[ \t]*\n(.*?)^\3[ \t]*$", re.DOTALL | re.MULTILINE)
_RULE = pattern(r"^\s*(?:-{3,}|={3,}|\*{3,}|#{3,})\s*$", re.MULTILINE)
_LABEL = pattern(
    r"^[ \t]*(?:\*\*)?(?P<name>(?:the )?(?:text|document|content|contents|article|input|context|file|passage|e-?mail|"
    r"review|message|source|data|"
    r"transcript|report|note|notes|body|ticket|comment|background|information|facts|material|markdown|code|diff|"
    r"question|task|request|instructions?|query|prompt))(?:\*\*)?[ \t]*(?:\([^)\n]*\))?:(?:\*\*)?[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)
_ASKING = pattern(r"question|task|request|instructions?|query|prompt", re.IGNORECASE)
_LENGTH = pattern(
    r"\b(?P<less>at most|no more than|up to|maximum(?: of)?|max\.?|under|fewer than|less than|in|into|with|of|to|the|"
    r"top|exactly|"
    r"about|around|approximately|within|only|just|give|list|a|-)?\s*(?P<number>\d+|an?|one|two|three|four|five|six|"
    r"seven|eight|nine|ten|single)"
    r"(?:\s*(?:-|\u2013|to|or)\s*(?P<upper>\d+|two|three|four|five|six|seven|eight|nine|ten))?[ -]"
    r"(?:(?:short|brief|concise|key|main|single|plain|complete|full|most|important|clear|bullet|simple|relevant|"
    r"good)[ -])*"
    r"(?P<unit>sentences?|words?|bullets?|bullet points?|points?|lines?|keywords?|key ?phrases?|tags|topics|items|"
    r"takeaways|paragraphs?|facts|names|labels?)\b",
    re.IGNORECASE,
)


@frozen
class Limits:
    """How long an answer may be; None where nothing was said.

    Args:
        sentences: Most sentences (or points).
        words: Most words.
        items: Most items of a list.
        bullets: A list of points is wanted.
    """

    sentences: int | None = None
    words: int | None = None
    items: int | None = None
    bullets: bool = False


@frozen
class Prompt:
    """A prompt taken apart.

    Args:
        task: What is asked for; ``""`` when it is all material.
        material: The text it is about; ``""`` when none is given.
    """

    task: str
    material: str


def is_request(text: str) -> bool:
    """It asks for something, rather than being a text to work on.

    Example:
        >>> is_request("Summarise this:"), is_request("The pump moves heat.")
        (True, False)
    """
    text = text.strip()
    return bool(_REQUEST.match(text)) or text.endswith("?")


def read_prompt(text: str) -> Prompt:
    r"""Tell what is asked for from the text it is about.

    Material is what stands in tags, in triple quotes, under a rule, after a label such as ``Text:``, or in the
    paragraphs that follow (or come before) the one with the request.

    Example:
        >>> read_prompt("Summarise in one sentence:\n\nThe pump moves heat. It is old.")
        Prompt(task='Summarise in one sentence:', material='The pump moves heat. It is old.')
        >>> read_prompt("Context: It rains.\nQuestion: Does it rain?")
        Prompt(task='Does it rain?', material='It rains.')
    """
    text = text.strip()
    for read in (_tagged, _labelled, _fenced, _ruled, _by_paragraph, _by_colon):
        found = read(text)
        if found is not None:
            return found
    if is_request(text) or (len(text.split()) <= 40 and "\n" not in text):
        return Prompt(text, "")
    return Prompt("", text)


def _tagged(text: str) -> Prompt | None:
    found = [match for match in _TAGGED.finditer(text) if match[2].strip() and match[1].lower() not in _HTML]
    if not found:
        return None
    head, tail = text[: found[0].start()].strip(), text[found[-1].end() :].strip()
    # Tags deep inside a document are the document's own.
    if (head and (len(head) > 2000 or not is_request(head))) or len(tail) > 1000:
        return None
    task = text
    pieces = []
    for match in found:
        if _ASKING.fullmatch(match[1]):
            task = task.replace(match[0], match[2])
        else:
            task = task.replace(match[0], " ")
            pieces.append(match[2].strip())
    return Prompt(re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", task).strip(), "\n\n".join(pieces)) if pieces else None


_HTML = frozenset(
    "a b i p br em strong code pre div span img table tr td th ul ol li h1 h2 h3 h4 h5 h6 details summary sub sup kbd "
    "center html head body title script style svg picture source nav section article header footer main".split()
)


def _labelled(text: str) -> Prompt | None:
    labels = list(_LABEL.finditer(text))
    if not labels:
        return None
    head = text[: labels[0].start()].strip()
    if head and not _is_head(head):
        return None  # a line of a document that happens to look like a label
    if not head and not any(_ASKING.fullmatch(match["name"]) for match in labels):
        first = labels[0]
        rest = _by_paragraph(text[first.end() :].strip())
        return rest if rest is not None and rest.task else None
    if head:
        # Everything after the first label is the document, except a question at its end.
        labels = [labels[0], *(match for match in labels[1:] if _ASKING.fullmatch(match["name"]))]
    tasks = [head] if head else []
    pieces = []
    for at, match in enumerate(labels):
        end = labels[at + 1].start() if at + 1 < len(labels) else len(text)
        part = text[match.end() : end].strip()
        if not part:
            continue
        if _ASKING.fullmatch(match["name"]):
            tasks.append(part)
        else:
            pieces.append(_unwrapped(part))
    if not pieces and head:
        return None
    return Prompt("\n".join(tasks), "\n\n".join(pieces))


def _is_head(text: str) -> bool:
    """It is a request with its rules, and not the beginning of a document."""
    parts = [part.strip() for part in re.split(r"\n[ \t]*\n|(?<=:)[ \t]*\n", text) if part.strip()]
    if len(parts) == 1:
        return len(text.split()) <= 60 or (is_request(text) and len(text) < 1500)
    if len(parts) > 6 or not (is_request(parts[0]) or _LISTING.fullmatch(parts[0])) or parts[0].startswith("#"):
        return False
    return all(is_request(part) or bool(_ITEM_LINES.fullmatch(part)) for part in parts[1:])


def _unwrapped(text: str) -> str:
    match = _QUOTED.fullmatch(text)
    return (match[2] or match[4] or "").strip() if match else text


def _fenced(text: str) -> Prompt | None:
    match = _QUOTED.search(text)
    if match is None:
        return None
    outside = f"{text[: match.start()].strip()}\n{text[match.end() :].strip()}".strip()
    inside = (match[2] or match[4] or "").strip()
    before, after = text[: match.start()].strip(), text[match.end() :].strip()
    framed = not before or before.endswith((":", ".", "?"))
    short = len(after) < len(inside) or (len(after) < 400 and is_request(after))
    if inside and framed and short and len(outside) < 1200 and is_request(outside):
        return Prompt(outside, inside)
    return None


def _ruled(text: str) -> Prompt | None:
    rules = list(_RULE.finditer(text))
    if not rules or rules[0].start() == 0:
        return None
    head, rest = text[: rules[0].start()].strip(), text[rules[0].end() :]
    if not head or not is_request(head) or not _is_head(head):
        return None
    if is_front_matter(text[rules[0].start() :].lstrip()):
        return Prompt(head, text[rules[0].start() :].strip())
    if len(rules) > 1 and not text[rules[-1].end() :].strip():
        rest = text[rules[0].end() : rules[-1].start()]
    return Prompt(head, rest.strip()) if rest.strip() else None


def _by_paragraph(text: str) -> Prompt | None:
    parts = re.split(r"\n[ \t]*\n|(?<=:)[ \t]*\n", text, maxsplit=1)
    if len(parts) == 2:
        first, rest = parts[0].strip(), parts[1].strip()
        if (
            first
            and rest
            and len(first) < 1500
            and not first.startswith("#")
            and (is_request(first) or first.endswith(":"))
        ):
            if first.endswith(":") or not _is_list_of_labels(rest):
                inner = _labels_then_text(first, rest)
                return inner or Prompt(first, rest)
    if "\n" in text:
        lines = re.split(r"\n[ \t]*\n", text)
        last = lines[-1].strip()
        before = text[: len(text) - len(lines[-1])].strip() if len(lines) > 1 else ""
        if before and len(last) < 400 and is_request(last) and not last.startswith(("#", "-", "*")):
            return Prompt(last, before)
        first, _, rest = text.partition("\n")
        if rest.strip() and len(first) < 400 and is_request(first) and not first.startswith("#"):
            if first.rstrip().endswith((":", ".", "?", "!")) and len(rest) > len(first):
                return _labels_then_text(first.strip(), rest.strip()) or Prompt(first.strip(), rest.strip())
    return None


_LISTING = pattern(
    r"(?:the )?(?:possible |allowed )?(?:categories|labels|classes|options|rules|choices|topics):", re.IGNORECASE
)
_ITEM_LINES = pattern(r"(?:\s*(?:[-*\u2022]|\d+[.)])\s+[^\n]*(?:\n|\Z))+")


def _is_list_of_labels(text: str) -> bool:
    return bool(_ITEM_LINES.fullmatch(text)) and len(text) < 800


def _labels_then_text(first: str, rest: str) -> Prompt | None:
    """A list that belongs to the request (labels, rules), and then the text."""
    if not re.search(
        r"categor|label|class|option|rule|follow(?:s|ing)(?! (?:text|document|article|review))", first, re.IGNORECASE
    ):
        return None
    items = _ITEM_LINES.match(rest)
    if items is None or not rest[items.end() :].strip():
        return None
    tail = rest[items.end() :].strip()
    inner = _labelled(f"Classify:\n{tail}")
    material = inner.material if inner is not None else tail
    return Prompt(f"{first}\n{items[0].rstrip()}", material)


_ASKED = pattern(r"([^.!?\n]{0,160}\b(?:this|following)\b[^.!?\n]{0,80}\?)\s+(?=\S+\s+\S+)")


def _by_colon(text: str) -> Prompt | None:
    """A request and its text on one line: "Summarise the following text: The pump ..."."""
    asked = _ASKED.match(text)
    if asked and is_request(asked[1]) and not is_request(text[asked.end() :]):
        return Prompt(asked[1], _unquoted(text[asked.end() :].strip()))
    head, colon, rest = text.partition(":")
    if colon and rest.strip() and rest[0] in " \n\t" and len(head.split()) <= 25 and is_request(head):
        if len(rest.split()) >= 3 and not _ITEM_LINES.fullmatch(rest.strip()):
            labelled = re.search(r"\b(?:one of|as|into|labels?|categories|options)$", head.strip(), re.IGNORECASE)
            if not labelled:
                return Prompt(f"{head.strip()}:", _unquoted(rest.strip()))
            labels, again, material = rest.partition(":")
            if again and material.strip():
                return Prompt(f"{head.strip()}: {labels.strip()}", _unquoted(material.strip()))
            labels, stop, material = rest.partition(". ")
            if stop and len(labels.split()) < 20 and material.strip():
                return Prompt(f"{head.strip()}: {labels.strip()}", _unquoted(material.strip()))
    return None


def _unquoted(text: str) -> str:
    if (
        len(text) > 2
        and (text[0], text[-1]) in {('"', '"'), ("'", "'"), ("\u201c", "\u201d")}
        and text[0] not in text[1:-1]
    ):
        return text[1:-1]
    return text


def limits_of(instructions: str) -> Limits:
    """How long the answer may be, by what the instructions say.

    Example:
        >>> limits_of("Summarise in two sentences of at most 30 words")
        Limits(sentences=2, words=30, items=None, bullets=False)
        >>> limits_of("Give me 3 bullet points").bullets
        True
    """
    sentences = words = items = None
    bullets = bool(re.search(r"\bbullet|\bbulleted\b|\bpoints? form\b|\bas a list\b", instructions, re.IGNORECASE))
    for match in _LENGTH.finditer(instructions):
        number = _number(match["upper"] or match["number"])
        unit = match["unit"].lower()
        if number is None:
            continue
        if unit.startswith(("sentence", "line")):
            sentences = number
        elif unit.startswith("word"):
            if number > 1 or match["number"].lower() != "a":
                words = number
        elif unit.startswith("paragraph"):
            sentences = sentences or 4 * number
        elif unit.startswith(("bullet", "point", "takeaway")):
            sentences, bullets = number, True
        else:
            items = number
    if (
        sentences is None
        and words is None
        and re.search(r"\b(?:brief|briefly|short(?:ly)?|concise(?:ly)?|in short)\b", instructions, re.IGNORECASE)
    ):
        sentences = 2
    return Limits(sentences, words, items, bullets)


def _number(text: str) -> int | None:
    if text.lower() in {"a", "an", "single"}:
        return 1
    found = numbers(text)
    return int(found[0].value) if found else None
