"""The listener ``observability``: on wherever this package is installed, off by ``listeners = ["-observability"]``.

Its settings are the table ``[listener.observability]`` (`victor.observability.settings`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.observability.recorder import Recorder

__all__ = ["current_recorder", "make_listener"]

_current: Recorder | None = None


def make_listener(**table: Any) -> Recorder | None:
    """The recorder that the settings describe.

    Under pytest nothing is recorded unless the settings name a store: tests of a program are not its use, and would
    leave a store in every folder they run in.

    Args:
        **table: ``[listener.observability]``.

    Returns:
        The recorder; None under pytest, where no store is named.

    Raises:
        ConfigurationError: A setting is unknown, or its value is not of its kind.
    """
    global _current
    from victor.observability.settings import NO_STORE, project_folder, read_settings

    settings = read_settings(table)
    if "PYTEST_VERSION" in os.environ and not settings.store:
        return None
    from victor.observability.recorder import Recorder, RecorderStore

    url = settings.store_url(project_folder())

    def open_store() -> RecorderStore:
        from victor.observability.store import open_store as of_url

        return of_url(url, retention=settings.retention)

    recorder = Recorder(None if url == NO_STORE else open_store, settings)
    if settings.exporters:
        recorder.start_exporters(settings.exporters)
    _current = recorder
    return recorder


def current_recorder() -> Recorder | None:
    """The recorder of this process, that of the default event stream; None where nothing is recorded.

    Example:
        >>> recorder = current_recorder()
        >>> if recorder is not None:
        ...     print(recorder.metrics.metrics().total_runs)
    """
    from victor.core.events import get_stream

    get_stream()
    return None if _current is None or _current.closed else _current
