"""What can go wrong with a store."""

from __future__ import annotations

from victor.core.errors import VictorError

__all__ = ["StoreError", "StoreVersionError"]


class StoreError(VictorError):
    """A store cannot be opened, written or asked this; the message names the store and says what to do.

    What to do: do what the text says; ``victor observability doctor`` checks settings, store and disk.
    """


class StoreVersionError(StoreError):
    """A store was made by a version of victor-observability that is newer than this one.

    What to do: install the newer version of victor-observability, or name another store.
    """
