"""The BM25 index: the best first, exactly as a plain reading of the formula gives it."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.ranking import BM25, content_words, stem, terms, words

VOCABULARY = [f"{a}{b}o" for a in "bcdfgklmnprst" for b in "aei"]
DOCUMENTS = st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=12).map(" ".join), max_size=25)
QUERIES = st.lists(st.sampled_from(VOCABULARY), max_size=5).map(" ".join)


def by_the_formula(documents: list[str], query: str, k1: float = 1.2, b: float = 0.75) -> dict[int, float]:
    """BM25 as it is written in a textbook."""
    bags = [document.split() for document in documents]
    average = sum(map(len, bags)) / len(bags) if bags else 1.0
    scores: dict[int, float] = {}
    for term in set(query.split()):
        holders = [at for at, bag in enumerate(bags) if term in bag]
        idf = math.log(1 + (len(bags) - len(holders) + 0.5) / (len(holders) + 0.5))
        for at in holders:
            tf = bags[at].count(term) / (1 - b + b * len(bags[at]) / max(average, 1e-9))
            scores[at] = scores.get(at, 0.0) + idf * tf * (k1 + 1) / (k1 + tf)
    return scores


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, QUERIES, st.integers(1, 8))
def test_search_gives_the_best_documents_of_the_formula(documents: list[str], query: str, limit: int) -> None:
    index: BM25[int] = BM25(enumerate(documents), tokenizer=str.split)
    found = index.search(query, limit)
    expected = by_the_formula(documents, query)
    assert len(found) == min(limit, len(expected))
    best = sorted(expected.values(), reverse=True)[:limit]
    assert [score for _, score in found] == pytest.approx(best)
    assert all(score == pytest.approx(expected[key]) for key, score in found)
    assert all(index.score(query, key) == pytest.approx(score) for key, score in found)


FEW = [f"{letter}o" for letter in "bcdfgklmn"]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(FEW), max_size=9).map(" ".join), max_size=60),
    st.lists(st.sampled_from(FEW), max_size=9, unique=True).map(" ".join),
    st.integers(1, 12),
)
def test_what_is_passed_over_in_a_search_could_not_have_been_found(
    documents: list[str], query: str, limit: int
) -> None:
    index: BM25[int] = BM25(enumerate(documents), tokenizer=str.split)
    asked = set(query.split())
    scored = [(key, index.score(query, key)) for key, text in enumerate(documents) if asked & set(text.split())]
    assert index.search(query, limit) == sorted(scored, key=lambda pair: -pair[1])[:limit]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, DOCUMENTS, QUERIES, st.data())
def test_adding_and_removing_is_the_same_as_starting_afresh(
    first: list[str], second: list[str], query: str, data: st.DataObject
) -> None:
    index: BM25[int] = BM25(tokenizer=str.split)
    kept: dict[int, str] = {}
    for key, document in enumerate((*first, *second)):
        index.add(key, document)
        kept[key] = document
        if data.draw(st.integers(0, 3)) == 0:
            index.search(query)  # what a search has computed must not outlive a change
            gone = data.draw(st.sampled_from(sorted(kept)))
            index.remove(gone)
            del kept[gone]
    fresh = BM25(kept, tokenizer=str.split)
    assert len(index) == len(kept)
    assert [key for key, _ in index.search(query)] == [key for key, _ in fresh.search(query)]
    assert [score for _, score in index.search(query)] == pytest.approx([score for _, score in fresh.search(query)])


def test_equal_scores_stay_in_the_order_of_adding() -> None:
    index = BM25(dict.fromkeys("dbca", "same words here"))
    assert [key for key, _ in index.search("words")] == ["d", "b", "c", "a"]
    assert [key for key, _ in index.search("same words", 2)] == ["d", "b"]


def test_a_document_of_the_same_key_is_replaced() -> None:
    index = BM25({"a": "old text"})
    index.add("a", "new text")
    assert index.search("old") == []
    assert index.search("new")[0][0] == "a"
    assert len(index) == 1


def test_a_word_in_a_weighty_field_counts_more() -> None:
    documents = {"name": {"name": "parse", "help": "x y"}, "help": {"name": "x", "help": "parse y"}}
    assert [key for key, _ in BM25(documents, weights={"name": 3.0}).search("parse")] == ["name", "help"]
    assert [key for key, _ in BM25(documents, weights={"help": 3.0}).search("parse")] == ["help", "name"]


def test_rare_words_tell_more_than_frequent_ones() -> None:
    index = BM25({"a": "file pump", "b": "file disk", "c": "file disk"})
    assert index.search("file pump")[0][0] == "a"
    assert index.rarity("pump") > index.rarity("disk") > index.rarity("file") > 0
    assert index.rarity("nowhere") > index.rarity("pump")


def test_nothing_is_found_where_nothing_is() -> None:
    empty: BM25[str] = BM25()
    assert empty.search("anything") == []
    assert BM25({"a": ""}).search("anything") == []
    assert BM25({"a": "text"}).search("") == []
    assert BM25({"a": "text"}).search("text", 0) == []
    assert BM25({"a": "text"}).score("other", "a") == 0.0
    with pytest.raises(KeyError):
        empty.remove("a")
    with pytest.raises(KeyError):
        empty.score("x", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("snake_case_name", ["snake", "case", "name"]),
        ("camelCaseName", ["camel", "case", "name"]),
        ("HTTPServer", ["http", "server"]),
        ("getURL2", ["get", "url2"]),
        ("Café Zürich Ångström", ["cafe", "zurich", "angstrom"]),
        ("naïve façade", ["naive", "facade"]),
        ("don't it\u2019s", ["don't", "it's"]),
        ("Привет, мир", ["привет", "мир"]),
        ("東京 都", ["東京", "都"]),
        ("日本語のPython入門", ["日本", "本語", "語の", "python", "入門"]),
        ("हिन्दी", ["हिन्दी"]),
        ("3.5 kg", ["3", "5", "kg"]),
        ("", []),
        ("!?", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "family",
    [
        "summarise summarises summarised summarising summarize summarization",
        "file files",
        "query queries",
        "run running runs",
        "calculate calculates calculator calculation",
        "translate translation translating",
        "class classes",
        "box boxes",
        "stop stopped stopping",
        "create creates created creating creation",
        "analyse analysed",
        "search searches searching searched",
    ],
)
def test_forms_of_a_word_meet(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    "pair", ["universe university", "new news", "organ organization", "bus business", "sing single"]
)
def test_different_words_stay_apart(pair: str) -> None:
    first, second = pair.split()
    assert stem(first) != stem(second)


@given(st.text())
def test_any_text_has_words_and_stems(text: str) -> None:
    assert all(word for word in words(text))
    assert all(term for term in terms(text))
    assert len(content_words(text)) <= len(terms(text))


def test_the_order_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "from victor.core.ranking import BM25;"
        "i = BM25({k: 'alpha beta gamma delta '[: 6 + k % 17] for k in range(60)});"
        "print(i.search('gamma beta alpha delta', 30))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(outputs) == 1
