"""Counting: tokens of a text by a simple stated rule, words, and what a request and its answer used."""

from __future__ import annotations

from collections.abc import Sequence

from victor.core.message import Message, Usage
from victor.core.models.offline.pattern import pattern

__all__ = ["count_tokens", "count_words", "cut_tokens", "usage_of"]

# Two expressions of each kind: the one that knows Chinese and Japanese takes milliseconds to compile.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_PLAIN_TOKEN = pattern(r"\w+|[^\w\s]")
_ANY_TOKEN = pattern(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")
_PLAIN_WORD = pattern(r"[^\W_]+(?:['\u2019.,_-][^\W_]+)*")
_ANY_WORD = pattern(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['\u2019.,_-][^\W_{_CJK}]+)*")


def _has_cjk(text: str) -> bool:
    return not text.isascii() and max(text) >= "\u3040"


def count_tokens(text: str) -> int:
    """Tokens of a text: each word or number, each character of Chinese or Japanese, each punctuation mark is one.

    Example:
        >>> count_tokens("Hello, world!"), count_tokens("\u6771\u4eac")
        (4, 2)
    """
    return len((_ANY_TOKEN if _has_cjk(text) else _PLAIN_TOKEN).findall(text))


def count_words(text: str) -> int:
    """Words as a person counts them: "don't", "well-known" and "3.5" are one each.

    Example:
        >>> count_words("Don't pay 3.5 for a well-known thing - ever.")
        8
    """
    return len((_ANY_WORD if _has_cjk(text) else _PLAIN_WORD).findall(text))


def cut_tokens(text: str, limit: int) -> str:
    """The beginning of a text, at most ``limit`` tokens.

    Example:
        >>> cut_tokens("Hello, world!", 2)
        'Hello,'
    """
    for number, token in enumerate((_ANY_TOKEN if _has_cjk(text) else _PLAIN_TOKEN).finditer(text), 1):
        if number > limit:
            return text[: token.start()].rstrip()
    return text


def usage_of(messages: Sequence[Message], output: str) -> Usage:
    """Usage of one request: real counts of both sides by `count_tokens`."""
    read = 0
    for message in messages:
        read += count_tokens(message.content)
        for call in message.tool_calls:
            read += count_tokens(call.arguments)
    return Usage(read, count_tokens(output), requests=1)
