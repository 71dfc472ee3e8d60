"""Many inputs at once: each its own run, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextvars import copy_context
from typing import Any

from victor.graph.errors import GraphValidationError
from victor.graph.runtime import RunnableConfig

__all__ = ["Batches"]

_THREADS = 32


class Batches:
    """The part of `CompiledGraph` that runs it on several inputs.

    ``config`` is one for all, or one for each; its ``max_concurrency`` says how many run at once. With
    ``return_exceptions`` a run that fails gives its error in place of an output; without, the first error is raised.
    """

    def batch(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Any,
    ) -> list[Any]:
        """The outputs, in the order of the inputs."""
        found = dict(self.batch_as_completed(inputs, config, return_exceptions=return_exceptions, **options))
        return [found[number] for number in range(len(inputs))]

    def batch_as_completed(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Any,
    ) -> Iterator[tuple[int, Any]]:
        """Number and output of each run, as they come to an end."""
        configs = _configs(config, len(inputs))
        if not inputs:
            return
        from concurrent.futures import ThreadPoolExecutor, as_completed

        limit = configs[0].get("max_concurrency") or min(_THREADS, len(inputs))
        with ThreadPoolExecutor(limit, thread_name_prefix="batch") as pool:
            running = {
                pool.submit(copy_context().run, self._one, one, own, return_exceptions, options): number
                for number, (one, own) in enumerate(zip(inputs, configs, strict=True))
            }
            try:
                for done in as_completed(running):
                    yield running[done], done.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _one(self, input: Any, config: RunnableConfig, return_exceptions: bool, options: dict[str, Any]) -> Any:
        try:
            return self.invoke(input, config, **options)
        except Exception as error:
            if return_exceptions:
                return error
            raise

    async def abatch(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Any,
    ) -> list[Any]:
        """`batch` for async programs. The first error cancels the others, unless errors are returned."""
        found: dict[int, Any] = {}
        async for number, output in self.abatch_as_completed(
            inputs, config, return_exceptions=return_exceptions, **options
        ):
            found[number] = output
        return [found[number] for number in range(len(inputs))]

    async def abatch_as_completed(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **options: Any,
    ) -> AsyncIterator[tuple[int, Any]]:
        """`batch_as_completed` for async programs."""
        configs = _configs(config, len(inputs))
        limit = configs[0].get("max_concurrency") if configs else None
        gate = asyncio.Semaphore(limit or max(1, len(inputs)))

        async def one(number: int) -> tuple[int, Any]:
            async with gate:
                try:
                    return number, await self.ainvoke(inputs[number], configs[number], **options)
                except Exception as error:
                    if return_exceptions:
                        return number, error
                    raise

        running = [asyncio.ensure_future(one(number)) for number in range(len(inputs))]
        try:
            for done in asyncio.as_completed(running):
                yield await done
        finally:
            for left in running:
                left.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:
        """Run once."""
        raise NotImplementedError

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:
        """Run once."""
        raise NotImplementedError


def _configs(config: RunnableConfig | Sequence[RunnableConfig] | None, count: int) -> list[RunnableConfig]:
    if config is None or isinstance(config, dict):
        return [config or {}] * count
    configs = list(config)
    if len(configs) != count:
        raise GraphValidationError(f"{len(configs)} configs for {count} inputs: pass one for all, or one for each")
    return configs
