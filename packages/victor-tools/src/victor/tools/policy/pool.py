"""The threads in which sync tools run."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Lock
from typing import Any, Final

__all__ = ["ToolPool", "tool_pool"]


class ToolPool(Executor):
    """A bounded pool of threads of tools alone, made at the first call.

    Tools have one of their own, so that slow ones cannot hold up what asyncio does in its default pool
    (looking up host names, for one). A tool that was cancelled or ran out of time goes on in its thread until it
    returns: Python cannot stop a thread. Calls beyond the bound wait in line.

    Args:
        threads: Most threads; 0 for four more than there are processors, at most 32.
    """

    def __init__(self, threads: int = 0) -> None:
        self.threads = threads or min(32, (os.cpu_count() or 1) + 4)
        self._inner: Executor | None = None
        self._lock = Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run in a thread."""
        if self._inner is None:
            with self._lock:
                if self._inner is None:
                    from concurrent.futures import ThreadPoolExecutor

                    self._inner = ThreadPoolExecutor(self.threads, thread_name_prefix="victor-tool")
        return self._inner.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads; the next call makes new ones."""
        with self._lock:
            inner, self._inner = self._inner, None
        if inner is not None:
            inner.shutdown(wait=wait, cancel_futures=cancel_futures)


tool_pool: Final = ToolPool()
"""The pool of all tools that were not given another."""
