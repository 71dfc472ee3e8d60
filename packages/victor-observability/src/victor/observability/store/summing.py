"""Adding up many rows of figures, fast: the buckets of two sketches are added as two whole numbers.

Where a sketch has many buckets close together, as those of hours and days do, it is stored as an array with a place for
each bucket from the first to the last, of 1, 2, 4 or 8 bytes each. Widened to 8 bytes and read as one long integer,
such arrays add up in a single addition; no place can overflow into the next before 2**64 values are counted.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from victor.observability.aggregate import Aggregate
from victor.observability.sketch import Sketch

__all__ = ["Summing", "check_sketch", "pack"]

_MARK: Final = 0xD1
"""The first byte; `Sketch.to_bytes` begins with another one."""

_HEADER: Final = Struct("<BBHQQQQQ")
_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
_LANE: Final = 8
_LANE_BITS: Final = 64
_FEW: Final = 16
_LOW_64: Final = (1 << 64) - 1
_SWAPPED: Final = sys.byteorder == "big"


def pack(sketch: Sketch) -> bytes:
    """A sketch in the form to store: as an array where that takes little more, else as `Sketch.to_bytes` has it.

    The array comes after a header of 44 bytes, all little-endian: 0xD1, how many bytes a place has (1), the number of
    the first bucket (2), the number of zeros, the smallest, the largest, and the sum, of 8 bytes each, the sum of 16.
    """
    if not sketch.count:
        return b""
    plain = sketch.to_bytes()
    buckets = sketch.buckets
    if len(buckets) < _FEW:
        return plain
    first, last, most = min(buckets), max(buckets), max(buckets.values())
    width = next((width for width in _CODES if most < 1 << (8 * width)), 0)
    if not width or first < 0 or last > 0xFFFF or _HEADER.size + (last - first + 1) * width > 2 * len(plain):
        return plain
    places = array(_CODES[width], bytes((last - first + 1) * width))
    for index, count in buckets.items():
        places[index - first] = count
    if _SWAPPED:
        places.byteswap()
    head = _HEADER.pack(
        _MARK, width, first, sketch.zeros, sketch.low, sketch.high, sketch.sum & _LOW_64, sketch.sum >> _LANE_BITS
    )
    return head + places.tobytes()


def check_sketch(data: bytes, count: int) -> None:
    """Whether a stored sketch can be read, and counts so many.

    Raises:
        ValueError: It is damaged.
    """
    one = Summing()
    one.add((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, None, 0, 0, 0, data))
    found = one.total().durations.count
    if found != count:
        raise ValueError(f"a sketch of {found} durations, where there are {count}")


class Summing:
    """Adds up rows in the order of `FIGURE_COLUMNS`."""

    __slots__ = ("_arrays", "_high", "_low", "_sum", "_total", "_zeros")

    def __init__(self) -> None:
        self._total = Aggregate()
        self._arrays = 0
        self._zeros = 0
        self._sum = 0
        self._low: int | None = None
        self._high = 0

    def add(self, row: Sequence[Any]) -> None:
        """Add a row.

        Raises:
            ValueError: Its sketch is damaged.
        """
        (count, errors, cancelled, _, _, _, _, input_tokens, output_tokens, cache_read, cache_write, cost, unpriced,
         hits, misses, sketch) = row  # fmt: skip
        total = self._total
        total.count += count
        total.errors += errors
        total.cancelled += cancelled
        if input_tokens or output_tokens or cache_read or cache_write or unpriced or hits or misses or cost is not None:
            total.input_tokens += input_tokens
            total.output_tokens += output_tokens
            total.cache_read_tokens += cache_read
            total.cache_write_tokens += cache_write
            total.unpriced += unpriced
            total.cache_hits += hits
            total.cache_misses += misses
            if cost is not None:
                total.cost_usd = (total.cost_usd or 0.0) + cost
        if sketch:
            if sketch[0] == _MARK:
                self._add_array(sketch)
            else:
                total.durations.merge_bytes(sketch)

    def _add_array(self, data: bytes) -> None:
        if len(data) < _HEADER.size:
            raise ValueError(f"these {len(data)} bytes are no sketch")
        _, width, first, zeros, low, high, below, above = _HEADER.unpack_from(data)
        places = data[_HEADER.size :]
        if width not in _CODES or not places or len(places) % width:
            raise ValueError(f"a broken sketch: {len(places)} bytes of places of {width} bytes each")
        if width != _LANE:
            narrow = array(_CODES[width], places)
            if _SWAPPED:
                narrow.byteswap()
            wide = array("Q", narrow)
            if _SWAPPED:
                wide.byteswap()
            places = wide.tobytes()
        self._arrays += int.from_bytes(places, "little") << (_LANE_BITS * first)
        self._zeros += zeros
        self._sum += (above << _LANE_BITS) | below
        self._low = low if self._low is None else min(self._low, low)
        self._high = max(self._high, high)

    def total(self) -> Aggregate:
        """All that was added. Nothing can be added afterwards."""
        if self._low is not None:
            sketch = Sketch()
            size = -(-self._arrays.bit_length() // _LANE_BITS)
            places = array("Q", self._arrays.to_bytes(size * _LANE, "little"))
            if _SWAPPED:
                places.byteswap()
            sketch.buckets = {index: count for index, count in enumerate(places) if count}
            sketch.zeros, sketch.sum, sketch.low, sketch.high = self._zeros, self._sum, self._low, self._high
            sketch.count = self._zeros + sum(sketch.buckets.values())
            self._total.durations.merge(sketch)
            self._low = None
        return self._total
