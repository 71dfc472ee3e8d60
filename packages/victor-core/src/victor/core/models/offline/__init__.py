"""The model used when nothing is configured: it quotes, counts and looks up, and says so.

No weights, no key, no network, the same answer every time. It is not a language model: it ranks sentences that are
there, finds values that are there, and matches a request to tools by their descriptions.
"""

from __future__ import annotations

from victor.core.models.offline.model import OfflineModel, from_name

__all__ = ["OfflineModel", "from_name"]
