"""Opens a checkpoint store by its URL: ``memory:``, ``sqlite:runs.db``, ``postgresql://...``, or a plugin's scheme."""

from __future__ import annotations

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Checkpointer

__all__ = ["open_checkpointer"]


def open_checkpointer(url: str) -> Checkpointer:
    """A checkpoint store.

    Args:
        url: ``"memory:"``; ``"sqlite:path"`` (relative to the working directory; ``"sqlite:///path"`` is the same and
            ``"sqlite:////path"`` absolute), with ``?synchronous=normal`` for commits that a power cut may undo; a path
            that ends in ``.db`` or ``.sqlite``; ``"postgresql://..."``; or a scheme that a plugin registered.

    Raises:
        UnknownNameError: Nobody has registered the scheme.
        ConfigurationError: It is neither a URL nor a file of SQLite.
    """
    scheme, colon, _ = url.partition(":")
    if not colon and not url.endswith((".db", ".sqlite", ".sqlite3")):
        schemes = ["memory:", "sqlite:", "postgresql://"]
        near = near_matches(url, [one.rstrip(":/") for one in schemes])
        hint = f"did you mean {near[0] + ':'!r}?" if near else f"it begins with {', '.join(schemes)}, or ends in .db"
        raise ConfigurationError(f"{url!r} is no URL of a checkpoint store; {hint}")
    if not colon or len(scheme) == 1:
        scheme, url = "sqlite", f"sqlite:{url}"
    if scheme == "memory":
        from victor.graph.checkpoint.memory import MemorySaver

        return MemorySaver()
    if scheme == "sqlite":
        from victor.graph.checkpoint.sqlite import SqliteSaver

        return SqliteSaver.from_url(url)
    from victor.core.plugins import get_plugins

    store = get_plugins().checkpointers.get("postgresql" if scheme == "postgres" else scheme)(url)
    assert isinstance(store, Checkpointer)
    return store
