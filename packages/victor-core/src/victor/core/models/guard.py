"""Lets tests refuse real providers: every provider that asks `check_allowed` before it sends can be blocked."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from victor.core.errors import ConfigurationError

__all__ = ["block", "check_allowed"]

_blocks: list[frozenset[str]] = []  # one entry per open block: the providers it lets through


def block(allow: Iterable[str] = ()) -> Callable[[], None]:
    """Refuse every provider but those, until the returned function is called."""
    allowed = frozenset(allow)
    _blocks.append(allowed)
    return lambda: _blocks.remove(allowed) if allowed in _blocks else None


def check_allowed(provider: str, model: str) -> None:
    """Call before a request leaves the process.

    Raises:
        ConfigurationError: A test blocks this provider.
    """
    if _blocks and any(provider not in allowed for allowed in _blocks):
        raise ConfigurationError(
            f"{provider}:{model} would be asked for real, and block_models() forbids it; give the agent a "
            f"ScriptedModel or TestModel, or let it through with block_models(allow=[{provider!r}])"
        )
