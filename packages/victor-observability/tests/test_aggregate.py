"""Aggregates: what is counted, that merging is adding, and what totals say of what is not known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status

tokens = st.one_of(st.none(), st.integers(0, 10**6))
records = st.lists(
    st.builds(
        Record, kind=st.sampled_from(["tool.call", "model.request", "log"]), name=st.just("n"), run_id=st.just("r"),
        span_id=st.just("s"), parent_id=st.none(), start_ns=st.just(0),
        duration_ns=st.one_of(st.none(), st.integers(0, 10**12)), status=st.sampled_from(Status), input_tokens=tokens,
        output_tokens=tokens, cache_read_tokens=tokens, cache_write_tokens=tokens,
        cost_usd=st.one_of(st.none(), st.integers(0, 100).map(float)),
    ),
    max_size=8,
)  # fmt: skip


def counted(given: list[Record]) -> Aggregate:
    aggregate = Aggregate()
    for record in given:
        aggregate.add(record)
    return aggregate


@settings(max_examples=50)
@given(records, records)
def test_merging_is_adding(a: list[Record], b: list[Record]) -> None:
    merged = counted(a)
    merged.merge(counted(b))
    assert merged == counted(a + b)


@settings(max_examples=50)
@given(records)
def test_figures_are_those_of_a_count_by_hand(given: list[Record]) -> None:
    ended = [record for record in given if record.status is not Status.OPEN]
    requests = [record for record in ended if record.kind == "model.request"]
    totals = counted(given).totals()
    assert totals.count == len(ended)
    assert totals.errors == sum(record.status is Status.ERROR for record in ended)
    assert totals.cancelled == sum(record.status is Status.CANCELLED for record in ended)
    assert totals.input_tokens == sum(record.input_tokens or 0 for record in requests)
    assert totals.output_tokens == sum(record.output_tokens or 0 for record in requests)
    priced = [record.cost_usd for record in requests if record.cost_usd is not None]
    assert totals.cost_usd == (sum(priced) if priced else None)
    assert totals.unpriced == len(requests) - len(priced)
    durations = [record.duration_ns for record in ended if record.duration_ns is not None]
    assert totals.min_s == (min(durations) / 1e9 if durations else None)
    assert totals.max_s == (max(durations) / 1e9 if durations else None)


def test_a_free_request_costs_nothing_and_an_unpriced_one_is_unknown() -> None:
    def request(cost: float | None) -> Record:
        return Record("model.request", "m", "r", "s", None, 0, 5, cost_usd=cost)

    assert counted([request(0.0)]).cost_usd == 0.0
    assert counted([request(None)]).cost_usd is None
    both = counted([request(None), request(0.5)])
    assert (both.cost_usd, both.unpriced) == (0.5, 1)


def test_requests_that_read_from_the_cache_are_hits_and_those_that_do_not_tell_are_neither() -> None:
    def request(read: int | None) -> Record:
        return Record("model.request", "m", "r", "s", None, 0, 5, cache_read_tokens=read)

    figures = counted([request(10), request(0), request(None)])
    assert (figures.cache_hits, figures.cache_misses, figures.cache_read_tokens) == (1, 1, 10)


def test_the_slowest_run_is_known() -> None:
    made = counted([Record("tool.call", "t", run, "s", None, 0, took) for run, took in (("a", 5), ("b", 9), ("c", 7))])
    assert made.slowest_run == "b"
    assert made.copy().slowest_run == "b"


def test_a_key_is_the_labels_of_a_record() -> None:
    record = Record("model.request", "m", "r", "s", None, 0, agent="a", root="w", provider="p", model="m")
    assert Key.of(record) == ("model.request", "m", "a", "m", "p", "w")
