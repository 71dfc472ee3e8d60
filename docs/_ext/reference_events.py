"""Which events the sources emit, and with which fields: read from the code, where each is emitted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

from victor.core.events import KINDS


@define
class Emitted:
    """What is known of one kind of event.

    Args:
        kind: Such as ``tool.call``.
        attributes: Names of what is in ``event.attributes``.
        content: Names of what is in ``event.content`` while contents are captured.
        places: The distributions and modules that emit it.
    """

    kind: str
    attributes: dict[str, None] = field(factory=dict)
    content: dict[str, None] = field(factory=dict)
    places: dict[str, None] = field(factory=dict)


def emitted_kinds(packages: Path) -> dict[str, Emitted]:
    """What ``EventStream.emit`` and ``EventStream.operation`` are called with, below a folder of packages.

    Attributes are found where they are written out: in the call, in a variable of the same function, in a function of
    the same module that returns them, or in ``operation.set(...)``.
    """
    found: dict[str, Emitted] = {}
    for file in sorted(packages.glob("*/src/**/*.py")):
        text = file.read_text(encoding="utf-8")
        if ".emit(" not in text and ".operation(" not in text:
            continue
        tree = ast.parse(text)
        parts = file.relative_to(packages).parts
        module = ".".join((*parts[2:-1], file.stem)).removesuffix(".__init__")
        returned = {
            one.name: _keys_inside(one)
            for one in ast.walk(tree)
            if isinstance(one, ast.FunctionDef) and "attributes" in one.name
        }
        constants = _constants(tree)
        for function in _functions(tree):
            for call in _calls(function):
                for kind in _kinds(call, constants):
                    event = found.setdefault(kind, Emitted(kind))
                    event.places[f"{parts[0]}: {module}"] = None
                    if len(call.args) > 2:
                        _add(event.attributes, call.args[2], function, returned)
                    for word in call.keywords:
                        if word.arg in {"content", "attributes"}:
                            at = event.content if word.arg == "content" else event.attributes
                            _add(at, word.value, function, returned)
                    if call.func.attr == "operation":  # type: ignore[attr-defined]
                        _add_later(event, function)
    return found


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for one in ast.walk(tree):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield one


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    for one in ast.walk(function):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in {"emit", "operation"}:
            yield one


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The names of a module that stand for one text or another from its beginning."""
    found: dict[str, ast.expr] = {}
    for one in tree.body:
        if isinstance(one, ast.Assign):
            found.update({target.id: one.value for target in one.targets if isinstance(target, ast.Name)})
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None:
            found[one.target.id] = one.value
    return found


def _kinds(call: ast.Call, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The kind that a call names: a text, one of several, or a constant of the module."""
    first = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == "kind"), None)
    if isinstance(first, ast.Name):
        first = constants.get(first.id)
    for one in ast.walk(first) if first is not None else ():
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and (one.value in KINDS or "." in one.value):
            yield one.value


def _add(to: dict[str, None], value: ast.expr, function: ast.AST, returned: dict[str, list[str]]) -> None:
    if isinstance(value, ast.Name):
        for one in ast.walk(function):
            targets = one.targets if isinstance(one, ast.Assign) else []
            if isinstance(one, ast.AnnAssign):
                targets = [one.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id == value.id and one.value is not None:  # type: ignore[attr-defined]
                    _add(to, one.value, function, returned)  # type: ignore[attr-defined]
                if (
                    isinstance(target, ast.Subscript)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == value.id
                    and isinstance(target.slice, ast.Constant)
                ):
                    to[str(target.slice.value)] = None
        return
    for one in ast.walk(value):
        if isinstance(one, ast.Dict):
            for key, below in zip(one.keys, one.values, strict=True):
                if isinstance(key, ast.Constant):
                    to[str(key.value)] = None
                elif key is None and isinstance(below, ast.Name):
                    _add(to, below, function, returned)
        elif isinstance(one, ast.Call) and isinstance(one.func, (ast.Attribute, ast.Name)):
            name = one.func.attr if isinstance(one.func, ast.Attribute) else one.func.id
            to.update(dict.fromkeys(returned.get(name, ())))


def _keys_inside(function: ast.FunctionDef) -> list[str]:
    keys: dict[str, None] = {}
    for one in ast.walk(function):
        if isinstance(one, ast.Return) and one.value is not None:
            _add(keys, one.value, function, {})
    return list(keys)


def _add_later(event: Emitted, function: ast.AST) -> None:
    """What ``operation.set(...)`` and ``operation.capture(...)`` add in the same function."""
    for one in ast.walk(function):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in {"set", "capture"}:
            if ast.unparse(one.func.value) == "operation":
                to = event.attributes if one.func.attr == "set" else event.content
                to.update({word.arg: None for word in one.keywords if word.arg})
