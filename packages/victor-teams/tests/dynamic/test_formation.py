"""Teams for a task: the optimum of an integer program, a greedy choice that says it is one, and why there is none."""

from __future__ import annotations

import itertools
import random
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.teams.dynamic import (
    AdaptiveTeam,
    Candidate,
    DynamicTeam,
    FormationError,
    Performance,
    Requirement,
    Task,
    assign_roles,
)
from victor.teams.dynamic.cover import Item, choose, smallest
from victor.teams.dynamic.roles import cheapest_assignment

ITEMS = st.lists(
    st.builds(Item, st.integers(0, 255), st.integers(1, 30), st.floats(0, 3, allow_nan=False)), min_size=1, max_size=9
)


def by_trying(items: list[Item], bits: int, size: int) -> float | None:
    full = (1 << bits) - 1
    prices = []
    for count in range(size + 1):
        for chosen in itertools.combinations(items, count):
            mask = 0
            for item in chosen:
                mask |= item.mask
            if mask & full == full:
                prices.append(sum(item.price for item in chosen))
    return min(prices, default=None)


class TestCover:
    @given(ITEMS, st.integers(1, 8), st.integers(1, 6))
    @settings(max_examples=300)
    def test_exact_is_the_optimum(self, items, bits, size):
        best = by_trying(items, bits, size)
        found = choose(items, bits, size, method="exact")
        assert (None if found is None else found.price) == best
        if found is not None:
            assert found.optimal
            assert len(found.items) <= size
            assert found.price == sum(items[index].price for index in found.items)
            covered = 0
            for index in found.items:
                covered |= items[index].mask
            assert covered & (1 << bits) - 1 == (1 << bits) - 1

    @given(ITEMS, st.integers(1, 8), st.integers(1, 6))
    @settings(max_examples=40, deadline=None)
    def test_the_solver_agrees(self, items, bits, size):
        pytest.importorskip("scipy", reason="needs the extra [solver]")
        exact, solved = (choose(items, bits, size, method=method) for method in ("exact", "solver"))
        assert (exact is None) == (solved is None)
        if exact is not None and solved is not None:
            assert solved.price == exact.price
            assert solved.optimal

    @pytest.mark.parametrize("tried", [50_000, 0], ids=["search", "integer programming"])
    def test_the_solver_agrees_where_there_are_many(self, tried, monkeypatch):
        pytest.importorskip("scipy", reason="needs the extra [solver]")
        monkeypatch.setattr("victor.teams.dynamic.cover._MOST_TRIED", tried)
        for seed in range(12):
            chance = random.Random(seed)
            items = [
                Item(
                    sum(1 << bit for bit in chance.sample(range(11), chance.randint(1, 3))),
                    chance.choice([0.0, 1.0, chance.uniform(0.5, 9)]),
                )
                for _ in range(25 + 10 * seed)
            ]
            for size in (11, 4, 3):
                exact, solved = (choose(items, 11, size, method=method) for method in ("exact", "solver"))
                assert (exact is None) == (solved is None)
                if exact is not None and solved is not None:
                    assert (solved.price, solved.optimal) == (pytest.approx(exact.price), True)
                    assert len(solved.items) <= size

    @given(ITEMS, st.integers(1, 8), st.integers(1, 8))
    @settings(max_examples=200)
    def test_greedy_covers_and_knows_how_far_off_it_may_be(self, items, bits, size):
        found = choose(items, bits, size, method="greedy")
        best = by_trying(items, bits, size)
        if found is None:
            return
        assert best is not None
        assert best <= found.price
        assert found.price * (1 - found.gap) <= best + 1e-9
        if found.optimal:
            assert found.price == best

    def test_of_equal_price_the_worthier(self):
        assert choose([Item(1, 2, 0.1), Item(1, 2, 0.9)], 1, 1).items == (1,)

    def test_two_hundred_by_twelve_is_exact_without_extras(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "scipy", None)
        monkeypatch.setitem(sys.modules, "scipy.optimize", None)
        chance = random.Random(3)
        items = [
            Item(sum(1 << bit for bit in chance.sample(range(12), chance.randint(1, 4))), chance.randint(1, 20))
            for _ in range(200)
        ]
        assert choose(items, 12, 6).method == "exact"
        large = [Item(1 << chance.randrange(40), 1) for _ in range(400)]
        assert choose(large, 40, 40).method == "greedy"

    def test_how_many_it_takes(self):
        assert smallest([Item(0b011, 1), Item(0b110, 9), Item(0b100, 1)], 3) == 2
        assert smallest([Item(0b1, 1)], 2) is None


POOL = [
    Candidate("ann", {"python": 0.9, "sql": 0.4}, cost=3),
    Candidate("bob", {"sql": 0.8}, cost=1),
    Candidate("cat", {"python": 0.6, "writing": 0.9}, cost=2),
]


class TestDynamicTeam:
    async def test_the_cheapest_team_and_who_does_what(self):
        agents = [type("Agent", (), {"name": c.name, "capabilities": c.capabilities, "cost": c.cost})() for c in POOL]
        team = DynamicTeam(agents)
        chosen = await team.select_agents(Task("report", {"python": 0.5, "sql": 0.3}))
        assert [agent.name for agent in chosen] == ["ann"]
        assert chosen[0] is agents[0]
        assert team.current_team == chosen
        assert team.formation.covered_by == {"python": ("ann",), "sql": ("ann",)}

    async def test_needs_are_read_from_words_or_by_a_function(self):
        team = DynamicTeam(POOL)
        assert [c.name for c in await team.select_agents("Writing a page about SQL")] == ["bob", "cat"]

        async def analyze(text):
            return {"python": 0.8}

        assert [c.name for c in await DynamicTeam(POOL, analyze=analyze).select_agents("x")] == ["ann"]
        with pytest.raises(FormationError, match="names no capability of the pool"):
            await team.select_agents("dance")

    def test_who_is_busy_is_dearer_and_who_is_full_is_not_asked(self):
        pool = [Candidate("a", ["x"], cost=1, load=0.9), Candidate("b", ["x"], cost=2)]
        assert DynamicTeam(pool).form(Task("t", ["x"])).names == ["b"]
        full = [Candidate("a", ["x"], load=1)]
        with pytest.raises(FormationError, match="who can do it has no time: a"):
            DynamicTeam(full).form(Task("t", ["x"]))

    @pytest.mark.parametrize(
        ("needs", "size", "says"),
        [
            (["pyton"], None, "pyton: nobody can do it (did you mean 'python'?)"),
            ({"sql": 0.95}, None, "sql: 0.95 is needed, and the best, 'bob', has 0.8"),
            (["python", "sql", "writing"], 1, "no team of 1 can do 'report': it takes at least 2"),
        ],
    )
    def test_why_there_is_none(self, needs, size, says):
        with pytest.raises(FormationError, match=re.escape(says)):
            DynamicTeam(POOL).form(Task("report", needs), size)

    def test_wrong_numbers(self):
        for make in (
            lambda: Candidate("a", {"x": 2}),
            lambda: Candidate("a", load=-1),
            lambda: Candidate("a", cost=-1),
            lambda: Requirement("x", 7),
            lambda: Task("t", ["x", "x"]),
            lambda: DynamicTeam([POOL[0], POOL[0]]),
            lambda: DynamicTeam(["ann"]),
            lambda: DynamicTeam(POOL).form(Task("t", ["sql"]), 0),
            lambda: DynamicTeam(POOL).remove("zoe"),
        ):
            with pytest.raises(ConfigurationError):
                make()

    def test_shown_to_people(self):
        shown = str(DynamicTeam(POOL).form(Task("t", ["sql", "writing"])))
        assert shown == "bob, cat: cost 3, the cheapest\n  sql: bob\n  writing: cat"


class TestRoles:
    @given(st.integers(1, 5).flatmap(lambda n: st.lists(
        st.lists(st.integers(-20, 20), min_size=n + 1, max_size=n + 1), min_size=1, max_size=n + 1)))  # fmt: skip
    def test_no_assignment_is_cheaper(self, costs):
        chosen = cheapest_assignment(costs)
        assert len({*chosen}) == len(costs)
        total = sum(row[column] for row, column in zip(costs, chosen, strict=True))
        every = itertools.permutations(range(len(costs[0])), len(costs))
        assert total == min(sum(row[column] for row, column in zip(costs, one, strict=True)) for one in every)

    def test_who_is_left_has_no_role(self):
        made = assign_roles(POOL, {"author": {"writing": 1}, "analyst": {"sql": 2, "python": 1}})
        assert (made.roles, made.without) == ({"author": "cat", "analyst": "ann"}, ("bob",))
        assert made.total == pytest.approx(0.9 + (2 * 0.4 + 0.9) / 3)

    def test_more_roles_than_members(self):
        with pytest.raises(ConfigurationError, match="2 roles and 1 members"):
            assign_roles(POOL[:1], {"a": ["x"], "b": ["y"]})
        with pytest.raises(ConfigurationError, match="weights above zero"):
            assign_roles(POOL, {"a": {"x": 0}})


class TestPerformance:
    def test_a_moving_average_follows_and_a_new_one_starts_in_the_middle(self):
        seen = Performance(weight=0.5)
        assert seen.quality("ann") == 0.5
        for _ in range(10):
            seen.observe("ann", 1.0, "sql")
        assert seen.quality("ann", "sql") > 0.99
        assert seen.quality("ann", "python") > 0.99  # what is known in general
        seen.observe("ann", 0.0, "sql")
        assert seen.quality("ann", "sql") < 0.51

    def test_thompson_tries_and_settles_and_is_the_same_again(self):
        def picks(seed):
            seen = Performance("thompson", seed=seed)
            made = []
            for _ in range(200):
                best = max(("good", "bad"), key=seen.draw)
                made.append(best)
                seen.observe(best, 0.9 if best == "good" else 0.3)
            return made

        first = picks(1)
        assert first == picks(1)
        assert "bad" in first[:20]
        assert first[-50:].count("good") > 40

    def test_it_can_be_saved(self):
        seen = Performance("thompson", seed=4)
        seen.observe("ann", 0.25, "sql")
        again = Performance.load(seen.save())
        assert again.draw("ann", "sql") == seen.draw("ann", "sql")

    def test_wrong_numbers(self):
        for make in (
            lambda: Performance("guess"),
            lambda: Performance(weight=0),
            lambda: Performance().observe("a", 2),
        ):
            with pytest.raises(ConfigurationError):
                make()


class TestAdaptiveTeam:
    def made(self, **options):
        pool = [Candidate("ann", ["sql"]), Candidate("bob", ["sql"]), Candidate("cat", ["writing"])]
        team = AdaptiveTeam(DynamicTeam(pool), **options)
        team.start(Task("report", ["sql", "writing"]))
        return team

    def test_a_member_that_does_badly_is_exchanged_after_a_while_and_not_for_a_little(self):
        team = self.made(margin=0.2, stay=3)
        team.observe("ann", 0.45)
        assert team.reconfigure() == []
        team.observe("ann", 0.0)
        assert team.reconfigure() == []  # not long enough in the team
        team.observe("ann", 0.0)
        (change,) = team.reconfigure()
        assert (change.kind, change.leaves, change.comes) == ("exchange", "ann", "bob")
        assert team.names == ["bob", "cat"]
        team.observe("bob", 0.4)
        assert team.reconfigure() == []  # no swinging back

    def test_who_leaves_the_pool_is_replaced_or_that_is_told(self):
        team = self.made()
        team.dynamic.remove("ann")
        assert [str(change) for change in team.reconfigure()] == [
            "remove 'ann': it has left the pool",
            "add 'bob': for sql",
        ]
        assert team.names == ["bob", "cat"]
        team.dynamic.remove("cat")
        with pytest.raises(FormationError, match="cat left, and cannot be replaced: .*writing: nobody can do it"):
            team.reconfigure()

    def test_who_is_not_needed_any_more_goes(self):
        pool = [Candidate("ann", ["a"], cost=1), Candidate("bob", ["b"], cost=1), Candidate("all", ["a", "b"], cost=9)]
        team = AdaptiveTeam(DynamicTeam(pool), stay=1)
        team.start(Task("t", ["a", "b"]))
        assert team.names == ["ann", "bob"]
        team.dynamic.remove("bob")
        team.reconfigure()
        assert team.names == ["ann", "all"]
        team.observe("ann", 0.9)
        assert [change.kind for change in team.reconfigure()] == ["remove"]
        assert team.names == ["all"]

    def test_work_moves_from_the_busy_to_the_idle(self):
        pool = [Candidate("ann", ["a", "x"]), Candidate("bob", ["b", "x"])]
        team = AdaptiveTeam(DynamicTeam(pool), balance=0.5)
        team.start(Task("t", ["a", "b"]))
        team.observe("ann", 0.5, load=0.9)
        assert [str(change) for change in team.reconfigure()] == [
            "move work from 'ann' to 'bob': 90% against 0% busy, both do x"
        ]

    def test_without_a_team(self):
        with pytest.raises(ConfigurationError, match="no team yet"):
            AdaptiveTeam(DynamicTeam([])).reconfigure()
        with pytest.raises(ConfigurationError, match="the pool has no 'zoe'"):
            self.made().observe("zoe", 1)
        with pytest.raises(ConfigurationError):
            AdaptiveTeam(DynamicTeam([]), margin=2)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Candidate("ann", capabilities="python"), "capabilities are a list of names"),
        (lambda: Task("build", "python"), "requirements are a list of names"),
        (
            lambda: DynamicTeam([Candidate("ann", ["python"])]).form(Task("x", ["python"]), 1.5),
            "team_size must be a whole",
        ),
        (
            lambda: DynamicTeam([Candidate("ann", ["python"])]).form(Task("x", ["python"]), 0),
            "team_size must be a whole",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, says):
    with pytest.raises(ConfigurationError, match=says):
        make()
