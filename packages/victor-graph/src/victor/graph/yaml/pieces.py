"""The pieces of a YAML text, each with its exact place, so that one can be replaced and the rest stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from attrs import define, field

from victor.graph.yaml.problems import Problem, WorkflowFileError

__all__ = ["Piece", "read_pieces"]


@define(eq=False)
class Piece:
    """A scalar, list, mapping or alias as it stands in a text.

    Args:
        kind: What it is.
        start: Offset of its first character; of a block list or mapping, that of its first entry.
        end: Offset behind its last character, trailing comments and blank lines left out.
        flow: Of a list or mapping: in brackets.
        style: Of a scalar: ``"'"``, ``'"'``, ``"|"``, ``">"``, or empty for plain.
        anchor: Its anchor, or of an alias the one it refers to.
        value: Of a scalar: its text.
        items: Of a list: its items.
        pairs: Of a mapping: keys and values.
    """

    kind: Literal["scalar", "list", "mapping", "alias"]
    start: int
    end: int
    flow: bool = False
    style: str = ""
    anchor: str = ""
    value: str = ""
    items: list[Piece] = field(factory=list)
    pairs: list[tuple[Piece, Piece]] = field(factory=list)

    def get(self, key: str) -> tuple[Piece, Piece] | None:
        """The key and value of a mapping's entry, merged ones left out."""
        return next(((name, value) for name, value in self.pairs if name.value == key), None)


def read_pieces(text: str) -> Piece | None:
    """The outermost piece of a text, None where it is empty.

    Raises:
        WorkflowFileError: It is no YAML.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        events = list(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise WorkflowFileError([Problem("<text>", line, column, f"not YAML: {error.problem}")]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise WorkflowFileError([Problem("<text>", 1, 1, f"not YAML: {error}")]) from error
    walk = iter(events)
    for event in walk:
        if isinstance(event, yaml.DocumentStartEvent):
            return _piece(next(walk), walk, text)
    return None


def _piece(event: Any, rest: Iterator[Any], text: str) -> Piece:
    import yaml

    start, end = event.start_mark.index, event.end_mark.index
    anchor = getattr(event, "anchor", None) or ""
    if isinstance(event, yaml.AliasEvent):
        return Piece("alias", start, end, anchor=anchor)
    if isinstance(event, yaml.ScalarEvent):
        style = event.style if event.style in {"'", '"', "|", ">"} else ""
        if style in {"|", ">"}:
            end = start + len(text[start:end].rstrip())
        return Piece("scalar", start, end, style=style, anchor=anchor, value=event.value)
    flow = bool(event.flow_style)
    if isinstance(event, yaml.SequenceStartEvent):
        made = Piece("list", start, end, flow=flow, anchor=anchor)
        while not isinstance(event := next(rest), yaml.SequenceEndEvent):
            made.items.append(_piece(event, rest, text))
        last = made.items[-1].end if made.items else start
    else:
        made = Piece("mapping", start, end, flow=flow, anchor=anchor)
        while not isinstance(event := next(rest), yaml.MappingEndEvent):
            key = _piece(event, rest, text)
            made.pairs.append((key, _piece(next(rest), rest, text)))
        last = max(made.pairs[-1][0].end, made.pairs[-1][1].end) if made.pairs else start
    made.end = event.end_mark.index if flow else last
    return made
