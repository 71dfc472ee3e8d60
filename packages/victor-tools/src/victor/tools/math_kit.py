"""The tools for calculating."""

from __future__ import annotations

import ast
import math
import operator
import statistics as stats
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final

import msgspec
from attrs import frozen

from victor.core.errors import ToolError
from victor.tools.decorator import tool
from victor.tools.toolkit import Toolkit

__all__ = ["Math", "evaluate"]

_BITS: Final = 20_000
_BINARY: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: Final[dict[type, Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SIGNS: Final = str.maketrans({"\u00d7": "*", "\u00f7": "/", "\u2212": "-", "\u03c0": "pi"})
_CONSTANTS: Final = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{
        name: getattr(math, name)
        for name in (
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "atan2",
            "sinh",
            "cosh",
            "tanh",
            "exp",
            "log",
            "log2",
            "log10",
            "sqrt",
            "floor",
            "ceil",
            "trunc",
            "degrees",
            "radians",
            "hypot",
            "fabs",
            "gcd",
            "lcm",
            "isqrt",
            "cbrt",
            "dist",
        )
    },
    "abs": abs,
    "round": round,
    "min": min,
    "max": max,
    "sum": lambda *values: sum(values),
    "ln": math.log,
    "mean": lambda *values: stats.fmean(values),
    "median": lambda *values: stats.median(values),
}


@frozen
class Math(Toolkit):
    """Calculating."""

    section: ClassVar[str] = "math"

    @tool(
        category="math",
        idempotent=True,
        keywords=[
            "calculate",
            "calculator",
            "compute",
            "arithmetic",
            "sum",
            "plus",
            "minus",
            "times",
            "divided",
            "percent",
            "square root",
            "formula",
            "multiply",
            "add",
            "expression",
        ],
    )
    def evaluate(self, expression: Annotated[str, msgspec.Meta(max_length=2_000)]) -> float | int | bool:
        """Calculate an expression such as (3 + 4) * sqrt(2) or 15% of 80.

        Args:
            expression: With + - * / // % ** ( ), comparisons, pi, e, and functions such as sqrt, sin, log, round,
                min, max, factorial, comb.
        """
        return evaluate(expression)

    @tool(
        category="math",
        idempotent=True,
        keywords=[
            "mean",
            "average",
            "median",
            "deviation",
            "variance",
            "minimum",
            "maximum",
            "sum",
            "quartile",
            "spread",
            "numbers",
        ],
    )
    def statistics(
        self, numbers: Annotated[list[float], msgspec.Meta(min_length=1, max_length=100_000)]
    ) -> dict[str, float]:
        """Count, sum, mean, median, standard deviation, minimum, maximum and quartiles of numbers.

        Args:
            numbers: The numbers.
        """
        try:
            return _statistics(numbers)
        except OverflowError:
            raise ToolError("the numbers are too big to add up", retry=True) from None


def _statistics(numbers: list[float]) -> dict[str, float]:
    quartiles = stats.quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else [numbers[0]] * 3
    return {
        "count": len(numbers),
        "sum": math.fsum(numbers),
        "mean": stats.fmean(numbers),
        "median": stats.median(numbers),
        "deviation": stats.stdev(numbers) if len(numbers) > 1 else 0.0,
        "minimum": min(numbers),
        "maximum": max(numbers),
        "first_quartile": quartiles[0],
        "third_quartile": quartiles[2],
    }


def evaluate(expression: str) -> float | int | bool:
    """The value of an expression: numbers, operators and known functions, and nothing else.

    No number grows beyond a few thousand digits.

    Raises:
        ToolError: It is no expression, uses something else, or has no value.

    Example:
        >>> evaluate("2 ** 10 + 15% of 80"), evaluate("sqrt(2) > 1.4")
        (1036.0, True)
    """
    import re

    text = expression.strip().replace("^", "**").translate(_SIGNS)
    text = re.sub(r"(?<=\d),(?=\d{3}(?:\D|$))", "", text) if "(" not in text else text
    if re.search(r"\d,0\d{2}(?!\d)", text):
        raise ToolError("a comma between parentheses separates two numbers; write 1000, not 1,000", retry=True)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%\s*of\b", r"\1 / 100 *", text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%(?=\s*(?:$|[)+*/,-]))", r"(\1 / 100)", text)
    try:
        tree = ast.parse(text, mode="eval")
        value = _value(tree.body, 0)
    except ToolError:
        raise
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ToolError(
            f"{expression!r} is no expression: {getattr(error, 'msg', None) or error}", retry=True
        ) from error
    except ZeroDivisionError:
        raise ToolError(f"{expression!r} divides by zero", retry=True) from None
    except (ValueError, OverflowError, TypeError) as error:
        raise ToolError(f"{expression!r} has no value: {error}", retry=True) from error
    if isinstance(value, complex) or (isinstance(value, float) and value != value):
        raise ToolError(f"{expression!r} has no real value", retry=True)
    return value  # type: ignore[no-any-return]


def _value(node: ast.expr, depth: int) -> Any:
    if depth > 100:
        raise ToolError("the expression is nested too deep")
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        return _bounded(node.value)
    if isinstance(node, ast.Name):
        if node.id not in _CONSTANTS:
            raise ToolError(f"{node.id!r} is not known; there are the numbers pi, e and tau", retry=True)
        return _CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _value(node.operand, depth + 1)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left, depth + 1), _value(node.right, depth + 1)
        if isinstance(node.op, ast.Pow):
            _check_power(left, right)
        return _bounded(_BINARY[type(node.op)](left, right))
    if isinstance(node, ast.Compare):
        values = [_value(each, depth + 1) for each in (node.left, *node.comparators)]
        if any(type(op) not in _COMPARE for op in node.ops):
            raise ToolError("only < <= > >= == and != compare numbers", retry=True)
        return all(_COMPARE[type(op)](a, b) for op, a, b in zip(node.ops, values, values[1:], strict=False))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, [_value(each, depth + 1) for each in node.args])
    raise ToolError(f"{ast.unparse(node)[:80]!r} is not part of arithmetic", retry=True)


def _call(name: str, values: list[Any]) -> Any:
    if name in {"factorial", "comb", "perm"}:
        if any(not isinstance(value, int) or not 0 <= value <= 2_000 for value in values):
            raise ToolError(f"{name} takes integers from 0 to 2,000", retry=True)
        return _bounded(getattr(math, name)(*values))
    if name not in _FUNCTIONS:
        from victor.core.catalog import near_matches

        near = near_matches(name, [*_FUNCTIONS, "factorial", "comb", "perm"])
        hint = f"; did you mean {near[0]}?" if near else "; there are " + ", ".join(sorted(_FUNCTIONS))
        raise ToolError(f"there is no function {name!r}{hint}", retry=True)
    return _bounded(_FUNCTIONS[name](*values))


def _check_power(base: Any, exponent: Any) -> None:
    if (
        isinstance(base, int)
        and isinstance(exponent, int)
        and abs(base) > 1
        and abs(exponent) * base.bit_length() > _BITS
    ):
        raise ToolError("the result would have too many digits", retry=True)


def _bounded(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        raise ToolError("the result is bigger than any number that can be calculated with (1.8e308)", retry=True)
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise ToolError("the result has too many digits", retry=True)
    return value
