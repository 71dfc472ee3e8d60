"""Who together can do all that is needed, at the least price: the weighted set cover with a size limit.

That problem is NP-hard, and small here. With few capabilities it is solved exactly by dynamic programming over the sets
of capabilities that are covered; larger ones exactly by a search that the linear relaxation bounds, or by integer
programming (both HiGHS, by way of SciPy) where that is installed; else a greedy choice is improved by exchanges, and
the result says that it may not be the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from attrs import frozen

__all__ = ["Choice", "Item", "Method", "choose", "smallest"]

Method = Literal["auto", "exact", "solver", "greedy"]
"""How a team is searched for."""

_WORK = 3_000_000
"""Steps of dynamic programming that are taken before something else is tried; some ten million are a few seconds."""

_MOST_TRIED = 50_000
"""Choices that are tried before integer programming takes over."""


@frozen
class Item:
    """What can be chosen.

    Args:
        mask: The capabilities it covers, as bits.
        price: What it costs.
        worth: Among choices of equal price and number the one of the greatest worth is taken.
    """

    mask: int
    price: float
    worth: float = 0.0


@frozen
class Choice:
    """What was chosen.

    Args:
        items: Indices, ascending.
        price: Together.
        optimal: True when no choice is cheaper.
        gap: How much cheaper the best could be at most, as a part of the price; None where nothing is known.
        method: How it was found.
    """

    items: tuple[int, ...]
    price: float
    optimal: bool
    gap: float | None
    method: str


def choose(
    items: Sequence[Item], bits: int, size: int, *, method: Method = "auto", seconds: float = 10.0
) -> Choice | None:
    """The cheapest items that cover all of ``bits`` capabilities.

    Args:
        items: What there is.
        bits: How many capabilities there are.
        size: Items at most.
        method: ``"auto"``, or one by name; a method that cannot do it gives way to greedy.
        seconds: For the solver.

    Returns:
        The choice; None where there is none (with ``"greedy"``: where none was found).

    Example:
        >>> choose([Item(0b01, 1), Item(0b10, 1), Item(0b11, 3)], 2, 2).items
        (0, 1)
    """
    full = (1 << bits) - 1
    if not full:
        return Choice((), 0.0, True, 0.0, "exact")
    kept = _undominated(items, full)
    union = 0
    for index in kept:
        union |= items[index].mask
    if union & full != full or size < 1:
        return None
    if method in {"auto", "exact"} and (method == "exact" or (len(kept) << bits) * min(size, bits) <= _WORK * 4):
        return _exact(items, kept, full, size)
    if method in {"auto", "solver"}:
        found = _solved(items, kept, bits, size, seconds)
        if found is not NotImplemented:
            return found  # type: ignore[no-any-return]
    return _greedy(items, kept, full, size)


def smallest(items: Sequence[Item], bits: int) -> int | None:
    """How many items it takes at least, or None where all together do not do."""
    alike = [Item(item.mask, 1.0) for item in items]
    found = choose(alike, bits, bits)
    return None if found is None else len(found.items)


def _undominated(items: Sequence[Item], full: int) -> list[int]:
    """Without those for which another covers as much and is no dearer."""
    best: dict[int, int] = {}
    for index, item in enumerate(items):
        mask = item.mask & full
        if not mask or item.price == float("inf"):
            continue
        other = best.get(mask)
        if other is None or _better(item, items[other]):
            best[mask] = index
    kept = sorted(best.values(), key=lambda index: (items[index].price, -items[index].worth, index))
    if len(kept) > 2000:
        return sorted(kept)
    result: list[int] = []
    for index in kept:
        mask = items[index].mask & full
        for other in result:
            over = items[other].mask & full
            if mask & ~over == 0 and (
                items[other].price < items[index].price or items[other].worth >= items[index].worth
            ):
                break
        else:
            result.append(index)
    return sorted(result)


def _better(a: Item, b: Item) -> bool:
    return (a.price, -a.worth) < (b.price, -b.worth)


def _exact(items: Sequence[Item], kept: Sequence[int], full: int, size: int) -> Choice | None:
    """Dynamic programming, one item more in each layer. A set is only ever extended by an item that covers its lowest
    capability that is missing, as some item must.
    """
    covering: dict[int, list[tuple[int, float, float, int]]] = {}
    for index in kept:
        item = items[index]
        mask = item.mask & full
        rest = mask
        while rest:
            bit = rest & -rest
            covering.setdefault(bit, []).append((mask, item.price, item.worth, index))
            rest ^= bit
    layer: dict[int, tuple[float, float, tuple[int, ...]]] = {0: (0.0, 0.0, ())}
    best: tuple[float, float, tuple[int, ...]] | None = None
    for _ in range(min(size, full.bit_count())):
        after: dict[int, tuple[float, float, tuple[int, ...]]] = {}
        for mask, (price, worth, chosen) in layer.items():
            if best is not None and price > best[0]:
                continue
            missing = full & ~mask
            for covers, costs, gives, index in covering[missing & -missing]:
                now = mask | covers
                total = price + costs
                known = after.get(now)
                if known is not None and total > known[0]:
                    continue
                value = worth - gives
                if known is None or total < known[0] or value < known[1]:
                    after[now] = (total, value, (*chosen, index))
        whole = after.pop(full, None)
        if whole is not None and (best is None or whole[0] < best[0]):  # of equal price the fewer
            best = whole
        layer = after
        if not layer:
            break
    if best is None:
        return None
    return Choice(tuple(sorted(best[2])), best[0], True, 0.0, "exact")


def _solved(items: Sequence[Item], kept: Sequence[int], bits: int, size: int, seconds: float) -> Any:
    """With HiGHS; NotImplemented where SciPy is not installed."""
    try:
        import numpy
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix, vstack
    except ImportError:
        return NotImplemented
    rows, columns = [], []
    for column, index in enumerate(kept):
        for bit in range(bits):
            if items[index].mask >> bit & 1:
                rows.append(bit)
                columns.append(column)
    cover = csr_matrix((numpy.ones(len(rows)), (rows, columns)), shape=(bits, len(kept)))
    prices = numpy.array([items[index].price for index in kept])
    known = _first(items, kept, (1 << bits) - 1, size)
    if known is not None:
        some, duals = _affordable(prices, cover, sum(items[index].price for index in known))
        kept, prices, cover = [kept[column] for column in some], prices[some], cover[:, some]
        best = _search(items, kept, duals, size, known)
        if best is not None:
            return Choice(tuple(sorted(best)), sum(items[index].price for index in best), True, 0.0, "solver")
    count = len(kept)
    matrix = vstack([cover, csr_matrix(numpy.ones((1, count)))])
    lower = numpy.concatenate([numpy.ones(bits), [0.0]])
    upper = numpy.concatenate([numpy.full(bits, numpy.inf), [float(size)]])
    found = milp(
        prices,
        constraints=LinearConstraint(matrix, lower, upper),
        integrality=numpy.ones(count),
        bounds=Bounds(0, 1),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None if found.status == 2 else NotImplemented  # 2: there is none; else the time was up
    chosen = tuple(index for index, value in zip(kept, found.x, strict=True) if value > 0.5)
    price = sum(items[index].price for index in chosen)
    gap = 0.0 if found.status == 0 else float(found.mip_gap if found.mip_gap is not None else 1.0)
    return Choice(chosen, price, found.status == 0, gap, "solver")


def _affordable(prices: Any, cover: Any, known: float) -> tuple[Any, list[float]]:
    """The columns that a cheapest choice can hold, and what each capability costs at least beside the others.

    Both follow from the relaxation, in which parts of an item can be chosen. Its duals are made such that no item costs
    less than what it covers does; then what is missing costs at least what its capabilities do, and an item that costs
    more than that by as much as there is between that bound and a choice that is known is in no cheaper one.

    Args:
        prices: Of the columns.
        cover: What they cover, a row for each capability.
        known: The price of a choice that will do.
    """
    import numpy
    from scipy.optimize import linprog

    relaxed = linprog(prices, A_ub=-cover, b_ub=-numpy.ones(cover.shape[0]), bounds=(0, None), method="highs")
    duals = numpy.zeros(cover.shape[0])
    if relaxed.status == 0:
        duals = numpy.maximum(-relaxed.ineqlin.marginals, 0.0)
        duals[cover[:, prices <= 0].sum(axis=1).A1 > 0] = 0.0
        paid = prices > 0
        duals /= max(1.0, float(((cover.T @ duals)[paid] / prices[paid]).max(initial=0.0)))
    reduced = prices - cover.T @ duals
    return numpy.flatnonzero(duals.sum() + reduced <= known * (1 + 1e-9)), duals.tolist()


def _search(
    items: Sequence[Item], kept: Sequence[int], duals: Sequence[float], size: int, known: Sequence[int]
) -> Sequence[int] | None:
    """The cheapest choice, by trying for the rarest missing capability everybody who has it, as long as the others
    cannot make it dearer than what is known; None when that takes too long.
    """
    able: dict[int, list[int]] = {}
    for index in sorted(kept, key=lambda index: items[index].price / items[index].mask.bit_count()):
        for bit in range(len(duals)):
            if items[index].mask >> bit & 1:
                able.setdefault(1 << bit, []).append(index)
    rarest = sorted(able, key=lambda bit: len(able[bit]))
    costs = {1 << bit: cost for bit, cost in enumerate(duals)}
    best, most, tried = list(known), sum(items[index].price for index in known), 0
    open_: list[tuple[int, float, float, tuple[int, ...]]] = [((1 << len(duals)) - 1, 0.0, sum(duals), ())]
    while open_:
        missing, price, rest, chosen = open_.pop()
        if price + rest >= most * (1 - 1e-12) or len(chosen) == size:
            continue
        tried += 1
        if tried > _MOST_TRIED:
            return None
        first = next(bit for bit in rarest if missing & bit)
        for index in reversed(able[first]):
            item = items[index]
            now = price + item.price
            still = missing & ~item.mask
            if not still:
                if now < most:
                    best, most = [*chosen, index], now
                continue
            less = rest - sum(cost for bit, cost in costs.items() if missing & item.mask & bit)
            if now + less < most:
                open_.append((still, now, less, (*chosen, index)))
    return best


def _greedy(items: Sequence[Item], kept: Sequence[int], full: int, size: int) -> Choice | None:
    """The item that covers a missing capability at the lowest price each, again and again; where that needs too many
    items, those that cover most; then items are exchanged and left out as long as that is cheaper.
    """
    chosen = _first(items, kept, full, size)
    if chosen is None:
        return None
    price = sum(items[index].price for index in chosen)
    bound = _bound(items, kept, full)
    gap = 0.0 if price <= bound else (price - bound) / price
    return Choice(tuple(sorted(chosen)), price, gap == 0.0, gap, "greedy")


def _first(items: Sequence[Item], kept: Sequence[int], full: int, size: int) -> list[int] | None:
    chosen = _grow(items, kept, full, size, by_price=True) or _grow(items, kept, full, size, by_price=False)
    return None if chosen is None else _improved(items, kept, full, chosen)


def _grow(items: Sequence[Item], kept: Sequence[int], full: int, size: int, *, by_price: bool) -> list[int] | None:
    chosen: list[int] = []
    covered = 0
    while covered != full:
        if len(chosen) == size:
            return None

        def rank(index: int, missing: int = full & ~covered) -> tuple[float, float, int]:
            new = (items[index].mask & missing).bit_count()
            if not new:
                return (float("inf"), 0.0, index)
            return (items[index].price / new, -new, index) if by_price else (-new, items[index].price, index)

        best = min(kept, key=rank)
        chosen.append(best)
        covered |= items[best].mask & full
    return chosen


def _improved(items: Sequence[Item], kept: Sequence[int], full: int, chosen: list[int]) -> list[int]:
    better = True
    while better:
        better = False
        for place, index in enumerate(chosen):
            others = 0
            for other in chosen:
                if other != index:
                    others |= items[other].mask
            missing = full & ~others
            if not missing:
                chosen = [other for other in chosen if other != index]
                better = True
                break
            cheaper = [
                other
                for other in kept
                if other not in chosen
                and items[other].mask & missing == missing
                and items[other].price < items[index].price
            ]
            if cheaper:
                chosen[place] = min(cheaper, key=lambda other: (items[other].price, other))
                better = True
                break
    return chosen


def _bound(items: Sequence[Item], kept: Sequence[int], full: int) -> float:
    """No cover is cheaper than this: each capability pays at least its share of the cheapest item that covers it."""
    total = 0.0
    for bit in range(full.bit_length()):
        shares = [
            items[index].price / (items[index].mask & full).bit_count()
            for index in kept
            if items[index].mask >> bit & 1
        ]
        total += min(shares)
    return total
