"""What kind of thing is asked for, by the words of the request."""

from __future__ import annotations

import re
from typing import Literal

from victor.core.models.offline.classify import find_labels
from victor.core.models.offline.pattern import pattern

__all__ = ["Intent", "intent_of", "words_to_say"]

Intent = Literal[
    "greet",
    "tools",
    "summarize",
    "keywords",
    "title",
    "classify",
    "extract",
    "count",
    "generate",
    "question",
    "say",
    "",
]
"""What a prompt wants."""

_GREETING = pattern(
    r"\s*(?:hi|hello|hey|good (?:morning|afternoon|evening)|greetings|hallo|bonjour|hola|help|\?|thanks|thank you|"
    r"who are you|what are you|what is this|are you (?:an? )?(?:ai|llm|bot|human|language model|chatgpt|real).*|"
    r"what(?:'s| is) your name|introduce yourself|"
    r"what can (?:you|i) do(?: here| for me| with (?:you|this))?|how (?:can|do) (?:you help|i use (?:you|this))(?: "
    r"me)?|how are you|test|ping)"
    r"(?:[\s,!.]+(?:there|victor|world|everyone|all|again|who are you|what can you do|how are you(?: doing)?)(?: "
    r"today)?)*[\s?!.]*",
    re.IGNORECASE,
)
_TOOLS = pattern(r"\b(?:what|which|list|show)\b.{0,20}\btools\b.{0,30}|\bwhat tools\b", re.IGNORECASE)
_SUMMARIZE = pattern(
    r"\b(?:summar(?:y|ies|i[sz]e[sd]?|i[sz]ing|i[sz]ation)|tl;?dr|sum(?:med)? up|condense|digest|in short|gist|shorten|"
    r"(?:key|main|most important) (?:points?|ideas?|facts?|messages?|findings?)|highlights?|takeaways?|overview|"
    r"abstract|synopsis|"
    r"what is (?:this|the (?:text|document|article|file)|it) about|in a nutshell|recap|brief(?:ing)?)\b",
    re.IGNORECASE,
)
_KEYWORDS = pattern(
    r"\b(?:keywords?|key ?phrases?|key terms?|tags|main (?:topics|terms)|topics|important words)\b", re.IGNORECASE
)
_TITLE = pattern(r"\b(?:title|headline)\b", re.IGNORECASE)
_CLASSIFY = pattern(
    r"\b(?:classif(?:y|ied|ication|ier)|categori[sz]e|category|label|sentiment|which (?:category|class|type|kind|"
    r"label)|"
    r"positive or negative|spam or|is (?:this|it) (?:an? )?\w+ or|one of|only (?:with )?(?:the )?label|reply (?:with "
    r")?(?:only |just )?[A-Z]{2,}|"
    r"(?:what|which) language)\b",
    re.IGNORECASE,
)
_EXTRACT = pattern(
    r"\b(?:extract|find|list|get|give me|pull out|show(?: me)?|identify|what are|which)\b[^.?!]{0,60}?"
    r"\b(?:dates?|deadlines?|e-?mails?(?: address(?:es)?)?|urls?|links?|web ?sites?|numbers?|amounts?|prices?|names?|"
    r"people|persons?|"
    r"organi[sz]ations?|entit(?:y|ies)|places?|phone|headings?|questions?|action items?|to-?dos?|tasks|quotes?|file "
    r"?names|paths)\b",
    re.IGNORECASE,
)
_COUNT = pattern(
    r"\b(?:how many|count(?: the)?|number of|word count|length of)\b[^.?!]{0,30}?\b(?:words?|sentences?|lines?|"
    r"characters?|letters|paragraphs?|headings?|tokens?)\b|\bword count\b",
    re.IGNORECASE,
)
_GENERATE = pattern(
    r"\b(?:translat(?:e|ion|ing)|(?:write|compose|create|generate|draft|invent|make up|tell|give|make|code|develop|"
    r"implement)\b(?: \w+){0,4}? "
    r"(?:poem|haiku|story|stories|joke|essay|song|lyrics|email|e-mail|letter|article|blog|post|speech|slogan|code|"
    r"function|"
    r"program|script|class|regex|sql|query|recipe|plan|tests?|dialogue|riddle|tweet|app|website|limerick|paragraph|"
    r"review|names?)|"
    r"rewrite|paraphrase|rephrase|proofread|brainstorm|role-?play|pretend|imagine|improve (?:this|the|my)|fix the "
    r"grammar|sing|"
    r"continue the|expand on|(?:in|into|to) (?:french|german|spanish|italian|chinese|japanese|portuguese|dutch|"
    r"russian|english)\b)",
    re.IGNORECASE,
)
_SAY = pattern(
    r"^\s*(?:please\s+)?(?:say|reply|respond|answer|echo|repeat|print|output)\b(?:\s+(?:with|only|just|exactly|after "
    r"me|the (?:word|text))\b)*\s*:?\s*[\"'`\u201c]([^\"'`\u201d]+)[\"'`\u201d][.!]?\s*$",
    re.IGNORECASE,
)
_QUESTION = pattern(
    r"(?:^|[.!:,]\s+|\b(?:and|tell me|know|say|explain|describe|find out|answer)\s+)(?:what|which|who|whom|whose|"
    r"when|where|why|how)\b|\?\s*$|"
    r"^\s*(?:is|are|was|were|does|do|did|can|could|will|has|have|should)\b.*\?|\b(?:explain|describe|tell me about|"
    r"define)\b",
    re.IGNORECASE,
)


def intent_of(task: str, *, material: bool = False) -> Intent:
    """What is asked for; ``""`` when the words do not tell.

    Args:
        task: The request without its material.
        material: There is a text it is about.

    Example:
        >>> intent_of("Summarise this in one sentence"), intent_of("What can you do?"), intent_of("It rains.")
        ('summarize', 'greet', '')
    """
    if not task.strip():
        return ""
    if not material and _GREETING.fullmatch(task):
        return "greet"
    if not material and _TOOLS.search(task):
        return "tools"
    if _SAY.match(task):
        return "say"
    if _COUNT.search(task):
        return "count"
    summary = _SUMMARIZE.search(task)
    classified = _CLASSIFY.search(task)
    if classified and (len(find_labels(task)) > 1 or not summary):
        return "classify"
    if summary:
        return "summarize"
    if _GENERATE.search(task):
        return "generate"
    if _KEYWORDS.search(task):
        return "keywords"
    if _TITLE.search(task) and material:
        return "title"
    if _EXTRACT.search(task):
        return "extract"
    if len(find_labels(task)) > 1 and re.search(
        r"\b(?:reply|answer|respond|return|output|decide|only)\b", task, re.IGNORECASE
    ):
        return "classify"
    if _QUESTION.search(task):
        return "question"
    return ""


def words_to_say(task: str) -> str:
    """What a request to say something literally wants said.

    Example:
        >>> words_to_say('Reply with exactly "OK".')
        'OK'
    """
    match = _SAY.match(task)
    return match[1].strip() if match else ""
