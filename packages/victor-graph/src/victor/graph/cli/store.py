"""Where the command line keeps its runs: ``.victor/workflows.db`` of the project, or a store named by its URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from victor.core.errors import ConfigurationError
from victor.core.settings import load_settings

__all__ = ["default_path", "open_store"]


def default_path() -> Path:
    """The file of the project that is worked in: beside its ``victor.toml``, else in the working directory."""
    return (load_settings().project or Path.cwd()) / ".victor" / "workflows.db"


@contextmanager
def open_store(url: str = "", *, create: bool = True) -> Iterator[Any]:
    """A checkpoint store, closed at the end.

    Args:
        url: ``sqlite:path``, ``postgresql://...``; empty for the project's own file, ``none`` for no store at all.
        create: Make the project's file where it is missing.

    Raises:
        ConfigurationError: There is nothing recorded yet, or the project's folder cannot be written.
    """
    if url == "none":
        yield None
        return
    if not url:
        path = default_path()
        if not create and not path.is_file():
            raise ConfigurationError(f"nothing is recorded yet: there is no {path}")
        ignore = path.parent / ".gitignore"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            if not path.exists():  # for its owner: it holds what the runs know
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise ConfigurationError(
                f"runs are recorded in {path.parent}, which cannot be made or written: {error.strerror or error}; "
                "name another place with --checkpoints sqlite:FILE, or record nothing with --checkpoints none"
            ) from error
        url = f"sqlite:{path}"
    from victor.core.plugins import get_plugins

    store = get_plugins().checkpointers.get(url.partition(":")[0])(url)
    try:
        yield store
    finally:
        close = getattr(store, "close", None)
        if close is not None:
            close()
