"""Replays a recorded negotiation without asking anybody, and checks that it comes to the same."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from victor.core import event_loop
from victor.core.catalog import load_target
from victor.teams.negotiation.conducted import Conducted
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.record import Record
from victor.teams.negotiation.result import NegotiationResult

__all__ = ["Replay", "replay_record", "replay_record_sync"]

_HERE: Final = "victor.teams.negotiation."
_PROTOCOLS: Final = MappingProxyType(
    {
        "alternating_offers": _HERE + "alternating_offers:AlternatingOffers",
        "auction": _HERE + "auction:Auction",
        "contract_net": _HERE + "contract_net:ContractNet",
        "delphi": _HERE + "delphi:Delphi",
        "proposals": _HERE + "negotiation_protocol:NegotiationProtocol",
        "single_text": _HERE + "single_text:SingleText",
        "vote": _HERE + "voting_protocol:VotingProtocol",
    }
)


@frozen
class Replay:
    """What replaying gave.

    Args:
        result: The result of the replay.
        same: Whether everything that was said and the outcome are the same as in the record.
        differences: Where they are not, which parts: ``"outcome.agreement"``, ``"entries"``, ...
    """

    result: NegotiationResult
    same: bool
    differences: tuple[str, ...] = ()


async def replay_record(record: Record, protocol: Conducted | None = None) -> Replay:
    """Hold a recorded negotiation again: the record answers, the protocol decides.

    No party is asked, so it costs nothing, and it works where parties and models are gone. With another ``protocol``
    (another voting rule, say) it shows what these answers would have come to.

    Args:
        record: What was recorded.
        protocol: How to hold it; None makes it from the record's settings.

    Raises:
        NegotiationError: The record is damaged, of an unknown protocol, or lacks answers that are needed.

    Example:
        >>> from victor.teams.negotiation import Auction, replay_record_sync
        >>> class Bidder:
        ...     def bid(self, item, context): return 5
        >>> result = Auction().negotiate_sync([Bidder()], "a vase")
        >>> replay_record_sync(result.record).same
        True
    """
    if protocol is None:
        target = _PROTOCOLS.get(record.protocol)
        if target is None:
            raise NegotiationError(
                f"the protocol {record.protocol!r} is none of {', '.join(_PROTOCOLS)}; pass it as the second argument"
            )
        settings = {name: value for name, value in record.settings.items() if name != "roles"}
        try:
            protocol = load_target(target)(**settings)
        except (TypeError, ValueError) as error:
            raise NegotiationError(f"the settings of the record do not fit {record.protocol!r}: {error}") from error
    result = await protocol.replay(record)
    again = result.record
    differences = [
        f"outcome.{name}"
        for name in {**record.outcome, **again.outcome}
        if _differ(record.outcome.get(name), again.outcome.get(name))
    ]
    if [_plain(entry) for entry in record.entries] != [_plain(entry) for entry in again.entries]:
        differences.append("entries")
    return Replay(result, not differences, tuple(differences))


def replay_record_sync(record: Record, protocol: Conducted | None = None) -> Replay:
    """The same, for programs without an event loop."""
    return event_loop.run(replay_record(record, protocol))


def _plain(entry: Any) -> str:
    return json.dumps(
        [entry.round, entry.sender, list(entry.receivers), entry.what, entry.content, entry.failure], sort_keys=True
    )


def _differ(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)
