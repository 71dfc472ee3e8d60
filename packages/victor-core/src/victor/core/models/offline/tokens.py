"""Counting: tokens of a text by a simple stated rule, words, and what a request and its answer used."""

from __future__ import annotations

import re

from victor.core.message import Message, Usage

__all__ = ["count_tokens", "count_words", "cut_tokens", "usage_of"]

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:['\u2019.,_-][^\W_{_CJK}]+)*")


def count_tokens(text: str) -> int:
    """Tokens of a text: each word or number, each character of Chinese or Japanese, each punctuation mark is one.

    Example:
        >>> count_tokens("Hello, world!")
        4
    """
    return len(_TOKEN.findall(text))


def count_words(text: str) -> int:
    """Words as a person counts them: "don't", "well-known" and "3.5" are one each.

    Example:
        >>> count_words("Don't pay 3.5 for a well-known thing - ever.")
        8
    """
    return len(_WORD.findall(text))


def cut_tokens(text: str, limit: int) -> str:
    """The beginning of a text, at most ``limit`` tokens.

    Example:
        >>> cut_tokens("Hello, world!", 2)
        'Hello,'
    """
    for number, token in enumerate(_TOKEN.finditer(text), 1):
        if number > limit:
            return text[: token.start()].rstrip()
    return text


def usage_of(messages: list[Message] | tuple[Message, ...], output: str) -> Usage:
    """Usage of one request: real counts of both sides by `count_tokens`."""
    read = 0
    for message in messages:
        read += count_tokens(message.content)
        for call in message.tool_calls:
            read += count_tokens(call.arguments)
    return Usage(read, count_tokens(output), requests=1)
