"""`StateGraph`: nodes that read and write one state, and edges that say what runs after what."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from victor.graph.command import END, START
from victor.graph.errors import GraphValidationError
from victor.graph.node import Branch, Edge, Node, jumps
from victor.graph.retry import RetryPolicy, TimeoutPolicy, retry_policies, timeout_policy
from victor.graph.schema import Schema, has_fields, read_schema

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.graph.cache import Cache, CachePolicy
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.compiled import CompiledGraph

__all__ = ["StateGraph"]

StateT = TypeVar("StateT")


class StateGraph(Generic[StateT]):
    """A graph of functions over a shared state.

    Each node gets the state and returns an update of it; keys annotated with a reducer
    (``Annotated[list, operator.add]``) combine updates, others hold the last. Nodes run in supersteps: all
    that are due run side by side on the same state, then their updates are applied in the order of their names, then
    edges say which nodes are due next. `compile` makes it runnable.

    Args:
        state_schema: A TypedDict, attrs class, dataclass, msgspec struct or pydantic model.
        context_schema: The class of what is passed as ``context=``; for type checkers and readers.
        input_schema: What callers pass in, where that is less than the state.
        output_schema: What callers get back, where that is less than the state.

    Example:
        >>> from typing import TypedDict
        >>> class State(TypedDict):
        ...     n: int
        >>> graph = StateGraph(State)
        >>> _ = graph.add_node("double", lambda state: {"n": state["n"] * 2})
        >>> _ = graph.add_edge(START, "double")
        >>> graph.compile().invoke({"n": 21})
        {'n': 42}
    """

    def __init__(
        self,
        state_schema: type[StateT] | Any,
        context_schema: Any = None,
        *,
        input_schema: Any = None,
        output_schema: Any = None,
        name: str = "",
    ) -> None:
        self.state_schema = state_schema
        self.context_schema = context_schema
        self.input_schema: Any = state_schema if input_schema is None else input_schema
        self.output_schema: Any = state_schema if output_schema is None else output_schema
        self.name = name
        self.nodes: dict[str, Node] = {}
        self.branches: list[Branch] = []
        self.schemas: dict[Any, Schema] = {}
        self._plain: dict[tuple[str, str], None] = {}
        self._joins: dict[tuple[tuple[str, ...], str], None] = {}
        self._defaults: dict[str, Any] = {}
        for schema in (self.state_schema, self.input_schema, self.output_schema):
            self.schema(schema)

    def schema(self, kind: Any) -> Schema:
        """The `Schema` of a class used in this graph; its keys become keys of the state.

        Raises:
            GraphValidationError: It is no class, or cannot be read.
        """
        if isinstance(kind, (Mapping, list)) or (not isinstance(kind, type) and has_fields(type(kind))):
            raise GraphValidationError(f"a state is described by its class, not by an instance: {kind!r:.80}")
        if kind not in self.schemas:
            self.schemas[kind] = read_schema(kind)
        return self.schemas[kind]

    def __getattr__(self, name: str) -> Any:
        hint = f"; compile the graph first: graph.compile().{name}(...)" if name in _OF_COMPILED else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    @property
    def edges(self) -> list[Edge]:
        """All edges, those of joins and the known ones of conditional edges included, in the order they were added."""
        found = [Edge(start, end) for start, end in self._plain]
        found += [Edge(start, end) for starts, end in self._joins for start in starts]
        for branch in self.branches:
            found += [Edge(branch.source, end, str(answer)) for answer, end in (branch.ends or {}).items()]
        for node in self.nodes.values():
            found += [Edge(node.name, end, label) for end, label in (node.destinations or {}).items()]
        return found

    @property
    def joins(self) -> list[tuple[tuple[str, ...], str]]:
        """Edges that wait for several nodes: their starts and the node that then runs."""
        return list(self._joins)

    def set_node_defaults(
        self,
        *,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: Callable[..., Any] | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
    ) -> Self:
        """Set what nodes added after this get where `add_node` says nothing else."""
        given = {
            "retry_policy": retry_policy,
            "cache_policy": cache_policy,
            "error_handler": error_handler,
            "timeout": timeout,
        }
        self._defaults.update({key: value for key, value in given.items() if value is not None})
        return self

    def add_node(
        self,
        node: str | Callable[..., Any] | CompiledGraph,
        action: Any = None,
        *,
        defer: bool = False,
        metadata: Mapping[str, Any] | None = None,
        input_schema: Any = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: Callable[..., Any] | None = None,
        destinations: Mapping[str, str] | Sequence[str] | None = None,
        timeout: float | timedelta | TimeoutPolicy | None = None,
    ) -> Self:
        """Add a node.

        Args:
            node: Its name, or the function, whose name it then takes.
            action: A function ``(state) -> update``, sync or async, which may also take ``config``, ``runtime``,
                ``store``, ``writer`` or ``context`` by name; or a compiled graph; or an object with ``ainvoke``
                or ``invoke``.
            defer: Run it only when nothing else is left to run.
            metadata: Whatever is to be attached to it.
            input_schema: What it gets, where that is not the state; keys of it become private keys of the state. By
                default read from the annotation of its first parameter.
            retry_policy: When to try again.
            cache_policy: When to use a former result again.
            error_handler: Called as ``(state, error: NodeError)`` in place of failing.
            destinations: Nodes it may jump to by a `Command`, where its return annotation does not say so.
            timeout: Seconds an attempt may take, or a `TimeoutPolicy`.

        Raises:
            GraphValidationError: The name is taken or reserved, or there is nothing to run.
        """
        if not isinstance(node, str):
            if action is not None:
                raise GraphValidationError(
                    f"the first argument of add_node is the name when two are given, not {node!r}"
                )
            node, action = _name_of(node), node
        if action is None:
            raise GraphValidationError(f"node {node!r}: there is nothing to run; pass the function as second argument")
        if node in self.nodes:
            raise GraphValidationError(f"there is a node {node!r} already; give this one another name")
        if node in (START, END) or not node:
            raise GraphValidationError(f"{node!r} cannot be a node's name: it is reserved")
        subgraph: CompiledGraph | None = action if hasattr(action, "run_nested") else None
        default = self._defaults
        retry = default.get("retry_policy") if retry_policy is None else retry_policy
        if input_schema is None and subgraph is None:
            input_schema = self._input_of(action)
        if input_schema is not None:
            self.schema(input_schema)
        if destinations is None and subgraph is None:
            annotated = jumps(action)
            destinations = annotated if annotated is not None else None
        self.nodes[node] = Node(
            name=node,
            action=action,
            subgraph=subgraph,
            input_schema=input_schema,
            destinations=_labels(destinations),
            metadata=dict(metadata or {}),
            defer=defer,
            retry=retry_policies(retry),
            timeout=timeout_policy(default.get("timeout") if timeout is None else timeout),
            cache=default.get("cache_policy") if cache_policy is None else cache_policy,
            error_handler=default.get("error_handler") if error_handler is None else error_handler,
        )
        return self

    def add_edge(self, start_key: str | Sequence[str], end_key: str) -> Self:
        """Run ``end_key`` after ``start_key``; after all of them, when that is a list.

        Raises:
            GraphValidationError: It starts at `END`, ends at `START`, or starts nowhere.
        """
        starts = (start_key,) if isinstance(start_key, str) else tuple(start_key)
        if not starts:
            raise GraphValidationError(f"an edge to {end_key!r} starts nowhere")
        if END in starts:
            raise GraphValidationError(f"END cannot start an edge (to {end_key!r})")
        if end_key == START:
            raise GraphValidationError(f"START cannot end an edge (from {', '.join(map(repr, starts))})")
        if isinstance(start_key, str):
            self._plain[start_key, end_key] = None
        else:
            if START in starts:
                raise GraphValidationError(f"START cannot be one of several starts (to {end_key!r})")
            self._joins[tuple(dict.fromkeys(starts)), end_key] = None
        return self

    def add_conditional_edges(
        self,
        source: str,
        path: Callable[..., Any],
        path_map: Mapping[Hashable, str] | Sequence[str] | None = None,
    ) -> Self:
        """After ``source``, ask ``path`` where to go.

        Args:
            source: The node.
            path: A function of the state, sync or async. It answers with a node's name, a key of ``path_map``, a
                `Send`, or a list of these.
            path_map: What its answers stand for; a list of node names where they stand for themselves. By default read
                from a ``Literal`` in its return annotation; without that, any node may follow.

        Raises:
            GraphValidationError: It starts at `END`, or the same function is attached to the same node twice.
        """
        if source == END:
            raise GraphValidationError("END cannot start a conditional edge")
        ends: Mapping[Any, str] | None
        if path_map is None:
            annotated = jumps(path)
            ends = {name: name for name in annotated} if annotated else None
        elif isinstance(path_map, Mapping):
            ends = dict(path_map)
        else:
            ends = {name: name for name in path_map}
        branch = Branch(source, path, ends, self._input_of(path))
        if branch.input_schema is not None:
            self.schema(branch.input_schema)
        if any(other.source == source and other.path is path for other in self.branches):
            raise GraphValidationError(f"{branch.name!r} is attached to node {source!r} already")
        self.branches.append(branch)
        return self

    add_conditional_edge = add_conditional_edges

    def add_sequence(self, nodes: Sequence[Callable[..., Any] | tuple[str, Any]]) -> Self:
        """Add nodes that run one after the other; each a function or a pair of name and function.

        Raises:
            GraphValidationError: There are none, or a name is taken.
        """
        if not nodes:
            raise GraphValidationError("a sequence needs at least one node")
        former: str | None = None
        for one in nodes:
            name, action = one if isinstance(one, tuple) else (_name_of(one), one)
            self.add_node(name, action)
            if former is not None:
                self.add_edge(former, name)
            former = name
        return self

    def set_entry_point(self, key: str) -> Self:
        """The same as ``add_edge(START, key)``."""
        return self.add_edge(START, key)

    def set_conditional_entry_point(
        self, path: Callable[..., Any], path_map: Mapping[Hashable, str] | Sequence[str] | None = None
    ) -> Self:
        """The same as ``add_conditional_edges(START, path, path_map)``."""
        return self.add_conditional_edges(START, path, path_map)

    def set_finish_point(self, key: str) -> Self:
        """The same as ``add_edge(key, END)``."""
        return self.add_edge(key, END)

    def validate(self, interrupt: Sequence[str] | None = None) -> Self:
        """Check the graph as `compile` does.

        Args:
            interrupt: Nodes to stop at, which must be there.

        Raises:
            GraphValidationError: Something is wrong; lists all that is.
        """
        from victor.graph.program import build_program

        build_program(self, interrupt_before=interrupt, interrupt_after=None, name=self.name or "graph")
        return self

    def compile(
        self,
        checkpointer: Checkpointer | str | bool | None = None,
        *,
        cache: Cache | None = None,
        store: Any = None,
        interrupt_before: str | Sequence[str] | None = None,
        interrupt_after: str | Sequence[str] | None = None,
        debug: bool = False,
        name: str | None = None,
        codec: Codec | None = None,
        schema_version: int = 1,
        migrate: Mapping[int, Callable[[Any], Any]] | None = None,
    ) -> CompiledGraph:
        """Check the graph and make it runnable.

        Args:
            checkpointer: Where runs are recorded: a store, its URL (``"sqlite:runs.db"``), True or False (for a
                subgraph: a memory of its own, or none), None (a subgraph then uses its parent's).
            cache: Where results of nodes with a cache policy are kept; by default in this process.
            store: A key-value store that nodes can reach.
            interrupt_before: Nodes to stop before, ``"*"`` for all.
            interrupt_after: Nodes to stop after, ``"*"`` for all.
            debug: Print each superstep's tasks and updates.
            name: For events, pictures and subgraph namespaces.
            codec: Turns values into bytes; by default one that allows the classes the state classes mention.
            schema_version: Version of the state's shape, from 1, stored with each checkpoint.
            migrate: For each older version, a function that makes values of the next version of its values.

        Raises:
            GraphValidationError: Something is wrong; lists all that is.
        """
        from victor.graph.compiled import CompiledGraph
        from victor.graph.program import build_program

        program = build_program(
            self, interrupt_before=interrupt_before, interrupt_after=interrupt_after, name=name or self.name or "graph"
        )
        return CompiledGraph(
            self,
            program,
            checkpointer=checkpointer,
            cache=cache,
            store=store,
            debug=debug,
            codec=codec,
            schema_version=schema_version,
            migrate=migrate,
        )

    def topology(self, *, xray: bool | int = True) -> Topology:
        """A neutral picture of the graph; subgraphs are frames, as deep as ``xray`` says."""
        from victor.graph.picture import topology

        return topology(self, xray=xray)

    def _input_of(self, function: Callable[..., Any]) -> Any:
        """The state class that a function's first parameter is annotated with, where it is another than the graph's."""
        if type(function) is not types.FunctionType:
            function = getattr(function, "__func__", None) or getattr(function, "__wrapped__", None) or function
        annotations = getattr(function, "__annotations__", None)
        code = getattr(function, "__code__", None)
        if not annotations or code is None or code.co_argcount == 0:
            return None
        first = code.co_varnames[0]
        if first in ("self", "cls") and code.co_argcount > 1:
            first = code.co_varnames[1]
        annotation = annotations.get(first)
        if (
            annotation is None
            or annotation is self.state_schema
            or annotation == getattr(self.state_schema, "__name__", "")
        ):
            return None
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, getattr(function, "__globals__", {}))  # noqa: S307 - the author's own
            except Exception:  # noqa: BLE001 - annotations may name what is not there at run time
                return None

        return annotation if has_fields(annotation) and annotation is not self.state_schema else None


_OF_COMPILED: Final = frozenset(
    {
        "invoke", "ainvoke", "stream", "astream", "run", "arun", "batch", "abatch", "get_state", "aget_state",
        "get_state_history", "update_state", "aupdate_state", "get_graph",
    }
)  # fmt: skip


def _name_of(action: Any) -> str:
    name = getattr(action, "__name__", None) or getattr(action, "name", None)
    if not isinstance(name, str) or not name:
        raise GraphValidationError(f"{action!r} has no name; pass one: add_node('name', ...)")
    return name


def _labels(destinations: Mapping[str, str] | Sequence[str] | None) -> Mapping[str, str] | None:
    if destinations is None or isinstance(destinations, Mapping):
        return destinations
    return dict.fromkeys([destinations] if isinstance(destinations, str) else destinations, "")
