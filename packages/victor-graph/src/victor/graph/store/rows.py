"""What a store's backend keeps, and the changes it is asked to make."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Change", "Drop", "Row", "Touch", "alive", "names_of", "place_of"]


@frozen
class Row:
    """What a backend keeps of an item.

    Args:
        namespace: Where it lies.
        key: Its key there.
        data: The value, encoded.
        vectors: Its vectors, packed; None when it is not indexed.
        fields: The fields to search by words; None for those of the store; empty when it is not indexed.
        created_ns: `time.time_ns` of the first value.
        updated_ns: `time.time_ns` of this value.
        ttl_s: Seconds it lives after it was written or read; None is for ever.
        expires_ns: When it ends, or None.
    """

    namespace: tuple[str, ...]
    key: str
    data: bytes
    vectors: bytes | None
    fields: tuple[str, ...] | None
    created_ns: int
    updated_ns: int
    ttl_s: float | None
    expires_ns: int | None


@frozen
class Touch:
    """Starts the time of an item anew, if it is still the one that was read.

    Args:
        namespace: Where it lies.
        key: Its key there.
        updated_ns: As it was read.
        expires_ns: Its new end.
    """

    namespace: tuple[str, ...]
    key: str
    updated_ns: int
    expires_ns: int


@frozen
class Drop:
    """Deletes an item, if it is there.

    Args:
        namespace: Where it lies.
        key: Its key there.
    """

    namespace: tuple[str, ...]
    key: str


Change = Row | Touch | Drop
"""What is written to the table."""


def alive(row: Row, now_ns: int) -> bool:
    """Whether an item has not expired."""
    return row.expires_ns is None or row.expires_ns > now_ns


def place_of(namespace: tuple[str, ...]) -> bytes:
    """A namespace as bytes: its names, each ended by a zero byte, so that those below a prefix are one range."""
    return b"".join(name.encode() + b"\x00" for name in namespace)


def names_of(place: bytes) -> tuple[str, ...]:
    """The opposite of `place_of`."""
    return tuple(name.decode() for name in place[:-1].split(b"\x00"))
