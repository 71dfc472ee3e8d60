"""Running a function once for each item of a list, several at a time, by `Send`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal
from weakref import WeakKeyDictionary

from attrs import define, field

from victor.core.events import get_stream
from victor.graph.command import Overwrite, Send
from victor.graph.errors import GraphInterrupt
from victor.graph.graph import StateGraph
from victor.graph.runtime import current_task
from victor.graph.yaml.context import WorkflowRunError
from victor.graph.yaml.policies import Values, run_on

__all__ = ["Each"]


@define(eq=False)
class Each:
    """The nodes of a map: ``id`` begins it, ``id:each`` runs once for each item, ``id:join`` collects the results.

    Args:
        id: Of the map.
        over: Gives the list, from the state.
        do: Works out the result for one item; it gets the item, its ``index`` and what it ``uses`` of the state.
        item: Name of the item.
        uses: Names of the state that ``do`` gets.
        output: Key for the list of results, in the order of the items.
        results: Key with the reducer ``operator.add`` under which results lie until all are there.
        limit: How many run at once, in this process.
        on_error: Whether an item that fails fails the run, or is skipped.
        errors: Key for what failed: a list of index, item and error.
    """

    id: str
    over: Callable[[Values], Any]
    do: Callable[[Values], Any]
    item: str
    uses: tuple[str, ...]
    output: str
    results: str
    limit: int = 8
    on_error: Literal["fail", "skip"] = "fail"
    errors: str | None = None
    _room: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = field(
        factory=WeakKeyDictionary, init=False, repr=False
    )

    def add_to(self, graph: StateGraph[Any], schema: Any = None, **each: Any) -> None:
        """Add the three nodes and the edges between them; what comes next follows ``id:join``.

        Args:
            graph: The graph.
            schema: The class that has the key ``results``, where that is not the state's.
            **each: Options of ``id:each``, as for `StateGraph.add_node`.
        """
        name, join = f"{self.id}:each", f"{self.id}:join"
        graph.add_node(self.id, self.begin, input_schema=schema)
        graph.add_node(name, self.each, **each)
        graph.add_node(join, self.collect, input_schema=schema)
        graph.add_conditional_edges(self.id, self.sends, [name, join])
        graph.branches[-1].input_schema = schema
        graph.add_edge(name, join)

    def items(self, values: Values) -> list[Any]:
        """The items.

        Raises:
            WorkflowRunError: There is no list.
        """
        found = self.over(values)
        if isinstance(found, (str, bytes, Mapping)) or not hasattr(found, "__iter__"):
            kind = type(found).__name__
            raise WorkflowRunError(f"node {self.id!r}: 'over' must give a list, not {kind} {found!r:.60}")
        return list(found)

    async def begin(self, values: dict[str, Any]) -> dict[str, Any]:
        """Forget the results of a former time."""
        stream = get_stream()
        if stream.active:
            namespace = current_task().run.namespace
            stream.emit("workflow.map", self.id, {"items": len(self.items(values)), "namespace": namespace})
        return {self.results: Overwrite([])}

    def sends(self, values: dict[str, Any]) -> list[Send] | str:
        """One run for each item."""
        shared = {name: values[name] for name in self.uses if name in values}
        found = self.items(values)
        each = f"{self.id}:each"
        return [
            Send(each, {**shared, self.item: item, "index": i}) for i, item in enumerate(found)
        ] or f"{self.id}:join"

    async def each(self, values: dict[str, Any]) -> dict[str, Any]:
        """Work out the result of one item, when its turn has come."""
        loop = asyncio.get_running_loop()
        if loop not in self._room:
            self._room[loop] = asyncio.Semaphore(self.limit)
        async with self._room[loop]:
            if self.on_error == "fail":
                return {self.results: [(values["index"], await run_on(self.do, values), None)]}
            try:
                return {self.results: [(values["index"], await run_on(self.do, values), None)]}
            except GraphInterrupt:
                raise
            except Exception as error:  # noqa: BLE001 - the author says to go on; the failure is kept and counted
                return {self.results: [(values["index"], None, f"{type(error).__name__}: {error}")]}

    async def collect(self, values: dict[str, Any]) -> dict[str, Any]:
        """The results in the order of the items."""
        done = sorted(values.get(self.results, []), key=lambda result: result[0])
        update: dict[str, Any] = {
            self.output: [value for _, value, error in done if error is None],
            self.results: Overwrite([]),
        }
        if self.errors:
            found = self.items(values)
            update[self.errors] = [
                {"index": index, "item": found[index], "error": error} for index, _, error in done if error is not None
            ]
        return update
