"""The codec gives back what it was given, type and value, and says where it cannot."""

from __future__ import annotations

import enum
import math
import subprocess
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.message import Message, ToolCall, Usage
from victor.graph.checkpoint.codec import Codec, CodecError, decode, encode

T = TypeVar("T")


class Color(enum.Enum):
    RED = "r"
    BLUE = object()  # a value that could not be stored itself


class Level(enum.IntEnum):
    LOW = 1


class Perm(enum.Flag):
    R = 1
    W = 2


@attrs.frozen
class Point:
    x: int
    y: Any = 0


@attrs.define
class Account:
    name: str = attrs.field(converter=str.upper, on_setattr=attrs.setters.NO_OP)
    _secret: str = "s"
    seen: int = attrs.field(init=False)
    tags: list[str] = attrs.field(factory=list)


@attrs.frozen(cache_hash=True)
class Hashed:
    x: int


@attrs.define(slots=False)
class Box(Generic[T]):
    item: T


@dataclass
class Job:
    title: str
    ready: bool = False
    runs: list[int] = field(default_factory=list)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = len(self.runs) + 1
        self.note = "beside the fields"


@dataclass(frozen=True, slots=True)
class Cell:
    a: int


class Pair(NamedTuple):
    left: int
    right: Any = None


class Span(msgspec.Struct, frozen=True):
    start: int
    end: Any = None


class OpenSpan(msgspec.Struct, dict=True, kw_only=True, tag="open"):
    start: int
    marks: list[int] = []


class Eager(msgspec.Struct):
    x: int

    def __post_init__(self) -> None:
        self.x += 1


class LoosePair(namedtuple("LoosePair", "a b")):
    pass


class Model_(enum.Enum):
    A = 1


CLASSES = [Color, Level, Perm, Point, Account, Hashed, Box, Job, Cell, Pair, LoosePair, Span, OpenSpan]
codec = Codec(allow=CLASSES)


def same(a: Any, b: Any) -> bool:
    """Equal with equal types, all the way down; nan equals nan and 0.0 is not -0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, Decimal):
        return str(a) == str(b)
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            same(k, j) and same(v, w) for (k, v), (j, w) in zip(a.items(), b.items(), strict=True)
        )
    if isinstance(a, list | tuple | deque):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, datetime | time):
        return (a.replace(tzinfo=None), a.fold, repr(a.tzinfo)) == (b.replace(tzinfo=None), b.fold, repr(b.tzinfo))
    return bool(a == b)


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**100, -(10**100),
    0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, "", "äß🙂", "lone \udc80", "\x00", b"", b"\x00\xff", bytearray(b"ab"),
    [], [1, [2, [3]]], (), (1, (2, [3])), set(), {1, "a", (1, 2)}, frozenset({frozenset({1})}),
    {}, {"a": {"b": 1}}, {1: "x", "1": "y"}, {(1, 2): 3, None: 4, 2.5: 5, b"k": 6, frozenset(): 7}, {2**70: 1, "\udc80": 2},
    {True: 1}, {False: 1, 1: 2}, [2**70, "a"], ["\udfff", 3, {"a": 2**65}],
    datetime(2030, 1, 2, 3, 4, 5, 6), datetime(2030, 1, 2, tzinfo=UTC), datetime.min, datetime.max,
    datetime(2030, 1, 2, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    datetime(2030, 1, 2, tzinfo=timezone(timedelta(hours=1), "CET")),
    datetime(2030, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")), datetime(2030, 10, 27, 2, 30, fold=1),
    date(1, 1, 1), date.max, time(1, 2, 3, 4), time(1, 2, tzinfo=UTC), time(2, 30, fold=1, tzinfo=ZoneInfo("UTC")),
    timedelta(), timedelta.min, timedelta.max, timedelta(days=-1, microseconds=7),
    Decimal("1.10"), Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+100"), Decimal("sNaN"), UUID(int=5),
    1 + 2j, complex(math.nan, -0.0), Fraction(1, 3), Fraction(10**40, 7), range(0), range(1, 10, 3), range(5, -5, -1),
    Path("/a/b"), Path("a/\udcff"), PurePosixPath("x"), PureWindowsPath("c:\\x"),
    deque([1, (2,)]), deque([1, 2], maxlen=2), OrderedDict(b=1, a=(2,)), Counter("aab"), Counter(a=-1),
    defaultdict(list, {"a": [1]}), defaultdict(None, {1: 2}), defaultdict(int),
    Color.RED, Color.BLUE, Level.LOW, Perm.R | Perm.W, Perm(0), {Color.RED: 1},
    Point(1, (2, {3})), [Point(1), Point(2, Point(3))], {Point(1, (2,))}, Cell(3), Pair(1), Pair(1, Pair(2)), LoosePair(1, 2),
    Span(1, (2, Span(3))), {Span(1): 2}, OpenSpan(start=1, marks=[2]), Box([1]), Hashed(4), {Hashed(4): 1},
    Message.assistant("hi", [ToolCall("1", "t", "{}")]), Usage(1, 2), [Message.user("a")] * 3,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_what_comes_back_is_what_went_in(value: Any) -> None:
    for wrapped in (value, [value], {"k": value}, (value, value), {"deep": [{"er": (value,)}]}):
        assert same(wrapped, codec.decode(codec.encode(wrapped)))


def test_plain_values_are_plain_msgpack() -> None:
    value = {"a": [1, 2.5, None, True, "x", b"y"], "b": {"c": []}}
    assert codec.encode(value) == msgspec.msgpack.encode(value)


def test_encoding_leaves_the_value_alone() -> None:
    value = {"a": [(1,), {2}], "b": {"c": [Point(1)]}}
    codec.encode(value)
    assert value == {"a": [(1,), {2}], "b": {"c": [Point(1)]}}
    assert type(value["a"][0]) is tuple


def test_decodes_any_buffer() -> None:
    data = encode((1, "x"))
    assert decode(bytearray(data)) == decode(memoryview(data)) == (1, "x")


def test_objects_come_back_field_by_field_without_running_their_code() -> None:
    account = Account("ann", "t")
    account.name = "not upper"
    back = codec.decode(codec.encode(account))
    assert back.name == "not upper"
    assert back._secret == "t"
    assert not hasattr(back, "seen")
    account.seen = 3
    assert codec.decode(codec.encode(account)) == account

    job = Job("j", runs=[1])
    job.total = 99
    back = codec.decode(codec.encode(job))
    assert (back.total, back.note) == (99, "beside the fields")
    assert back == job


def test_structs() -> None:
    span = OpenSpan(start=1)
    span.extra = (1, 2)
    back = codec.decode(codec.encode(span))
    assert (back, back.extra) == (span, (1, 2))
    with pytest.raises(CodecError, match=r"Eager cannot be allowed as it is.*convert="):
        Codec(allow=[Eager])


def test_a_cached_hash_is_computed_anew() -> None:
    value = Hashed(4)
    hash(value)
    assert hash(codec.decode(codec.encode(value))) == hash(value)


def test_generic_alias_does_not_get_in_the_way() -> None:
    box = Box[int](5)
    assert codec.decode(codec.encode(box)).item == 5


def test_pydantic_models() -> None:
    pydantic = pytest.importorskip("pydantic", reason="pip install pydantic")

    class Inner(pydantic.BaseModel):
        n: int = 1

    class Outer(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        inner: Inner
        when: datetime | None = None
        tags: tuple[str, ...] = ()
        _private: int = pydantic.PrivateAttr(default=7)
        _unset: int = pydantic.PrivateAttr()

    class Shout(pydantic.BaseModel):
        text: str

        @pydantic.field_validator("text")
        @classmethod
        def louder(cls, value: str) -> str:
            return value + "!"

    class Wrap(pydantic.RootModel[list[int]]):
        pass

    class Gen(pydantic.BaseModel, Generic[T]):
        item: T

    own = Codec(allow=[Inner, Outer, Shout, Wrap, Gen[int]])
    outer = Outer(inner=Inner(), tags=("a",), other=(1, 2))
    outer._private = 8
    for value in (outer, Shout(text="a"), Wrap([1, 2]), Gen[int](item=3)):
        back = own.decode(own.encode(value))
        assert back == value
        assert type(back) is type(value)
        assert back.model_fields_set == value.model_fields_set
    assert own.decode(own.encode(outer))._private == 8
    assert own.decode(own.encode(outer)).other == (1, 2)
    with pytest.raises(CodecError, match=r"state\.inner is a .*Inner, which is not allowed"):
        Codec(allow=[Outer]).encode(outer)


def test_numpy() -> None:
    np = pytest.importorskip("numpy", reason="pip install numpy")
    arrays = [
        np.arange(6, dtype="<i4").reshape(2, 3), np.array(5.0), np.zeros((0, 3)), np.array(["ab", "c"]), np.array([b"x"]),
        np.array([True, False]), np.array([1 + 2j]), np.array(["2030-01-01"], "M8[D]"), np.array([3], "m8[25s]"),
        np.arange(4, dtype=">f8"), np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(10)[::2], np.float16([1]),
    ]  # fmt: skip
    for array in arrays:
        back = decode(encode({"a": array}))["a"]
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert np.array_equal(back, array)
        assert back.flags.writeable
        assert back.flags.owndata
    for scalar in (
        np.float64(1.5),
        np.int8(-3),
        np.bool_(True),
        np.str_("a\x00"),
        np.bytes_(b"a\0"),
        np.datetime64(5, "s"),
    ):
        back = decode(encode([scalar]))[0]
        assert type(back) is type(scalar)
        assert back == scalar
    assert np.isnat(decode(encode(np.datetime64("NaT"))))
    for bad in (np.array([object()]), np.zeros(2, "i4,f8"), np.zeros(1, "i4,f8")[0]):
        with pytest.raises(CodecError, match=r"^state\['x'\] is a numpy:.* only plain numbers, text, bytes and times"):
            encode({"x": bad})
    with pytest.raises(CodecError, match=r"numpy.*MaskedArray, which is not allowed .*convert="):
        encode(np.ma.masked_array([1]))


def test_numpy_and_pydantic_are_not_imported() -> None:
    code = (
        "import sys; before = set(sys.modules); from victor.graph.checkpoint.codec import encode, decode; decode(encode({'a': (1, {2})}));"
        "print(sorted({'numpy', 'pydantic', 'pickle', 'yaml', 'networkx'} & set(sys.modules) - before))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_reading_numpy_without_numpy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    np = pytest.importorskip("numpy", reason="pip install numpy")
    data = encode(np.float64(1))
    monkeypatch.delitem(sys.modules, "victor.graph.checkpoint.codec_numpy")
    monkeypatch.setattr(sys.modules["victor.graph.checkpoint"], "codec_numpy", None, raising=False)
    monkeypatch.delattr(sys.modules["victor.graph.checkpoint"], "codec_numpy")
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(CodecError, match="pip install numpy"):
        decode(data)


class Odd:
    def __repr__(self) -> str:
        return "Odd()"


class OddZone(tzinfo):
    pass


class Listed(list[int]):
    pass


@attrs.frozen
class Stranger:
    x: int


class Moody(enum.Enum):
    A = 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Odd(), r"^state is a .*:Odd, which is not allowed in checkpoints: give two functions for it: Codec\(convert="),
        ({"x": [0, 1, 2, Point(1, Odd())]}, r"^state\['x'\]\[3\]\.y is a .*:Odd"),
        ({"x": Stranger(1)}, r"^state\['x'\] is a .*:Stranger, .* annotations of the state schema.*Codec\(allow=\[Stranger\]\)"),
        ([Moody.A], r"^state\[0\] is a .*:Moody, .*allow="),
        ((1, {2: Odd()}), r"^state\[1\]\[2\] is a .*:Odd"),
        ({(1, Stranger(1)): 2}, r"^state \(key \(1, Stranger\(x=1\)\)\)\[1\] is a .*:Stranger"),
        ({Stranger(1)}, r"^state \(item Stranger\(x=1\)\) is a .*:Stranger"),
        (deque([Odd()]), r"^state\[0\] is a .*:Odd"),
        (Job("t", runs=[Odd()]), r"^state\.runs\[0\] is a .*:Odd"),  # type: ignore[list-item]
        (Pair(1, Odd()), r"^state\.right is a .*:Odd"),
        (Message.user("a").__class__("user", "a", data={"x": Odd()}), r"^state\.data\['x'\] is a .*:Odd"),
        (Listed([1]), r"^state is a .*:Listed, which is not allowed"),
        (lambda: 1, r"^state is a builtins:function, which is not allowed"),
        (int, r"^state is a builtins:type, which is not allowed"),
        (ValueError("x"), r"^state is a builtins:ValueError, which is not allowed"),
        ([datetime(2030, 1, 1, tzinfo=OddZone())], r"^state\[0\] is a datetime:datetime that cannot be stored: its time zone"),
        (defaultdict(lambda: 1), r"^state is a collections:defaultdict that cannot be stored: .*factory"),
    ],
)  # fmt: skip
def test_an_unknown_type_is_named_with_its_path_and_the_way_out(value: Any, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        codec.encode(value)


def test_the_root_of_the_path_can_be_named() -> None:
    with pytest.raises(CodecError, match=r"^answer\[0\] is"):
        codec.encode([Odd()], root="answer")


def test_a_named_tuple_with_attributes_beside_its_items_is_refused() -> None:
    pair = LoosePair(1, 2)
    pair.extra = 3
    with pytest.raises(CodecError, match="attributes beside its items"):
        codec.encode([pair])


def test_a_property_that_fails_is_reported_with_the_path() -> None:
    @dataclass
    class Broken:
        x: int

        def __getattribute__(self, name: str) -> Any:
            if name == "x":
                raise ZeroDivisionError("no x today")
            return super().__getattribute__(name)

    own = Codec(allow=[Broken])
    with pytest.raises(
        CodecError, match=r"^state\['b'\] is a .*Broken that cannot be stored: ZeroDivisionError: no x today"
    ) as caught:
        own.encode({"b": Broken(1)})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_values_that_contain_themselves_or_nest_too_deep_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    ring: dict[str, Any] = {}
    ring["a"] = (ring,)
    for value in (loop, ring):
        with pytest.raises(CodecError, match=r"nested deeper than 200 levels, or contains itself"):
            codec.encode(value)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(CodecError, match="nested deeper"):
        codec.encode(deep)
    while deep != 1:  # taken apart gently: freeing it at once would recurse
        deep = deep[0]


@pytest.mark.parametrize(
    "wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}, lambda v: Point(1, v), lambda v: {1.5: v}]
)
def test_what_can_be_encoded_can_be_decoded_up_to_the_limit(wrap: Any) -> None:
    value: Any = 1
    levels = 0
    while levels < 300:
        try:
            data = codec.encode(value)
        except CodecError:
            break
        codec.decode(data)
        value = wrap(value)
        levels += 1
    assert 100 <= levels <= 202
    with pytest.raises(CodecError, match="nested deeper"):
        codec.encode(value)


def test_convert_stores_any_class() -> None:
    own = Codec(allow=[Point], convert={Odd: (lambda odd: ("odd", Point(1)), lambda parts: Odd())})
    back = own.decode(own.encode({"x": Odd()}))
    assert type(back["x"]) is Odd
    wrong = Codec(convert={Odd: (lambda odd: 1, lambda parts: 5)})
    with pytest.raises(CodecError, match=r"convert= made a builtins:int where .*:Odd was stored"):
        wrong.decode(wrong.encode(Odd()))
    failing = Codec(convert={Odd: (lambda odd: 1 / 0, lambda parts: 5)})
    with pytest.raises(CodecError, match=r"state\[0\] is a .*:Odd that cannot be stored: ZeroDivisionError"):
        failing.encode([Odd()])
    unstorable = Codec(convert={Odd: (lambda odd: [Stranger(1)], lambda parts: 5)})
    with pytest.raises(CodecError, match=r"^state\['a'\]\[0\] is a .*:Stranger"):
        unstorable.encode({"a": Odd()})


def test_allow_refuses_what_cannot_be_stored_and_names_used_twice() -> None:
    with pytest.raises(CodecError, match=r"Odd cannot be allowed as it is.*convert="):
        Codec(allow=[Odd])
    with pytest.raises(CodecError, match="Listed cannot be allowed"):
        Codec(allow=[Listed])

    def make() -> type:
        @attrs.frozen
        class Twin:
            x: int

        return Twin

    with pytest.raises(CodecError, match="two different classes are called"):
        Codec(allow=[make(), make()])
    assert Codec(allow=[Point, Point, int, dict, tuple]).allowed == {Point}


def test_allowing_extends_a_codec() -> None:
    base = Codec(version=2, migrate={1: lambda v: v}, convert={Odd: (lambda o: 0, lambda p: Odd())})
    more = base.allowing([Point])
    assert more.decode(more.encode(Point(1))) == Point(1)
    assert type(more.decode(more.encode(Odd()))) is Odd
    assert more.version == 2
    assert more.decode(encode(5)) == 5
    assert base.allowed == {Odd}
    with pytest.raises(CodecError):
        base.encode(Point(1))


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=())), st.binary(),
    st.binary().map(bytearray), st.complex_numbers(), st.decimals(), st.uuids(), st.fractions(), st.dates(), st.times(),
    st.datetimes(), st.datetimes(timezones=st.timezones()), st.timedeltas(), st.builds(range, st.integers(), st.integers()),
    st.sampled_from([Color.RED, Color.BLUE, Level.LOW, Perm.R, Perm.R | Perm.W]),
)  # fmt: skip
keys = st.one_of(
    st.text(st.characters(exclude_categories=())), st.integers(), st.none(), st.binary(), st.dates(), st.uuids(),
    st.tuples(st.integers(), st.text(max_size=2)), st.sampled_from(list(Color)), st.builds(Point, st.integers(), st.text()),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(inner, max_size=4).map(tuple), st.dictionaries(keys, inner, max_size=4),
        st.lists(inner, max_size=3).map(deque), st.builds(Point, st.integers(), inner), st.builds(Pair, st.integers(), inner),
        st.builds(Box, inner), st.dictionaries(st.text(), inner, max_size=3),
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(values)
def test_random_values_round_trip(value: Any) -> None:
    data = codec.encode(value)
    back = codec.decode(data)
    assert repr(back) == repr(value)  # repr shows types, nan and signs, and is the same for equal trees
    assert codec.encode(back) == data


@given(st.sets(keys, max_size=6), st.frozensets(keys, max_size=6))
def test_random_sets_round_trip(a: set[Any], b: frozenset[Any]) -> None:
    back = codec.decode(codec.encode([a, b]))
    assert back == [a, b]
    assert [type(x) for x in back] == [set, frozenset]


def test_many_threads_share_a_codec() -> None:
    from concurrent.futures import ThreadPoolExecutor

    value = {"a": [Point(i, (i, {i})) for i in range(50)], "id": uuid4()}

    def work(_: int) -> bool:
        return all(codec.decode(codec.encode(value)) == value for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))
