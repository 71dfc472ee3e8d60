"""Whatever bytes are in a store, decoding gives allowed values or a CodecError; it runs nothing and imports nothing."""

from __future__ import annotations

import enum
import os
import pickle
import random
import sys
import tracemalloc
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.msgpack import Ext
from msgspec.msgpack import encode as pack

from victor.core.message import Message, ToolCall, Usage
from victor.graph.checkpoint.codec import Codec, CodecError, decode

ran: list[str] = []


@attrs.define
class Guarded:
    x: Any = attrs.field(default=0)

    def __attrs_post_init__(self) -> None:
        ran.append("post_init")

    @x.validator
    def _check(self, attribute: Any, value: Any) -> None:
        ran.append("validator")


class Kind(enum.Enum):
    A = 1


class Bits(enum.Flag):
    A = 1


codec = Codec(allow=[Guarded, Kind, Bits])

ALLOWED = (
    bool, int, float, str, bytes, bytearray, list, tuple, set, frozenset, dict, deque, range, datetime, date, time, timedelta,
    Fraction, Decimal, UUID, complex, PurePath, OrderedDict, Counter, defaultdict, Guarded, Kind, Bits, Message, ToolCall, Usage,
)  # fmt: skip


def attempt(data: bytes) -> bool:
    """Decodes; True when it gave a value of allowed types only, False on CodecError. Anything else fails the test."""
    try:
        value = codec.decode(data)
    except CodecError:
        return False
    stack, seen = [value], 0
    while stack and seen < 10_000:
        item = stack.pop()
        seen += 1
        assert item is None or isinstance(item, ALLOWED) or type(item).__module__ == "numpy", type(item)
        if isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset | deque):
            stack += item
        elif isinstance(item, Guarded):
            stack.append(item.x)
    return True


def object_(name: str, *parts: Any) -> bytes:
    return pack(Ext(96, pack([name, *parts])))


HERE = Guarded.__module__


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\xc1\x01", b"\xc1\x01\x00\x00\x00\x00\x01", b"\xc1\x02\x00\x00\x00\x01\x01", b"\x91", b"\x01\x01",
        pickle.dumps(print), b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x21", b"\xc6\x7f\xff\xff\xff",
        b"\xa1\xff", pack(Ext(31, b"")), pack(Ext(99, pack([]))), pack(Ext(127, b"\x90")), pack(Ext(-1, b"abc")),
        object_("os:system", "true"), object_("builtins:eval", "1"), object_("subprocess:Popen", {"args": "true"}),
        object_("victor.core.message:msgspec"), object_("victor.core.message:_plus"), object_("victor.core.message:Role", {}),
        object_("victor.core.message:load_messages", {}), object_("victor.core.message:", {}), object_("victor.core.message:Message"),
        object_("victor.core.message:Message.user", {}), object_("victor.core.errors:ToolError", {}), object_(":", {}),
        object_("victor.core.message:Message", {"role": "user", "__class__": 1}), pack(Ext(96, b"")), pack(Ext(96, pack([1]))),
        object_(f"{HERE}:Guarded"), object_(f"{HERE}:Guarded", 5), object_(f"{HERE}:Guarded", {"y": 1}),
        object_(f"{HERE}:Guarded", {"x": 1}, {"beside": 1}), object_(f"{HERE}:Guarded", {1: 1}),
        object_(f"{HERE}:Kind"), object_(f"{HERE}:Kind", "Z"), object_(f"{HERE}:Kind", "__class__"), object_(f"{HERE}:Kind", [1]),
        object_(f"{HERE}:Kind", "A", "A"), object_(f"{HERE}:Bits", "A"), object_(f"{HERE}:Bits", 1 << 40), object_(f"{HERE}:Bits", True),
        pack(Ext(4, b"1")), pack(Ext(5, b"x")), pack(Ext(6, b"123")), pack(Ext(7, b"2030-13-01")), pack(Ext(8, b"")), pack(Ext(8, b"Zx")),
        pack(Ext(2, b"\xff")), pack(Ext(32, b"\x01")), pack(Ext(33, pack([[1]]))), pack(Ext(35, pack([1]))), pack(Ext(35, pack([[], 1]))),
        pack(Ext(36, pack([]))), pack(Ext(36, pack(["x"]))), pack(Ext(36, pack([-1]))), pack(Ext(37, pack([0, 1, 0]))),
        pack(Ext(37, pack([1]))), pack(Ext(38, pack(["now"]))), pack(Ext(38, pack([1]))), pack(Ext(38, pack(["2030-01-01", 2]))),
        pack(Ext(38, pack(["2030-01-01", 0, "../../../etc/passwd"]))), pack(Ext(38, pack(["2030-01-01", 0, "os"]))),
        pack(Ext(38, pack(["2030-01-01", 0, "/etc/passwd"]))), pack(Ext(38, pack(["2030-01-01", 0, 1, 2, 3]))),
        pack(Ext(39, pack(["25:00"]))), pack(Ext(40, pack([10**10, 0, 0]))), pack(Ext(41, pack([1, 0]))), pack(Ext(41, pack(["1e9", 1]))),
        pack(Ext(44, pack(["print"]))), pack(Ext(44, pack([]))), pack(Ext(43, pack([1]))),
    ],
)  # fmt: skip
def test_crafted_bytes_are_refused(data: bytes) -> None:
    assert attempt(data) is False


def test_crafted_numpy_is_refused() -> None:
    pytest.importorskip("numpy", reason="pip install numpy")
    for parts in (
        [], ["O", [1], b"12345678"], ["|O8", [1], b"12345678"], ["<i4", [2], b"1234"], ["<i4", [-1], b"1234"], ["<i4", 1, b"1234"],
        ["<i4", [1], "1234"], ["<i4", ["1"], b"1234"], ["i4,O", [1], b"1" * 12], [5, [1], b"1"], ["<i4", [1] * 65, b"1234"],
        ["<i4", [2**63], b""], ["<i4", [2**62, 2**62, 0], b""], ["<i4", [Ext(1, b"\x7f" * 5000)], b"1234"], ["U1073741824", [1], b""],
        ["M8[xyz]", [1], b"12345678"], ["f3", [1], b"123"], ["<f8\n", [1], b"12345678"], ["S0", [2**40] * 3, b""],
    ):  # fmt: skip
        assert attempt(pack(Ext(64, pack(parts)))) is False, parts
    for parts in (
        [],
        ["O", b"12345678"],
        ["<i4", b"123"],
        ["<i4", "1234"],
        ["U", b"x"],
        ["S", "x"],
        ["V4", [1]],
        [1, b""],
    ):
        assert attempt(pack(Ext(65, pack(parts)))) is False, parts


def test_no_code_of_an_allowed_class_runs() -> None:
    data = codec.encode(Guarded(5))
    ran.clear()
    assert codec.decode(data).x == 5
    assert ran == []


def test_nothing_is_imported_by_name_from_data() -> None:
    before = set(sys.modules)
    for name in ("this:s", "antigravity:x", "victor.core.agent:Agent", "xml.sax.expatreader:x"):
        assert attempt(object_(name, {})) is False
    for zone in ("antigravity", "this", "xml/sax", "a.b/c", "America/../Berlin"):
        assert attempt(pack(Ext(38, pack(["2030-01-01", 0, zone])))) is False
    assert {
        name for name in set(sys.modules) - before if not name.startswith(("tzdata", "zoneinfo", "importlib"))
    } == set()


@pytest.mark.parametrize(
    ("nest", "refused"),
    [
        (lambda data: b"\x91" + data, False),  # how deep plain arrays may go is up to Python's recursion limit
        (lambda data: b"\x81\xa1a" + data, False),
        (lambda data: b"\x81" + data + b"\x01", True),
        (lambda data: pack(Ext(32, b"\x91" + data)), True),
        (lambda data: pack(Ext(96, b"\x92" + pack(f"{HERE}:Guarded") + data)), True),
    ],
)
def test_deep_nesting_does_not_crash(nest: Any, refused: bool) -> None:
    data = b"\x01"
    for _ in range(3000):
        data = nest(data)
    assert not (attempt(data) and refused)


def test_flat_array_nesting_of_a_megabyte() -> None:
    for opener in (b"\x91", b"\x81\x01", b"\xdd\x00\x00\x00\x01"):
        assert attempt(opener * 1_000_000 + b"\x01") is False


def test_small_bytes_do_not_take_much_memory() -> None:
    bombs = [
        b"\xdd\x7f\xff\xff\xff" * 50, pack(Ext(37, pack([0, 10**18, 1]))), pack(Ext(5, b"1E+999999")), pack(Ext(36, pack([2**40]))),
        pack(Ext(41, pack([1, 3]))), pack(Ext(64, pack(["<i4", [2**40, 0], b""]))), pack(Ext(40, pack([1, 1, 1]))),
    ]  # fmt: skip
    tracemalloc.start()
    try:
        for bomb in bombs:
            attempt(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000 + 8_000_000  # numpy's import is in it
    finally:
        tracemalloc.stop()


SEEDS = [
    codec.encode(value)
    for value in (
        {"a": [1, 2.5, None, "x", b"y"], "b": {"c": (1, {2, "z"}, frozenset({3}))}, "n": 2**70, "s": "\udc80"},
        [Guarded((1, Guarded())), Kind.A, Bits.A, Message.assistant("x", [ToolCall("i", "n")]), Usage(1, 2)],
        (
            datetime(2030, 1, 1),
            datetime(2030, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
            time(1),
            timedelta(1),
            date(2030, 1, 1),
        ),
        {1.5: Decimal("1.5"), (1,): UUID(int=1), None: 1j, Fraction(1, 3): range(5), Path("x"): deque([1], 3)},
        [OrderedDict(a=1), Counter("ab"), defaultdict(list, a=[1]), bytearray(b"x")],
    )
] + [Codec(version=3).encode([1])]


@settings(max_examples=int(os.environ.get("VICTOR_FUZZ", "400")), deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    attempt(data)


@settings(max_examples=int(os.environ.get("VICTOR_FUZZ", "400")), deadline=None)
@given(
    st.sampled_from([*range(1, 9), *range(30, 46), 64, 65, 96, -1]),
    st.recursive(
        st.one_of(
            st.none(), st.integers(-(2**63), 2**64 - 1), st.text(max_size=5), st.binary(max_size=9), st.floats(), st.booleans(),
            st.sampled_from(["<i4", "M8[s]", "U3", f"{HERE}:Guarded", f"{HERE}:Kind", "victor.core.message:Message", "list"]),
            st.builds(Ext, st.integers(-128, 127), st.binary(max_size=9)),
        ),
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=2), inner, max_size=2)),
        max_leaves=6,
    ),
)  # fmt: skip
def test_random_extensions(code: int, payload: Any) -> None:
    attempt(pack(Ext(code, pack(payload))))


def test_mutated_encodings() -> None:
    rng = random.Random(20_301_122)
    survived = 0
    for _ in range(int(os.environ.get("VICTOR_FUZZ", "400")) * 10):
        data = bytearray(rng.choice(SEEDS))
        for _ in range(rng.randint(1, 4)):
            where = rng.randrange(len(data) + 1)
            match rng.randrange(4):
                case 0:
                    data[where : where + 1] = bytes([rng.randrange(256)])
                case 1:
                    del data[where : where + rng.randint(1, 5)]
                case 2:
                    data[where:where] = rng.randbytes(rng.randint(1, 5))
                case _:
                    other = rng.choice(SEEDS)
                    start = rng.randrange(len(other))
                    data[where : where + 8] = other[start : start + 8]
        survived += attempt(bytes(data))
    assert survived  # some mutations only change a letter; that they decode shows the test reaches the values


def test_every_prefix_of_an_encoding_is_refused() -> None:
    for seed in SEEDS[:-1]:
        for end in range(len(seed)):
            assert attempt(seed[:end]) is False


def test_the_default_codec_knows_no_user_class() -> None:
    with pytest.raises(CodecError, match=r"Guarded is stored, which is not allowed here"):
        decode(codec.encode(Guarded()))
