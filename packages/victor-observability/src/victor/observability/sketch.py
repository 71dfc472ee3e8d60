"""Percentiles in little memory: a histogram of logarithmic buckets, each 2 % wide.

Any percentile is within 1 % of the exact one, and stays so however many sketches are merged: a merge adds counts and
loses nothing, so an hour's percentiles are as good as a minute's. Count, sum, smallest and largest are exact.

Values are whole numbers from 0 to 2**63 - 1, such as nanoseconds or tokens; that keeps sums exact and merges
associative. All of that range has 2,184 buckets, and a sketch keeps only those that hold something.

Source: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
Guarantees", PVLDB 12(12), 2019.

Example:
    >>> sketch = Sketch()
    >>> for value in range(1, 1001):
    ...     sketch.add(value)
    >>> sketch.count, sketch.low, sketch.high, sketch.sum
    (1000, 1, 1000, 500500)
    >>> abs(sketch.quantile(0.99) - 990) <= 0.01 * 990
    True
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, log
from typing import ClassVar, Final

import msgspec

__all__ = ["RELATIVE_ERROR", "Sketch"]

RELATIVE_ERROR: Final = 0.01
"""How far a percentile may be from the exact one, as a part of it."""

_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_SCALE: Final = 1 / log(_GAMMA)
_MIDDLE: Final = 2 / (1 + _GAMMA)
_VERSION: Final = 1
_HALF: Final = 32
_LOW_HALF: Final = (1 << _HALF) - 1

_Form = tuple[int, int, int, int, int, int, list[int], list[int]]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Form).decode


class Sketch:
    """How values are distributed.

    Attributes:
        count: How many values were added.
        sum: Of all of them.
        low: The smallest, 0 when there is none.
        high: The largest, 0 when there is none.
        zeros: How many of them are 0.
        buckets: How many of them are in each bucket: bucket ``i`` holds those above ``g**(i-1)`` and up to ``g**i``,
            with ``g = 1.01 / 0.99``.
    """

    __slots__ = ("buckets", "count", "high", "low", "sum", "zeros")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self.count: int = 0
        self.sum: int = 0
        self.low: int = 0
        self.high: int = 0
        self.zeros: int = 0
        self.buckets: dict[int, int] = {}
        for value in values:
            self.add(value)

    def add(self, value: int) -> None:
        """Count one value; below 0 it counts as 0.

        Args:
            value: A whole number up to 2**63 - 1.
        """
        if value > 0:
            buckets = self.buckets
            index = ceil(log(value) * _SCALE)
            try:
                buckets[index] += 1
            except KeyError:
                buckets[index] = 1
            self.sum += value
            if value > self.high:
                self.high = value
            if value < self.low or not self.count:
                self.low = value
        else:
            self.zeros += 1
            self.low = 0
        self.count += 1

    def merge(self, other: Sketch) -> None:
        """Add all that another sketch has counted; the other is not changed."""
        if not other.count:
            return
        self._low_high(other.low, other.high)
        self.count += other.count
        self.sum += other.sum
        self.zeros += other.zeros
        mine = self.buckets
        if not mine:
            mine.update(other.buckets)
            return
        for index, count in other.buckets.items():
            mine[index] = mine.get(index, 0) + count

    def quantile(self, q: float) -> float | None:
        """The value below which a part of the values lies, within 1 % of the exact one; None when there is none.

        Args:
            q: From 0 (the smallest, exactly) to 1 (the largest, exactly). It is a value that was counted: the
                least that at least this part of them does not exceed, so that the 0.95 of few values is the largest.

        Raises:
            ValueError: ``q`` is outside of that.
        """
        return self.quantiles((q,))[0]

    def quantiles(self, qs: Sequence[float]) -> list[float | None]:
        """Several quantiles in one pass, in the order asked for.

        Raises:
            ValueError: One of them is not from 0 to 1.
        """
        for q in qs:
            if not 0 <= q <= 1:
                raise ValueError(f"a quantile is from 0 to 1, such as 0.95, and not {q!r}")
        if not self.count:
            return [None] * len(qs)
        found: list[float | None] = [None] * len(qs)
        # Less a little, for 0.1 * 30 is more than 3.
        wanted = sorted((max(ceil(q * self.count - 1e-9) - 1, 0), at) for at, q in enumerate(qs))
        indices = sorted(self.buckets)
        seen, next_bucket, value = self.zeros, 0, 0.0
        for rank, at in wanted:
            while seen <= rank and next_bucket < len(indices):
                index = indices[next_bucket]
                seen += self.buckets[index]
                value = _MIDDLE * _GAMMA**index
                next_bucket += 1
            if rank == self.count - 1:
                found[at] = float(self.high)
            else:
                found[at] = float(min(max(value, self.low), self.high))
        return found

    def counts_up_to(self, bounds: Sequence[int]) -> list[int]:
        """How many values are at most each bound, as a cumulative histogram has it.

        A value within 1 % of a bound may be counted on the wrong side of it. The counts never decrease: not from bound
        to bound, and not when more is added.

        Args:
            bounds: Whole numbers in ascending order.

        Example:
            >>> Sketch([0, 5, 50, 500]).counts_up_to([10, 100, 1000])
            [2, 3, 4]
        """
        indices = sorted(self.buckets)
        counts: list[int] = []
        seen, next_bucket = self.zeros, 0
        for bound in bounds:
            while next_bucket < len(indices) and _MIDDLE * _GAMMA ** indices[next_bucket] <= bound:
                seen += self.buckets[indices[next_bucket]]
                next_bucket += 1
            counts.append(seen)
        return counts

    def to_bytes(self) -> bytes:
        """The sketch in a form to store, some 20 to 200 bytes.

        It is a MessagePack array: the version (1), the number of zeros, the sum in two halves (above and below 2**32),
        the smallest, the largest, the bucket numbers in ascending order, each but the first as the difference to the
        one before, and their counts. Versions that come later will be read as well.
        """
        indices = sorted(self.buckets)
        steps = [index - before for before, index in zip([0, *indices], indices, strict=False)]
        counts = [self.buckets[index] for index in indices]
        form = (
            _VERSION, self.zeros, self.sum >> _HALF, self.sum & _LOW_HALF, self.low, self.high, steps, counts,
        )  # fmt: skip
        return _encode(form)

    @classmethod
    def from_bytes(cls, data: bytes) -> Sketch:
        """What `to_bytes` wrote.

        Raises:
            ValueError: It is no sketch, or one of a version that this one cannot read.
        """
        sketch = cls()
        sketch.merge_bytes(data)
        return sketch

    def merge_bytes(self, data: bytes) -> None:
        """Merge a sketch that is stored, in half the time of `from_bytes` and `merge`.

        Raises:
            ValueError: It is no sketch, or one of a version that this one cannot read; nothing was merged.
        """
        try:
            version, zeros, above, below, low, high, steps, counts = _decode(data)
        except msgspec.DecodeError as error:
            raise ValueError(f"these {len(data)} bytes are no sketch: {error}") from None
        if version != _VERSION:
            raise ValueError(f"a sketch of version {version}, and only {_VERSION} can be read; use a newer Victor")
        if len(steps) != len(counts):
            raise ValueError(f"a broken sketch: {len(steps)} buckets and {len(counts)} counts")
        count = zeros + sum(counts)
        if not count:
            return
        self._low_high(low, high)
        self.count += count
        self.sum += (above << _HALF) | below
        self.zeros += zeros
        mine, index = self.buckets, 0
        for step, counted in zip(steps, counts, strict=True):
            index += step
            mine[index] = mine.get(index, 0) + counted

    def copy(self) -> Sketch:
        """One that can be changed by itself."""
        made = Sketch()
        made.merge(self)
        return made

    def _low_high(self, low: int, high: int) -> None:
        self.low = min(self.low, low) if self.count else low
        self.high = max(self.high, high)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sketch):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Sketch.__slots__)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Sketch(count={self.count}, sum={self.sum}, low={self.low}, high={self.high})"
