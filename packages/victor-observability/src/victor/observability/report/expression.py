"""Conditions over what was measured, as in ``--fail-if "p95(tool) > 5s or cost_usd > 1"``.

::

    condition  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation   = "not" negation | "(" condition ")" | comparison
    comparison = figure ( ">" | ">=" | "<" | "<=" | "==" | "!=" ) number
    figure     = name [ "(" subject [ ":" name ] ")" ]
    number     = digits [ unit ]

Figures are those of `FIGURES` and percentiles (``p50``, ``p99.9``); subjects are those of `SUBJECTS`, or an event kind
written out; ``p95(tool:search)`` is about one tool, and names with blanks or marks stand in quotes of either kind.
Units: ``ns us ms s m h``, ``%``, ``k``, ``M``.

A figure may be unknown: there was no such operation, or no price. Then the comparison is neither true nor false, and
so may be the whole: `Verdict.holds` is None, and `Verdict.comparisons` say why. Costs with unpriced requests are known
to be *at least* so much, which decides some comparisons and leaves others open.

Example:
    >>> condition = parse("p95(tool) > 5s or cost_usd > 1")
    >>> [str(figure) for figure in condition.figures]
    ['p95(tool)', 'cost_usd']
    >>> known = {"p95": Measured(7.5), "cost_usd": Measured(None, why="no price")}
    >>> condition.judge(lambda figure: known[figure.name]).holds
    True
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from attrs import frozen

from victor.core.catalog import near_matches
from victor.core.errors import VictorError

__all__ = [
    "FIGURES",
    "SUBJECTS",
    "Comparison",
    "Condition",
    "ConditionError",
    "Figure",
    "Judged",
    "Measured",
    "Verdict",
    "parse",
]

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "count": ("", "how many there were"),
    "errors": ("", "how many failed"),
    "cancelled": ("", "how many were cancelled"),
    "error_rate": ("%", "failed, as a part of all"),
    "success_rate": ("%", "neither failed nor cancelled, as a part of all"),
    "duration": ("s", "seconds in all"),
    "mean": ("s", "seconds on average"),
    "min": ("s", "the shortest"),
    "max": ("s", "the longest"),
    "cost_usd": ("", "US dollars of model requests"),
    "unpriced": ("", "model requests without a known price"),
    "input_tokens": ("", "tokens read"),
    "output_tokens": ("", "tokens written"),
    "tokens": ("", "tokens read and written"),
}
"""Name -> its unit and what it is. Percentiles of durations are ``p50``, ``p95``, ``p99.9``, in seconds."""

SUBJECTS: Final[Mapping[str, str]] = {
    "run": "run",
    "agent": "agent.run",
    "model": "model.request",
    "tool": "tool.call",
    "workflow": "workflow.run",
    "node": "workflow.node",
    "step": "workflow.step",
    "team": "team.run",
    "turn": "team.turn",
    "checkpoint": "checkpoint.save",
    "round": "negotiation.round",
}
"""Short names of event kinds; ``run`` is any outermost agent, team or workflow, and what a figure alone is about."""

_OF_MODELS: Final = frozenset({"cost_usd", "unpriced", "input_tokens", "output_tokens", "tokens"})
_UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "ns": ("s", 1e-9), "us": ("s", 1e-6), "ms": ("s", 1e-3), "s": ("s", 1.0), "m": ("s", 60.0), "h": ("s", 3600.0),
    "%": ("%", 0.01), "k": ("", 1e3), "M": ("", 1e6),
}  # fmt: skip
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?P<unit>\s*%|\s*(?:[num]?s|[mhkM])\b|[A-Za-z]+)?
      | (?P<quoted>"[^"]*"|'[^']*')
      | (?P<operator>>=|<=|==|!=|>|<)
      | (?P<mark>[():])
      | (?P<word>[^\W\d][\w.-]*)
    )""",
    re.VERBOSE,
)
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_DEEPEST: Final = 50

Operator: TypeAlias = Literal[">", ">=", "<", "<=", "==", "!="]
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class ConditionError(VictorError):
    """A condition cannot be read. The message shows the place.

    What to do: correct the condition at the place that is shown.
    """


@frozen
class Figure:
    """What is measured.

    Args:
        name: One of `FIGURES`, or a percentile such as ``"p95"``.
        kind: The event kind it is about, or ``"run"``.
        of: One name, such as a tool's; ``""`` for all.
        text: As it was written.
    """

    name: str
    kind: str
    of: str
    text: str

    @property
    def quantile(self) -> float | None:
        """Between 0 and 1 for a percentile, else None."""
        found = _PERCENTILE.fullmatch(self.name)
        return float(found[1]) / 100 if found else None

    @property
    def unit(self) -> str:
        """``"s"``, ``"%"`` (its value is a part of 1) or ``""``."""
        return "s" if self.quantile is not None else FIGURES[self.name][0]

    def __str__(self) -> str:
        return self.text


@frozen
class Measured:
    """The value of a figure.

    Args:
        value: None when it is not known.
        at_least: The true value may be greater: some requests have no known price.
        why: What is missing, for people.
    """

    value: float | None
    at_least: bool = False
    why: str = ""


@frozen
class Comparison:
    """A figure against a number.

    Args:
        figure: What is measured.
        operator: How it is compared.
        number: With what.
        text: As it stands in the condition.
    """

    figure: Figure
    operator: Operator
    number: float
    text: str

    def holds(self, measured: Measured) -> bool | None:
        """Whether it holds; None when what is known does not tell."""
        if measured.value is None:
            return None
        value = float(measured.value)
        holds = _COMPARE[self.operator](value, self.number)
        if not measured.at_least:
            return holds
        if self.operator in (">", ">="):
            return holds or None
        if self.operator in ("<", "<="):
            return None if holds else False
        if value > self.number:  # and the true value is greater still
            return self.operator == "!="
        return None


@frozen
class Judged:
    """One comparison with what was measured; ``holds`` is None when that does not tell."""

    comparison: Comparison
    measured: Measured
    holds: bool | None


@frozen
class Verdict:
    """Whether a condition holds (None: what is known does not tell), and each comparison of it.

    Args:
        holds: Whether the condition holds.
        comparisons: Each comparison, with what was measured.
    """

    holds: bool | None
    comparisons: tuple[Judged, ...]


_Tree: TypeAlias = "Comparison | _Not | _Joined"


@frozen
class _Not:
    inner: _Tree


@frozen
class _Joined:
    word: Literal["and", "or"]
    parts: tuple[_Tree, ...]


@frozen
class Condition:
    """A condition that was read. Made by `parse`."""

    text: str
    _tree: _Tree

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """In the order they are written."""
        return tuple(_comparisons(self._tree))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What must be measured to judge it, each once."""
        return tuple(dict.fromkeys(one.figure for one in self.comparisons))

    def judge(self, measure: Callable[[Figure], Measured]) -> Verdict:
        """Judge it.

        Args:
            measure: Gives the value of a figure; asked once for each.
        """
        values = {figure: measure(figure) for figure in self.figures}
        judged = tuple(Judged(one, values[one.figure], one.holds(values[one.figure])) for one in self.comparisons)
        return Verdict(_holds(self._tree, values), judged)


def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        ConditionError: It cannot be read; the message points at the place.

    Example:
        >>> try:
        ...     parse("p95(tol) > 5s")
        ... except ConditionError as error:
        ...     print(error)
        there is no subject 'tol'; did you mean 'tool'?
          p95(tol) > 5s
              ^
    """
    reader = _Reader(text)
    tree = reader.condition(0)
    if reader.at is not None:
        raise reader.error(f"'and', 'or' or the end was expected, not {reader.shown()}")
    return Condition(text, tree)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[re.Match[str]] = []
        end, whole = 0, len(text.rstrip())
        while end < whole:
            found = _TOKEN.match(text, end)
            if found is None:
                place = len(text) - len(text[end:].lstrip())
                raise _error(text, place, f"{text[place]!r} is not understood here")
            self.tokens.append(found)
            end = found.end()
        self.position = 0

    @property
    def at(self) -> re.Match[str] | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def shown(self) -> str:
        return "the end" if self.at is None else repr(self.at[0].strip())

    def error(self, message: str, at: re.Match[str] | None = None) -> ConditionError:
        at = at or self.at
        place = len(self.text.rstrip()) if at is None else at.end() - len(at[0].lstrip())
        return _error(self.text, place, message)

    def take(self, group: str, *wanted: str) -> re.Match[str] | None:
        at = self.at
        if at is None or at[group] is None or (wanted and at[group] not in wanted):
            return None
        self.position += 1
        return at

    def condition(self, depth: int) -> _Tree:
        return self._joined("or", lambda: self._joined("and", lambda: self._negation(depth)))

    def _joined(self, word: Literal["and", "or"], part: Callable[[], _Tree]) -> _Tree:
        parts = [part()]
        while self.take("word", word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else _Joined(word, tuple(parts))

    def _negation(self, depth: int) -> _Tree:
        if depth > _DEEPEST:
            raise self.error(f"nested more than {_DEEPEST} deep")
        if self.take("word", "not"):
            return _Not(self._negation(depth + 1))
        if self.take("mark", "("):
            inner = self.condition(depth + 1)
            if not self.take("mark", ")"):
                raise self.error(f"')' was expected, not {self.shown()}")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        began = self.at
        figure = self._figure()
        sign = self.take("operator")
        if sign is None:
            raise self.error(f"a comparison was expected after {figure} (> >= < <= == !=), not {self.shown()}")
        number = self.take("number")
        if number is None:
            raise self.error(f"a number was expected, not {self.shown()}")
        assert began is not None
        start = began.end() - len(began[0].lstrip())
        symbol: Operator = sign["operator"]  # type: ignore[assignment]
        return Comparison(figure, symbol, self._in_unit_of(figure, number), self.text[start : number.end()])

    def _figure(self) -> Figure:
        name = self.take("word")
        if name is None:
            raise self.error(f"a figure such as p95(tool) or cost_usd was expected, not {self.shown()}")
        word = name["word"]
        if word not in FIGURES and not _PERCENTILE.fullmatch(word):
            raise self.error(f"there is no figure {word!r}{_near(word, ['p50', 'p95', 'p99', *FIGURES])}", name)
        kind, of = "model.request" if word in _OF_MODELS else "run", ""
        end = name.end()
        if self.take("mark", "("):
            kind, of = self._subject()
            closing = self.take("mark", ")")
            if closing is None:
                raise self.error(f"')' was expected, not {self.shown()}")
            end = closing.end()
        start = name.end() - len(name[0].lstrip())
        return Figure(word, kind, of, self.text[start:end])

    def _subject(self) -> tuple[str, str]:
        subject = self.take("word")
        if subject is None:
            raise self.error(f"a subject such as tool was expected, not {self.shown()}")
        word = subject["word"]
        kind = SUBJECTS.get(word, word if "." in word else None)
        if kind is None:
            raise self.error(f"there is no subject {word!r}{_near(word, SUBJECTS)}", subject)
        if not self.take("mark", ":"):
            return kind, ""
        name = self.take("quoted") or self.take("word")
        if name is None:
            raise self.error(f"a name was expected after ':', not {self.shown()}")
        return kind, name["quoted"][1:-1] if name["quoted"] else name["word"]

    def _in_unit_of(self, figure: Figure, found: re.Match[str]) -> float:
        number, unit = float(found["number"]), (found["unit"] or "").strip()
        if not math.isfinite(number):
            raise self.error("the number is too large", found)
        if not unit:
            return number
        if unit not in _UNITS:
            raise self.error(f"there is no unit {unit!r}; there are: {', '.join(_UNITS)}", found)
        of, factor = _UNITS[unit]
        if of != figure.unit:
            expected = {"s": "a time such as 500ms or 5s", "%": "a part such as 5% or 0.05", "": "a plain number"}
            raise self.error(f"{figure} is compared with {expected[figure.unit]}, not {found[0].strip()}", found)
        return number * factor


def _error(text: str, place: int, message: str) -> ConditionError:
    # One line, whatever was given: the caret must stand below the place.
    line = "".join(" " if letter.isspace() else letter for letter in text)
    return ConditionError(f"{message}\n  {line}\n  {' ' * place}^")


def _near(word: str, names: Mapping[str, object] | list[str]) -> str:
    near = near_matches(word, names)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(names)}"


def _comparisons(tree: _Tree) -> list[Comparison]:
    if isinstance(tree, Comparison):
        return [tree]
    parts = (tree.inner,) if isinstance(tree, _Not) else tree.parts
    return [one for part in parts for one in _comparisons(part)]


def _holds(tree: _Tree, values: Mapping[Figure, Measured]) -> bool | None:
    """Kleene's logic of three values: what is unknown decides nothing, and is decided by what is known."""
    if isinstance(tree, Comparison):
        return tree.holds(values[tree.figure])
    if isinstance(tree, _Not):
        inner = _holds(tree.inner, values)
        return None if inner is None else not inner
    found = [_holds(part, values) for part in tree.parts]
    decisive = tree.word == "or"
    if decisive in found:
        return decisive
    return None if None in found else not decisive
