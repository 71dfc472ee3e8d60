"""What the members of a team know together: named values that every member can read and change.

A turn sees the memory as it was when the turn began, and its changes come into force when it ends: members that work
side by side never see each other's half-done work, and a failed turn changes nothing. A turn that changes a list or a
mapping in place changes a copy of its own; that counts as a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from victor.teams.errors import TeamError

__all__ = ["MemoryView", "SharedMemory", "json_of"]


def json_of(key: Any, value: Any) -> bytes:
    """A value of the memory as JSON.

    Raises:
        TeamError: It is nothing that JSON can hold, so it could not be recorded; or its name is no text.
    """
    if not isinstance(key, str):
        raise TeamError(f"the names in the shared memory are texts, not {key!r:.100}")
    try:
        msgspec.json.encode(key)
        return msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise TeamError(f"the shared memory holds what JSON can hold; {key!r:.100}: {error}") from error


class SharedMemory(Mapping[str, Any]):
    """Named values, to be changed by turns.

    Example:
        >>> memory = SharedMemory({"town": "Ulm"})
        >>> view = memory.view()
        >>> view["river"] = "Danube"
        >>> "river" in memory
        False
        >>> memory.apply(view.changes)
        >>> memory["river"]
        'Danube'
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = dict(values or {})

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"SharedMemory({self._values!r})"

    def view(self, most: int | None = None) -> MemoryView:
        """What one turn reads and changes.

        Args:
            most: Characters of its changes at most, as JSON; None for no limit.
        """
        return MemoryView(self._values, most)

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Put the changes of a turn into force; None removes a value."""
        for key, value in changes.items():
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value

    def copy(self) -> SharedMemory:
        """The same values, to be changed apart."""
        return SharedMemory(self._values)


class MemoryView:
    """The memory as one turn sees it.

    Args:
        values: What there is; not changed.
        most: Characters of what the turn may change, as JSON; None for no limit.
    """

    def __init__(self, values: Mapping[str, Any], most: int | None = None) -> None:
        self._values = dict(values)
        self._most = most
        self._lent: dict[str, bytes] = {}  # what was handed out and could be changed in place, as it was
        self._set: dict[str, int] = {}  # what was set, and its size
        self._removed: set[str] = set()

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        if isinstance(value, (list, dict)) and key not in self._lent and key not in self._set:
            told = self._lent[key] = json_of(key, value)
            value = self._values[key] = msgspec.json.decode(told)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        """Change a value.

        Raises:
            TeamError: It is nothing that JSON can hold, so it could not be recorded; or too much.
        """
        if value is None:
            raise TeamError(f"the shared memory holds no None; use 'del memory[{key!r}]'")
        told = json_of(key, value)
        self._measure({**self._set, key: len(told)})
        self._values[key] = msgspec.json.decode(told)
        self._set[key] = len(told)
        self._removed.discard(key)

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._set.pop(key, None)
        self._removed.add(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or the default where there is none."""
        return self[key] if key in self._values else default

    def keys(self) -> list[str]:
        """The names there are."""
        return list(self._values)

    def items(self) -> list[tuple[str, Any]]:
        """The names and values there are."""
        return [(key, self[key]) for key in self._values]

    @property
    def changes(self) -> dict[str, Any]:
        """What the turn has changed so far; None stands for removed.

        Raises:
            TeamError: A value was changed in place into something that JSON cannot hold, or too much.
        """
        if not (self._set or self._lent or self._removed):
            return {}
        told: dict[str, bytes] = {}
        for key in (*self._set, *self._lent):
            if key in self._values and key not in told:
                now = json_of(key, self._values[key])
                if key in self._set or now != self._lent[key]:
                    told[key] = now
        self._measure({key: len(each) for key, each in told.items()})
        return {**dict.fromkeys(self._removed), **{key: msgspec.json.decode(each) for key, each in told.items()}}

    def _measure(self, sizes: Mapping[str, int]) -> None:
        size = sum(sizes.values()) + sum(map(len, sizes))
        if self._most is not None and size > self._most:
            raise TeamError(
                f"a turn may put {self._most:,} characters into the shared memory (TeamLimits.turn_chars), not {size:,}"
            )
