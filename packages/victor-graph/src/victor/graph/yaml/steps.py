"""Nodes as workflow files have them, for graphs written in Python.

What is more than a line of Python (an agent with its goal, a question with its answers, tools, a template) is declared
with the keys it has in a file, and is then a node of a graph like any function:

    steps = Steps(State)
    describe = steps.agent("describe", goal="Summarize {{ text }}", output_schema={"summary": "string"})
    graph.add_node("describe", describe)

Keys, names and templates are checked where the step is made, as `validate` checks them in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from attrs import define, field

from victor.core.errors import ConfigurationError
from victor.graph.retry import RetryPolicy
from victor.graph.schema import read_schema
from victor.graph.yaml.context import load_object
from victor.graph.yaml.definition import NodeDefinition, WorkflowDefinition
from victor.graph.yaml.maps import Each
from victor.graph.yaml.policies import CacheKey, Values, guarded
from victor.graph.yaml.races import Race
from victor.graph.yaml.source import Source
from victor.graph.yaml.spec import CONTROL, Top
from victor.graph.yaml.values import Compiled, Names, compile_condition, compile_template, compile_value

__all__ = ["CacheKey", "Step", "Steps"]

_EVERY: Final[Names] = lambda name: None  # noqa: E731 - a name for what says nothing is unknown


@define(eq=False)
class Step:
    """A node of a type of workflow files. Made by `Steps`; called with the state, it gives what changes.

    Args:
        keys: What it was declared with, as it would stand in a file; ``type`` among them.
        node: The same, checked.
    """

    keys: Mapping[str, Any]
    node: NodeDefinition
    _run: Callable[[Any], Any] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        from victor.graph.yaml.build import step_of

        self._run = step_of(self.node)

    @property
    def __name__(self) -> str:
        return self.node.id

    @property
    def model(self) -> str | None:
        """The model of agents that name none."""
        return self.node.context.model if self.node.context is not None else None

    async def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """What it changes of the state."""
        update: dict[str, Any] = await self._run(values)
        return update

    async def answer(self, values: Values) -> Any:
        """What it works out, without the name it is kept under."""
        from victor.graph.yaml.build import work_of

        return await work_of(self.node)(values)


@define(eq=False)
class Steps:
    """Makes steps for a graph.

    Args:
        state: The class of what the steps are given, against whose keys names are checked; None for any names.
        folder: Against which relative paths go; the working directory by default.
        model: Model of agents that name none, as ``provider:name``.

    Example:
        >>> import asyncio
        >>> from typing import TypedDict
        >>> class State(TypedDict, total=False):
        ...     words: list[str]
        >>> count = Steps(State).transform("count", template="{{ words | length }} words")
        >>> asyncio.run(count({"words": ["a", "b"]}))
        {'count': '2 words'}
    """

    state: Any = None
    folder: Path | None = None
    model: str | None = None
    _known: Names = field(init=False, repr=False)
    _compiled: dict[tuple[str, str], Compiled] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        from victor.graph.yaml.checking import known_names

        self._known = _EVERY if self.state is None else known_names(read_schema(self.state).channels)

    # ------------------------------------------------------------ nodes

    def agent(self, id: str, /, goal: str, **keys: Any) -> Step:
        """An agent works towards a goal; keys as of ``type: agent``.

        Raises:
            ConfigurationError: Something is wrong with them; lists all that is.
        """
        return self.node("agent", id, goal=goal, **keys)

    def tools(self, id: str, /, *tools: str, **keys: Any) -> Step:
        """Tools are called with ``inputs``; keys as of ``type: compute``."""
        return self.node("compute", id, tools=list(tools), **keys)

    def ask(self, id: str, /, prompt: str, **keys: Any) -> Step:
        """A person is asked, by `interrupt`, until the answer can be used; keys as of ``type: hitl``."""
        return self.node("hitl", id, prompt=prompt, **keys)

    def transform(self, id: str, /, **keys: Any) -> Step:
        """Values are worked out, or a template filled in; keys as of ``type: transform``."""
        return self.node("transform", id, **keys)

    def node(self, type: str, id: str, /, **keys: Any) -> Step:
        """A node of any type that does work, also of a plugin's.

        Raises:
            ConfigurationError: Something is wrong with it; lists all that is.
        """
        if type in CONTROL:
            raise ConfigurationError(f"node {id!r}: a {type} is made of nodes and edges of the graph, not of a step")
        from victor.graph.yaml.checking import Checker
        from victor.graph.yaml.reading import Reader

        raw = {"type": type, **keys}
        place = None if self.folder is None else self.folder / "steps"
        source = Source(f"node {id!r}", "", {"workflows": {}}, path=place)
        reader = Reader(lambda scope: None)
        scope = reader.scope([{"id": id, **raw}], source, "$", None, {})
        checker = Checker(reader, {}, lambda source, name: None)
        if id in scope.nodes:
            definition = WorkflowDefinition(id, Top([]), source, "$", scope=scope)
            checker.check(scope, self._known, self.model, definition)
        if reader.problems:
            said = dict.fromkeys(problem.message for problem in reader.problems)
            raise ConfigurationError(f"node {id!r}: " + "; ".join(said))
        return Step(raw, scope.nodes[id])

    def map(
        self,
        id: str,
        /,
        over: Any,
        do: Callable[[Any], Any],
        *,
        item: str = "item",
        uses: Sequence[str] = (),
        output: str | None = None,
        results: str,
        limit: int = 8,
        on_error: Literal["fail", "skip"] = "fail",
        errors: str | None = None,
        retry: RetryPolicy | None = None,
        timeout: float | None = None,
    ) -> Each:
        """A function for each item of a list, at most ``limit`` at once; add it to a graph by its ``add_to``.

        Args:
            id: Of the map.
            over: The list, as in a file: ``"$ctx.files"``.
            do: A function of the item, sync or async: a mapping of ``item``, ``index`` and what it ``uses``.
            item: Name of the item.
            uses: Names of the state that ``do`` gets besides.
            output: Key of the list of results; the id by default.
            results: Key with the reducer ``operator.add`` that holds results until all are there.
            limit: How many run at once.
            on_error: Whether an item that fails fails the run, or is skipped.
            errors: Key for what failed.
            retry: When an item is tried again.
            timeout: Seconds an item may take, from when its turn has come.
        """
        return Each(
            id,
            over=self._value(over).evaluate,
            do=guarded(do, id, () if retry is None else (retry,), timeout),
            item=item,
            uses=tuple(uses),
            output=output or id,
            results=results,
            limit=limit,
            on_error=on_error,
            errors=errors,
        )

    def race(
        self, id: str, /, runners: Mapping[str, Callable[[Any], Any]], *, strategy: Literal["any", "first"] = "any"
    ) -> Race:
        """Functions side by side until one is done; see `Race`. `guarded` gives one of them a timeout or retries."""
        return Race(id, runners, strategy)

    # ------------------------------------------------------------ parts of nodes

    def value(self, text: Any, state: Values) -> Any:
        """A value as workflow files have them: ``"$ctx.file.path"``, ``"{{ words | length }}"``."""
        return self._value(text).evaluate(state)

    def text(self, template: str, state: Values) -> str:
        """A jinja2 template, filled in."""
        return str(self._part("text", template, compile_template).evaluate(state))

    def test(self, condition: str, state: Values) -> Any:
        """A condition as workflow files have them: ``"status == 'new' and score > 3"``."""
        return self._part("test", condition, compile_condition).evaluate(state)

    def key(self, *names: str, inputs: Mapping[str, Any] | None = None) -> CacheKey:
        """A key for ``CachePolicy(key_func=...)``: kept for the same inputs and the same values of names."""
        return CacheKey(names, None if inputs is None else compile_value(dict(inputs), self._known))

    def load(self, name: str) -> Any:
        """What ``"package.module:name"`` or ``"./file.py:name"`` stands for."""
        return load_object(name, self.folder)

    def _value(self, raw: Any) -> Compiled:
        return self._part("value", raw, compile_value) if isinstance(raw, str) else compile_value(raw, self._known)

    def _part(self, kind: str, text: str, make: Callable[[Any, Names], Compiled]) -> Compiled:
        found = self._compiled.get((kind, text))
        if found is None:
            found = self._compiled[kind, text] = make(text, self._known)
        return found
