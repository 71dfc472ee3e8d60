"""Versions of the state's schema: the mark a stored value carries, and the way from an older one to now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import frozen

__all__ = ["MARK", "Migrations", "Unmatched", "read_header", "unmatched_in", "write_header"]

MARK: Final = 0xC1  # the one byte that no msgpack value starts with
"""How bytes begin that say their version."""
_FORMAT: Final = 1
_LENGTH: Final = 6


def write_header(version: int) -> bytes:
    """What goes before a value of this version. Version 1 needs nothing: its values are plain msgpack."""
    return b"" if version == 1 else bytes((MARK, _FORMAT)) + version.to_bytes(4, "big")


def read_header(data: bytes | bytearray | memoryview) -> tuple[int, int]:
    """The version of a stored value, and where the value begins.

    Raises:
        ValueError: There is no value, or it was written in a format this release does not know.
    """
    if not len(data):
        raise ValueError("stored bytes are empty: damaged, or not written by this codec")
    if data[0] != MARK:
        return 1, 0
    if len(data) <= _LENGTH:
        raise ValueError("stored bytes end early: damaged")
    if data[1] != _FORMAT:
        raise ValueError(
            f"stored bytes have the unknown format {data[1]}: damaged, or written by a newer victor-graph; upgrade it"
        )
    version = int.from_bytes(data[2:_LENGTH], "big")
    if version < 1:
        raise ValueError("stored bytes are damaged: version 0")
    return version, _LENGTH


@frozen
class Unmatched:
    """Stands, in what a migration gets, for a stored object whose class is gone or has other fields now.

    Args:
        type_name: Name the class was stored under, such as ``"shop.orders:Order"``.
        parts: How it was stored; the first part is a dict of its fields, for an enum its name.
        reason: Why it could not be put together.
    """

    type_name: str
    parts: list[Any]
    reason: str

    @property
    def fields(self) -> dict[str, Any]:
        """The stored fields by name; empty for an enum."""
        return self.parts[0] if self.parts and isinstance(self.parts[0], dict) else {}


@frozen
class Migrations:
    """The functions that lead from older versions to the present one.

    Args:
        version: The present version.
        steps: For version *n*, the function that makes a value of version *n + 1* of it.
    """

    version: int
    steps: Mapping[int, Callable[[Any], Any]]

    def missing(self, version: int, to: int) -> str:
        """What to say when there is no way from an older version to a later one; ``""`` when there is."""
        for number in range(version, to):
            if number not in self.steps:
                return (
                    f"written at version {version} of the state's schema, and there is no migration from {number} to "
                    f"{number + 1}: add one, Codec(version={self.version}, migrate={{{number}: function}})"
                )
        return ""

    def apply(self, value: Any, version: int, to: int) -> Any:
        """A value of an older version, brought to a later one. Raises what the functions raise."""
        for number in range(version, to):
            value = self.steps[number](value)
        return value


def unmatched_in(value: Any, path: str) -> tuple[str, Unmatched] | None:
    """The first `Unmatched` left in a migrated value, with its path."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [(path, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Unmatched):
            return path, value
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            stack.extend((f"{path}[{key!r:.80}]", item) for key, item in value.items())
        elif isinstance(value, list | tuple | set | frozenset):
            stack.extend((f"{path}[{index}]", item) for index, item in enumerate(value))
        elif hasattr(value, "__dict__") or hasattr(type(value), "__slots__"):
            names = [
                *getattr(value, "__dict__", ()),
                *(n for base in type(value).__mro__ for n in getattr(base, "__slots__", ())),
            ]
            stack.extend((f"{path}.{name}", getattr(value, name)) for name in names if hasattr(value, name))
    return None
