"""Hears LangChain's chat models inside nodes, for readers of ``stream_mode="messages"``.

A handler of LangChain's callbacks, put where its models look for one. Nothing of LangChain is imported here: in a
program that has not imported it no model of its can run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from victor.graph.runtime import CURRENT

if TYPE_CHECKING:
    from victor.graph.tasks import Task

__all__ = ["hearing_langchain", "with_hearer"]

_CONFIG: Final = "langchain_core.runnables.config"

_SILENT: Final = frozenset({"nostream", "langsmith:nostream"})
"""Tags of a model that is not to be heard."""


@contextmanager
def hearing_langchain() -> Iterator[None]:
    """Hear the models that run in this context."""
    module = sys.modules.get(_CONFIG)
    if module is None:
        yield
        return
    variable = module.var_child_runnable_config
    config = variable.get() or {}
    token = variable.set({**config, "callbacks": with_hearer(config.get("callbacks"))})
    try:
        yield
    finally:
        variable.reset(token)


def with_hearer(callbacks: Any) -> Any:
    """Callbacks in LangChain's form - a list, or a manager - with the one that hears added."""
    if _CONFIG not in sys.modules:
        return callbacks
    hearer = _hearer()
    if callbacks is None or isinstance(callbacks, (list, tuple)):
        return [*(callbacks or ()), *(() if hearer in (callbacks or ()) else (hearer,))]
    both = callbacks.copy()
    if hearer not in both.handlers:
        both.add_handler(hearer, inherit=True)
    return both


class _Heard:
    """One run of a model."""

    def __init__(self, task: Task, about: dict[str, Any]) -> None:
        self.task = task
        self.about = about
        self.told = False

    def tell(self, message: Any) -> None:
        """Tell a piece, or the whole."""
        self.told = True
        if self.task.abandoned:
            return
        self.task.sign()
        sink = self.task.run.sink
        if sink is not None and sink.messages:
            sink.message(self.task, message, self.about)


@cache
def _hearer() -> Any:
    """The handler; made where LangChain is there."""
    base: Any = import_module("langchain_core.callbacks").BaseCallbackHandler
    streaming: Any = import_module("langchain_core.tracers._streaming")._StreamingCallbackHandler

    class Hearer(base, streaming):  # type: ignore[misc]
        """Tells what models say; models asked for a whole answer stream it where such a handler listens."""

        run_inline = True

        def __init__(self) -> None:
            self.runs: dict[Any, _Heard] = {}

        def tap_output_aiter(self, run_id: Any, output: Any) -> Any:
            return output

        def tap_output_iter(self, run_id: Any, output: Any) -> Any:
            return output

        def on_chat_model_start(self, serialized: Any, messages: Any, *, run_id: Any, **more: Any) -> None:
            task = CURRENT.get()
            if task is None or not _SILENT.isdisjoint(more.get("tags") or ()):
                return
            about = {**(more.get("metadata") or {}), "tags": list(more.get("tags") or ())}
            self.runs[run_id] = _Heard(task, about)
            sink = task.run.sink
            if sink is not None:
                sink.words.known([one for batch in messages for one in batch])

        def on_llm_new_token(self, token: str, *, chunk: Any = None, run_id: Any, **more: Any) -> None:
            heard = self.runs.get(run_id)
            if heard is not None and hasattr(chunk, "message"):
                heard.tell(chunk.message)

        def on_llm_end(self, response: Any, *, run_id: Any, **more: Any) -> None:
            heard = self.runs.pop(run_id, None)
            if heard is not None and not heard.told and response.generations and response.generations[0]:
                message = getattr(response.generations[0][0], "message", None)
                if message is not None:
                    heard.tell(message)

        def on_llm_error(self, error: BaseException, *, run_id: Any, **more: Any) -> None:
            self.runs.pop(run_id, None)

    return Hearer()
