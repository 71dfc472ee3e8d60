"""`CompiledGraph`: a graph that can be run, asked about its threads, and used as a node of another."""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from victor.graph.command import Command
from victor.graph.engine import DEFAULT_RECURSION_LIMIT, Run
from victor.graph.errors import GraphInterrupt, GraphValidationError
from victor.graph.program import Program, near
from victor.graph.runtime import CURRENT, RunnableConfig
from victor.graph.schema import ROOT
from victor.graph.tasks import Task
from victor.graph.threads import Threads
from victor.graph.updates import state_fields
from victor.graph.within import block_on, finish

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.graph.cache import Cache
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.checkpoint.log import Durability
    from victor.graph.graph import StateGraph
    from victor.graph.result import RunResult
    from victor.graph.stream import AsyncPipe, Part, StreamMode, ThreadPipe

__all__ = ["CompiledGraph"]

_KNOWN = frozenset(
    {
        "thread_id", "checkpoint_id", "context", "durability", "control", "interrupt_before", "interrupt_after",
        "recursion_limit", "max_concurrency", "debug",
    }
)  # fmt: skip


class CompiledGraph(Threads):
    """A graph that can be run. Made by `StateGraph.compile`.

    All the ways to run it take an input (a dict or an instance of the state class, None to go on, or a `Command`), a
    LangGraph-style ``config``, and these keywords, which say the same more plainly:

    - ``thread_id``: the thread to run in, when there is a checkpointer
    - ``checkpoint_id``: the checkpoint of it to go on from
    - ``context``: what nodes see as ``runtime.context``
    - ``durability``: ``"sync"`` (default: each superstep is stored before the next starts), ``"async"`` or ``"exit"``
    - ``control``: a `RunControl`, to stop the run between supersteps
    - ``interrupt_before``, ``interrupt_after``: nodes to stop at, in place of those given to ``compile``
    - ``recursion_limit``: how many supersteps the run may take (default 10,000)
    - ``max_concurrency``: how many nodes may run at once

    Sync nodes run in the calling thread under ``invoke`` (in threads when several run at once), and in threads under
    ``ainvoke``, so they never hold up the event loop. Conditional edges are asked where the run is: keep them quick.
    """

    def __init__(
        self,
        builder: StateGraph[Any],
        program: Program,
        *,
        checkpointer: Checkpointer | str | bool | None = None,
        cache: Cache | None = None,
        store: Any = None,
        debug: bool = False,
        codec: Codec | None = None,
        schema_version: int = 1,
        migrate: Mapping[int, Callable[[Any], Any]] | None = None,
    ) -> None:
        self.builder = builder
        self.program = program
        self.name = program.name
        self.store = store
        self.debug = debug
        if isinstance(checkpointer, str):
            from victor.graph.checkpoint.urls import open_checkpointer

            checkpointer = open_checkpointer(checkpointer)
        self.checkpointer: Checkpointer | bool | None = checkpointer
        self._cache = cache
        self._codec = codec
        self._schema_version = schema_version
        self._migrate = migrate
        self._bound: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"<CompiledGraph {self.name!r} with {len(self.program.plans)} nodes>"

    # ---------------------------------------------------------------- running

    def invoke(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        stream_mode: StreamMode = "values",
        output_keys: str | Sequence[str] | None = None,
        version: str = "v1",
        **options: Any,
    ) -> Any:
        """Run, and return the output.

        Works with or without a running event loop; with one, it blocks it.

        Args:
            input: See the class.
            config: See the class.
            stream_mode: Anything but ``"values"`` returns the list of what `stream` would yield.
            output_keys: Keys to return, in place of those of the output schema.
            version: ``"v2"`` returns a `RunResult`.
            **options: See the class.

        Returns:
            The output state as a dict. If the run stopped with questions, they are under ``"__interrupt__"``.

        Raises:
            GraphRecursionError: It took too many supersteps.
            InvalidUpdateError: A node wrote what the state cannot take.
            Exception: Whatever a node raised.
        """
        if stream_mode != "values":
            return list(
                self.stream(input, config, stream_mode=stream_mode, output_keys=output_keys, version=version, **options)
            )
        run = self._run(config, options, blocking=not self.program.needs_loop)
        began = time.perf_counter()
        if run.blocking:
            finish(run.go(input))
        else:
            block_on(run.go(input), copy_context())
        return self._returned(run, output_keys, version, began)

    async def ainvoke(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        stream_mode: StreamMode = "values",
        output_keys: str | Sequence[str] | None = None,
        version: str = "v1",
        **options: Any,
    ) -> Any:
        """`invoke` for async programs."""
        if stream_mode != "values":
            parts = self.astream(
                input, config, stream_mode=stream_mode, output_keys=output_keys, version=version, **options
            )
            return [part async for part in parts]
        run = self._run(config, options, blocking=False)
        began = time.perf_counter()
        await run.go(input)
        return self._returned(run, output_keys, version, began)

    def _returned(self, run: Run, output_keys: str | Sequence[str] | None, version: str, began: float) -> Any:
        if version == "v2":
            return self._result(run, None, began)
        if isinstance(output_keys, str):
            return run.values.get(output_keys)
        output = run.output(output_keys)
        if run.status == "interrupted":
            if run.parent is not None:
                raise GraphInterrupt(run.interrupts)
            if run.interrupts and isinstance(output, dict):
                output["__interrupt__"] = list(run.interrupts)
        return output

    def run(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> RunResult:
        """Run, and say what came of it: completed, interrupted or failed. Errors of the run are returned, not raised.

        Example:
            >>> from victor.graph import START, StateGraph
            >>> graph = StateGraph(dict).add_node("fail", lambda state: 1 / 0).add_edge(START, "fail").compile()
            >>> result = graph.run({})
            >>> result.status, result.error
            ('failed', ZeroDivisionError('division by zero'))
        """
        run = self._run(config, options, blocking=not self.program.needs_loop)
        began = time.perf_counter()
        error: Exception | None = None
        try:
            if run.blocking:
                finish(run.go(input))
            else:
                block_on(run.go(input), copy_context())
        except Exception as raised:  # noqa: BLE001 - the caller asked to be told, not to be interrupted
            error = raised
        return self._result(run, error, began)

    async def arun(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> RunResult:
        """`run` for async programs."""
        run = self._run(config, options, blocking=False)
        began = time.perf_counter()
        error: Exception | None = None
        try:
            await run.go(input)
        except Exception as raised:  # noqa: BLE001 - the caller asked to be told, not to be interrupted
            error = raised
        return self._result(run, error, began)

    def _result(self, run: Run, error: Exception | None, began: float) -> RunResult:
        from victor.graph.result import RunResult

        steps = max(0, run.step - run.started_at)
        status = "failed" if error is not None else run.status
        return RunResult(
            cast("Any", status), run.output(), run.interrupts, error, run.thread_id, steps, time.perf_counter() - began
        )

    def stream(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        stream_mode: StreamMode | Sequence[StreamMode] | None = None,
        output_keys: str | Sequence[str] | None = None,
        subgraphs: bool = False,
        version: str = "v1",
        **options: Any,
    ) -> Iterator[Any]:
        """Run, and yield what happens.

        The run goes on in a thread of its own, one superstep at a time: a reader that stops reading stops it.

        Args:
            input: See the class.
            config: See the class.
            stream_mode: What to yield (`StreamMode`; default ``"updates"``). Of several, pairs of mode and part.
            output_keys: Keys to yield; by default all.
            subgraphs: Yield what happens in subgraphs too; each part then begins with the namespace.
            version: ``"v2"`` yields dicts with ``type``, ``ns`` and ``data``.
            **options: See the class.
        """
        from victor.graph.stream import ThreadPipe

        pipe = ThreadPipe()
        run, form = self._streamed(
            config, options, stream_mode, output_keys, subgraphs, version, pipe, not self.program.needs_loop
        )
        outcome: list[BaseException] = []
        stop: list[Callable[[], Any]] = []

        def work() -> None:
            try:
                if run.blocking:
                    finish(_going(run, input))
                else:
                    asyncio.run(_cancellable(_going(run, input), stop))
            except BaseException as error:  # noqa: BLE001 - raised in the reader
                outcome.append(error)
            finally:
                pipe.end()

        thread = threading.Thread(target=copy_context().run, args=(work,), name=f"stream of {self.name}", daemon=True)
        thread.start()
        try:
            while (part := pipe.get()) is not None:
                yield form(part)
        finally:
            pipe.leave()
            for cancel in stop:
                cancel()
            thread.join()
        if outcome:
            raise outcome[0]
        if run.parent is not None and run.status == "interrupted":
            raise GraphInterrupt(run.interrupts)

    async def astream(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        stream_mode: StreamMode | Sequence[StreamMode] | None = None,
        output_keys: str | Sequence[str] | None = None,
        subgraphs: bool = False,
        version: str = "v1",
        **options: Any,
    ) -> AsyncIterator[Any]:
        """`stream` for async programs."""
        from victor.graph.stream import AsyncPipe

        pipe = AsyncPipe()
        run, form = self._streamed(config, options, stream_mode, output_keys, subgraphs, version, pipe, False)
        task = asyncio.create_task(_going(run, input))
        task.add_done_callback(pipe.end)
        try:
            while (part := await pipe.get()) is not None:
                yield form(part)
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))
        if run.parent is not None and run.status == "interrupted":
            raise GraphInterrupt(run.interrupts)

    def _streamed(
        self,
        config: RunnableConfig | None,
        options: dict[str, Any],
        stream_mode: StreamMode | Sequence[StreamMode] | None,
        output_keys: str | Sequence[str] | None,
        subgraphs: bool,
        version: str,
        pipe: AsyncPipe | ThreadPipe,
        blocking: bool,
    ) -> tuple[Run, Callable[[Part], Any]]:
        from victor.graph.stream import Sink, check_modes, shape

        mode = "updates" if stream_mode is None else stream_mode
        keys = (output_keys,) if isinstance(output_keys, str) else output_keys
        run = self._run(config, options, blocking=blocking)
        sink = Sink(check_modes(mode), pipe.put, pipe.pace, subgraphs=subgraphs, keys=keys)
        if run.sink is not None:
            from victor.graph.duplex import duplex

            sink = duplex(sink, run.sink, len(run.namespace_path))
        run.sink = sink
        several = not isinstance(mode, str)
        return run, lambda part: shape(part, several=several, subgraphs=subgraphs, version=version)

    # ---------------------------------------------------------------- setting up

    def _run(self, config: RunnableConfig | None, options: Mapping[str, Any], *, blocking: bool) -> Run:
        """A run, set up as config and options say."""
        given: Mapping[str, Any] = config or _NO_CONFIG
        if self._bound:
            given = merged(self._bound, given)
        configurable = given.get("configurable") or _NO_CONFIG
        limit = given.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
        thread_id = configurable.get("thread_id")
        concurrency = given.get("max_concurrency")
        checkpoint_id = configurable.get("checkpoint_id")
        if options:
            for name in options:
                if name not in _KNOWN:
                    raise TypeError(f"there is no option {name!r}{near(name, sorted(_KNOWN))}")
            thread_id = options.get("thread_id", thread_id)
            checkpoint_id = options.get("checkpoint_id", checkpoint_id)
            limit = options.get("recursion_limit", limit)
            concurrency = options.get("max_concurrency", concurrency)
        if limit < 1:
            raise GraphValidationError(f"recursion_limit must be at least 1, not {limit}")
        run = Run(self.program, cast("RunnableConfig", given), blocking=blocking, limit=limit)
        run.max_concurrency = concurrency
        run.store = self.store
        run.cache = self._cache if self._cache is not None else self._own_cache()  # type: ignore[assignment]
        run.thread_id = None if thread_id is None else str(thread_id)
        if options:
            self._optional(run, options)
        parent = CURRENT.get()
        if parent is not None and (run.thread_id is None or run.thread_id == parent.run.thread_id):
            self._nest(run, parent, parent.count(self.name))
        elif self.checkpointer is not None and self.checkpointer is not False:
            self._record(run, configurable.get("checkpoint_ns", ""), checkpoint_id, options.get("durability"))
        if self.debug or options.get("debug"):
            from victor.graph.debugging import printing_sink

            run.sink = printing_sink()
        return run

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

    def _own_cache(self) -> Cache | None:
        if any(plan.cache is not None for plan in self.program.plans):
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

            kinds: set[type] = set()
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
        run.cache = self._cache if self._cache is not None else self._own_cache()  # type: ignore[assignment]
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

    # ---------------------------------------------------------------- looking at it

    def topology(self, *, xray: bool | int = True) -> Topology:
        """A neutral picture of the graph; subgraphs are frames, as deep as ``xray`` says."""
        return self.builder.topology(xray=xray)

    def get_graph(self, config: RunnableConfig | None = None, *, xray: bool | int = False) -> Any:
        """The graph as LangGraph's users look at it: ``.nodes``, ``.edges``, ``draw_mermaid()``, ``draw_ascii()``."""
        from victor.graph.picture import Drawing

        return Drawing(self.builder.topology(xray=xray))

    def get_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> Iterator[tuple[str, CompiledGraph]]:
        """The subgraphs that are nodes of this graph, with the names of those nodes."""
        for plan in self.program.plans:
            if plan.subgraph is not None:
                if namespace is None or namespace == plan.name or namespace.startswith(f"{plan.name}|"):
                    yield plan.name, plan.subgraph
                    if recurse:
                        rest = namespace.partition("|")[2] or None if namespace is not None else None
                        for name, inner in plan.subgraph.get_subgraphs(namespace=rest, recurse=True):
                            yield f"{plan.name}|{name}", inner

    def with_config(self, config: RunnableConfig | None = None, **settings: Any) -> CompiledGraph:
        """The same graph with settings that hold for each run that does not say otherwise."""
        bound = copy.copy(self)
        bound._bound = merged(self._bound, {**(config or {}), **settings})
        return bound


_NO_CONFIG: dict[str, Any] = {}


def _going(run: Run, input: Any) -> Coroutine[Any, Any, None]:
    """A streamed run: where messages are asked for, agents in it are heard."""
    if run.sink is None or not run.sink.messages:
        return run.go(input)
    from victor.graph.words import listening

    return listening(run.go(input))


async def _cancellable(coroutine: Any, stop: list[Callable[[], Any]]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    stop.append(lambda: None if loop.is_closed() else loop.call_soon_threadsafe(task.cancel))
    await coroutine


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two configs as one; the other's settings win."""
    both = {**one, **other}
    for key in ("configurable", "metadata"):
        if one.get(key) and other.get(key):
            both[key] = {**one[key], **other[key]}
    return both
