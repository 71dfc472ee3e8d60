"""How a run of a compiled graph is set up: from config and options, with a log of its own or as part of another run."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from attrs import evolve

from victor.graph.command import Command, Overwrite
from victor.graph.engine import DEFAULT_RECURSION_LIMIT, Run
from victor.graph.errors import GraphInterrupt, GraphValidationError
from victor.graph.program import near
from victor.graph.runtime import CURRENT, RunnableConfig
from victor.graph.schema import ROOT
from victor.graph.tasks import Task
from victor.graph.threads import Threads, configurable_of, thread_name
from victor.graph.updates import state_fields

if TYPE_CHECKING:
    from victor.graph.cache import Cache
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.checkpoint.log import Durability
    from victor.graph.graph import StateGraph

__all__ = ["OPTIONS", "Starting", "merged"]

OPTIONS = frozenset(
    {
        "thread_id", "checkpoint_id", "context", "durability", "control", "interrupt_before", "interrupt_after",
        "recursion_limit", "max_concurrency", "debug", "print_mode",
    }
)  # fmt: skip
"""Names of the options of a run."""

_NO_CONFIG: dict[str, Any] = {}
_COPIED = {"checkpointer": "checkpointer", "store": "store", "cache": "_cache", "debug": "debug", "name": "name"}


class Starting(Threads):
    """The part of `CompiledGraph` that makes its runs."""

    builder: StateGraph[Any]
    debug: bool
    checkpointer: Checkpointer | bool | None
    _cache: Cache | None
    _codec: Codec | None
    _schema_version: int
    _migrate: Mapping[int, Callable[[Any], Any]] | None
    _bound: Mapping[str, Any]

    def _run(self, config: RunnableConfig | None, options: Mapping[str, Any], *, blocking: bool) -> Run:
        """A run, set up as config and options say."""
        given: Mapping[str, Any] = config or _NO_CONFIG
        configurable = configurable_of(given)
        if self._bound:
            given = merged(self._bound, given)
            configurable = given.get("configurable") or _NO_CONFIG
        limit = given.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
        thread_id = configurable.get("thread_id")
        concurrency = given.get("max_concurrency")
        checkpoint_id = configurable.get("checkpoint_id")
        if options:
            for name in options:
                if name not in OPTIONS:
                    raise TypeError(f"there is no option {name!r}{near(name, sorted(OPTIONS))}")
            thread_id = options.get("thread_id", thread_id)
            checkpoint_id = options.get("checkpoint_id", checkpoint_id)
            limit = options.get("recursion_limit", limit)
            concurrency = options.get("max_concurrency", concurrency)
        if type(limit) is not int or limit < 1:
            raise GraphValidationError(f"recursion_limit is a number of supersteps, at least 1, not {limit!r}")
        if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
            raise GraphValidationError(f"max_concurrency is a number of nodes, at least 1, not {concurrency!r}")
        run = Run(self.program, cast("RunnableConfig", given), blocking=blocking, limit=limit)
        run.max_concurrency = concurrency
        run.store = self.store
        run.cache = self._own_cache() if self.program.has_cached else self._cache  # type: ignore[assignment]
        run.thread_id = None if thread_id is None else thread_name(thread_id)
        if options:
            self._optional(run, options)
        parent = CURRENT.get()
        if parent is not None and (run.thread_id is None or run.thread_id == parent.run.thread_id):
            self._nest(run, parent, parent.count(self.name))
        elif self.checkpointer is not None and self.checkpointer is not False:
            self._record(run, configurable.get("checkpoint_ns", ""), checkpoint_id, options.get("durability"))
        if self.debug or (options and (options.get("debug") or options.get("print_mode"))):
            self._print(run, options)
        return run

    def _print(self, run: Run, options: Mapping[str, Any]) -> None:
        """Have a run print what it does, besides what it tells a reader."""
        from victor.graph.debugging import printing_sink
        from victor.graph.duplex import duplex
        from victor.graph.stream import check_modes

        debug = self.debug or options.get("debug")
        printing = printing_sink(check_modes(options.get("print_mode") or ()) | ({"debug"} if debug else set()))
        run.sink = printing if run.sink is None else duplex(printing, run.sink, len(run.namespace_path))

    def _optional(self, run: Run, options: Mapping[str, Any]) -> None:
        run.context = self._context(options.get("context"))
        run.control = options.get("control")
        for name in ("interrupt_before", "interrupt_after"):
            nodes = options.get(name)
            if nodes is not None:
                ranks = self.program.ranks
                wanted = ranks if nodes == "*" else [nodes] if isinstance(nodes, str) else nodes
                for node in wanted:
                    if node not in ranks:
                        raise GraphValidationError(f"cannot interrupt at {node!r}, which is no node{near(node, ranks)}")
                setattr(run, name, frozenset(ranks[node] for node in wanted))

    def _context(self, context: Any) -> Any:
        schema = self.builder.context_schema
        if (
            schema is not None
            and isinstance(context, dict)
            and isinstance(schema, type)
            and not hasattr(schema, "__required_keys__")
        ):
            return context if issubclass(schema, dict) else schema(**context)
        return context

    def _own_cache(self) -> Cache:
        """The cache; one in this process where none was given."""
        if self._cache is None:
            from victor.graph.cache import InMemoryCache

            self._cache = InMemoryCache()
        return self._cache

    def _record(self, run: Run, namespace: str, checkpoint_id: str | None, durability: Durability | None) -> None:
        """Have a run write checkpoints."""
        from victor.graph.checkpoint.recorder import Recorder

        store, codec = self.store_and_codec()
        if run.thread_id is None:
            raise GraphValidationError(
                f"graph {self.name!r} has a checkpointer, so a run needs a thread: pass thread_id=..., or "
                'config={"configurable": {"thread_id": ...}}'
            )
        mode = durability or "sync"
        if mode not in ("sync", "async", "exit"):
            raise GraphValidationError(f"durability is 'sync', 'async' or 'exit', not {mode!r}")
        run.namespace = namespace
        run.log = Recorder(store, codec, run.thread_id, namespace, mode)
        run.log.wanted = checkpoint_id
        run.log.metadata = dict(run.config.get("metadata") or {})

    def store_and_codec(self) -> tuple[Checkpointer, Codec]:
        """The checkpoint store, and the codec for this graph's state.

        Raises:
            GraphValidationError: The graph was compiled without a store.
        """
        if self.checkpointer is None or isinstance(self.checkpointer, bool):
            raise GraphValidationError(
                f"graph {self.name!r} was compiled without a checkpointer: compile(checkpointer=...)"
            )
        return self.checkpointer, self.codec

    @property
    def codec(self) -> Codec:
        """Turns this graph's values into bytes: allows the classes its state classes mention."""
        if self._codec is None:
            from victor.graph.checkpoint.codec import Codec, types_in

            kinds: set[type] = {Overwrite}
            for kind in self.builder.schemas:
                kinds |= types_in(kind)
            self._codec = Codec(
                sorted(kinds, key=lambda one: (one.__module__, one.__qualname__)),
                version=self._schema_version, migrate=self._migrate,
            )  # fmt: skip
        return self._codec

    # ---------------------------------------------------------------- as a node of another graph

    def namespace_in(self, task: Task) -> str:
        """The namespace of this graph when it runs in a task."""
        if self.checkpointer is True:
            own = task.plan.name
            return f"{task.run.namespace}|{own}" if task.run.namespace else own
        return task.namespace

    def _nest(self, run: Run, parent: Task, count: int) -> None:
        """Make a run part of the one its task belongs to."""
        outer = parent.run
        run.parent = parent
        run.root = outer.root
        run.thread_id = outer.thread_id
        run.namespace = self.namespace_in(parent) + (f":{count}" if count else "")
        run.namespace_path = tuple(run.namespace.split("|"))
        run.context = outer.context if run.context is None else run.context
        run.store = outer.store if run.store is None else run.store
        run.control = outer.control if run.control is None else run.control
        run.max_concurrency = outer.max_concurrency if run.max_concurrency is None else run.max_concurrency
        run.config = {**outer.config, **run.config}
        run.sink = None if outer.sink is None else outer.sink.nested()
        if outer.limit != DEFAULT_RECURSION_LIMIT and run.limit == DEFAULT_RECURSION_LIMIT:
            run.limit = outer.limit
        log = outer.log
        if log is None or self.checkpointer is False:
            return
        from victor.graph.checkpoint.recorder import Recorder

        store = log.store if self.checkpointer is None or self.checkpointer is True else self.checkpointer
        run.log = Recorder(store, self.codec, log.thread_id, run.namespace, log.durability)
        run.log.owner = parent.id
        run.log.metadata = log.metadata

    async def run_nested(self, task: Task, input: Any) -> Any:
        """Run as a node: on those keys of the state that both graphs have.

        Raises:
            GraphInterrupt: It stopped and waits.
        """
        program = self.program
        run = Run(program, task.run.config, blocking=task.run.blocking, limit=DEFAULT_RECURSION_LIMIT)
        run.store = self.store
        run.cache = self._own_cache() if self.program.has_cached else self._cache  # type: ignore[assignment]
        self._nest(run, task, task.count(""))
        if not program.input_is_root and not isinstance(input, Command):
            fields = input if isinstance(input, Mapping) else state_fields(input) or {}
            input = {key: value for key, value in fields.items() if key in program.input_keys}
        await run.go(input)
        if run.status == "interrupted":
            raise GraphInterrupt(run.interrupts)
        output = run.output()
        if isinstance(output, dict) and ROOT not in task.run.program.channels:
            return {key: value for key, value in output.items() if key in task.run.program.channels}
        return output

    def with_config(self, config: RunnableConfig | None = None, **settings: Any) -> Self:
        """The same graph with settings that hold for each run that does not say otherwise."""
        bound = copy.copy(self)
        bound._bound = merged(self._bound, {**(config or {}), **settings})
        return bound

    @property
    def config(self) -> RunnableConfig:
        """The settings that `with_config` has bound."""
        return cast("RunnableConfig", dict(self._bound))

    @property
    def cache(self) -> Cache | None:
        """Where results of nodes with a cache policy are kept."""
        return self._cache

    def copy(self, update: Mapping[str, Any] | None = None) -> Self:
        """The same graph with another ``checkpointer``, ``store``, ``cache``, ``debug`` or ``name``.

        Raises:
            GraphValidationError: Something else is to be changed.
        """
        other = copy.copy(self)
        for key, value in (update or {}).items():
            if key not in _COPIED:
                raise GraphValidationError(f"copy cannot change {key!r}{near(key, sorted(_COPIED))}")
            setattr(other, _COPIED[key], value)
        if update and "name" in update:
            other.program = evolve(self.program, name=other.name)
        return other

    def clear_cache(self, nodes: str | Sequence[str] | None = None) -> None:
        """Forget results of nodes with a cache policy: of those named, or of all.

        Raises:
            GraphValidationError: There is no such node.
        """
        names = [nodes] if isinstance(nodes, str) else list(self.program.ranks) if nodes is None else nodes
        for name in names:
            if name not in self.program.ranks:
                raise GraphValidationError(f"there is no node {name!r}{near(name, self.program.ranks)}")
        if self._cache is not None:
            for name in names:
                self._cache.clear((self.program.name, name))

    async def aclear_cache(self, nodes: str | Sequence[str] | None = None) -> None:
        """`clear_cache` for async programs."""
        await asyncio.to_thread(self.clear_cache, nodes)


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two configs as one; the other's settings win."""
    both = {**one, **other}
    for key in ("configurable", "metadata"):
        if one.get(key) and other.get(key):
            both[key] = {**one[key], **other[key]}
    return both
