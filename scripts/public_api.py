"""Hold the public API to its promise: every public name has a type and a docstring.

``hatch run types:check`` runs it, ``python scripts/public_api.py [docstrings] [types]`` one half alone.

**Public** is what a module without ``_`` in its name lists in ``__all__``, and of a class in such a list everything
whose name does not begin with ``_``.

**Docstrings**, by these rules:

- a module, a class, a function, a method and a property have one; a method that overrides one inherits its text;
- a constant and a type alias have a text below the assignment;
- a field of a class of data (attrs, msgspec, dataclass, named tuple, typed dict) is named in the text of its class or
  of a base, mostly below ``Args:``, or in that of a class or function of the same package to which this text refers
  (```a run, as `Run` has it```), has a text below it or, if it is a key of a file, a ``help`` in its declaration;
- evident without: the members of an enumeration (their values say it), the one field of a class (whose sentence does),
  a field that nobody can set (its value says it), and a test in a class of tests for others (whose name says it).

**Types**, by `pyright --verifytypes`, as type checkers see the packages once they are installed: the type of every
public name is declared, in full, or is one that all checkers infer alike. Pyright knows no package that is a portion of
a namespace, so it is shown a tree in which ``victor`` is an ordinary package of links to our sources. The program is
``basedpyright``, which is pyright as a wheel.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen
from workspace import ROOT

SOURCES = sorted((ROOT / "packages").glob("*/src"))

EXTERNAL = {
    "victor.observability.otel.ids.VictorIds": "pyright does not find the types of OpenTelemetry's RandomIdGenerator",
    "victor.observability.otel.exporting.OwnProvider": "it holds those ids",
}
"""Classes whose base comes from a package that pyright cannot read here, and why; so is what names them."""


@frozen
class Public:
    """A public name where it is defined.

    Args:
        name: With its module, such as ``victor.core.agent.Agent.run``.
        kind: ``module``, ``class``, ``function``, ``method``, ``property``, ``field`` or ``constant``.
        where: File and line, from the root of the repository.
        documented: Whether it says what it is, by the rules above.
    """

    name: str
    kind: str
    where: str
    documented: bool


def modules() -> Iterator[tuple[str, Path]]:
    """The public modules, by name, with their files."""
    for source in SOURCES:
        for file in sorted(source.rglob("*.py")):
            parts = list(file.relative_to(source).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            if not any(part.startswith("_") for part in parts):
                yield ".".join(parts), file


def _file_of(module: Any) -> str:
    """The file of a module in this tree, wherever the one that was imported is installed."""
    return str(_files().get(module.__name__, module.__file__))


@cache
def _files() -> dict[str, Path]:
    return dict(modules())


@cache
def parsed(file: str) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(Path(file).read_text(encoding="utf-8"))


@cache
def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _statements(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.stmt | None]]:
    """The statements of a body, those below ``if`` and ``try`` too, each with the next one."""
    for at, one in enumerate(body):
        yield one, body[at + 1] if at + 1 < len(body) else None
        if isinstance(one, ast.If):
            yield from _statements(one.body)
            yield from _statements(one.orelse)
        elif isinstance(one, ast.Try):
            yield from _statements(one.body)


def _is_text(one: ast.stmt | None) -> bool:
    return isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)


def _assigned(one: ast.stmt) -> str:
    """The name that a statement assigns to, if it assigns to one."""
    target = one.target if isinstance(one, ast.AnnAssign) else None
    if isinstance(one, ast.Assign) and len(one.targets) == 1:
        target = one.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def _unpacked(one: ast.stmt) -> list[str]:
    """The names that a statement assigns to at once: ``A, B = range(2)``."""
    targets = one.targets if isinstance(one, ast.Assign) else []
    return [
        each.id
        for target in targets
        if isinstance(target, ast.Tuple)
        for each in ast.walk(target)
        if isinstance(each, ast.Name)
    ]


def _decorators(one: Definition) -> set[str]:
    return {ast.unparse(each).partition("(")[0].rpartition(".")[2] for each in one.decorator_list}


def find_public() -> Iterator[Public]:
    """Every public name, where it is defined; one that several modules list comes once."""
    seen: set[str] = set()
    _files.cache_clear()
    for name, file in _files().items():
        tree = parsed(str(file))
        where = file.relative_to(ROOT)
        yield Public(name, "module", f"{where}:1", bool(ast.get_docstring(tree)))
        module = importlib.import_module(name)
        if not hasattr(module, "__all__") and any(_is_public(one) for one in tree.body):
            yield Public(f"{name}.__all__", "constant", f"{where}:1", documented=False)
        for each in getattr(module, "__all__", ()):
            if not hasattr(module, each):
                yield Public(f"{name}.{each} (it does not exist)", "constant", f"{where}:1", documented=False)
            for found in _named(module, name, str(file), each):
                if found.name not in seen:
                    seen.add(found.name)
                    yield found


def _is_public(one: ast.stmt) -> bool:
    """Whether a statement defines a class or a function for others."""
    return isinstance(one, Definition) and not one.name.startswith("_")


def _named(module: Any, name: str, file: str, each: str) -> Iterator[Public]:
    """A name of a module's ``__all__`` and what it brings with it."""
    body = parsed(file).body
    for one, after in _statements(body):
        where = f"{_shown(file)}:{one.lineno}"
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and one.name == each:
            if "overload" not in _decorators(one):
                yield Public(f"{name}.{each}", "function", where, bool(ast.get_docstring(one)))
        elif isinstance(one, ast.ClassDef) and one.name == each:
            yield Public(f"{name}.{each}", "class", where, bool(ast.get_docstring(one)))
            yield from _members(getattr(module, each), f"{name}.{each}", one, file)
        elif _assigned(one) == each or each in _unpacked(one):
            told = _is_text(after) or _is_type_variable(one)
            yield Public(f"{name}.{each}", "constant", where, told)
        elif isinstance(one, ast.ImportFrom):
            for alias in one.names:
                if (alias.asname or alias.name) == each and _is_ours(one.module or "", name):
                    home = importlib.import_module(str(one.module))
                    if not hasattr(home, alias.name) or home.__name__ == name:
                        continue
                    if inspect.ismodule(getattr(home, alias.name)):
                        continue
                    yield from _named(home, home.__name__, _file_of(home), alias.name)


def _is_ours(module: str, name: str) -> bool:
    return module.partition(".")[0] == name.partition(".")[0]


def _is_type_variable(one: ast.stmt) -> bool:
    value = getattr(one, "value", None)
    return isinstance(value, ast.Call) and ast.unparse(value.func) in {"TypeVar", "ParamSpec", "TypeVarTuple"}


def _members(made: Any, name: str, node: ast.ClassDef, file: str) -> Iterator[Public]:
    texts = "\n".join(_own_text(base) for base in inspect.getmro(made) if _is_ours(base.__module__, name))
    package = ".".join(name.split(".")[:2])
    texts += "\n".join(
        _texts_of(package).get(one.partition("victor.")[2] or one, "") for one in _REFERENCE.findall(texts)
    )
    fields = []
    for one, after in _statements(node.body):
        where = f"{_shown(file)}:{one.lineno}"
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and not one.name.startswith("_"):
            marks = _decorators(one)
            if marks & {"overload", "setter", "deleter"} or one.name.startswith("test_"):
                continue
            kind = "property" if marks & {"property", "cached_property"} else "method"
            yield Public(f"{name}.{one.name}", kind, where, bool(inspect.getdoc(getattr(made, one.name))))
        elif (attribute := _assigned(one)) and not attribute.startswith("_") and _is_data(made):
            if isinstance(one, ast.AnnAssign) and not ast.unparse(one.annotation).startswith("ClassVar"):
                told = _is_text(after) or _has_help(one.value)
                told = told or any(
                    re.search(rf"\b{word}\b", texts) for word in (attribute, attribute.replace("_", " "))
                )
                fields.append(Public(f"{name}.{attribute}", "field", where, told))
    if len(fields) == 1 and _own_text(made):
        fields = [Public(fields[0].name, "field", fields[0].where, documented=True)]
    yield from fields


_REFERENCE = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)")


@cache
def _texts_of(package: str) -> dict[str, str]:
    """The docstrings of a package's classes, functions and methods, by every name one can refer to them by."""
    texts: dict[str, str] = {}
    for module, file in modules():
        if module == package or module.startswith(f"{package}."):
            for one in parsed(str(file)).body:
                below = one.body if isinstance(one, ast.ClassDef) else []
                for each in (one, *below):
                    if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                        name = each.name if each is one else f"{one.name}.{each.name}"  # type: ignore[attr-defined]
                        text = ast.get_docstring(each) or ""
                        for called in (name, f"{module}.{name}".partition("victor.")[2]):
                            texts[called] = f"{texts.get(called, '')}\n{text}"
    return texts


def _own_text(made: Any) -> str:
    return vars(made).get("__doc__") or ""


def _has_help(value: ast.expr | None) -> bool:
    """Whether a declaration such as ``key("what it is")`` describes the field, or nobody can set it."""
    if not isinstance(value, ast.Call):
        return False
    fixed = any(word.arg == "init" and ast.unparse(word.value) == "False" for word in value.keywords)
    texts = (one.value for one in ast.walk(value) if isinstance(one, ast.Constant) and isinstance(one.value, str))
    return fixed or any(" " in text for text in texts)


def _is_data(made: Any) -> bool:
    if issubclass(made, Enum):
        return False
    marks = ("__attrs_attrs__", "__struct_fields__", "__dataclass_fields__", "_fields", "__total__")
    return any(hasattr(made, mark) for mark in marks)


def undocumented() -> list[Public]:
    """The public names that do not say what they are."""
    return [one for one in find_public() if not one.documented]


def link_sources(folder: Path) -> None:
    """Make a tree in which ``victor`` is an ordinary package: pyright verifies no other kind.

    Args:
        folder: Where to make it.
    """
    victor = folder / "victor"
    victor.mkdir()
    (victor / "__init__.py").touch()
    (victor / "py.typed").touch()
    for source in SOURCES:
        for portion in (source / "victor").iterdir():
            if (portion / "__init__.py").is_file():
                (victor / portion.name).symlink_to(portion, target_is_directory=True)
    # Pyright, as it verifies, takes what this decorator of msgspec's stubs returns for unknown, and then all of our
    # messages. It says nothing about types of attributes, so the stubs do without it here.
    import msgspec

    stubs = folder / "msgspec"
    stubs.mkdir()
    for file in Path(str(msgspec.__file__)).parent.glob("*.py*"):
        text = re.sub(r"^ *@?disjoint_base,?\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (stubs / file.name).write_text(text, encoding="utf-8")
    (stubs / "py.typed").touch()


def verify(folder: Path, package: str = "victor") -> dict[str, Any]:
    """What ``pyright --verifytypes`` says of a package below a folder.

    Args:
        folder: Where the package is.
        package: Its name.

    Raises:
        RuntimeError: Pyright did not verify anything.
    """
    program = [sys.executable, "-m", "basedpyright", "--verifytypes", package, "--ignoreexternal", "--outputjson"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [*program, "--pythonpath", sys.executable],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"pyright failed: {done.stderr or done.stdout}") from None
    if problems := found.get("generalDiagnostics"):
        raise RuntimeError(f"pyright failed: {problems[0]['message']}")
    return found["typeCompleteness"]


def untyped(found: dict[str, Any], external: dict[str, str] = EXTERNAL) -> list[str]:
    """The public names whose type is not known, or not to every type checker, with the reason.

    Args:
        found: What `verify` returned.
        external: Names that are not to be judged, because of somebody else's package.
    """
    lines = []
    last_names = {name.rpartition(".")[2] for name in external}
    for symbol in found["symbols"]:
        if not symbol["isExported"] or (symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]):
            continue
        for problem in symbol["diagnostics"]:
            text = " ".join(problem["message"].split())
            named = set(re.findall(r"\w+", text))
            if symbol["name"] not in external and not named & last_names and not text.startswith("No docstring"):
                lines.append(f"{symbol['name']}: {text}")
    return lines


def check_docstrings() -> int:
    """Print what has no docstring; how many there are."""
    found = list(find_public())
    missing = [one for one in found if not one.documented]
    for one in missing:
        print(f"{one.where}: {one.kind} {one.name} does not say what it is")
    print(f"docstrings: {len(found) - len(missing)} of {len(found)} public names have one")
    return len(missing)


def check_types() -> int:
    """Print what has no type; how many there are."""
    with tempfile.TemporaryDirectory() as folder:
        link_sources(Path(folder))
        found = verify(Path(folder))
    missing = untyped(found)
    for line in missing:
        print(line)
    known = sum(symbol["isExported"] for symbol in found["symbols"])
    names = len({line.partition(":")[0] for line in missing})
    print(f"types: {known - names} of {known} public names have one, in {len(found['modules'])} modules")
    return len(missing)


def main(argv: list[str]) -> int:
    """The program: what to check, both by default."""
    checks = {"docstrings": check_docstrings, "types": check_types}
    if unknown := [name for name in argv if name not in checks]:
        print(f"no such check: {unknown[0]}; there are: {', '.join(checks)}", file=sys.stderr)
        return 2
    missing = [checks[name]() for name in argv or checks]
    return int(any(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
