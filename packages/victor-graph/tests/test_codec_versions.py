"""Values written at an older version of the schema are migrated; newer ones are refused with a reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, NamedTuple

import attrs
import msgspec
import pytest

from victor.graph.checkpoint.codec import Codec, CodecError, Unmatched, encode


def make(name: str, **fields: Any) -> type:
    kind = attrs.make_class(name, fields or {"x": attrs.field()})
    kind.__module__ = "shop"
    return kind


def test_version_one_has_no_header_and_later_ones_six_bytes() -> None:
    assert Codec().encode(5) == b"\x05"
    assert Codec(version=7).encode(5) == b"\xc1\x01\x00\x00\x00\x07\x05"
    assert Codec(version=7).version_of(Codec(version=3).encode(5)) == 3
    assert Codec(version=7).decode(memoryview(Codec(version=7).encode((5,)))) == (5,)


def test_migrations_chain() -> None:
    codec = Codec(version=3, migrate={1: lambda v: [*v, "one"], 2: lambda v: [*v, "two"]})
    assert codec.decode(encode([])) == ["one", "two"]
    assert codec.decode(Codec(version=2).encode([])) == ["two"]
    assert codec.decode(codec.encode([])) == []


def test_a_newer_version_is_refused() -> None:
    with pytest.raises(CodecError, match="written at version 3 of the state's schema; this program knows up to 2"):
        Codec(version=2).decode(Codec(version=3).encode(1))
    with pytest.raises(CodecError, match="written at version 2"):
        Codec().decode(Codec(version=2).encode(1))


def test_a_missing_step_is_named() -> None:
    codec = Codec(version=4, migrate={1: lambda v: v, 3: lambda v: v})
    with pytest.raises(
        CodecError, match=r"no migration from 2 to 3: add one, Codec\(version=4, migrate=\{2: function\}\)"
    ):
        codec.decode(encode(1))


def test_a_failing_migration_is_reported() -> None:
    codec = Codec(version=2, migrate={1: lambda v: v["gone"]})
    with pytest.raises(CodecError, match="migration of a value from version 1 to 2 failed: KeyError: 'gone'") as caught:
        codec.decode(encode({}))
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("version", [0, -1, True, 1.0, "2", 2**32])
def test_versions_are_whole_numbers_from_one(version: Any) -> None:
    with pytest.raises(CodecError, match="a whole number from 1"):
        Codec(version=version)


def test_new_fields_get_their_defaults_without_a_migration() -> None:
    first = make("Order")
    old = Codec(allow=[first]).encode(first(1))
    new = make(
        "Order", x=attrs.field(), n=attrs.field(default=3), tags=attrs.field(factory=list),
        double=attrs.field(default=attrs.Factory(lambda self: self.x * 2, takes_self=True)),
    )  # fmt: skip
    value = Codec(allow=[new]).decode(old)
    assert (value.x, value.n, value.tags, value.double) == (1, 3, [], 2)


def stored(kind: type, *args: Any) -> bytes:
    return Codec(allow=[kind]).encode({"order": kind(*args)})


def test_changed_classes_are_an_error_that_says_how_and_a_migration_repairs_them() -> None:
    data = stored(make("Order"), 1)
    gained = make("Order", x=attrs.field(), total=attrs.field())
    with pytest.raises(CodecError, match=r"shop:Order has got a field 'total' without a default since.*migrate="):
        Codec(allow=[gained]).decode(data)
    lost = make("Order", y=attrs.field(default=0))
    with pytest.raises(CodecError, match=r"shop:Order has no field 'x' now.*migrate="):
        Codec(allow=[lost]).decode(data)

    def up(state: dict[str, Any]) -> dict[str, Any]:
        order = state["order"]
        assert isinstance(order, Unmatched)
        assert order.type_name == "shop:Order"
        return {"order": gained(total=9, **order.fields)}

    assert Codec(allow=[gained], version=2, migrate={1: up}).decode(data)["order"] == gained(1, 9)


def test_a_removed_class_can_be_migrated_away() -> None:
    data = stored(make("Gone"), 1)
    with pytest.raises(CodecError, match=r"a shop:Gone is stored, which is not allowed here"):
        Codec().decode(data)
    codec = Codec(version=2, migrate={1: lambda state: {"order": state["order"].fields["x"]}})
    assert codec.decode(data) == {"order": 1}


@attrs.define
class Holder:
    item: Any


@attrs.define(slots=False)
class OpenHolder:
    item: Any


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": (v,)}, Holder, OpenHolder, lambda v: [Holder([v])]])
def test_an_object_the_migrations_left_unmatched_is_an_error(wrap: Any) -> None:
    gone = make("Gone")
    data = Codec(allow=[gone, Holder, OpenHolder]).encode(wrap(gone(1)))
    codec = Codec(allow=[Holder, OpenHolder], version=2, migrate={1: lambda v: v})
    with pytest.raises(
        CodecError, match=r"^state\S* is a shop:Gone, which is not allowed here: the migrations from version 1 to 2"
    ):
        codec.decode(data)


def test_a_shared_or_circular_result_of_a_migration_is_searched_once() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    assert Codec(version=2, migrate={1: lambda v: loop}).decode(encode(0)) is loop


def test_enum_members_and_named_tuples_that_changed() -> None:
    class Old(enum.Enum):
        A = 1
        B = 2

    class New(enum.Enum):
        A = 1

    New.__qualname__ = Old.__qualname__
    data = Codec(allow=[Old]).encode([Old.A, Old.B])
    with pytest.raises(CodecError, match="has no member 'B' now"):
        Codec(allow=[New]).decode(data)
    codec = Codec(allow=[New], version=2, migrate={1: lambda v: [x if isinstance(x, New) else x.fields for x in v]})
    assert codec.decode(data) == [New.A, {}]

    class P(NamedTuple):
        a: int

    class Q(NamedTuple):
        a: int
        b: int = 5

    class R(NamedTuple):
        a: int
        c: int

    Q.__qualname__ = R.__qualname__ = P.__qualname__
    data = Codec(allow=[P]).encode(P(1))
    assert Codec(allow=[Q]).decode(data) == Q(1, 5)
    with pytest.raises(CodecError, match="field 'c' without a default"):
        Codec(allow=[R]).decode(data)


def test_structs_that_changed() -> None:
    one = msgspec.defstruct("S", [("x", int)], module="shop")
    two = msgspec.defstruct("S", [("x", int), ("y", int, 2)], module="shop")
    three = msgspec.defstruct("S", [("x", int), ("z", int)], module="shop")
    data = Codec(allow=[one]).encode(one(1))
    assert Codec(allow=[two]).decode(data) == two(1, 2)
    with pytest.raises(CodecError, match="field 'z' without a default"):
        Codec(allow=[three]).decode(data)
    with pytest.raises(CodecError, match="has no field 'y' now"):
        Codec(allow=[one]).decode(Codec(allow=[two]).encode(two(1)))


def test_dataclass_and_pydantic_defaults_of_new_fields() -> None:
    pydantic = pytest.importorskip("pydantic", reason="pip install pydantic")

    @dataclass
    class D1:
        x: int

    @dataclass
    class D2:
        x: int
        y: int = 2

    D2.__qualname__ = D1.__qualname__
    assert Codec(allow=[D2]).decode(Codec(allow=[D1]).encode(D1(1))) == D2(1, 2)

    class M1(pydantic.BaseModel):
        x: int

    class M2(pydantic.BaseModel):
        x: int
        y: list[int] = pydantic.Field(default_factory=list)

    class M3(pydantic.BaseModel):
        z: int

    class M4(pydantic.BaseModel):
        x: int
        z: int

    M2.__qualname__ = M3.__qualname__ = M4.__qualname__ = M1.__qualname__
    data = Codec(allow=[M1]).encode(M1(x=1))
    assert Codec(allow=[M2]).decode(data) == M2(x=1)
    with pytest.raises(CodecError, match="has no field 'x' now"):
        Codec(allow=[M3]).decode(data)
    with pytest.raises(CodecError, match="field 'z' without a default"):
        Codec(allow=[M4]).decode(data)


def test_parts_of_a_state_are_migrated_once_they_are_together() -> None:
    gone = make("Gone")
    part = Codec(allow=[gone]).encode([gone(1)])
    codec = Codec(version=3, migrate={1: lambda v: [x.fields["x"] for x in v], 2: lambda v: {"items": v}})
    value, version = codec.decode_unmigrated(part)
    assert version == 1
    assert isinstance(value[0], Unmatched)
    assert codec.migrated(value, 1) == {"items": [1]}
    assert codec.migrated(value, 1, to=2) == [1]
    assert codec.migrated({"items": []}, 3) == {"items": []}
    assert codec.decode_unmigrated(codec.encode((1,))) == ((1,), 3)
    with pytest.raises(CodecError, match="no migration from 1 to 2"):
        Codec(version=2).migrated(value, 1)
