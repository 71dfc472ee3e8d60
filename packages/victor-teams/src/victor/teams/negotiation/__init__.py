"""Agents that settle something among themselves: proposals and votes, offers, one text, estimates, bids.

Every protocol is held within limits, contains what hostile or broken parties do, always ends with a reason, and
leaves a record that can be kept as JSON, replayed without any model, and drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.teams.negotiation.alternating_offers import Accept as Accept
    from victor.teams.negotiation.alternating_offers import AlternatingOffers as AlternatingOffers
    from victor.teams.negotiation.alternating_offers import End as End
    from victor.teams.negotiation.alternating_offers import Offer as Offer
    from victor.teams.negotiation.alternating_offers import Progress as Progress
    from victor.teams.negotiation.auction import Auction as Auction
    from victor.teams.negotiation.auction import Sale as Sale
    from victor.teams.negotiation.auction import settle as settle
    from victor.teams.negotiation.bus_party import BusParty as BusParty
    from victor.teams.negotiation.bus_party import serve_party as serve_party
    from victor.teams.negotiation.concession import Boulware as Boulware
    from victor.teams.negotiation.concession import Conceder as Conceder
    from victor.teams.negotiation.concession import ConcessionParty as ConcessionParty
    from victor.teams.negotiation.concession import Linear as Linear
    from victor.teams.negotiation.concession import Strategy as Strategy
    from victor.teams.negotiation.concession import TimeDependent as TimeDependent
    from victor.teams.negotiation.concession import TitForTat as TitForTat
    from victor.teams.negotiation.conducted import Conducted as Conducted
    from victor.teams.negotiation.contract_net import Bid as Bid
    from victor.teams.negotiation.contract_net import ContractNet as ContractNet
    from victor.teams.negotiation.contract_net import Failed as Failed
    from victor.teams.negotiation.contract_net import Refuse as Refuse
    from victor.teams.negotiation.delphi import Delphi as Delphi
    from victor.teams.negotiation.delphi import Feedback as Feedback
    from victor.teams.negotiation.errors import NegotiationError as NegotiationError
    from victor.teams.negotiation.negotiation_protocol import NegotiationProtocol as NegotiationProtocol
    from victor.teams.negotiation.preferences import Choices as Choices
    from victor.teams.negotiation.preferences import Preferences as Preferences
    from victor.teams.negotiation.preferences import Range as Range
    from victor.teams.negotiation.record import Entry as Entry
    from victor.teams.negotiation.record import PartyProblem as PartyProblem
    from victor.teams.negotiation.record import Record as Record
    from victor.teams.negotiation.replay import Replay as Replay
    from victor.teams.negotiation.replay import replay_record as replay_record
    from victor.teams.negotiation.replay import replay_record_sync as replay_record_sync
    from victor.teams.negotiation.resolution import ChairDecides as ChairDecides
    from victor.teams.negotiation.resolution import Human as Human
    from victor.teams.negotiation.resolution import Mediator as Mediator
    from victor.teams.negotiation.resolution import Resolution as Resolution
    from victor.teams.negotiation.resolution import WeightedMedian as WeightedMedian
    from victor.teams.negotiation.result import NegotiationResult as NegotiationResult
    from victor.teams.negotiation.result import NegotiationStop as NegotiationStop
    from victor.teams.negotiation.result import Outcome as Outcome
    from victor.teams.negotiation.result import Proposal as Proposal
    from victor.teams.negotiation.result import Vote as Vote
    from victor.teams.negotiation.result import Withdraw as Withdraw
    from victor.teams.negotiation.sequence import to_mermaid as to_mermaid
    from victor.teams.negotiation.sequence import to_text as to_text
    from victor.teams.negotiation.single_text import SingleText as SingleText
    from victor.teams.negotiation.table import Answer as Answer
    from victor.teams.negotiation.table import Table as Table
    from victor.teams.negotiation.voting_protocol import VotingProtocol as VotingProtocol

__all__ = [
    "Accept",
    "AlternatingOffers",
    "Answer",
    "Auction",
    "Bid",
    "Boulware",
    "BusParty",
    "ChairDecides",
    "Choices",
    "Conceder",
    "ConcessionParty",
    "Conducted",
    "ContractNet",
    "Delphi",
    "End",
    "Entry",
    "Failed",
    "Feedback",
    "Human",
    "Linear",
    "Mediator",
    "NegotiationError",
    "NegotiationProtocol",
    "NegotiationResult",
    "NegotiationStop",
    "Offer",
    "Outcome",
    "PartyProblem",
    "Preferences",
    "Progress",
    "Proposal",
    "Range",
    "Record",
    "Refuse",
    "Replay",
    "Resolution",
    "Sale",
    "SingleText",
    "Strategy",
    "Table",
    "TimeDependent",
    "TitForTat",
    "Vote",
    "VotingProtocol",
    "WeightedMedian",
    "Withdraw",
    "replay_record",
    "replay_record_sync",
    "serve_party",
    "settle",
    "to_mermaid",
    "to_text",
]

_MODULES = {
    "Accept": "alternating_offers",
    "AlternatingOffers": "alternating_offers",
    "Answer": "table",
    "Auction": "auction",
    "Bid": "contract_net",
    "Boulware": "concession",
    "BusParty": "bus_party",
    "ChairDecides": "resolution",
    "Choices": "preferences",
    "Conceder": "concession",
    "ConcessionParty": "concession",
    "Conducted": "conducted",
    "ContractNet": "contract_net",
    "Delphi": "delphi",
    "End": "alternating_offers",
    "Entry": "record",
    "Failed": "contract_net",
    "Feedback": "delphi",
    "Human": "resolution",
    "Linear": "concession",
    "Mediator": "resolution",
    "NegotiationError": "errors",
    "NegotiationProtocol": "negotiation_protocol",
    "NegotiationResult": "result",
    "NegotiationStop": "result",
    "Offer": "alternating_offers",
    "Outcome": "result",
    "PartyProblem": "record",
    "Preferences": "preferences",
    "Progress": "alternating_offers",
    "Proposal": "result",
    "Range": "preferences",
    "Record": "record",
    "Refuse": "contract_net",
    "Replay": "replay",
    "Resolution": "resolution",
    "Sale": "auction",
    "SingleText": "single_text",
    "Strategy": "concession",
    "Table": "table",
    "TimeDependent": "concession",
    "TitForTat": "concession",
    "Vote": "result",
    "VotingProtocol": "voting_protocol",
    "WeightedMedian": "resolution",
    "Withdraw": "result",
    "replay_record": "replay",
    "replay_record_sync": "replay",
    "serve_party": "bus_party",
    "settle": "auction",
    "to_mermaid": "sequence",
    "to_text": "sequence",
}
"""Public name -> the module here that has it."""


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
