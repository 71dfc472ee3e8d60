"""`CompiledGraph`: a graph that can be run, asked about its threads, and used as a node of another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from victor.core import event_loop
from victor.graph.batches import Batches
from victor.graph.described import Described
from victor.graph.engine import Run
from victor.graph.errors import GraphInterrupt, GraphValidationError
from victor.graph.program import Program
from victor.graph.runtime import RunnableConfig
from victor.graph.starting import Starting
from victor.graph.within import block_on, finish

if TYPE_CHECKING:
    from victor.graph.cache import Cache
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.graph import StateGraph
    from victor.graph.result import RunResult
    from victor.graph.stream import AsyncPipe, Part, StreamMode, ThreadPipe

__all__ = ["CompiledGraph"]


class CompiledGraph(Starting, Described, Batches):
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
    - ``print_mode``: stream modes whose parts are printed besides

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
        self.name: str = program.name
        self.store = store
        self.debug = debug
        if isinstance(checkpointer, str):
            from victor.graph.checkpoint.urls import open_checkpointer

            checkpointer = open_checkpointer(checkpointer)
        elif checkpointer is not None and not isinstance(checkpointer, bool):
            _check_checkpointer(checkpointer)
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
                    event_loop.run(_cancellable(_going(run, input), stop))
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

    async def astream_events(
        self, input: Any, config: RunnableConfig | None = None, *, version: str = "v2",
        include_names: Sequence[str] | None = None, include_types: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None, exclude_types: Sequence[str] | None = None, **options: Any,
    ) -> AsyncIterator[dict[str, Any]]:  # fmt: skip
        """Run, and yield what happens as the event dicts LangChain's users know.

        ``on_chain_start``, ``on_chain_stream`` and ``on_chain_end`` for the graph and each node;
        ``on_chat_model_start``, ``..._stream`` and ``..._end`` for what agents say in nodes; ``on_tool_start`` and
        ``on_tool_end`` for the tools they call. Each has ``event``, ``name``, ``run_id``, ``parent_ids``, ``tags``,
        ``metadata`` and ``data``.

        Args:
            input: See the class.
            config: See the class.
            version: Only ``"v2"``.
            include_names: Only of these graphs, nodes, models and tools.
            include_types: Only of these types: ``"chain"``, ``"chat_model"``, ``"tool"``.
            exclude_names: Not of these.
            exclude_types: Not of these.
            **options: See the class.

        Raises:
            GraphValidationError: Another version.
        """
        if version != "v2":
            raise GraphValidationError(f"astream_events knows version 'v2', not {version!r}")
        from victor.graph.event_dicts import event_dicts

        async for event in event_dicts(self, input, config, options):
            kind = event["event"].removeprefix("on_").rpartition("_")[0]
            if (include_names is None and include_types is None) or (
                event["name"] in (include_names or ()) or kind in (include_types or ())
            ):
                if event["name"] not in (exclude_names or ()) and kind not in (exclude_types or ()):
                    yield event

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


def _check_checkpointer(given: Any) -> None:
    from victor.graph.checkpoint.base import Checkpointer

    if not isinstance(given, Checkpointer):
        hint = f"; make one: {given.__name__}(...)" if isinstance(given, type) else ""
        raise GraphValidationError(
            f"checkpointer takes a store, its URL ('memory:', 'sqlite:runs.db'), True or False, not {given!r:.80}{hint}"
        )


def _going(run: Run, input: Any) -> Coroutine[Any, Any, None]:
    """A streamed run: where messages are asked for, agents in it are heard."""
    if run.sink is None or not run.sink.messages:
        return run.go(input)
    from victor.graph.langchain_models import with_hearer
    from victor.graph.words import listening

    if run.config.get("callbacks"):  # which nodes hand on to LangChain's models
        run.config = {**run.config, "callbacks": with_hearer(run.config["callbacks"])}
    return listening(run.go(input))


async def _cancellable(coroutine: Any, stop: list[Callable[[], Any]]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    stop.append(lambda: None if loop.is_closed() else loop.call_soon_threadsafe(task.cancel))
    await coroutine
