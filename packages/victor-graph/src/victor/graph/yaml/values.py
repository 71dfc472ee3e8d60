"""Values in workflow files that are worked out when a node runs.

==================  ============================================================================
``$ctx.a.b[0]``     what a workflow input or another node's output holds, with its type
``{{ a.b }}``       the same, as a jinja2 expression: filters, arithmetic, comparisons, ``and``
``Dear {{ a }},``   a text with values in it; ``$ctx.a`` works inside a text too
``$env.NAME``       an environment variable, read when the file is loaded
``${NAME:-text}``   the same, with what to take when it is not set
==================  ============================================================================

A name that nothing provides is an error when the file is loaded. Jinja runs sandboxed: a template can reach
no attribute or method that would lead out of its values.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from attrs import frozen

from victor.core.errors import VictorError

__all__ = [
    "Compiled", "ExpressionError", "Names", "compile_condition", "compile_template", "compile_value", "condition_in",
    "expression_in", "parse_expression", "parse_template", "uses_environment",
]  # fmt: skip

_CTX: Final = re.compile(r"\$ctx\.([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\.\d+|\[\d+\])*)")
_ENV: Final = re.compile(r"\$env\.([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}")
_WHOLE: Final = re.compile(r"\s*\{\{(.*)\}\}\s*", re.DOTALL)
_CALLED: Final = "called:"
"""Before an attribute that is called: no name in a template has a colon."""

_BUILT_IN: Final = frozenset(
    {"ctx", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "loop", "true", "false", "none"}
)


class ExpressionError(VictorError):
    """An expression or template is wrong, or could not be worked out.

    What to do: correct the expression; the text shows the place and the names there are.
    """


Names = Callable[[str], str | None]
"""Tells whether a name is known: None when it is, else what to say about it."""

Context = Mapping[str, Any]


@frozen
class Compiled:
    """A value ready to be worked out.

    Args:
        text: As it stands in the file.
        names: The names of the context it uses.
        evaluate: Works it out; raises `ExpressionError`.
        constant: True when it uses no name.
    """

    text: str
    names: frozenset[str]
    evaluate: Callable[[Context], Any]
    constant: bool = False


def compile_value(raw: Any, known: Names) -> Compiled:
    """Make a value of a file ready: a text, or lists and mappings with such texts in them.

    Args:
        raw: As it was read.
        known: Tells which names there are.

    Raises:
        ExpressionError: The syntax is wrong, or a name is unknown.

    Example:
        >>> value = compile_value({"to": "$ctx.user.name", "n": "{{ count + 1 }}"}, lambda name: None)
        >>> value.evaluate({"user": {"name": "Ann"}, "count": 2})
        {'to': 'Ann', 'n': 3}
        >>> sorted(value.names)
        ['count', 'user']
    """
    if isinstance(raw, str):
        return _text(raw, known)
    if isinstance(raw, Mapping):
        parts = {key: compile_value(item, known) for key, item in raw.items()}
        names = frozenset().union(*(part.names for part in parts.values())) if parts else frozenset()
        if all(part.constant for part in parts.values()):
            return _constant(str(raw), {key: part.evaluate({}) for key, part in parts.items()})
        return Compiled(str(raw), names, lambda ctx: {key: part.evaluate(ctx) for key, part in parts.items()})
    if isinstance(raw, list):
        items = [compile_value(item, known) for item in raw]
        names = frozenset().union(*(item.names for item in items)) if items else frozenset()
        if all(item.constant for item in items):
            return _constant(str(raw), [item.evaluate({}) for item in items])
        return Compiled(str(raw), names, lambda ctx: [item.evaluate(ctx) for item in items])
    return _constant(str(raw), raw)


def compile_template(text: str, known: Names) -> Compiled:
    """Make a text ready that is always a text when worked out, such as a prompt.

    Raises:
        ExpressionError: The syntax is wrong, or a name is unknown.
    """
    text = _environment_variables(text)
    text = _CTX.sub(lambda match: "{{ " + _as_expression(match[1]) + " }}", text)
    if not _has_jinja(text):
        return _constant(text, text)
    template, names = _parse_template(text)
    _check(names, known)
    return Compiled(text, names, functools.partial(_render, text, template))


def compile_condition(text: Any, known: Names) -> Compiled:
    """Make a condition ready: a jinja2 expression, also in the older form ``status == approved``.

    A bare word that is compared with something and is no known name stands for itself, as it did there.

    Raises:
        ExpressionError: The syntax is wrong, or a name is unknown.

    Example:
        >>> known = lambda name: None if name in ("status", "score") else "unknown"
        >>> test = compile_condition("status == approved and score >= 3", known)
        >>> test.evaluate({"status": "approved", "score": 3})
        True
    """
    if isinstance(text, bool):
        return _constant(str(text), text)
    text = str(text) if _WHOLE.fullmatch(str(text)) else _environment_variables(str(text))
    return _expression(condition_in(text), known, bare_words=True)


def _text(raw: str, known: Names) -> Compiled:
    text = raw if _CTX.fullmatch(raw.strip()) else _environment_variables(raw)
    source = expression_in(text)
    return compile_template(text, known) if source is None else _expression(source, known)


def expression_in(text: str) -> str | None:
    """The expression that a text is as a whole, None for a text with values in it.

    Example:
        >>> expression_in("$ctx.a.b"), expression_in("{{ n + 1 }}"), expression_in("Dear {{ a }}")
        ("a['b']", ' n + 1 ', None)
    """
    whole = _CTX.fullmatch(text.strip())
    if whole:
        return _as_expression(whole[1])
    inner = _WHOLE.fullmatch(text)
    return inner[1] if inner and "{{" not in inner[1] and "}}" not in inner[1] else None


def condition_in(text: str) -> str:
    """The expression that a condition is."""
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else _CTX.sub(lambda match: _as_expression(match[1]), text)


def uses_environment(text: str) -> bool:
    """Whether a text has environment variables in it."""
    return _ENV.search(text) is not None


def parse_template(text: str) -> Any:
    """A template as jinja2 reads it."""
    return _jinja().parse(_CTX.sub(lambda match: "{{ " + _as_expression(match[1]) + " }}", text))


def parse_expression(source: str, known: Names, *, bare_words: bool = False) -> Any:
    """An expression as jinja2 reads it.

    Raises:
        ExpressionError: It goes on where it should end.
    """
    from jinja2.parser import Parser

    environment = _jinja()
    parser = Parser(environment, source, state="variable")
    parsed = parser.parse_expression()
    if not parser.stream.eos:
        raise ExpressionError(f"{source.strip()!r}: unexpected {parser.stream.current.value!r}")
    parsed.set_environment(environment)
    return _quote_bare_words(parsed, known) if bare_words else parsed


def _constant(text: str, value: Any) -> Compiled:
    return Compiled(text, frozenset(), lambda ctx: value, constant=True)


def _environment_variables(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        found = os.environ.get(name)
        if found is None and match[3] is None:
            raise ExpressionError(
                f"the environment variable {name} is not set; set it, or write ${{{name}:-a default}}"
            )
        return match[3] if found is None or (found == "" and match[3] is not None) else found

    return _ENV.sub(value, text) if "$" in text else text


def _as_expression(dotted: str) -> str:
    """``a.b-c.0`` as jinja2 reads it: ``a['b-c'][0]``."""
    head, *rest = re.findall(r"[A-Za-z_][\w-]*|\d+", dotted)
    first = f"ctx[{head!r}]" if "-" in head else head
    return first + "".join(f"[{part}]" if part.isdigit() else f"[{part!r}]" for part in rest)


def _has_jinja(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


@functools.cache
def _jinja() -> Any:
    import json

    from jinja2 import StrictUndefined

    environment = _dotted_environment()(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(
        value, indent=indent, ensure_ascii=False, default=str
    )
    environment.filters["cell"] = _cell
    environment.filters["basename"] = lambda value: PurePath(str(value)).name
    return environment


def _dotted_environment() -> Any:
    """A sandbox in which ``a.b`` of a mapping is what it holds under that name, and ``a.b()`` a method of it."""
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Dotted(ImmutableSandboxedEnvironment):
        """JSON has keys such as ``items`` and ``values``, which dicts have methods of that name for."""

        def getattr(self, obj: Any, attribute: str) -> Any:
            if attribute.startswith(_CALLED):
                return super().getattr(obj, attribute.removeprefix(_CALLED))
            if isinstance(obj, Mapping):
                return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
            return super().getattr(obj, attribute)

        def _generate(self, source: Any, *args: Any, **kwargs: Any) -> Any:
            for call in source.find_all(nodes.Call):
                if isinstance(call.node, nodes.Getattr) and not call.node.attr.startswith(_CALLED):
                    call.node.attr = _CALLED + call.node.attr
            return super()._generate(source, *args, **kwargs)

    return Dotted


def _cell(value: Any) -> str:
    """A text that fits into a cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _check(names: frozenset[str], known: Names) -> None:
    wrong = [said for name in sorted(names) if (said := known(name)) is not None]
    if wrong:
        raise ExpressionError("; ".join(wrong))


def _parse_template(text: str) -> tuple[Any, frozenset[str]]:
    from jinja2 import TemplateSyntaxError
    from jinja2.meta import find_undeclared_variables

    environment = _jinja()
    try:
        parsed = environment.parse(text)
        names = frozenset(find_undeclared_variables(parsed)) - _BUILT_IN
        return environment.from_string(parsed), names | _ctx_names(parsed)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"the template is wrong in its line {error.lineno}: {error.message}") from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("the template is nested too deeply") from error


def _expression(source: str, known: Names, *, bare_words: bool = False) -> Compiled:
    from jinja2 import TemplateSyntaxError, nodes
    from jinja2.environment import TemplateExpression
    from jinja2.meta import find_undeclared_variables

    environment = _jinja()
    try:
        parsed = parse_expression(source, known, bare_words=bare_words)
        body = [nodes.Assign(nodes.Name("result", "store"), parsed, lineno=1)]
        template = nodes.Template(body, lineno=1)
        template.set_environment(environment)
        names = (frozenset(find_undeclared_variables(template)) - _BUILT_IN) | _ctx_names(template)
        run = TemplateExpression(environment.from_string(template), undefined_to_none=False)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"{source.strip()!r} is no expression: {error.message}") from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("the expression is nested too deeply") from error
    _check(names, known)
    return Compiled(source.strip(), names, functools.partial(_evaluate, source.strip(), run))


def _ctx_names(parsed: Any) -> frozenset[str]:
    """Names reached as ``ctx.name`` or ``ctx['name']``."""
    from jinja2 import nodes

    found = set()
    for kind in (nodes.Getattr, nodes.Getitem):
        for node in parsed.find_all(kind):
            if isinstance(node.node, nodes.Name) and node.node.name == "ctx":
                if isinstance(node, nodes.Getattr):
                    found.add(node.attr)
                elif isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
                    found.add(node.arg.value)
    return frozenset(found)


def _quote_bare_words(parsed: Any, known: Names) -> Any:
    from jinja2 import nodes
    from jinja2.visitor import NodeTransformer

    def quoted(node: Any) -> Any:
        if isinstance(node, nodes.Name) and node.name not in _BUILT_IN and known(node.name) is not None:
            return nodes.Const(node.name)
        if isinstance(node, (nodes.List, nodes.Tuple)):
            node.items = [quoted(item) for item in node.items]
        return node

    class Quoting(NodeTransformer):
        def visit_Compare(self, node: Any) -> Any:  # noqa: N802 - jinja2's naming
            for operand in node.ops:
                operand.expr = quoted(operand.expr)
            return self.generic_visit(node)

    return Quoting().visit(parsed)


def _render(text: str, template: Any, context: Context) -> str:
    try:
        return str(template.render({**context, "ctx": context}))
    except Exception as error:
        raise ExpressionError(f"the template {_short(text)} could not be filled in: {_said(error)}") from error


def _evaluate(source: str, run: Any, context: Context) -> Any:
    from jinja2 import Undefined

    try:
        value = run({**context, "ctx": context})
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
    except Exception as error:
        raise ExpressionError(f"{_short(source)} could not be worked out: {_said(error)}") from error
    return value


def _said(error: Exception) -> str:
    return str(error) if type(error).__module__.startswith("jinja2") else f"{type(error).__name__}: {error}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:57] + "...")
