"""Keeps one client of a vendor's SDK per event loop, and closes it before its loop ends.

A connection belongs to the loop it was opened in, and every `Agent.run_sync` is a loop of its own: a client
kept from an earlier one would fail with "Event loop is closed".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from attrs import frozen

__all__ = ["LoopClients"]

C = TypeVar("C")


@frozen
class _Kept(Generic[C]):
    client: C
    keeper: AsyncGenerator[None, None]


class LoopClients(Generic[C]):
    """Clients by event loop.

    Args:
        make: Makes a client in the running loop.
        close: Closes it, in the same loop.
    """

    def __init__(self, make: Callable[[], C], close: Callable[[C], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._kept: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept[C]] = WeakKeyDictionary()

    async def get(self) -> C:
        """The client of the running loop, made when there is none."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is None:
            client = self._make()
            kept = self._kept[loop] = _Kept(client, self._keep(client))
            # From its first step on the loop knows the generator, and closes it when the loop is shut down
            # (`asyncio.run` does so) or when this object is forgotten.
            await anext(kept.keeper)
        return kept.client

    async def aclose(self) -> None:
        """Close the client of the running loop. Those of other loops are closed by their loops."""
        kept = self._kept.get(asyncio.get_running_loop())
        if kept is not None:
            await kept.keeper.aclose()

    async def _keep(self, client: C) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._kept.pop(asyncio.get_running_loop(), None)
            await self._close(client)
