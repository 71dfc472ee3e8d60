"""The texts of a store and the numbers that stand for them. Both only ever grow, so what is known stays true."""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

from victor.observability.aggregate import Key
from victor.observability.store.link import in_list
from victor.observability.store.rows import clean

if TYPE_CHECKING:
    from victor.observability.store.link import Link

__all__ = ["Names"]

_KNOWN_AT_MOST: Final = 100_000
_ASKED_AT_ONCE: Final = 500
_FIND_KEY: Final = (
    "SELECT id FROM keys WHERE kind = ? AND name = ? AND agent = ? AND model = ? AND provider = ? AND root = ?"
)
_ADD_KEY: Final = (
    "INSERT INTO keys (kind, name, agent, model, provider, root) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


class Names(dict[str, int]):
    """Number of each text that was written through this store; asking for another one adds it to the tables.

    What a transaction has added is forgotten when it is rolled back.
    """

    def __init__(self) -> None:
        super().__init__({"": 0})
        self._link: Link | None = None
        self._new: list[str] = []
        self._new_keys: list[Key] = []
        self._key_numbers: dict[Key, int] = {}
        self.texts: dict[int, str] = {0: ""}
        self.keys_by_number: dict[int, Key] = {}

    def begin(self, link: Link) -> None:
        """A transaction that writes has begun."""
        self._link = link
        self._new, self._new_keys = [], []
        if len(self) + len(self._key_numbers) > _KNOWN_AT_MOST:
            self.clear()
            self[""] = 0
            self._key_numbers.clear()

    def end(self, *, committed: bool) -> None:
        """It has ended."""
        self._link = None
        if committed:
            return
        for text in self._new:
            self.pop(text, None)
        for key in self._new_keys:
            self._key_numbers.pop(key, None)

    def __missing__(self, text: str) -> int:
        link = self._link
        assert link is not None
        wanted = clean(text)
        found = link.rows("SELECT id FROM names WHERE text = ?", (wanted,))
        if not found:
            link.run("INSERT INTO names (text) VALUES (?)", (wanted,))
            found = link.rows("SELECT id FROM names WHERE text = ?", (wanted,))
        self[text] = number = int(found[0][0])
        self._new.append(text)
        return number

    def key_number(self, key: Key) -> int:
        """The number of a key, which is added when it is not there."""
        number = self._key_numbers.get(key)
        if number is None:
            link = self._link
            assert link is not None
            texts = [self[text] for text in key]
            found = link.rows(_FIND_KEY, texts)
            if not found:
                link.run(_ADD_KEY, texts)
                found = link.rows(_FIND_KEY, texts)
            self._key_numbers[key] = number = int(found[0][0])
            self._new_keys.append(key)
        return number

    def learn(self, link: Link, numbers: Iterable[int]) -> dict[int, str]:
        """The texts of these numbers, among others."""
        for some in _pieces({*numbers} - self.texts.keys()):
            self.texts.update(link.rows(f"SELECT id, text FROM names WHERE id IN {in_list(some)}", some))
        return self.texts

    def learn_keys(self, link: Link, numbers: Iterable[int]) -> dict[int, Key]:
        """The keys of these numbers, among others."""
        unknown = {*numbers} - self.keys_by_number.keys()
        rows: list[tuple[Any, ...]] = []
        for some in _pieces(unknown):
            columns = "id, kind, name, agent, model, provider, root"
            rows += link.rows(f"SELECT {columns} FROM keys WHERE id IN {in_list(some)}", some)
        texts = self.learn(link, {number for row in rows for number in row[1:]})
        for number, *parts in rows:
            self.keys_by_number[number] = Key(*(texts[part] for part in parts))
        return self.keys_by_number


def _pieces(numbers: Collection[int]) -> Iterable[list[int]]:
    ordered = sorted(numbers)
    return (ordered[at : at + _ASKED_AT_ONCE] for at in range(0, len(ordered), _ASKED_AT_ONCE))
