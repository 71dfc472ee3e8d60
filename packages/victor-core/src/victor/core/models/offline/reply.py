"""Answers in text: one function per kind of request."""

from __future__ import annotations

import re

from attrs import frozen

from victor.core.models.offline import extract
from victor.core.models.offline.answer import answer
from victor.core.models.offline.arithmetic import evaluate, find_expression, format_number
from victor.core.models.offline.classify import classify, find_labels, is_decision, language_of
from victor.core.models.offline.dialog import cannot
from victor.core.models.offline.intent import Intent, intent_of, words_to_say
from victor.core.models.offline.keywords import keywords
from victor.core.models.offline.markdown import blocks, title_of
from victor.core.models.offline.prompt import Limits, is_request, limits_of
from victor.core.models.offline.sentence_kinds import sentences_of_kind
from victor.core.models.offline.sentences import split_sentences
from victor.core.models.offline.summarize import choose_sentences, shorten, summarize
from victor.core.models.offline.tokens import count_tokens, count_words
from victor.core.ranking import words

__all__ = ["Matter", "not_found", "reply"]

_EMPTY = "The text is empty, so there is nothing to {}."


@frozen
class Matter:
    """What a reply is made from.

    Args:
        task: What the user asks for; ``""`` when the message is all material.
        text: What it is about: the user's material and the results of tools.
        instructions: Of the system message.
        history: What was said before, the latest first.
        given: A text was given, though it may be empty.
    """

    task: str
    text: str
    instructions: str = ""
    history: tuple[str, ...] = ()
    given: bool = False


def reply(matter: Matter) -> str | None:
    """The answer to a request, or None when it is none of the things that can be done.

    Example:
        >>> reply(Matter("Summarize in one sentence.", "The pump moves heat. It is old."))
        'The pump moves heat.'
    """
    task, text = matter.task, matter.text
    intent = intent_of(task, material=bool(text))
    asked = task
    if intent in ("", "question") and matter.instructions:
        by_system = intent_of(matter.instructions, material=True)
        if by_system in ("summarize", "keywords", "classify", "extract", "title", "count") and not (intent and text):
            # The instructions say what to do with whatever the user says.
            intent, asked = by_system, matter.instructions
            text = text or task
    limits = _limits(asked, matter)
    if intent == "say":
        return words_to_say(task)
    if (
        intent in ("summarize", "keywords", "classify", "extract", "title", "count", "question")
        and not text.strip()
        and matter.given
    ):
        return _EMPTY.format(
            {"summarize": "summarize", "count": "count", "question": "answer from"}.get(intent, "look at")
        )
    if text.strip():
        made = _from_text(intent, asked, text, limits, matter)
        if made is not None:
            return made
    if not text.strip() or intent in ("question", ""):
        return _from_nothing(intent, task, limits, matter)
    return None


def _limits(asked: str, matter: Matter) -> Limits:
    own = limits_of(asked)
    outer = limits_of(matter.instructions) if matter.instructions and matter.instructions != asked else Limits()
    return Limits(
        own.sentences or outer.sentences,
        own.words or outer.words,
        own.items or outer.items,
        own.bullets or outer.bullets,
    )


def _from_text(intent: Intent, asked: str, text: str, limits: Limits, matter: Matter) -> str | None:
    if intent == "summarize":
        return _summary(asked, text, limits)
    if intent == "keywords":
        found = keywords(text, limits.items or limits.sentences or 8)
        return (
            "\n".join(f"- {word}" for word in found) if limits.bullets else ", ".join(found) or _EMPTY.format("look at")
        )
    if intent == "title":
        return title_of(text) or shorten(next((s.text for s in choose_sentences(text, 1)), text.strip()), 12)
    if intent == "classify":
        return _label(asked, text, matter)
    if intent == "extract":
        return _extracted(asked, text, limits)
    if intent == "count":
        return _counted(asked, text)
    if intent == "question":
        told = answer(asked, [text], limits.sentences or 2)
        return None if told is None else _limited(told.text, limits)
    if intent == "" and not matter.task:
        # A text without a request: the most useful thing that is honest.
        return _summary("", text, limits)
    return None


def _summary(asked: str, text: str, limits: Limits) -> str:
    sentences = limits.sentences or (8 if limits.words else 3)
    focus = re.search(
        r"\b(?:focus(?:ing|ed)? on|with (?:a )?focus on|about|regarding|concerning|especially)\s+([^.,;:]+)", asked
    )
    made = summarize(text, sentences, words=limits.words, focus=focus[1] if focus else "", bullets=limits.bullets)
    return made or _EMPTY.format("summarise")


def _label(asked: str, text: str, matter: Matter) -> str | None:
    labels = find_labels(asked) or find_labels(matter.instructions)
    if len(labels) < 2:
        if re.search(r"\blanguage\b", asked, re.IGNORECASE):
            return language_of(text).capitalize() or None
        if not re.search(r"sentiment|positive|negative", asked, re.IGNORECASE):
            return None
        labels = dict.fromkeys(("positive", "negative", "neutral"), "")
    verdict = classify(text, list(labels), labels)
    if verdict.score == 0.0 and is_decision(list(labels)):
        return None
    return verdict.label


_WHAT: tuple[tuple[str, extract.Kind], ...] = (
    (r"\bdates?\b|deadlines?", "date"),
    (r"e-?mails?", "email"),
    (r"\burls?\b|\blinks?\b|web ?sites?", "url"),
    (r"amounts?|prices?|sums? of money", "amount"),
    (r"\bnumbers?\b", "number"),
    (r"names?\b|people|persons?|organi[sz]ations?|entit|places?", "name"),
    (r"file ?names|\bpaths?\b", "path"),
    (r"quotes?|quotations?", "quotation"),
)


def _extracted(asked: str, text: str, limits: Limits) -> str | None:
    found: list[str] = []
    named: list[str] = []
    if re.search(r"headings?", asked, re.IGNORECASE):
        named.append("headings")
        found += [block.text for block in blocks(text) if block.kind == "heading"]
    for pattern, kind in (("questions?", "question"), (r"action items?|to-?dos?|tasks", "action")):
        if re.search(rf"\b(?:{pattern})\b", asked, re.IGNORECASE):
            named.append("action items" if kind == "action" else "questions")
            found += sentences_of_kind(kind, text)
    for pattern, finder in _WHAT:
        if re.search(pattern, asked, re.IGNORECASE) and not (finder == "name" and re.search(r"file ?names?", asked)):
            named.append(f"{finder}s")
            found += [
                mention.text if finder == "amount" else str(mention.value) for mention in extract.KINDS[finder](text)
            ]
    if not named:
        return None
    found = extract.unique(found)[: limits.items or limits.sentences or 50]
    if not found:
        return f"I found no {' or '.join(named)} in the text."
    return "\n".join(f"- {item}" for item in found)


def _counted(asked: str, text: str) -> str:
    counts = (
        ("word", count_words(text)),
        ("sentence", sum(len(split_sentences(block.text)) for block in blocks(text) if block.kind != "heading")),
        ("line", len(text.splitlines())),
        ("paragraph", sum(block.kind == "paragraph" for block in blocks(text))),
        ("heading", sum(block.kind == "heading" for block in blocks(text))),
        ("character", len(text)),
        ("token", count_tokens(text)),
    )
    lowered = asked.lower().replace("letter", "character")
    wanted = [(name, number) for name, number in counts if name in lowered]
    return ", ".join(f"{number:,} {name}{'' if number == 1 else 's'}" for name, number in wanted or counts[:1]) + "."


def _from_nothing(intent: Intent, task: str, limits: Limits, matter: Matter) -> str | None:
    """Without a text: sums, what was said before, and what the instructions say."""
    if intent == "count":
        quoted = extract.quotations(task)
        return _counted(task, quoted[0].value) if quoted else None
    expression = find_expression(task)
    if expression is not None:
        value = evaluate(expression)
        return None if value is None else f"{expression} = {format_number(value)}"
    if intent == "classify" and (quoted := extract.quotations(task)):
        return _label(task, quoted[0].value, matter)
    if intent in ("question", "extract", "") and task:
        found = answer(task, [*matter.history, matter.instructions], limits.sentences or 1)
        if found is not None and found.coverage >= 0.6:
            return _limited(found.text, limits)
    if intent == "" and _is_statement(task):
        return (
            "Noted; ask me about it and I will quote it. I am Victor's offline model, not a language model: I can look "
            "things up in what was said here, and have no opinion on it."
        )
    return None


def _is_statement(text: str) -> bool:
    spoken = words(text)
    return (
        len(spoken) >= 3
        and not is_request(text)
        and bool(
            {"is", "are", "was", "were", "has", "have", "am", "i'm", "likes", "like", "costs", "lives", "means"}
            & set(spoken)
        )
    )


def _limited(text: str, limits: Limits) -> str:
    if limits.sentences:
        text = " ".join(split_sentences(text)[: limits.sentences])
    return shorten(text, limits.words) if limits.words else text


def not_found(task: str, text: str, tools: bool) -> str:
    """Why there is no answer, for a request that none of the ways fits."""
    intent = intent_of(task, material=bool(text))
    if intent == "generate":
        return cannot("That needs new text or a translation, which I cannot write.")
    if intent == "question" and text.strip():
        return cannot("I found no sentence in the given text that answers this.")
    if intent == "classify":
        return cannot("I cannot tell which label fits: nothing in the text speaks for any of them.")
    if intent in ("summarize", "keywords", "extract", "title", "count"):
        return cannot("There is no text to work on: give it after the request, or name a tool that reads it.")
    if tools:
        return cannot("No tool fits this request by its name and description, and there is no text to answer from.")
    return cannot("I cannot answer this: there is no text to answer from and no tool to call.")
