r"""YAML files that people write, read with the place of every key and value, by the rules of YAML 1.2.

``yes``, ``on`` and ``12:30`` are texts, as YAML 1.2 has it and people expect; a key that stands twice is an error;
anchors, aliases and ``<<`` merges work. What an alias expands to is bounded. Every mistake is told with file, line and
column, all in one pass.

This is for packages whose users write files (workflows, teams): they need PyYAML, core itself does not.

Example:
    >>> read_text("name: Ulm\nsize: 3").problem("$.size", "too small").line
    2
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from victor.core.errors import ConfigurationError, VictorError

__all__ = ["Problem", "Source", "Span", "YamlFileError", "plain", "read_file", "read_text", "split_path"]

_LARGEST: Final = 200_000  # values, aliases expanded; a file written by hand has a few thousand
_LONGEST: Final = 5_000_000  # characters
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]")
_SPECIAL: Final = re.compile(r"([-+]?\.(?:inf|Inf|INF))|(\.(?:nan|NaN|NAN))")


@frozen(order=True)
class Problem:
    """One thing that is wrong.

    Args:
        file: Path of the file, or ``"<text>"``.
        line: Counted from 1.
        column: Counted from 1.
        message: What is wrong and what would be right.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class YamlFileError(VictorError):
    """A file cannot be used. Lists everything that is wrong, in the order of the file.

    What to do: correct the file at the places the text names; each has line and column, and what was probably meant.

    Args:
        problems: At least one.

    Attributes:
        problems: The same, sorted.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


@frozen
class Span:
    """Where something stands: line and column counted from 1, and offsets into the text.

    Args:
        line, column: Where it begins.
        start, end: Offsets of its first character and of the one after its last.
    """

    line: int
    column: int
    start: int
    end: int


@define
class Source:
    """A file that was read.

    Args:
        name: Path as it is shown.
        text: The text.
        value: What it says, as plain Python values.
        keys: JSON path (``"$.workflows.a"``) -> where the key stands; for list items, the item.
        values: JSON path -> where the value stands.
        path: The file, or None for a text.
    """

    name: str
    text: str
    value: Any = None
    keys: dict[str, Span] = field(factory=dict, repr=False)
    values: dict[str, Span] = field(factory=dict, repr=False)
    path: Path | None = None

    def problem(self, path: str, message: str, *, key: bool = False) -> Problem:
        """A problem at a JSON path, or at the nearest place around it that stands in the file.

        Args:
            path: As `keys` and `values` have it, or as `victor.core.schema.decode` tells it.
            message: What is wrong.
            key: Whether the key is wrong, and not its value.
        """
        at = (
            "$" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in split_path(path))
            if "['" in path
            else path
        )
        while at:
            span = (self.keys.get(at) if key else None) or self.values.get(at) or self.keys.get(at)
            if span is not None:
                return Problem(self.name, span.line, span.column, message)
            at = at[: max(at.rfind("."), at.rfind("["))] if ("." in at or "[" in at) else ""
            key = False
        return Problem(self.name, 1, 1, message)


def split_path(path: str) -> list[str | int]:
    """The keys and indices of a JSON path as `victor.core.schema.decode` tells it.

    Example:
        >>> split_path("$.teams['v1.2'].members[0]")
        ['teams', 'v1.2', 'members', 0]
    """
    steps: list[str | int] = []
    for name, index, quoted in _STEP.findall(path):
        steps.append(int(index) if index else name or re.sub(r"\\(.)", r"\1", quoted))
    return steps


def read_file(path: str | Path, *, error: type[YamlFileError] = YamlFileError) -> Source:
    """Read a file.

    Args:
        path: The file.
        error: What to raise.

    Raises:
        YamlFileError: It is missing, no UTF-8, or no YAML. Of the class ``error``.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        near = [p.name for p in sorted(path.parent.glob("*.y*ml"))[:5]] if path.parent.is_dir() else []
        hint = f"; in {path.parent} there are: {', '.join(near)}" if near else ""
        raise error([Problem(str(path), 1, 1, f"there is no such file{hint}")]) from None
    except (OSError, UnicodeDecodeError) as cause:
        raise error([Problem(str(path), 1, 1, f"cannot be read: {cause}")]) from cause
    source = read_text(text, name=str(path), error=error)
    source.path = path
    return source


def read_text(text: str, *, name: str = "<text>", error: type[YamlFileError] = YamlFileError) -> Source:
    """Read a text.

    Args:
        text: YAML.
        name: What to call it in problems.
        error: What to raise.

    Raises:
        YamlFileError: It is no YAML, or a key stands twice. Of the class ``error``.
        ConfigurationError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise ConfigurationError("reading YAML needs PyYAML; 'pip install pyyaml'") from None

    if len(text) > _LONGEST:
        raise error([Problem(name, 1, 1, f"larger than {_LONGEST:,} characters")])
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        what = " ".join(part for part in (cause.context, cause.problem) if part)
        if (begun := cause.context_mark) is not None and begun.line + 1 < line:  # a quote or bracket nobody closed
            what += f" (it begins at {begun.line + 1}:{begun.column + 1})"
        lines = text.split("\n")
        before = lines[line - 1][:column] if line <= len(lines) else ""
        if "\t" in before and not before.strip():
            what = "a tab; indent with spaces"
        raise error([Problem(name, line, column, f"not YAML: {what}")]) from cause
    except (yaml.YAMLError, RecursionError, ValueError) as cause:
        raise error([Problem(name, 1, 1, f"not YAML: {cause}")]) from cause
    source = Source(name, text)
    if node is not None:
        source.value = _Reader(source, error).read(node)
    return source


class _Reader:
    """Turns composed nodes into values, noting where each stands."""

    def __init__(self, source: Source, error: type[YamlFileError]) -> None:
        self.source = source
        self.error = error
        self.problems: list[Problem] = []
        self.count = 0

    def read(self, node: Any) -> Any:
        value = self.value(node, "$", ())
        if self.problems:
            raise self.error(self.problems)
        return value

    def value(self, node: Any, path: str, inside: tuple[int, ...]) -> Any:
        self.count += 1
        span = _span(node)
        self.source.values.setdefault(path, span)
        if self.count > _LARGEST or len(inside) > 100 or id(node) in inside:
            what = "an alias that contains itself" if id(node) in inside else "too large or too deeply nested"
            problem = Problem(self.source.name, span.line, span.column, what)
            raise self.error([*self.problems, problem])
        if node.id == "scalar":
            return self.scalar(node, span)
        if node.tag not in {"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}:
            self.refuse_tag(node, span)
        if node.id == "sequence":
            items = []
            for index, item in enumerate(node.value):
                at = f"{path}[{index}]"
                self.source.keys[at] = _span(item)
                items.append(self.value(item, at, (*inside, id(node))))
            return items
        return self.mapping(node, path, (*inside, id(node)))

    def mapping(self, node: Any, path: str, inside: tuple[int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            span = _span(key_node)
            if key_node.id != "scalar":
                self.problems.append(Problem(self.source.name, span.line, span.column, "a key must be a text"))
                continue
            key = key_node.value
            if key == "<<" and key_node.style not in {"'", '"'}:
                for parent in self.parents(value_node, span):
                    for name, value in self.mapping(parent, path, (*inside, id(parent))).items():
                        merged.setdefault(name, value)
                continue
            at = f"{path}.{key}"
            if key in found:
                first = self.source.keys[at].line
                message = f"the key {key!r} stands twice, first in line {first}"
                self.problems.append(Problem(self.source.name, span.line, span.column, message))
                continue
            self.source.keys[at] = span
            self.source.values.pop(at, None)
            found[key] = self.value(value_node, at, inside)
        return {**{name: value for name, value in merged.items() if name not in found}, **found}

    def parents(self, node: Any, span: Span) -> Iterator[Any]:
        for parent in node.value if node.id == "sequence" else [node]:
            if parent.id == "mapping":
                yield parent
            else:
                self.problems.append(Problem(self.source.name, span.line, span.column, "'<<' takes a mapping"))

    def refuse_tag(self, node: Any, span: Span) -> None:
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        message = f"the tag {tag!r} means nothing here; write the value plainly"
        self.problems.append(Problem(self.source.name, span.line, span.column, message))

    def scalar(self, node: Any, span: Span) -> Any:
        text: str = node.value
        if node.style in {"'", '"', "|", ">"}:
            return text
        if self.source.text.startswith("!", span.start):
            if node.tag == "tag:yaml.org,2002:str":
                return text
            message = (
                f"the tag {node.tag.removeprefix('tag:yaml.org,2002:')!r} means nothing here; write the value plainly"
            )
            self.problems.append(Problem(self.source.name, span.line, span.column, message))
            return text
        return plain(text)


def plain(text: str) -> Any:
    """A scalar without quotes, by the rules of YAML 1.2.

    Example:
        >>> [plain(text) for text in ("yes", "true", "12", "1.5", "null", "a b")]
        ['yes', True, 12, 1.5, None, 'a b']
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 4000 else text
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _SPECIAL.fullmatch(text)
    return text if special is None else float(text.replace(".", "", 1))


def _span(node: Any) -> Span:
    start, end = node.start_mark, node.end_mark
    return Span(start.line + 1, start.column + 1, start.index, end.index)
