"""What is wrong with a negotiation before it begins; what parties do wrong is reported in its result instead."""

from __future__ import annotations

from victor.teams.errors import TeamError

__all__ = ["NegotiationError"]


class NegotiationError(TeamError, ValueError):
    """A negotiation cannot be held, or a record cannot be replayed, as it was described.

    What to do: correct the parties, the issues or the protocol's settings as the text says; replay a record with the
    version that made it.
    """
