"""Values, templates and conditions of workflow files as Python expressions, where one says exactly the same.

``{{ n + 1 }}`` is ``state["n"] + 1``, ``Dear {{ name }}`` is ``f"Dear {state['name']}"``. What means something of its
own in jinja2 (most filters, attributes of values whose type is not known, blocks) is None here, and stays a text that
`Steps` works out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from attrs import frozen

from victor.graph.yaml.export.layout import Code, Group, Text, quoted
from victor.graph.yaml.values import condition_in, expression_in, parse_expression, parse_template, uses_environment

__all__ = ["Expression", "Speaker"]

_COMPARE: Final = {
    "eq": "==", "ne": "!=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "in": "in", "notin": "not in",
}  # fmt: skip
_BINARY: Final = {"Add": ("+", 7), "Sub": ("-", 7), "Mul": ("*", 8), "Div": ("/", 8), "FloorDiv": ("//", 8)}
_ATOM: Final = 10
_NUMBERS: Final = (int, float)


@frozen
class Expression:
    """A Python expression.

    Args:
        source: Its text.
        kind: The type of its value, where it is known.
        rank: How tightly it binds, so that brackets go where they are needed.
    """

    source: str
    kind: Any = None
    rank: int = _ATOM

    def at(self, rank: int) -> str:
        """Its text, in brackets where it binds less tightly than that."""
        return self.source if self.rank >= rank else f"({self.source})"


class _OtherwiseError(Exception):
    """There is no Python expression that says exactly the same."""


class Speaker:
    """Says in Python what stands in a file.

    Args:
        names: The names of the state, with the types of what they hold, None where that is not known.
        exact: Whether errors must be the same too; then nothing but constants is said in Python.
    """

    def __init__(self, names: Mapping[str, Any], *, exact: bool = False) -> None:
        self.names = names
        self.exact = exact
        self._mark = '"'

    def value(self, raw: Any) -> Code | None:
        """A value: of a text, or of lists and mappings with texts in them."""
        if isinstance(raw, Mapping):
            parts = [(f"{quoted(str(key))}: ", self.value(item)) for key, item in raw.items()]
            return _group("{", parts, "}")
        if isinstance(raw, list):
            return _group("[", [("", self.value(item)) for item in raw], "]")
        if not isinstance(raw, str):
            return repr(raw) if raw == raw and abs(raw or 0) != float("inf") else f'float("{raw}")'
        source = None if uses_environment(raw) else expression_in(raw)
        if source is None:
            return self.template(raw)
        found = self._try(source)
        return None if found is None else found.source

    def kind(self, raw: Any) -> Any:
        """The type of a value, where it is known."""
        if not isinstance(raw, str):
            return type(raw) if isinstance(raw, (dict, list, bool, int, float)) else None
        source = None if uses_environment(raw) else expression_in(raw)
        if source is None:
            return str
        found = evolve_exact(self)._try(source)
        return None if found is None else found.kind

    def template(self, text: str) -> Code | None:
        """A template as an f-string."""
        if uses_environment(text):
            return None
        if "{" not in text and "$ctx" not in text:
            return Text(text)
        from jinja2 import TemplateError, nodes

        try:
            parsed = parse_template(text)
        except (TemplateError, RecursionError):
            return None
        parts: list[str] = []
        values = 0
        for output in parsed.body:
            if not isinstance(output, nodes.Output):
                return None
            for part in output.nodes:
                if isinstance(part, nodes.TemplateData):
                    parts.append(quoted(part.data)[1:-1].replace("{", "{{").replace("}", "}}"))
                    continue
                values += 1
                inner = self._inside(part)
                if inner is None:
                    return None
                parts.append(f"{{{inner}}}")
        if not values:
            return Text("".join(p.data for o in parsed.body for p in o.nodes))
        text = "".join(parts)
        return None if len(text) > 160 or text.count("\\n") > 2 else f'f"{text}"'

    def condition(self, text: Any) -> Expression | None:
        """A condition; its kind is bool where it cannot be anything else."""
        if isinstance(text, bool):
            return Expression(str(text), bool)
        if uses_environment(str(text)):
            return None
        return self._try(condition_in(str(text)), bare_words=True)

    def _known(self, name: str) -> str | None:
        return None if name in self.names else "unknown"

    def _try(self, source: str, *, bare_words: bool = False) -> Expression | None:
        from jinja2 import TemplateError

        from victor.graph.yaml.values import ExpressionError

        try:
            return self.say(parse_expression(source, self._known, bare_words=bare_words))
        except (_OtherwiseError, TemplateError, ExpressionError, RecursionError):
            return None

    def _inside(self, node: Any) -> str | None:
        """An expression inside the braces of an f-string: with single quotes, and without backslashes."""
        self._mark = "'"
        try:
            found = self.say(node)
        except (_OtherwiseError, RecursionError):
            return None
        finally:
            self._mark = '"'
        source = found.source
        return None if "\\" in source or '"' in source or source.startswith("{") or "\n" in source else source

    # ------------------------------------------------------------ expressions

    def say(self, node: Any) -> Expression:
        """A parsed expression in Python."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None or (self.exact and type(node).__name__ not in ("Const", "List", "Neg")):
            raise _OtherwiseError
        found: Expression = method(node)
        return found

    def _const(self, node: Any) -> Expression:
        value = node.value
        if isinstance(value, str):
            if self._mark == "'":
                if "'" in value or not value.isprintable():
                    raise _OtherwiseError
                return Expression(f"'{value}'", str)
            return Expression(quoted(value), str)
        if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and abs(value) < 1e300):
            return Expression(repr(value), type(value))
        raise _OtherwiseError

    def _name(self, node: Any) -> Expression:
        if node.name not in self.names:
            raise _OtherwiseError
        return Expression(f"state[{self._key(node.name)}]", self.names[node.name])

    def _key(self, name: str) -> str:
        if self._mark == "'" and ("'" in name or not name.isprintable()):
            raise _OtherwiseError
        return f"'{name}'" if self._mark == "'" else quoted(name)

    def _of_ctx(self, node: Any, key: Any) -> Expression | None:
        from jinja2 import nodes

        if isinstance(node.node, nodes.Name) and node.node.name == "ctx":
            if not isinstance(key, str) or key not in self.names:
                raise _OtherwiseError
            return Expression(f"state[{self._key(key)}]", self.names[key])
        return None

    def _getitem(self, node: Any) -> Expression:
        from jinja2 import nodes

        if not isinstance(node.arg, nodes.Const):
            raise _OtherwiseError
        return self._of_ctx(node, node.arg.value) or self._part(self.say(node.node), node.arg.value)

    def _getattr(self, node: Any) -> Expression:
        found = self._of_ctx(node, node.attr)
        if found is not None:
            return found
        if hasattr(dict, node.attr):  # jinja2 takes the method
            raise _OtherwiseError
        return self._part(self.say(node.node), node.attr)

    def _part(self, whole: Expression, key: Any) -> Expression:
        origin = get_origin(whole.kind) or whole.kind
        inner = get_args(whole.kind)
        if origin is dict and isinstance(key, str):
            return Expression(f"{whole.at(_ATOM)}[{self._key(key)}]", inner[1] if len(inner) == 2 else None)
        if origin is list and isinstance(key, int) and not isinstance(key, bool):
            return Expression(f"{whole.at(_ATOM)}[{key}]", inner[0] if inner else None)
        raise _OtherwiseError

    def _compare(self, node: Any) -> Expression:
        text = self.say(node.expr).at(6)
        for operand in node.ops:
            text += f" {_COMPARE[operand.op]} {self.say(operand.expr).at(6)}"
        return Expression(text, bool, 5)

    def _not(self, node: Any) -> Expression:
        return Expression(f"not {self.say(node.node).at(4)}", bool, 4)

    def _and(self, node: Any) -> Expression:
        return self._both(node, "and", 3)

    def _or(self, node: Any) -> Expression:
        return self._both(node, "or", 2)

    def _both(self, node: Any, word: str, rank: int) -> Expression:
        left, right = self.say(node.left), self.say(node.right)
        kind = left.kind if left.kind is right.kind else None
        return Expression(f"{left.at(rank)} {word} {right.at(rank + 1)}", kind, rank)

    def _condexpr(self, node: Any) -> Expression:
        if node.expr2 is None:
            raise _OtherwiseError
        test, yes, no = self.say(node.test), self.say(node.expr1), self.say(node.expr2)
        kind = yes.kind if yes.kind is no.kind else None
        return Expression(f"{yes.at(2)} if {test.at(2)} else {no.at(1)}", kind, 1)

    def _binary(self, node: Any) -> Expression:
        sign, rank = _BINARY[type(node).__name__]
        left, right = self.say(node.left), self.say(node.right)
        kinds = (left.kind, right.kind)
        kind: Any = None
        if all(one in _NUMBERS for one in kinds):
            kind = float if sign == "/" or float in kinds else int
        elif sign == "+" and kinds == (str, str):
            kind = str
        return Expression(f"{left.at(rank)} {sign} {right.at(rank + 1)}", kind, rank)

    _add = _sub = _mul = _div = _floordiv = _binary

    def _neg(self, node: Any) -> Expression:
        inner = self.say(node.node)
        return Expression(f"-{inner.at(9)}", inner.kind if inner.kind in _NUMBERS else None, 9)

    def _list(self, node: Any) -> Expression:
        items = [self.say(item) for item in node.items]
        return Expression("[" + ", ".join(item.source for item in items) + "]", list)

    def _test(self, node: Any) -> Expression:
        from jinja2 import nodes

        if node.args or node.kwargs:
            raise _OtherwiseError
        if node.name == "none":
            return Expression(f"{self.say(node.node).at(6)} is None", bool, 5)
        if node.name == "defined" and isinstance(node.node, nodes.Name) and node.node.name in self.names:
            return Expression(f"{self._key(node.node.name)} in state", bool, 5)
        raise _OtherwiseError

    def _filter(self, node: Any) -> Expression:
        if node.args or node.kwargs or node.node is None:
            raise _OtherwiseError
        inner = self.say(node.node)
        if node.name in ("length", "count"):
            return Expression(f"len({inner.source})", int)
        if node.name in ("upper", "lower"):
            text = inner.at(_ATOM) if inner.kind is str else f"str({inner.source})"
            return Expression(f"{text}.{node.name}()", str)
        raise _OtherwiseError


def evolve_exact(speaker: Speaker) -> Speaker:
    """The same, where errors do not matter."""
    return Speaker(speaker.names)


def _group(open: str, parts: list[tuple[str, Code | None]], close: str) -> Code | None:
    found = [(before, part) for before, part in parts if part is not None]
    return None if len(found) < len(parts) else Group(open, tuple(found), close)
