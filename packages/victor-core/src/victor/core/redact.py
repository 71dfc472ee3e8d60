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
from typing import Any, Final

__all__ = ["MARK", "Redactor", "redact"]

MARK: Final = "[redacted]"

_NAME: Final = re.compile(
    r"(?:^|[_\-. ])(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|authorization|cookie|"
    r"api[_\-]?key|access[_\-]?key|private[_\-]?key|signing[_\-]?key|encryption[_\-]?key|session[_\-]?id|"
    r"connection[_\-]?string|dsn|auth|otp|pin|cvv|signature|sig)s?(?:$|[_\-. ])",
    re.IGNORECASE,
)
_COUNTS: Final = re.compile(
    r"^(?:(?:max|min|total|input|output|cached?|prompt|completion|reasoning|num|n)_?)?tokens(?:_\w+)?$"
    r"|^token_(?:count|limit|budget|usage|type|id)s?$",
    re.IGNORECASE,
)
_HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_NAMED_VALUE = (
    r"(?P<head>(?<![A-Za-z0-9])[\"']?(?:[A-Za-z0-9]+[_\-])*(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_\-]?key|apikey|"
    r"access[_\-]?key|private[_\-]?key|credentials?)(?:[_\-](?:id|key|value))?[\"']?\s*(?:=|:)\s*)"
    r"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&)}\]]+)"
)
_SHAPES: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{16,}[A-Za-z0-9_\-]*"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_\-]{16,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9\-]{10,}|\bAIza[A-Za-z0-9_\-]{30,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bhf_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_\-]{30,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",
    re.DOTALL,
)
_BEARER: Final = re.compile(r"\b(bearer|basic|token|digest)\s+[A-Za-z0-9+/=_\-.~]{6,}", re.IGNORECASE)
_HEADER: Final = re.compile(
    r"(?im)(?P<head>\b(?:proxy-)?authorization[\"']?\s*[:=]\s*|\b(?:set-)?cookie[\"']?\s*[:=]\s*|\bx-api-key[\"']?\s*[:=]\s*)[^\r\n]+"
)
_USERINFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.\-]{1,20}://)[^\s/@\"'<>]+@", re.IGNORECASE)
_QUERY: Final = re.compile(
    r"(?P<head>[?&#;](?:[A-Za-z0-9]+[_\-.])*(?:key|token|secret|password|passwd|pwd|sig|signature|auth|code|credential|session)"
    r"(?:[_\-](?:id|key))?=)[^\s&#\"'<>]+",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(_NAMED_VALUE, re.IGNORECASE)
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
        self._patterns = [re.compile(pattern) for pattern in patterns]

    def __call__(self, value: Any) -> Any:
        """A redacted copy: mappings become dicts, other containers lists or tuples, others their redacted ``str``."""
        return self._value(value, 0)

    def is_secret(self, name: str) -> bool:
        """True when a value that goes by this name is to be hidden.

        Example:
            >>> [redact.is_secret(name) for name in ("OPENAI_API_KEY", "dbPassword", "max_tokens", "author")]
            [True, True, False, False]
        """
        if _COUNTS.match(name):
            return False
        return bool(_NAME.search(_HUMPS.sub("_", name))) or any(own.search(name) for own in self._names)

    def text(self, text: str) -> str:
        """The text with every secret in it replaced."""
        if len(text) < 4:
            return text
        if "://" in text:
            text = _USERINFO.sub(rf"\g<scheme>{MARK}@", text)
        if "=" in text:
            text = _QUERY.sub(rf"\g<head>{MARK}", text)
        if "=" in text or ":" in text:
            text = _HEADER.sub(rf"\g<head>{MARK}", text)
            text = _NAMED.sub(_hide_value, text)
        text = _BEARER.sub(rf"\1 {MARK}", text)
        text = _SHAPES.sub(MARK, text)
        for pattern in self._patterns:
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


def _hide_value(match: re.Match[str]) -> str:
    value = match["value"]
    if value.startswith(MARK[:-1]) or value in {"None", "null", "true", "false", "True", "False"}:
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['head']}{quote}{MARK}{quote}"


redact: Final = Redactor()
"""The redactor with Victor's own rules."""
