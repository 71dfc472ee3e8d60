"""What secrets look like: the regular expressions of `victor.core.redact`, compiled when the first text is redacted."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BEARER", "COUNTS", "HEADER", "HUMPS", "NAME", "NAMED", "QUERY", "SHAPES", "USERINFO"]

NAME: Final = re.compile(
    r"(?:^|[_\-. ])(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|authorization|cookie|"
    r"api[_\-]?key|access[_\-]?key|private[_\-]?key|signing[_\-]?key|encryption[_\-]?key|session[_\-]?id|"
    r"connection[_\-]?string|dsn|auth|otp|pin|cvv|signature|sig)s?(?:$|[_\-. ])",
    re.IGNORECASE,
)
COUNTS: Final = re.compile(
    r"^(?:(?:max|min|total|input|output|cached?|prompt|completion|reasoning|num|n)_?)?tokens(?:_\w+)?$"
    r"|^token_(?:count|limit|budget|usage|type|id)s?$",
    re.IGNORECASE,
)
HUMPS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_NAMED_VALUE = (
    r"(?P<head>(?<![A-Za-z0-9])[\"']?(?:[A-Za-z0-9]+[_\-])*(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_\-]?key|apikey|"
    r"access[_\-]?key|private[_\-]?key|credentials?)(?:[_\-](?:id|key|value))?[\"']?\s*(?:=|:)\s*)"
    r"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&)}\]]+)"
)
SHAPES: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{16,}[A-Za-z0-9_\-]*"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_\-]{16,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9\-]{10,}|\bAIza[A-Za-z0-9_\-]{30,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bhf_[A-Za-z0-9]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_\-]{30,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",
    re.DOTALL,
)
BEARER: Final = re.compile(r"\b(bearer|basic|token|digest)\s+[A-Za-z0-9+/=_\-.~]{6,}", re.IGNORECASE)
HEADER: Final = re.compile(
    r"(?im)(?P<head>\b(?:proxy-)?authorization[\"']?\s*[:=]\s*|\b(?:set-)?cookie[\"']?\s*[:=]\s*|\bx-api-key[\"']?\s*[:=]\s*)[^\r\n]+"
)
USERINFO: Final = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.\-]{1,20}://)[^\s/@\"'<>]+@", re.IGNORECASE)
QUERY: Final = re.compile(
    r"(?P<head>[?&#;](?:[A-Za-z0-9]+[_\-.])*(?:key|token|secret|password|passwd|pwd|sig|signature|auth|code|credential|session)"
    r"(?:[_\-](?:id|key))?=)[^\s&#\"'<>]+",
    re.IGNORECASE,
)
NAMED: Final = re.compile(_NAMED_VALUE, re.IGNORECASE)
