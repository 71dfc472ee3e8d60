"""Sampling: which runs, how many rows, and what the overhead budget does about it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from victor.core.ids import new_run_id
from victor.observability.sampling import Budget, RowLimit, SlowRuns, is_sampled

run_ids = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
rates = st.floats(0, 1)


@given(run_ids, rates, rates)
def test_what_a_low_rate_keeps_every_higher_one_keeps(run_id: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert not is_sampled(run_id, low) or is_sampled(run_id, high)


@given(run_ids)
def test_all_are_kept_at_one_and_none_at_zero(run_id: str) -> None:
    assert is_sampled(run_id, 1.0)
    assert not is_sampled(run_id, 0.0)


@given(run_ids, st.floats(0.001, 0.999))
def test_it_chooses_as_opentelemetry_does(run_id: str, rate: float) -> None:
    sampler = TraceIdRatioBased(rate)
    near = abs(int(run_id[-16:], 16) - rate * 2**64) < 2**20
    theirs = sampler.should_sample(None, int(run_id, 16), "x").decision is Decision.RECORD_AND_SAMPLE
    assert near or is_sampled(run_id, rate) == theirs


def test_the_part_that_is_kept_is_the_rate() -> None:
    kept = sum(is_sampled(new_run_id(), 0.25) for _ in range(20_000))
    assert 4_600 < kept < 5_400


def test_an_id_of_another_form_is_kept() -> None:
    assert is_sampled("not hexadecimal!", 0.5)


def test_rows_are_limited_over_time_and_bursts_are_not() -> None:
    limit = RowLimit(10.0, 0.0)
    assert sum(limit.take() for _ in range(1000)) == 100
    limit.refill(3.0)
    assert sum(limit.take() for _ in range(1000)) == 30
    limit.refill(1.0)  # a clock that goes backwards gives nothing
    assert not limit.take()


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 200)), max_size=50), st.floats(1, 100))
def test_there_are_never_more_rows_than_the_bucket_and_what_flowed_in(
    steps: list[tuple[float, int]], rate: float
) -> None:
    limit, now, taken = RowLimit(rate, 0.0), 0.0, 0
    for wait, wanted in steps:
        now += wait
        limit.refill(now)
        taken += sum(limit.take() for _ in range(wanted))
        assert taken <= rate * (10 + now) + 1


def test_a_budget_that_is_exceeded_lowers_the_factor_and_raises_it_again() -> None:
    budget, now = Budget(0.02, 0.0), 0.0
    for _ in range(20):  # a tenth of a processor: the second that is saved up is used up after 12 s
        now += 1.0
        budget.spend(0.1, now)
    low = budget.factor
    assert low < 0.1
    assert budget.stretch == 4.0
    for _ in range(300):
        now += 1.0
        budget.spend(0.001, now)
    assert budget.factor == 1.0
    assert budget.stretch == 1.0
    assert budget.used_s > 2.0


@given(st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1)), max_size=100))
def test_the_factor_stays_in_its_bounds(spent: list[tuple[float, float]]) -> None:
    budget, now = Budget(0.02, 0.0), 0.0
    for wait, cpu in spent:
        now += wait
        budget.spend(cpu, now)
        assert 1 / 1024 <= budget.factor <= 1.0


def test_a_load_of_which_the_factor_decides_settles_near_the_budget() -> None:
    """A model of recording: a thousandth of a processor for counting, a tenth at full detail."""
    budget, now, used = Budget(0.02, 0.0), 0.0, 0.0
    for second in range(2_000):
        now += 1.0
        cpu = 0.001 + 0.1 * budget.factor
        budget.spend(cpu, now)
        used += cpu if second >= 500 else 0.0
    assert 0.005 < used / 1_500 <= 0.0205


def test_a_little_work_in_a_short_program_is_within_any_budget() -> None:
    budget = Budget(0.02, 0.0)
    budget.spend(0.9, 1.5)
    assert budget.factor == 1.0


def test_slow_runs_are_those_above_a_fixed_time() -> None:
    slow = SlowRuns(2.0)
    assert slow.is_slow("agent.run", "a", 2_000_000_000)
    assert not slow.is_slow("agent.run", "a", 1_999_999_999)


def test_slow_runs_are_those_slower_than_99_of_100_of_their_kind() -> None:
    slow = SlowRuns(None)
    assert not any(slow.is_slow("agent.run", "a", 1_000_000 + at) for at in range(100))
    assert slow.is_slow("agent.run", "a", 50_000_000)
    assert not slow.is_slow("agent.run", "a", 900_000)
    assert not slow.is_slow("agent.run", "another", 50_000_000)


def test_names_without_end_take_no_memory_without_end() -> None:
    slow = SlowRuns(None)
    for at in range(3_000):
        slow.is_slow("agent.run", f"agent {at}", 5)
    assert len(slow._seen) <= 1_000
