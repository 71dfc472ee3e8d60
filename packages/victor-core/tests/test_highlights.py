"""What a run did."""

from __future__ import annotations

from victor.core.highlights import Highlights, duration


def test_one_id_or_many_are_taken() -> None:
    run = Highlights(current="a", visited=["a", "b"], failed={"c"}, interrupted=(id for id in "d"))
    assert [run.mark(id) for id in "abcde"] == ["current", "visited", "failed", "interrupted", None]


def test_the_graver_mark_wins() -> None:
    everything = Highlights(current="a", failed=["a", "b"], interrupted=["a", "b", "c"], visited=["a", "b", "c", "d"])
    assert [everything.mark(id) for id in "abcd"] == ["current", "failed", "interrupted", "visited"]


def test_nothing_is_marked_by_default() -> None:
    assert Highlights().mark("a") is None
    assert Highlights().timing("a") == ""
    assert hash(Highlights(timings={"a": 1.0})) == hash(Highlights())


def test_durations_never_show_a_full_unit_as_sixty_or_thousand() -> None:
    assert [duration(ms) for ms in (0, 0.999, 9.99, 999.6, 59_960, 3_599_700)] == [
        "0 ms", "1 ms", "10 ms", "1.0 s", "1 min 0 s", "1 h 0 min",
    ]  # fmt: skip


def test_a_note_stands_before_the_time_and_on_one_line() -> None:
    run = Highlights(timings={"a": 5.0, "b": 1.0}, notes={"a": "3 turns,\n12 tokens", "c": "waits"})
    assert [run.note(id) for id in "abcd"] == ["3 turns, 12 tokens, 5 ms", "1 ms", "waits", ""]
