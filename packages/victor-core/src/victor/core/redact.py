"""Removes secrets from what leaves the process: contents of events, error texts, logs.

A secret is found by the *name* it goes by (``api_key=``, ``Authorization:``, ``DB_PASSWORD``), by the
*place* it stands in (user info and query of a URL) or by its *shape* (keys of well-known issuers, JSON
web tokens, PEM private keys). Shape and place are found inside longer text too.

Example:
    >>> redact({"url": "https://ann:hunter2@example.org/?token=abc", "Authorization": "Bearer abc", "page": 3})
    {'url': 'https://[redacted]@example.org/?token=[redacted]', 'Authorization': '[redacted]', 'page': 3}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, Final

__all__ = ["MARK", "Redactor", "redact"]

MARK: Final = "[redacted]"

_DEPTH: Final = 12


class Redactor:
    """Returns a copy of a value with secrets replaced by ``[redacted]``; the value itself is not changed.

    Args:
        names: More names whose values are secret, as regular expressions matched anywhere in the name.
        patterns: More shapes of secrets, as regular expressions searched in every text.

    Example:
        >>> Redactor(names=["^iban$"])({"iban": "DE00", "town": "Ulm"})
        {'iban': '[redacted]', 'town': 'Ulm'}
    """

    def __init__(self, *, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._names = [re.compile(name, re.IGNORECASE) for name in names]
        self._own = [re.compile(pattern) for pattern in patterns]

    def __call__(self, value: Any) -> Any:
        """A redacted copy: mappings become dicts, other containers lists or tuples, others their redacted ``str``."""
        return self._value(value, 0)

    def is_secret(self, name: str) -> bool:
        """True when a value that goes by this name is to be hidden.

        Example:
            >>> [redact.is_secret(name) for name in ("OPENAI_API_KEY", "dbPassword", "max_tokens", "author")]
            [True, True, False, False]
        """
        patterns = _patterns()
        if patterns.COUNTS.match(name):
            return False
        return bool(patterns.NAME.search(patterns.HUMPS.sub("_", name))) or any(own.search(name) for own in self._names)

    def text(self, text: str) -> str:
        """The text with every secret in it replaced."""
        if len(text) < 4:
            return text
        patterns = _patterns()
        if "://" in text:
            text = patterns.USERINFO.sub(rf"\g<scheme>{MARK}@", text)
        if "=" in text:
            text = patterns.QUERY.sub(rf"\g<head>{MARK}", text)
        if "=" in text or ":" in text:
            text = patterns.HEADER.sub(rf"\g<head>{MARK}", text)
            text = patterns.NAMED.sub(_hide_value, text)
        text = patterns.BEARER.sub(rf"\1 {MARK}", text)
        text = patterns.SHAPES.sub(MARK, text)
        for pattern in self._own:
            text = pattern.sub(MARK, text)
        return text

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= _DEPTH:
            return MARK
        if isinstance(value, Mapping):
            return {
                key: MARK
                if isinstance(key, str) and item is not None and self.is_secret(key)
                else self._value(item, depth + 1)
                for key, item in value.items()
            }
        if isinstance(value, tuple):
            return tuple(self._value(item, depth + 1) for item in value)
        if isinstance(value, (list, set, frozenset)):
            return [self._value(item, depth + 1) for item in value]
        if isinstance(value, (bytes, bytearray)):
            return self.text(bytes(value).decode("utf-8", "replace"))
        return self.text(str(value))


@cache
def _patterns() -> ModuleType:
    """The expressions; compiling them takes longer than importing all the rest of a program's agent."""
    from victor.core import secret_patterns

    return secret_patterns


def _hide_value(match: re.Match[str]) -> str:
    value = match["value"]
    if value.startswith(MARK[:-1]) or value in {"None", "null", "true", "false", "True", "False"}:
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['head']}{quote}{MARK}{quote}"


redact: Final = Redactor()
"""The redactor with Victor's own rules."""
