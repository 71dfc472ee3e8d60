"""What the members of a team know together: named values that every member can read and change.

A turn sees the memory as it was when the turn began, and its changes come into force when it ends: members that work
side by side never see each other's half-done work, and a failed turn changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from victor.teams.errors import TeamError

__all__ = ["MemoryView", "SharedMemory"]


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

    def view(self) -> MemoryView:
        """What one turn reads and changes."""
        return MemoryView(self._values)

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

    Attributes:
        changes: What the turn has changed so far; None stands for removed.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.changes: dict[str, Any] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        """Change a value.

        Raises:
            TeamError: It is nothing that JSON can hold, so it could not be recorded.
        """
        if value is None:
            raise TeamError(f"the shared memory holds no None; use 'del memory[{key!r}]'")
        try:
            kept = msgspec.json.decode(msgspec.json.encode(value))
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise TeamError(f"the shared memory holds what JSON can hold; {key!r}: {error}") from error
        self._values[key] = self.changes[key] = kept

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self.changes[key] = None

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or the default where there is none."""
        return self._values.get(key, default)

    def keys(self) -> list[str]:
        """The names there are."""
        return list(self._values)

    def items(self) -> list[tuple[str, Any]]:
        """The names and values there are."""
        return list(self._values.items())
