"""Reading and changing the threads of a graph: states, history, updates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from victor.graph.command import StateUpdate
from victor.graph.described import graph_in
from victor.graph.engine import DEFAULT_RECURSION_LIMIT, Run
from victor.graph.errors import CheckpointNotFoundError, GraphValidationError
from victor.graph.program import Program
from victor.graph.resume import update
from victor.graph.runtime import RunnableConfig
from victor.graph.within import block_on, finish

if TYPE_CHECKING:
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.checkpoint.codec import Codec
    from victor.graph.compiled import CompiledGraph
    from victor.graph.snapshot import StateSnapshot

__all__ = ["Threads", "configurable_of", "thread_name"]


class Threads:
    """The part of `CompiledGraph` that reads and changes what its checkpointer keeps."""

    program: Program
    name: str
    store: Any

    @property
    def codec(self) -> Codec:
        """Turns this graph's values into bytes."""
        raise NotImplementedError

    def store_and_codec(self) -> tuple[Checkpointer, Codec]:
        """The checkpoint store, and the codec for this graph's state."""
        raise NotImplementedError

    def get_state(
        self, config: RunnableConfig | None = None, *, subgraphs: bool = False, **which: Any
    ) -> StateSnapshot:
        """The state of a thread: the latest, or that of the checkpoint ``config`` names.

        Args:
            config: Names the thread, as ``invoke`` takes it.
            subgraphs: Put the snapshots of subgraphs that are under way into the tasks.
            **which: ``thread_id`` and ``checkpoint_id``, in place of ``config``.

        Raises:
            CheckpointNotFoundError: There is no such checkpoint. (A thread without any gives an empty snapshot.)
        """
        store, _ = self.store_and_codec()
        thread_id, namespace, checkpoint_id = _place(config, which)
        inner = self._graph_at(namespace)
        return inner.snapshot_from(store, thread_id, namespace, checkpoint_id, subgraphs=subgraphs, codec=inner.codec)

    async def aget_state(
        self, config: RunnableConfig | None = None, *, subgraphs: bool = False, **which: Any
    ) -> StateSnapshot:
        """`get_state` for async programs."""
        return await asyncio.to_thread(self.get_state, config, subgraphs=subgraphs, **which)

    def snapshot_from(
        self, store: Checkpointer, thread_id: str, namespace: str, checkpoint_id: str | None = None, *,
        subgraphs: bool = False, codec: Codec | None = None,
    ) -> StateSnapshot:  # fmt: skip
        """A snapshot of this graph from a store that may be another graph's."""
        from victor.graph.checkpoint.log import fold
        from victor.graph.snapshot import empty, snapshot

        chain = store.chain(thread_id, namespace, checkpoint_id)
        if chain is None:
            if checkpoint_id is not None:
                raise CheckpointNotFoundError(f"thread {thread_id!r} has no checkpoint {checkpoint_id!r}")
            return empty(thread_id, namespace)
        values, body = fold(chain, codec or self.codec)
        latest = checkpoint_id is None or _latest(store, thread_id, namespace) == checkpoint_id
        return snapshot(
            cast("CompiledGraph", self),
            store,
            codec or self.codec,
            chain,
            values,
            body,
            latest=latest,
            subgraphs=subgraphs,
        )

    def _graph_at(self, namespace: str) -> CompiledGraph:
        """The subgraph a namespace belongs to."""
        graph = cast("CompiledGraph", self)
        for part in namespace.split("|") if namespace else ():
            rank = graph.program.ranks.get(part.partition(":")[0])
            inner = None if rank is None else graph_in(graph.program.plans[rank])
            if inner is None:
                raise CheckpointNotFoundError(f"graph {graph.name!r} has no subgraph at {part!r}")
            graph = inner
        return graph

    def get_state_history(
        self,
        config: RunnableConfig | None = None,
        *,
        filter: Mapping[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
        **which: Any,
    ) -> Iterator[StateSnapshot]:
        """The checkpoints of a thread, newest first.

        Args:
            config: Names the thread.
            filter: Only those whose metadata has these values.
            before: Only those before this checkpoint.
            limit: At most so many.
            **which: ``thread_id``, in place of ``config``.
        """
        from victor.graph.snapshot import history

        store, _ = self.store_and_codec()
        thread_id, namespace, checkpoint_id = _place(config, which)
        inner = self._graph_at(namespace)
        until = _place(before, {})[2] if before is not None else None
        if checkpoint_id is not None:
            until = min(until or f"{checkpoint_id}~", f"{checkpoint_id}~")  # that one included
        return history(inner, store, inner.codec, thread_id, namespace, filter=filter, before=until, limit=limit)

    async def aget_state_history(
        self,
        config: RunnableConfig | None = None,
        *,
        filter: Mapping[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
        **which: Any,
    ) -> AsyncIterator[StateSnapshot]:
        """`get_state_history` for async programs."""
        found = self.get_state_history(config, filter=filter, before=before, limit=limit, **which)
        while True:
            one = await asyncio.to_thread(next, found, None)
            if one is None:
                return
            yield one

    def update_state(
        self,
        config: RunnableConfig | None,
        values: Any,
        as_node: str | None = None,
        *,
        thread_id: str | None = None,
        checkpoint_id: str | None = None,
    ) -> RunnableConfig:
        """Write to a thread's state as if a node had, and make that its latest checkpoint.

        Args:
            config: Names the thread, and the checkpoint to go on from where that is not the latest.
            values: The update; None only makes a fork.
            as_node: The node it is by, whose edges then say what runs next; `END`: nothing runs next. By default the
                node that ran last.
            thread_id: In place of ``config``.
            checkpoint_id: In place of ``config``.

        Returns:
            The config that names the new checkpoint.

        Raises:
            InvalidUpdateError: It is not clear which node it is by, or the state cannot take it.
        """
        run = self._updating(config, thread_id, checkpoint_id, blocking=not self.program.needs_loop)
        if run.blocking:
            finish(update(run, [(values, as_node)]))
        else:
            block_on(update(run, [(values, as_node)]), copy_context())
        return _named(run)

    async def aupdate_state(
        self,
        config: RunnableConfig | None,
        values: Any,
        as_node: str | None = None,
        *,
        thread_id: str | None = None,
        checkpoint_id: str | None = None,
    ) -> RunnableConfig:
        """`update_state` for async programs."""
        run = self._updating(config, thread_id, checkpoint_id, blocking=False)
        await update(run, [(values, as_node)])
        return _named(run)

    def bulk_update_state(
        self, config: RunnableConfig | None, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """Write several supersteps to a thread, each of one or more updates, as if nodes had.

        Args:
            config: As for `update_state`.
            supersteps: For each superstep its updates: `StateUpdate`, or pairs of values and node. A superstep of
                several must name the node of each.

        Returns:
            The config that names the last checkpoint.

        Raises:
            GraphValidationError: There is nothing to write.
            InvalidUpdateError: An update does not fit; supersteps before it are written.
        """
        for updates in _checked(supersteps):
            run = self._updating(config, None, None, blocking=not self.program.needs_loop)
            if run.blocking:
                finish(update(run, updates))
            else:
                block_on(update(run, updates), copy_context())
            config = _named(run)
        assert config is not None
        return config

    async def abulk_update_state(
        self, config: RunnableConfig | None, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> RunnableConfig:
        """`bulk_update_state` for async programs."""
        for updates in _checked(supersteps):
            run = self._updating(config, None, None, blocking=False)
            await update(run, updates)
            config = _named(run)
        assert config is not None
        return config

    def _updating(
        self, config: RunnableConfig | None, thread_id: str | None, checkpoint_id: str | None, *, blocking: bool
    ) -> Run:
        which = {
            key: one for key, one in (("thread_id", thread_id), ("checkpoint_id", checkpoint_id)) if one is not None
        }
        thread, namespace, checkpoint = _place(config, which)
        graph = self._graph_at(namespace)
        run = Run(graph.program, config or {}, blocking=blocking, limit=DEFAULT_RECURSION_LIMIT)
        run.thread_id = thread
        store, _ = self.store_and_codec()
        from victor.graph.checkpoint.recorder import Recorder

        run.namespace = namespace
        run.store = self.store
        run.log = Recorder(store, graph.codec, thread, namespace, "sync")
        run.log.wanted = checkpoint
        run.log.metadata = dict((config or {}).get("metadata") or {})
        return run


def _checked(supersteps: Sequence[Sequence[StateUpdate]]) -> list[list[StateUpdate]]:
    if not supersteps or not all(supersteps):
        raise GraphValidationError("bulk_update_state needs at least one superstep, and each at least one update")
    return [[StateUpdate(*one) for one in updates] for updates in supersteps]


def _place(config: RunnableConfig | None, which: Mapping[str, Any]) -> tuple[str, str, str | None]:
    configurable = configurable_of(config)
    thread_id = which.get("thread_id", configurable.get("thread_id"))
    if thread_id is None:
        raise GraphValidationError('name the thread: thread_id=..., or config={"configurable": {"thread_id": ...}}')
    return (
        thread_name(thread_id),
        configurable.get("checkpoint_ns", ""),
        which.get("checkpoint_id", configurable.get("checkpoint_id")),
    )


def configurable_of(config: Any) -> Mapping[str, Any]:
    """What a config says of thread, checkpoint and the like.

    Raises:
        GraphValidationError: It is no config.
    """
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        hint = f"; the thread is named by thread_id={config!r}" if isinstance(config, (str, int)) else ""
        raise GraphValidationError(f"config is a dict, not {type(config).__name__} {config!r:.80}{hint}")
    found = config.get("configurable") or {}
    if not isinstance(found, Mapping):
        raise GraphValidationError(f'config["configurable"] is a dict, not {type(found).__name__} {found!r:.80}')
    return found


def thread_name(thread_id: Any) -> str:
    """A thread's id as text.

    Raises:
        GraphValidationError: It is no text that can be stored.
    """
    name = str(thread_id)
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise GraphValidationError(f"{name!r} cannot name a thread: half a character is no text") from None
    return name


def _named(run: Run) -> RunnableConfig:
    from victor.graph.snapshot import config_of

    assert run.log is not None
    return config_of(run.log.thread_id, run.log.namespace, run.log.tip)


def _latest(store: Checkpointer, thread_id: str, namespace: str) -> str | None:
    found = store.entries(thread_id, namespace, limit=1)
    return found[0].id if found else None
