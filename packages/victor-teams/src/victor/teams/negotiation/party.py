"""Asks a party: an object with the right method, sync or async, or a core `Agent`."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from victor.teams.negotiation.errors import NegotiationError

__all__ = ["call_party", "name_parties"]


def name_parties(parties: Iterable[Any]) -> dict[str, Any]:
    """Parties by name: their attribute ``name``, or ``id``, or their class with a number.

    Raises:
        NegotiationError: Two have the same name, or a name is blank.

    Example:
        >>> class Buyer: ...
        >>> list(name_parties([Buyer(), Buyer()]))
        ['Buyer 1', 'Buyer 2']
    """
    if isinstance(parties, (str, bytes)):
        raise NegotiationError(f"parties are a list of objects, not the text {parties!r}")
    named: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for party in parties:
        name = getattr(party, "name", None) or getattr(party, "id", None)
        if not isinstance(name, str):
            kind = type(party).__name__
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{kind} {counts[kind]}"
        if not name.strip():
            raise NegotiationError(f"a party has a blank name: {party!r}")
        if name in named:
            raise NegotiationError(f"two parties are named {name!r}; names are how votes and offers are told apart")
        named[name] = party
    return named


async def call_party(party: Any, what: str, arguments: tuple[Any, ...], hints: Mapping[str, Any] | None = None) -> Any:
    """Ask one party for one thing, without any limit.

    Args:
        party: An object with a method of that name, a function (it is asked for everything), or an `Agent`.
        what: The method: ``"propose"``.
        arguments: What it gets.
        hints: What an `Agent` is told besides.

    Raises:
        NotImplementedError: It has no such method.
    """
    relay = getattr(party, "answer_call", None)
    if inspect.iscoroutinefunction(relay):  # a party that lives elsewhere
        return await relay(what, arguments, hints)
    method: Callable[..., Any] | None = getattr(party, what, None)
    if method is None or not callable(method):
        from victor.core.agent import Agent

        if isinstance(party, Agent):
            from victor.teams.negotiation.agent_party import ask_agent

            return await ask_agent(party, what, arguments, hints)
        if not inspect.isroutine(party):
            raise NotImplementedError(f"it has no method {what}()")
        method = party
    if inspect.iscoroutinefunction(method):
        return await method(*arguments)
    answer = await _in_thread(method, arguments)
    return await answer if inspect.isawaitable(answer) else answer


async def _in_thread(method: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a sync method in a thread of its own, so that one that never returns holds up nobody, not even the exit."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            set_it(value)

    def run() -> None:
        try:
            value = context.run(method, *arguments)
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            report, outcome = future.set_exception, _raisable(error)
        else:
            report, outcome = future.set_result, value
        try:
            loop.call_soon_threadsafe(settle, report, outcome)
        except RuntimeError:
            pass  # the loop was closed meanwhile: nobody waits any more

    try:
        threading.Thread(target=run, name="victor-party", daemon=True).start()
    except RuntimeError:  # no threads here, as in the browser
        return method(*arguments)
    return await future


def _raisable(error: BaseException) -> BaseException:
    """What a future may carry: `StopIteration` may not, and an exit is not the program's."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
