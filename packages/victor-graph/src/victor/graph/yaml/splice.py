"""Changes one value of a YAML text in place: the text around it stays as it is, byte for byte.

A change is made of splices, and is checked before it counts: the text must read back as what was wanted. Where no
splice can say it (inside an alias, across an anchor others use) it is refused, and the text stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from victor.core.errors import ConfigurationError, VictorError
from victor.graph.yaml.pieces import Piece, read_pieces
from victor.graph.yaml.problems import WorkflowFileError
from victor.graph.yaml.render import item_block, pairs_block, render_block, render_flow, render_scalar
from victor.graph.yaml.source import read_text

__all__ = ["EditError", "Path", "YamlText"]

Path = tuple[str | int, ...]
"""Where a value is: keys and positions, from the outermost."""

_ANCHOR: Final = re.compile(r"[&!]\S+[ \t]*")


class EditError(VictorError):
    """An edit cannot be made without touching more than what it is about; the text is as it was.

    What to do: make first the edit that the text asks for, or change the file by hand.
    """


class YamlText:
    r"""A YAML text that is changed in place.

    Args:
        text: The text; line breaks and a byte order mark are kept as they are.

    Raises:
        WorkflowFileError: It is no YAML.

    Example:
        >>> text = YamlText("a: 1  # one\nb: [x, y]\n")
        >>> text.set(("a",), 2)
        >>> text.insert(("b",), 1, "z")
        >>> print(text.text, end="")
        a: 2  # one
        b: [x, z, y]
    """

    def __init__(self, text: str) -> None:
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self._text = text[len(self._mark) :]
        self._read()

    def _read(self) -> None:
        self.value: Any = read_text(self._text).value
        self._root = read_pieces(self._text)
        self._newline = "\r\n" if "\r\n" in self._text else "\n"

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self._mark + self._text

    # ---------------------------------------------------------------- changes

    def set(self, path: Path, value: Any) -> None:
        """Give a key or item another value; keys that are not there are added, with what is missing around them.

        Raises:
            EditError: It cannot be done in place.
        """
        old = self._value_at(path)
        if old is not _MISSING and _same(old, value):
            return
        if isinstance(old, dict) and isinstance(value, Mapping) and old and value:
            self._set_mapping(path, old, value)
        elif isinstance(old, list) and isinstance(value, (list, tuple)) and old and value:
            self._set_list(path, old, value)
        else:
            self._change(path, value, old)

    def unset(self, path: Path) -> None:
        """Remove a key or an item.

        Raises:
            EditError: It is not there, or cannot be removed in place.
        """
        if self._value_at(path) is _MISSING:
            raise EditError(f"there is no {_shown(path)} to remove")
        expected = deepcopy(self.value)
        _unset_in(expected, path)
        holder = self._piece(path[:-1])
        if isinstance(path[-1], int):
            splices = self._remove_item(holder, path)
        else:
            splices = self._remove_pair(holder, path)
        self._apply(splices, expected, path)

    def insert(self, path: Path, index: int, value: Any) -> None:
        """Put an item into a list, before the one at ``index``.

        Raises:
            EditError: It is no list, or one that is an alias.
        """
        there = self._value_at(path)
        if not isinstance(there, list):
            raise EditError(f"{_shown(path)} is no list")
        index = max(0, min(index, len(there)))
        if not there:
            self._change(path, [value], there)
            return
        expected = deepcopy(self.value)
        _at(expected, path).insert(index, deepcopy(value))
        self._apply(self._insert_item(self._piece(path), index, value, path), expected, path)

    def move(self, path: Path, old: int, new: int) -> None:
        """Move an item of a list; comments right above it go with it.

        Args:
            path: The list.
            old: Where the item is.
            new: Where it will be.

        Raises:
            EditError: It cannot be moved in place.
        """
        there = self._value_at(path)
        if not isinstance(there, list) or not 0 <= old < len(there) or not 0 <= new < len(there):
            raise EditError(f"{_shown(path)} has no items {old} and {new} to move")
        if old == new:
            return
        expected = deepcopy(self.value)
        items = _at(expected, path)
        items.insert(new, items.pop(old))
        piece = self._piece(path)
        spans = [self._item_span(piece, index, path) for index in range(len(piece.items))]
        texts = [self._text[start:end] for start, end in spans]
        texts.insert(new, texts.pop(old))
        low, high = min(old, new), max(old, new) + 1
        self._apply(
            [(*span, text) for span, text in zip(spans[low:high], texts[low:high], strict=True)], expected, path
        )

    # ---------------------------------------------------------------- how

    def _set_mapping(self, path: Path, old: dict[str, Any], value: Mapping[str, Any]) -> None:
        before = self._text
        try:
            for key in [key for key in old if key not in value]:
                self.unset((*path, key))
            for key, item in value.items():
                self.set((*path, key), item)
        except EditError:
            self._text = before
            self._read()
            raise

    def _set_list(self, path: Path, old: list[Any], value: Sequence[Any]) -> None:
        """Change the items in the middle; those at both ends that are the same stay."""
        before = self._text
        start = 0
        while start < min(len(old), len(value)) and _same(old[start], value[start]):
            start += 1
        end = 0
        while end < min(len(old), len(value)) - start and _same(old[-1 - end], value[-1 - end]):
            end += 1
        try:
            fresh = list(value[start : len(value) - end])
            stale = len(old) - end - start
            for index, item in enumerate(fresh):
                if index < stale:
                    self.set((*path, start + index), item)
                else:
                    self.insert(path, start + index, item)
            for _ in range(stale - len(fresh)):
                self.unset((*path, start + len(fresh)))
        except EditError:
            self._text = before
            self._read()
            raise

    def _change(self, path: Path, value: Any, old: Any) -> None:
        expected = deepcopy(self.value)
        if old is not _MISSING:
            _set_in(expected, path, value)
            own = self._own(path)
            splices = self._replace(path, value) if own else self._add_pair(path, value)
        else:
            around = path
            while len(around) > 1 and self._value_at(around[:-1]) is _MISSING:
                if isinstance(around[-1], int):
                    raise EditError(f"there is no {_shown(path)}")
                value = {around[-1]: value}
                around = around[:-1]
            holder = self._value_at(around[:-1])
            if isinstance(around[-1], int) or not (isinstance(holder, dict) or holder is None):
                raise EditError(f"there is no {_shown(path)}")
            if not holder:  # null, or {}: written anew
                if around[:-1] == ():
                    raise EditError("the file is empty")
                _set_in(expected, around[:-1], {around[-1]: value})
                self._apply(self._replace(around[:-1], {around[-1]: value}), expected, path)
                return
            _set_in(expected, around, value)
            path = around
            splices = self._add_pair(path, value)
        self._apply(splices, expected, path)

    def _replace(self, path: Path, value: Any) -> list[_Splice]:
        """Write another value in the place of one."""
        holder = self._piece(path[:-1])
        key, piece = self._entry(holder, path)
        if piece.kind == "alias":
            raise EditError(f"{_shown(path)} is the alias *{piece.anchor}: change what it stands for, or write it out")
        start, end = piece.start, piece.end
        if piece.anchor or self._text.startswith(("&", "!"), start):
            match = _ANCHOR.match(self._text, start)
            start = match.end() if match else start
        if holder.flow or (piece.flow and not isinstance(value, str)) or not _is_structure(value, piece):
            text = (
                render_scalar(value, flow=holder.flow, style=_kept_style(piece, value)) if _is_scalar(value) else None
            )
            text = render_flow(value) if text is None else text
            if piece.start == piece.end:  # nothing stood there
                return [(start, end, text if self._text[start - 1 : start].isspace() else " " + text)]
            if piece.kind in {"scalar"} or piece.flow:
                return [(start, end, text)]
            return self._instead_of_block(key, holder, piece, path, " " + text)
        column = self._column(key.start) if key is not None else self._dash(holder, int(path[-1]), path)[1]
        text = render_block(value, column, step=self._step, dash=self._dash_step, newline=self._newline)
        if key is None:
            text = item_block(value, column, step=self._step, dash=self._dash_step, newline=self._newline)[1:]
        if piece.kind == "scalar" or piece.flow:
            after = self._behind(key, holder, path)
            if start > piece.start or self._text[after:start].strip():
                after = len(self._text[:start].rstrip(" \t"))
            return [(after, end, text)]
        return self._instead_of_block(key, holder, piece, path, text)

    def _instead_of_block(self, key: Piece | None, holder: Piece, piece: Piece, path: Path, text: str) -> list[_Splice]:
        """Write something in the place of a block list or mapping, which stands below its key."""
        after = self._behind(key, holder, path)
        between = self._text[after : piece.start]
        if not between.strip():
            return [(after, piece.end, text)]
        if "#" not in between or "\n" in text:
            raise EditError(f"{_shown(path)} begins with an anchor, a tag or a comment that would be lost")
        line = self._line_end(after)
        return [(after, after, text), (line, piece.end, "")]

    def _behind(self, key: Piece | None, holder: Piece, path: Path) -> int:
        """Behind the colon of a key, or the dash of an item."""
        if key is not None:
            return self._text.index(":", key.end) + 1
        return self._dash(holder, int(path[-1]), path)[0] + 1

    def _add_pair(self, path: Path, value: Any) -> list[_Splice]:
        holder = self._piece(path[:-1])
        if holder.kind != "mapping":
            raise EditError(f"{_shown(path[:-1])} is no mapping")
        entry = {path[-1]: value}
        if holder.flow:
            text = render_flow(entry)[1:-1]
            if not holder.pairs:
                return [(holder.start + 1, holder.start + 1, text)]
            at = max(holder.pairs[-1][0].end, holder.pairs[-1][1].end)
            return [(at, at, ", " + text)]
        column = self._column(holder.pairs[0][0].start)
        text = pairs_block(entry, column, step=self._step, dash=self._dash_step, newline=self._newline)
        at = self._line_end(holder.end)
        return [(at, at, self._newline + text)]

    def _remove_pair(self, holder: Piece, path: Path) -> list[_Splice]:
        found = holder.get(str(path[-1])) if holder.kind == "mapping" else None
        if found is None:
            raise EditError(f"{_shown(path)} comes in by a merge (<<): it cannot be removed here")
        position = next(index for index, (key, _) in enumerate(holder.pairs) if key is found[0])
        key, piece = found
        end = max(key.end, piece.end)
        if len(holder.pairs) == 1:
            if not holder.flow:
                raise _last(path)
            return [(key.start, self._colon_end(key, end), "")]
        if holder.flow:
            if position + 1 < len(holder.pairs):
                return [(key.start, holder.pairs[position + 1][0].start, "")]
            before = holder.pairs[position - 1]
            return [(max(before[0].end, before[1].end), self._colon_end(key, end), "")]
        line = self._line_start(key.start)
        if not self._text[line : key.start].strip():
            return [(line, self._after_line(self._colon_end(key, end)), "")]
        following = holder.pairs[position + 1][0].start
        if "#" in self._text[end:following]:
            raise EditError(f"a comment stands between {_shown(path)} and what follows; it would be lost")
        return [(key.start, following, "")]

    def _colon_end(self, key: Piece, end: int) -> int:
        """Behind an entry, also one whose value is empty."""
        return max(end, self._text.index(":", key.end) + 1) if end == key.end else end

    def _remove_item(self, holder: Piece, path: Path) -> list[_Splice]:
        index = int(path[-1])
        items = holder.items
        if len(items) == 1 and not holder.flow:
            raise _last(path)
        if holder.flow:
            if len(items) == 1:
                return [(items[0].start, items[0].end, "")]
            if index + 1 < len(items):
                return [(items[index].start, items[index + 1].start, "")]
            return [(items[index - 1].end, items[index].end, "")]
        dash, _ = self._dash(holder, index, path)
        line = self._line_start(dash)
        if self._text[line:dash].strip():
            raise EditError(f"{_shown(path)} shares its line with what it is in")
        end = self._after_line(items[index].end)
        blank = re.compile(r"(?:[ \t]*\r?\n)+")
        before = re.search(r"\n[ \t]*\r?\n$", self._text[:line])
        after = blank.match(self._text, end)
        if after and before:  # one gap, not two
            end = after.end()
        elif index + 1 == len(items) and before:
            line -= len(before[0]) - 1
        return [(line, end, "")]

    def _insert_item(self, piece: Piece, index: int, value: Any, path: Path) -> list[_Splice]:
        if piece.kind != "list":
            raise EditError(f"{_shown(path)} is the alias *{piece.anchor}: change what it stands for, or write it out")
        items = piece.items
        if piece.flow:
            text = render_flow(value)
            if index < len(items):
                return [(items[index].start, items[index].start, text + ", ")]
            return [(items[-1].end, items[-1].end, ", " + text)]
        neighbor = items[max(0, index - 1)]
        dash, column = self._dash(piece, max(0, index - 1), path)
        options: dict[str, Any] = {"step": self._step, "dash": self._dash_step, "newline": self._newline}
        flow = neighbor.flow and isinstance(value, (Mapping, list))
        text = "- " + render_flow(value) if flow else item_block(value, column, **options)
        if index == 0:
            line = self._line_start(dash)
            if self._text[line:dash].strip():
                raise EditError(f"{_shown(path)} shares its line with what it is in")
            return [(line, line, " " * column + text + self._newline)]
        at = self._line_end(items[index - 1].end)
        gap = self._newline if self._spaced(piece, path) else ""
        return [(at, at, gap + self._newline + " " * column + text)]

    def _spaced(self, piece: Piece, path: Path) -> bool:
        """Whether blank lines stand between the items."""
        if len(piece.items) < 2:
            return False
        between = self._text[piece.items[0].end : self._dash(piece, 1, path)[0]]
        return re.search(r"\n[ \t]*\r?\n", between) is not None

    def _item_span(self, piece: Piece, index: int, path: Path) -> tuple[int, int]:
        """An item with its dash, its last line and the comments right above it; of a flow list, the item alone."""
        item = piece.items[index]
        if piece.flow:
            return item.start, item.end
        dash, _ = self._dash(piece, index, path)
        start = self._line_start(dash)
        if self._text[start:dash].strip():
            raise EditError(f"{_shown(path)} shares its line with what it is in")
        floor = self._line_end(piece.items[index - 1].end) if index else -1
        while start > 0:
            above = self._line_start(start - 1)
            if above <= floor or not self._text[above:start].strip().startswith("#"):
                break
            start = above
        end = self._line_end(item.end)
        return start, end

    # ---------------------------------------------------------------- places

    def _value_at(self, path: Path) -> Any:
        value = self.value
        for key in path:
            in_list = isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value)
            if not in_list and not (isinstance(value, dict) and key in value):
                return _MISSING
            value = value[key]
        return value

    def _own(self, path: Path) -> bool:
        """Whether a value stands in the text itself, not in what it is merged with."""
        holder = self._piece(path[:-1])
        return isinstance(path[-1], int) or holder.get(path[-1]) is not None

    def _piece(self, path: Path) -> Piece:
        """The piece of a value."""
        piece = self._root
        if piece is None:
            raise EditError("the file is empty")
        for depth in range(1, len(path) + 1):
            _, piece = self._entry(piece, path[:depth])
            if piece.kind == "alias":
                shown = _shown(path[:depth])
                raise EditError(f"{shown} is the alias *{piece.anchor}: change what it stands for, or write it out")
        return piece

    def _entry(self, holder: Piece, path: Path) -> tuple[Piece | None, Piece]:
        key = path[-1]
        if holder.kind == "list" and isinstance(key, int):
            return None, holder.items[key]
        found = holder.get(str(key)) if holder.kind == "mapping" else None
        if found is None:
            raise EditError(f"{_shown(path)} comes in by a merge (<<); change it where it stands")
        return found

    def _dash(self, piece: Piece, index: int, path: Path) -> tuple[int, int]:
        """Offset and column of the dash of an item of a block list."""
        item = piece.items[index]
        at = item.start - 1
        while at >= 0 and self._text[at] in " \t\r\n":
            at -= 1
        if (
            at >= 0
            and self._text[at] != "-"
            and item.start == item.end
            and self._text[item.start : item.start + 1] == "-"
        ):
            at = item.start
        if at < 0 or self._text[at] != "-":
            raise EditError(f"{_shown((*path, index))} does not begin right behind its dash")
        return at, self._column(at)

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Before the line break."""
        end = self._text.find("\n", at)
        if end < 0:
            return len(self._text)
        return end - 1 if self._text[end - 1 : end] == "\r" else end

    def _after_line(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end + 1

    def _column(self, at: int) -> int:
        return at - self._line_start(at)

    @property
    def _step(self) -> int:
        """By how much mappings are indented in this file."""
        return next(self._steps("mapping"), 2)

    @property
    def _dash_step(self) -> int:
        """By how much lists are."""
        return next(self._steps("list"), self._step)

    def _steps(self, kind: str) -> Any:
        waiting = [self._root] if self._root is not None else []
        while waiting:
            piece = waiting.pop(0)
            for key, value in piece.pairs:
                if value.kind == kind and not value.flow and (value.items or value.pairs):
                    at = value.pairs[0][0].start if value.pairs else self._dash(value, 0, ())[0]
                    if self._line_start(at) > key.start:
                        yield self._column(at) - self._column(key.start)
                waiting.append(value)
            waiting += piece.items

    # ---------------------------------------------------------------- doing it

    def _apply(self, splices: list[_Splice], expected: Any, path: Path) -> None:
        text = self._text
        for start, end, new in sorted(splices, reverse=True):
            text = text[:start] + new + text[end:]
        try:
            value = read_text(text).value
        except WorkflowFileError as error:
            raise EditError(f"{_shown(path)} cannot be changed in place here: {error.problems[0].message}") from error
        if not _same(value, expected):
            raise EditError(
                f"{_shown(path)} cannot be changed in place: other values would change with it, as an anchor, an alias "
                "or a merge of theirs stands there"
            )
        self._text = text
        self._read()


_Splice = tuple[int, int, str]
_MISSING: Final = object()


def _last(path: Path) -> EditError:
    return EditError(f"{_shown(path)} is the last of its list or mapping; remove that, or set it to something else")


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _is_structure(value: Any, piece: Piece) -> bool:
    """Whether a value takes lines of its own."""
    if isinstance(value, str):
        return "\n" in value
    return bool(value) and not _is_scalar(value) and not piece.flow


def _kept_style(piece: Piece, value: Any) -> str:
    return piece.style if piece.style in {"'", '"'} and isinstance(value, str) else ""


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same types, so that 1, 1.0 and true are three things."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _set_in(value: Any, path: Path, new: Any) -> None:
    _at(value, path[:-1])[path[-1]] = deepcopy(new)


def _unset_in(value: Any, path: Path) -> None:
    del _at(value, path[:-1])[path[-1]]


def _shown(path: Path) -> str:
    """A path as people read it.

    Example:
        >>> _shown(("workflows", "w", "nodes", 0, "id"))
        'workflows.w.nodes[0].id'
    """
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.lstrip(".") or "the file"


def check_editable(value: Any) -> None:
    """Refuse values that a file cannot hold.

    Raises:
        ConfigurationError: It is, or holds, something else than texts, numbers, booleans, null, lists and mappings.
    """
    if isinstance(value, Mapping):
        for item in value.values():
            check_editable(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_editable(item)
    elif not _is_scalar(value):
        raise ConfigurationError(f"a workflow file cannot hold a {type(value).__name__}: {value!r:.60}")
