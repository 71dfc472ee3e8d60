"""The table of names: complete, by the rules, and the same in the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.events import KINDS
from victor.observability.aggregate import Aggregate, Key
from victor.observability.exporters.names import METRICS, OWN, duration_metric, metrics_of, prometheus_label
from victor.observability.exporters.series import Changes, Series, labels_of, series_of
from victor.observability.otel import semconv
from victor.observability.record import Record, Status

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "metrics.md"


def reference_rows() -> list[str]:
    """The table of the reference page."""
    rows = []
    for metric in METRICS.values():
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
        version = {"": "both", "1.41": "1.41", "next": "next"}[metric.version]
        rows.append(
            f"| `{metric.name}` | `{metric.prometheus}` | {metric.type} | `{metric.unit}` | {labels} | {version} | {metric.help} |"
        )
    return rows


def test_names_and_labels_are_allowed_everywhere() -> None:
    names = [metric.name for metric in METRICS.values()]
    assert len(set(names)) == len(names)
    assert len({metric.prometheus for metric in METRICS.values()}) == len(names)
    for metric in METRICS.values():
        assert re.fullmatch(r"(gen_ai|victor)\.[a-z0-9_.]+", metric.name)
        assert re.fullmatch(r"[a-z_][a-z0-9_]*", metric.prometheus)
        assert len(set(map(prometheus_label, metric.labels))) == len(metric.labels)
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert bool(metric.buckets) == (metric.type == "histogram" and metric.unit == "s")
        assert metric.prometheus.endswith("_total") == (metric.type == "counter")
        assert metric.help
        assert not metric.help.endswith(".")


def test_names_of_the_conventions_are_those_of_the_other_table() -> None:
    """Spans and metrics speak of one convention, so there is one table of its names."""
    known = {name for form in semconv.METRICS.values() for name in (form.name, form.next)}
    assert {metric.name for metric in METRICS.values() if metric.name.startswith("gen_ai.")} == known - {""}


def test_both_versions_together_are_all_rows() -> None:
    assert metrics_of("both") == list(METRICS.values())
    assert {*metrics_of("1.41"), *metrics_of("next")} == {*METRICS.values()}


@pytest.mark.parametrize("kind", [*KINDS, "crawler.page"])
def test_every_kind_of_operation_has_a_duration_with_all_labels(kind: str) -> None:
    measured = duration_metric(kind)
    assert METRICS[measured].buckets
    assert len(labels_of(measured, Key(kind, "a", "b", "c", "d", "e"))) == len(METRICS[measured].labels)


def test_every_row_is_filled_by_something() -> None:
    groups: dict[Key, Aggregate] = {}
    for kind in KINDS:
        record = Record(
            kind, "a", "", "", None, 0, 5, agent="b", model="m", provider="p", input_tokens=1, output_tokens=2,
            cache_read_tokens=3, cache_write_tokens=4, cost_usd=0.5,
        )  # fmt: skip
        for one in (record, Record(kind, "a", "", "", None, 0, None), Record(kind, "a", "", "", None, 0, 5)):
            groups.setdefault(Key.of(one), Aggregate()).add(one)
    own = {measured.removeprefix("own."): 1 for measured in OWN}
    filled = {one.metric.name for one in series_of(groups.items(), own, "both")}
    # A miss of the cache is told by a row that a hit fills, too.
    assert filled == {metric.name for metric in METRICS.values()}


def test_unknown_cost_is_not_zero() -> None:
    free = Record("model.request", "m", "", "", None, 0, 5, cost_usd=0.0)
    unknown = Record("model.request", "n", "", "", None, 0, 5)
    groups = {Key.of(one): Aggregate() for one in (free, unknown)}
    for one in (free, unknown):
        groups[Key.of(one)].add(one)
    found = {one.key: one.value for one in series_of(groups.items())}
    assert ("victor.model.cost_usd", ("", "n", "", "")) not in found
    assert found["victor.model.unpriced_requests", ("", "n", "", "")] == 1


RECORDS = st.lists(
    st.builds(
        Record,
        kind=st.sampled_from(["tool.call", "model.request", "crawler.page", "message.sent"]),
        name=st.sampled_from("ab"),
        run_id=st.just(""),
        span_id=st.just(""),
        parent_id=st.none(),
        start_ns=st.just(0),
        duration_ns=st.one_of(st.none(), st.integers(0, 10**13)),
        status=st.sampled_from([Status.OK, Status.ERROR, Status.CANCELLED]),
        agent=st.sampled_from(["", "x"]),
        root=st.sampled_from(["r", "s"]),
        input_tokens=st.one_of(st.none(), st.integers(0, 1000)),
        cost_usd=st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=40,
)


def _groups(records: list[Record]) -> list[tuple[Key, Aggregate]]:
    groups: dict[Key, Aggregate] = {}
    for record in records:
        groups.setdefault(Key.of(record), Aggregate()).add(record)
    return list(groups.items())


@settings(max_examples=50)
@given(RECORDS, RECORDS)
def test_series_are_exact_and_only_grow_and_changes_add_up(first: list[Record], second: list[Record]) -> None:
    # A point that failed does not exist: only operations do.
    for record in [*first, *second]:
        if record.duration_ns is None:
            record.status = Status.OK
    before, after = series_of(_groups(first)), series_of(_groups([*first, *second]))
    timed = [one for one in [*first, *second] if one.duration_ns is not None]
    operations = [one for one in after if one.metric is METRICS["operations"]]
    assert sum(one.value for one in operations) == len(timed)
    assert sum(one.value for one in after if one.metric is METRICS["points"]) == len(first) + len(second) - len(timed)
    histograms = [one for one in after if one.metric.buckets]
    assert sum(one.count for one in histograms) == len(timed)
    now = {one.key: one for one in after}
    for one in before:
        later = now[one.key]
        assert (one.value, one.count) <= (later.value, later.count)
        assert all(a <= b for a, b in zip(one.bucket_counts(), later.bucket_counts(), strict=True))
    changes = Changes()
    for _, one in changes.since_sent(before):
        changes.sent(one)
    added = dict.fromkeys(now, 0)
    for one in before:
        added[one.key] += one.count
    for change, one in changes.since_sent(after):
        added[one.key] += change.count
        assert change.bucket_counts()[-1] == change.count
        assert sum(count for _, count in change.values()) == (change.count if change.durations else 0)
    assert added == {key: one.count for key, one in now.items()}


def test_counting_that_begins_anew_is_sent_as_it_is() -> None:
    changes = Changes()
    old, new = (Series(METRICS["operations"], ("k", "n", "", "ok"), count, count) for count in (9, 2))
    changes.sent(old)
    assert [change.value for change, _ in changes.since_sent([new])] == [2]


def test_the_reference_has_the_same_table() -> None:
    if not REFERENCE.exists():
        pytest.skip("not applicable: the documentation is not part of the package")
    text = REFERENCE.read_text()
    missing = [row for row in reference_rows() if row not in text]
    assert not missing, "docs/reference/metrics.md must have these rows:\n" + "\n".join(missing)
    assert text.count("\n| `") == len(METRICS) + _other_rows(text)


def _other_rows(text: str) -> int:
    """Rows of the page's other tables."""
    return text.partition("## Labels")[2].count("\n| `")


def test_labels_are_explained_in_the_reference(ledger: Any) -> None:
    if not REFERENCE.exists():
        pytest.skip("not applicable: the documentation is not part of the package")
    text = REFERENCE.read_text().partition("## Labels")[2]
    labels = {label for metric in METRICS.values() for label in metric.labels}
    assert {label for label in labels if f"| `{label}` | `{prometheus_label(label)}` |" not in text} == set()


def test_reading_series_changes_nothing_that_was_counted(ledger: Any) -> None:
    for root in "abc":  # three keys, one series
        ledger.call(root=root)
    groups = ledger.snapshot().groups
    first, second = series_of(groups), series_of(groups)
    assert [(one.key, one.count, one.bucket_counts()) for one in first] == [
        (one.key, one.count, one.bucket_counts()) for one in second
    ]
    assert [one.count for one in first if one.metric.buckets] == [3]
