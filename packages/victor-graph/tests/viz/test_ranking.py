"""Ranks: every edge leads on, loops are the edges that lead back, and edges are short."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from victor.graph.viz.layout.ranking import backward_edges, rank

graphs = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30),
    )
)


@given(graphs)
def test_every_edge_leads_to_a_higher_rank_once_the_backward_ones_are_turned(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, edges = graph
    backward = backward_edges(count, edges, [0])
    turned = [(b, a) if back else (a, b) for (a, b), back in zip(edges, backward, strict=True) if a != b]
    ranks = rank(count, turned)
    assert all(ranks[lower] > ranks[upper] for upper, lower in turned)
    assert min(ranks) == 0


@given(graphs)
def test_a_graph_without_cycles_keeps_all_its_edges(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    forward = [(min(ends), max(ends)) for ends in edges]
    assert not any(backward_edges(count, forward, []))


def test_the_edge_that_closes_a_ring_is_the_one_turned() -> None:
    assert backward_edges(4, [(0, 1), (1, 2), (2, 3), (3, 1)], []) == [False, False, False, True]
    assert backward_edges(3, [(1, 2), (2, 0), (0, 1)], [1]) == [False, False, True]


def test_a_loop_is_not_turned() -> None:
    assert backward_edges(1, [(0, 0)], []) == [False]


def test_a_side_input_moves_down_to_where_it_is_needed() -> None:
    #  0 -> 1 -> 2 -> 3, and 5 -> 4 -> 3 from beside
    assert rank(6, [(0, 1), (1, 2), (2, 3), (5, 4), (4, 3)]) == [0, 1, 2, 3, 2, 1]


def test_an_output_beside_stays_near_what_it_comes_from() -> None:
    assert rank(5, [(0, 1), (1, 2), (2, 3), (0, 4)])[4] == 1
