"""Ids of runs and spans."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from victor.core.ids import new_run_id, new_span_id


def test_ids_have_the_form_of_trace_context() -> None:
    assert len(new_span_id()) == 16
    assert len(new_run_id()) == 32
    int(new_span_id(), 16)
    int(new_run_id(), 16)


def test_no_two_are_equal_whoever_asks() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = [one for batch in pool.map(lambda _: [new_span_id() for _ in range(5000)], range(8)) for one in batch]
    assert len(set(found)) == len(found)


def test_they_spread_over_all_values_so_that_samplers_may_go_by_them() -> None:
    kept = sum(int(new_span_id(), 16) < 2**64 // 10 for _ in range(10_000))
    assert 950 <= kept <= 1050


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_ids_of_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_span_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() != new_span_id()
