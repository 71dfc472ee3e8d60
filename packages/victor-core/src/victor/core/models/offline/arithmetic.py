"""Sums: finding an expression in a sentence, and working it out exactly where that is possible."""

from __future__ import annotations

import math
import re

from victor.core.models.offline.pattern import pattern

__all__ = ["evaluate", "find_expression", "format_number"]

_TOKEN = pattern(r"\s*(?:(\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|(\*\*|//|[-+*/%^()])|(sqrt|abs|mod))")
_WORDS: tuple[tuple[str, str], ...] = (
    (r"\bmultiplied by\b|\btimes\b|(?<=\d)\s*[x\u00d7\u00b7]\s*(?=\d)", " * "),
    (r"\bdivided by\b|\bover\b|\u00f7", " / "),
    (r"\bplus\b", " + "),
    (r"\bminus\b|\u2212|(?<=\d)\s*\u2013\s*(?=\d)", " - "),
    (r"\bto the power(?: of)?\b|\braised to\b", " ** "),
    (r"\bsquared\b", " ** 2"),
    (r"\bcubed\b", " ** 3"),
    (r"\bmod(?:ulo)?\b", " % "),
    (r"\b(?:the )?square root of\b|\u221a", " sqrt "),
    (r"(?<![\d.])(\d+(?:\.\d+)?)\s*(?:%|percent|per cent) of\b", r" \1 / 100 * "),
)
_SPAN = pattern(r"(?:sqrt|abs)?[\d(.+-][\d\s+*/%^().,eEa-z-]*[\d)]|sqrt\s*\(?[\d.]+\)?")
_MOST_BITS = 4096
_MOST_DIGITS = 400


def find_expression(text: str) -> str | None:
    """An arithmetic expression in a sentence, in the notation of Python; None when there is none.

    A single number is no expression, and neither are dates, versions and ranges.

    Example:
        >>> find_expression("What is 17 times (3 + 4)?")
        '17 * (3 + 4)'
        >>> find_expression("between 2026-03-01 and 2026-04-01") is None
        True
    """
    if re.search(r"\d{4}-\d{2}-\d{2}|(?<!\d)\d+\.\d+\.\d+|\d{1,2}[./]\d{1,2}[./]\d{2,4}", text):
        return None
    for spoken, replacement in _WORDS:
        text = re.sub(spoken, replacement, text, flags=re.IGNORECASE)
    best: str | None = None
    for span in re.findall(r"(?:(?:sqrt|abs)\b|[\d.,+*/%^()\s-]|(?<=\d)[eE](?=[+-]?\d))+", text):
        candidate = re.sub(r"\s+", " ", _balanced(span.strip().strip(",")).rstrip(".,").replace("^", "**")).strip()
        operators = re.findall(r"\*\*|//|[-+*/%]|sqrt|abs", candidate.lstrip("+-"))
        if not operators or not re.search(r"\d", candidate):
            continue
        if re.fullmatch(r"\d+-\d+(-\d+)*", candidate.replace(" ", "")) and " - " not in candidate:
            continue  # 10-20 is a range, a telephone number or a page
        if re.fullmatch(r"\d+/\d+/?\d*", candidate) and not re.search(
            r"what|calc|comput|evaluat|=|how much", text, re.I
        ):
            continue
        if evaluate(candidate) is not None and (best is None or len(candidate) > len(best)):
            best = candidate
    return best


def _balanced(text: str) -> str:
    depth = 0
    kept = []
    for char in text:
        if char == ")":
            if depth == 0:
                continue
            depth -= 1
        depth += char == "("
        kept.append(char)
    return "".join(kept) + ")" * depth


def evaluate(expression: str) -> int | float | None:
    """The value of an arithmetic expression, or None when it is none or cannot be worked out.

    Example:
        >>> evaluate("2 + 3 * (4 - 1) ** 2"), evaluate("1 / 0"), evaluate("open('x')")
        (29, None, None)
    """
    parser = _Parser(expression)
    try:
        value = parser.sum()
        if parser.at < len(parser.tokens):
            return None
    except (ValueError, ArithmeticError, IndexError, RecursionError):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


class _Parser:
    """Recursive descent; no names, no attributes, nothing that could do harm."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.at = 0
        place = 0
        text = text.strip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                self.tokens = ["?"]
                return
            self.tokens.append((match[1] or match[2] or match[3]).replace(",", ""))
            place = match.end()

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def sum(self) -> int | float:
        value = self.product()
        while self.peek() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self) -> int | float:
        value = self.signed()
        while self.peek() in ("*", "/", "//", "%", "mod"):
            operator, other = self.take(), self.signed()
            if operator == "*":
                value = value * other
            elif operator == "/":
                exact = isinstance(value, int) and isinstance(other, int) and other != 0 and value % other == 0
                value = value // other if exact else value / other
            elif operator == "//":
                value = value // other
            else:
                value = value % other
        return value

    def signed(self) -> int | float:
        if self.peek() in ("+", "-"):
            return self.signed() if self.take() == "+" else -self.signed()
        return self.power()

    def power(self) -> int | float:
        value = self.atom()
        if self.peek() in ("**", "^"):
            self.take()
            exponent = self.signed()
            if isinstance(value, int) and abs(value).bit_length() * abs(exponent) > _MOST_BITS:
                raise OverflowError("too large")
            result = value**exponent
            if isinstance(result, complex):
                raise ValueError("no real number")
            return float(result) if isinstance(result, float) else int(result)
        return value

    def atom(self) -> int | float:
        token = self.take()
        if token == "(":  # noqa: S105 - a bracket
            value = self.sum()
            if self.take() != ")":
                raise ValueError("unbalanced")
            return value
        if token in ("sqrt", "abs"):
            value = self.atom()
            if token == "abs":  # noqa: S105
                return abs(value)
            root = math.sqrt(value)
            return int(root) if root.is_integer() else root
        if len(token) > _MOST_DIGITS:
            raise ValueError("too long")
        return float(token) if any(char in token for char in ".eE") else int(token)


def format_number(value: float) -> str:
    """A number as a person writes it.

    Example:
        >>> format_number(0.1 + 0.2), format_number(391), format_number(2.0)
        ('0.3', '391', '2')
    """
    if isinstance(value, int):
        return str(value) if value.bit_length() < 10_000 else "a number of more than 3,000 digits"
    return format(value, ".12g")
