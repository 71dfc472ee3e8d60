"""What every store promises, on each of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.graph.checkpoint.codec import Codec, CodecError
from victor.graph.store import (
    BaseStore,
    GetOp,
    InMemoryStore,
    ListNamespacesOp,
    MatchCondition,
    PostgresStore,
    PutOp,
    SearchOp,
    SqliteStore,
    Store,
    StoreError,
)

Make = Callable[..., Store]
MINUTE = 60 * 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 1_900_000_000 * 10**9

    def __call__(self) -> int:
        self.now += 1000
        return self.now


_schemas = count()


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """The URL of a database, made when it is first asked for."""
    urls: list[str] = []

    def url() -> str:
        if not urls:
            server = request.getfixturevalue("postgres")
            urls.append(server.url(server.create_database()))
        return urls[0]

    return url


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path, database: Callable[[], str]) -> Iterator[Make]:
    made: list[Store] = []

    def build(**options: Any) -> Store:
        options = {"clock": Clock(), **options}
        if request.param == "memory":
            made.append(InMemoryStore(**options))
        elif request.param == "sqlite":
            made.append(SqliteStore(tmp_path / f"store{len(made)}.db", **options))
        else:
            made.append(PostgresStore(database(), schema=f"store_{next(_schemas)}", **options))
        return made[-1]

    yield build
    for store in made:
        store.close()


@pytest.fixture
def store(make: Make) -> Store:
    return make()


def found(items: list[Any]) -> list[str]:
    return [item.key for item in items]


def test_put_get_delete(store: Store) -> None:
    assert store.get(("a",), "k") is None
    store.put(("a", "b"), "k", {"n": 1, "t": (1, 2)})
    item = store.get(("a", "b"), "k")
    assert item is not None
    assert (item.key, item.namespace, item.value) == ("k", ("a", "b"), {"n": 1, "t": (1, 2)})
    assert item.created_at == item.updated_at
    assert item.created_at.tzinfo is UTC
    assert store.get(("a",), "k") is None
    store.put(("a", "b"), "k", {"n": 2})
    later = store.get(("a", "b"), "k")
    assert later is not None
    assert later.value == {"n": 2}
    assert later.created_at == item.created_at
    assert later.updated_at > item.updated_at
    store.delete(("a", "b"), "k")
    store.delete(("a", "b"), "k")
    assert store.get(("a", "b"), "k") is None


def test_namespaces_may_come_as_lists(store: Store) -> None:
    store.put(["a", "b"], "k", {})  # type: ignore[arg-type]
    assert store.get(["a", "b"], "k").namespace == ("a", "b")  # type: ignore[arg-type, union-attr]
    assert found(store.search(["a"])) == ["k"]  # type: ignore[arg-type]


def test_nobody_shares_a_value(store: Store) -> None:
    value = {"tags": ["a"]}
    store.put(("n",), "k", value)
    value["tags"].append("b")
    first = store.get(("n",), "k")
    assert first is not None
    first.value["tags"].append("c")
    assert store.get(("n",), "k").value == {"tags": ["a"]}  # type: ignore[union-attr]


def test_items_as_plain_values(store: Store) -> None:
    store.put(("n",), "k", {"a": 1})
    item = store.search(("n",), query="1")[0]
    plain = json.loads(json.dumps(item.dict()))
    assert plain["namespace"] == ["n"]
    assert plain["score"] > 0
    assert datetime.fromisoformat(plain["created_at"]) == item.created_at
    assert "score" not in store.get(("n",), "k").dict()  # type: ignore[union-attr]


def test_prefixes_end_at_names(store: Store) -> None:
    for namespace in (("ab",), ("a",), ("a", "b"), ("a", "b", "c"), ("a", "bc"), ("a", "\x01"), ("b", "a"), ("ä",)):
        store.put(namespace, "-".join(namespace), {})
    assert sorted(found(store.search(("a",), limit=99))) == sorted(["a", "a-b", "a-b-c", "a-bc", "a-\x01"])
    assert sorted(found(store.search(("a", "b")))) == ["a-b", "a-b-c"]
    assert len(store.search((), limit=99)) == 8
    assert store.search(("nope",)) == []


def test_without_a_query_the_latest_come_first(store: Store) -> None:
    for key in "abcde":
        store.put(("n",), key, {"k": key})
    store.put(("n",), "b", {"k": "new"})
    assert found(store.search(("n",))) == ["b", "e", "d", "c", "a"]
    assert found(store.search(("n",), limit=2, offset=1)) == ["e", "d"]
    assert found(store.search(("n",), limit=0)) == []
    assert [item.score for item in store.search(("n",), limit=1)] == [None]


def test_filters(store: Store) -> None:
    people: dict[str, dict[str, Any]] = {
        "ann": {"age": 30, "home": {"city": "Oslo"}, "tag": "x", "a.b": 1}, "bob": {"age": 40, "home": {"city": "Rome"}},
        "cid": {"age": "old", "tag": None}, "dee": {},
    }  # fmt: skip
    for key, value in people.items():
        store.put(("p",), key, value)

    def names(**filter: Any) -> list[str]:
        return sorted(found(store.search(("p",), filter=filter)))

    assert names(age=30) == ["ann"]
    assert names(age={"$gte": 30}) == ["ann", "bob"]
    assert names(age={"$gt": 30, "$lt": 50}) == ["bob"]
    assert names(age={"$lte": 30}) == ["ann"]
    assert names(age={"$ne": 30}) == ["bob", "cid", "dee"]
    assert names(age={"$eq": "old"}) == ["cid"]
    assert names(age={"$in": [30, "old"]}) == ["ann", "cid"]
    assert names(age={"$nin": [30, "old"]}) == ["bob", "dee"]
    assert names(home={"city": "Rome"}) == ["bob"]
    assert names(home={"city": {"$gt": "P"}}) == ["bob"]
    assert names(**{"home.city": "Oslo", "tag": "x"}) == ["ann"]
    assert names(**{"a.b": 1}) == ["ann"]
    assert names(tag=None) == ["bob", "cid", "dee"]
    assert names(home={}) == []
    assert found(store.search(("p",), filter={"age": {"$gt": 0}}, limit=1, offset=1)) == ["ann"]
    with pytest.raises(StoreError, match=r"no operator '\$gte2'; did you mean \$gte\?"):
        names(age={"$gte2": 1})
    with pytest.raises(StoreError, match=r"no operator '\$regex'\. There are: \$eq"):
        names(age={"$regex": 1})


def test_words_are_ranked(store: Store) -> None:
    texts = {
        "best": "green curry, the green one", "long": "curry " + "and many other words that have nothing to do with it " * 5,
        "short": "Curry!", "none": "soup", "two": "green tea",
    }  # fmt: skip
    for key, text in texts.items():
        store.put(("food", key), key, {"text": text, "n": 5})
    assert found(store.search(("food",), query="GREEN curry")) == ["best", "two", "short", "long"]
    scores = [item.score for item in store.search(("food",), query="green curry")]
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    assert store.search(("food",), query="pizza") == []
    assert store.search(("food",), query="?!") == []
    assert found(store.search(("food",), query="green", filter={"text": "green tea"})) == ["two"]
    assert found(store.search(("food",), query="curry", limit=1, offset=2)) == ["long"]
    assert len(store.search(("food",), query="5")) == 5
    assert len(store.search(("food",), query="")) == 5


def test_which_fields_are_searched(make: Make) -> None:
    store = make(index=None)
    value = {
        "title": "tea",
        "body": {"parts": [{"text": "hot"}, {"text": "wet"}, "odd"]},
        "flag": True,
        "left": {"a": ["x"]},
    }
    store.put(("n",), "all", value)
    store.put(("n",), "part", value, ["title", "body.parts[1].text", "body.parts[9].text", "nope[0]", "title.deep"])
    store.put(("n",), "each", value, ["body.parts[*].text", "body.parts[-1]"])
    store.put(("n",), "never", value, False)
    assert sorted(found(store.search(("n",), query="tea"))) == ["all", "part"]
    assert sorted(found(store.search(("n",), query="wet"))) == ["all", "each", "part"]
    assert sorted(found(store.search(("n",), query="hot"))) == ["all", "each"]
    assert sorted(found(store.search(("n",), query="odd"))) == ["all", "each"]
    assert found(store.search(("n",), query="x")) == ["all"]
    assert len(store.search(("n",))) == 4


def embed(texts: list[str]) -> list[list[float]]:
    words = ["sea", "ocean", "hill", "mountain"]
    meanings = [0, 0, 1, 1]
    vectors = []
    for text in texts:
        vector = [0.0, 0.0, 0.01]
        for word, meaning in zip(words, meanings, strict=True):
            vector[meaning] += word in text
        vectors.append(vector)
    return vectors


def test_meanings_are_ranked(make: Make) -> None:
    calls: list[list[str]] = []

    def counted(texts: list[str]) -> list[list[float]]:
        calls.append(texts)
        return embed(texts)

    store = make(index={"embed": counted, "dims": 3, "fields": ["text"]})
    store.batch(
        [
            PutOp(("n",), "sea", {"text": "the sea"}),
            PutOp(("n",), "hill", {"text": "a hill", "other": "sea"}),
            PutOp(("n",), "both", {"text": "sea and mountain"}),
            PutOp(("n",), "out", {"text": "sea"}, False),
            PutOp(("n",), "empty", {"other": 1}),
            PutOp(("n",), "own", {"text": "x", "other": "mountain"}, ["other"]),
        ]
    )
    assert len(calls) == 1
    result = store.search(("n",), query="ocean")
    assert found(result) == ["sea", "both", "hill", "own"]
    assert result[0].score == pytest.approx(1, abs=0.01)
    assert found(store.search(("n",), query="hill", limit=2)) == ["hill", "own"]
    store.put(("n",), "sea", {"text": "mountain"})
    assert found(store.search(("n",), query="ocean"))[0] == "both"
    store.get(("n",), "sea")
    store.search(("n",))
    assert len(calls) == 5


def test_index_as_a_function_and_its_mistakes(make: Make) -> None:
    store = make(index=embed)
    store.put(("n",), "k", {"deep": [{"x": "sea"}]})
    assert found(store.search(("n",), query="ocean")) == ["k"]
    with pytest.raises(StoreError, match="needs 'embed'"):
        make(index={"dims": 3})
    with pytest.raises(StoreError, match="made 0 vectors of 1 texts"):
        make(index=lambda texts: []).put(("n",), "k", {"a": "b"})
    with pytest.raises(StoreError, match=r"length \[3\]; dims is 5"):
        make(index={"embed": embed, "dims": 5}).put(("n",), "k", {"a": "b"})
    with pytest.raises(StoreError, match=r"vectors of length \[1, 2\]"):
        make(index=lambda texts: [[1.0], [1.0, 2.0]]).put(("n",), "k", {"a": "b", "c": "d"})


async def test_an_async_index(make: Make) -> None:
    async def later(texts: list[str]) -> list[list[float]]:
        await asyncio.sleep(0)
        return embed(texts)

    store = make(index=later)
    await store.aput(("n",), "k", {"a": "sea"})
    assert found(await store.asearch(("n",), query="ocean")) == ["k"]
    with pytest.raises(StoreError, match="use the store's async methods"):
        store.put(("n",), "k", {"a": "sea"})
    plain = make(index=embed)
    await plain.aput(("n",), "k", {"a": "sea"})
    assert found(await plain.asearch(("n",), query="ocean")) == ["k"]


async def test_the_async_face(make: Make) -> None:
    async with make() as store:
        await asyncio.gather(*(store.aput(("n", str(i)), "k", {"i": i}) for i in range(20)))
        assert (await store.aget(("n", "7"), "k")).value == {"i": 7}  # type: ignore[union-attr]
        assert len(await store.asearch(("n",), filter={"i": {"$lt": 5}})) == 5
        assert len(await store.alist_namespaces(prefix=("n",))) == 20
        await store.adelete(("n", "7"), "k")
        assert await store.aget(("n", "7"), "k") is None


def test_listing_namespaces(store: Store) -> None:
    names = [("a",), ("a", "b"), ("a", "b", "c"), ("a", "x", "c"), ("b", "c"), ("b",)]
    for name in names:
        store.put(name, "k", {})
    assert store.list_namespaces() == sorted(names)
    assert store.list_namespaces(prefix=("a",)) == sorted(names)[:4]
    assert store.list_namespaces(prefix=("a", "*", "c")) == [("a", "b", "c"), ("a", "x", "c")]
    assert store.list_namespaces(suffix=("c",)) == [("a", "b", "c"), ("a", "x", "c"), ("b", "c")]
    assert store.list_namespaces(suffix=("*", "c"), prefix=("a",)) == [("a", "b", "c"), ("a", "x", "c")]
    assert store.list_namespaces(max_depth=1) == [("a",), ("b",)]
    assert store.list_namespaces(max_depth=2, limit=2, offset=1) == [("a", "b"), ("a", "x")]
    store.delete(("b",), "k")
    assert ("b",) not in store.list_namespaces()


def test_batches(store: Store) -> None:
    store.put(("n",), "old", {"v": 1})
    results = store.batch(
        [
            PutOp(("n",), "a", {"v": 1}), PutOp(("n",), "a", {"v": 2}), PutOp(("n",), "b", {"v": 1}), PutOp(("n",), "b", None),
            GetOp(("n",), "old"), GetOp(("n",), "a"), SearchOp(("n",)), PutOp(("n",), "old", None),
            ListNamespacesOp((MatchCondition("prefix", ("n",)),)),
        ]
    )  # fmt: skip
    assert results[:4] == [None] * 4
    assert results[4].value == {"v": 1}
    assert results[5] is None  # reads see what was there before the batch
    assert found(results[6]) == ["old"]
    assert results[8] == [("n",)]
    assert [(item.key, item.value) for item in store.search(("n",))] == [("a", {"v": 2})]


def test_a_batch_with_a_bad_operation_does_nothing(store: Store) -> None:
    with pytest.raises(StoreError):
        store.batch([PutOp(("n",), "a", {}), PutOp((), "b", {})])
    with pytest.raises(CodecError, match=r"value of 'b'\['x'\] is a builtins:object"):
        store.batch([PutOp(("n",), "a", {}), PutOp(("n",), "b", {"x": object()})])
    assert store.search(()) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.put((), "k", {}), "one or more names"),
        (lambda s: s.get((), "k"), "one or more names"),
        (lambda s: s.put(("a", ""), "k", {}), "'' is no name"),
        (lambda s: s.put(("a", 5), "k", {}), "5 is no name"),
        (lambda s: s.put(("a\x00",), "k", {}), "no name"),
        (lambda s: s.put(("\udc80",), "k", {}), "no name"),
        (lambda s: s.put(("a",), "", {}), "key.*no name"),
        (lambda s: s.search(("a", None)), "namespace_prefix.*no name"),
        (lambda s: s.put(("a",), "k", [1]), "dictionary with text keys, not list"),
        (lambda s: s.put(("a",), "k", {1: 2}), "dictionary with text keys"),
        (lambda s: s.put(("a",), "k", {}, ttl=0), "ttl is a number of minutes above 0"),
        (lambda s: s.put(("a",), "k", {}, ttl=-1), "ttl"),
        (lambda s: s.search(("a",), limit=-1), "limit and offset"),
        (lambda s: s.list_namespaces(offset=-1), "limit and offset"),
    ],
)
def test_mistakes_are_named(store: Store, call: Any, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        call(store)


def test_items_expire(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock, ttl={"default_ttl": 10, "refresh_on_read": False})
    store.put(("n",), "default", {"a": 1})
    store.put(("n",), "long", {"a": 1}, ttl=20)
    store.put(("m",), "ever", {"a": 1}, ttl=None)
    clock.now += 9 * MINUTE
    assert len(store.search(())) == 3
    clock.now += 2 * MINUTE
    assert store.get(("n",), "default") is None
    assert sorted(found(store.search((), query="1"))) == ["ever", "long"]
    clock.now += 10 * MINUTE
    assert found(store.search(())) == ["ever"]
    assert store.list_namespaces() == [("m",)]
    old = store.get(("m",), "ever")
    store.put(("n",), "long", {"a": 2})
    again = store.get(("n",), "long")
    assert again is not None
    assert old is not None
    assert again.created_at == again.updated_at  # the expired one is gone, so this is a new item
    assert store.sweep_ttl() == 1
    assert store.sweep_ttl() == 0


def test_reading_keeps_items_alive_where_wanted(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    for key in ("get", "search", "quiet", "unread"):
        store.put(("n", key), key, {"a": 1}, ttl=10)
    for _ in range(3):
        clock.now += 6 * MINUTE
        store.get(("n", "get"), "get")
        store.search(("n", "search"))
        store.get(("n", "quiet"), "quiet", refresh_ttl=False)
        store.search(("n", "unread"), refresh_ttl=False)
    assert sorted(found(store.search(()))) == ["get", "search"]
    fixed = make(clock=clock, ttl={"refresh_on_read": False})
    fixed.put(("n",), "a", {}, ttl=10)
    clock.now += 6 * MINUTE
    fixed.get(("n",), "a", refresh_ttl=True)
    clock.now += 6 * MINUTE
    assert fixed.get(("n",), "a") is not None


def test_reading_and_putting_in_one_batch_puts(make: Make) -> None:
    clock = Clock()
    store = make(clock=clock)
    store.put(("n",), "k", {"v": 1}, ttl=10)
    store.batch([GetOp(("n",), "k"), PutOp(("n",), "k", {"v": 2})])
    assert store.get(("n",), "k").value == {"v": 2}  # type: ignore[union-attr]
    store.batch([PutOp(("n",), "k", None), GetOp(("n",), "k")])
    assert store.get(("n",), "k") is None


@attrs.frozen
class Fact:
    text: str


def test_own_classes_with_a_codec(make: Make) -> None:
    store = make(codec=Codec(allow=[Fact]))
    store.put(("n",), "k", {"fact": Fact("x")})
    assert store.get(("n",), "k").value["fact"] == Fact("x")  # type: ignore[union-attr]
    with pytest.raises(CodecError, match="Fact, which is not allowed"):
        make().put(("n",), "k", {"fact": Fact("x")})


@pytest.mark.slow
def test_fifty_threads(make: Make) -> None:
    store = make()

    def work(number: int) -> None:
        for step in range(20):
            store.put(("t", str(number)), str(step), {"step": step})
            assert store.get(("t", str(number)), str(step)).value == {"step": step}  # type: ignore[union-attr]
        assert len(store.search(("t", str(number)), limit=99)) == 20

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(50)))
    assert len(store.search((), limit=10_000)) == 1000


names = st.sampled_from(["a", "b", "ab", "\x01", "ü"])
places = st.lists(names, min_size=1, max_size=3).map(tuple)
actions = st.lists(
    st.one_of(
        st.tuples(st.just("put"), places, names, st.integers(0, 3)), st.tuples(st.just("delete"), places, names),
        st.tuples(st.just("search"), st.lists(names, max_size=2).map(tuple), st.integers(0, 3)), st.tuples(st.just("list"), places),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(actions)
def test_both_stores_do_what_a_dictionary_does(acts: list[Any]) -> None:
    with InMemoryStore() as one, SqliteStore(":memory:", synchronous="normal") as two:
        model: dict[Any, Any] = {}
        for act, *rest in acts:
            if act == "put":
                place, key, value = rest
                for store in (one, two):
                    store.put(place, key, {"v": value})
                model[place, key] = value
            elif act == "delete":
                for store in (one, two):
                    store.delete(*rest)
                model.pop(tuple(rest), None)
            elif act == "search":
                prefix, value = rest
                expected = {p for p, v in model.items() if p[0][: len(prefix)] == prefix and v == value}
                for store in (one, two):
                    items = store.search(prefix, filter={"v": value}, limit=999)
                    assert {(item.namespace, item.key) for item in items} == expected
            else:
                expected_names = sorted({p for p, _ in model if p[: len(rest[0])] == rest[0]})
                for store in (one, two):
                    assert store.list_namespaces(prefix=rest[0]) == expected_names


def test_the_face_of_the_package() -> None:
    import victor.graph.store as face

    assert BaseStore is Store
    assert all(getattr(face, name) for name in face.__all__)
    assert set(face.__all__) <= set(dir(face))
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        face.nope
