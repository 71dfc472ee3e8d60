"""Teams of agents that talk, negotiate, vote and reorganise, with nothing lost and always an end.

Everything public is here, and nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.teams.aggregation import Aggregate as Aggregate
    from victor.teams.communication.bus import open_bus as open_bus
    from victor.teams.communication.endpoint import Endpoint as Endpoint
    from victor.teams.communication.message import AgentMessage as AgentMessage
    from victor.teams.communication.message import MessageType as MessageType
    from victor.teams.communication.message_bus import MessageBus as MessageBus
    from victor.teams.dynamic.capability import Candidate as Candidate
    from victor.teams.dynamic.capability import Requirement as Requirement
    from victor.teams.dynamic.capability import Task as Task
    from victor.teams.dynamic.team_formation import DynamicTeam as DynamicTeam
    from victor.teams.errors import IncompleteTeamRunError as IncompleteTeamRunError
    from victor.teams.errors import JournalError as JournalError
    from victor.teams.errors import MemberError as MemberError
    from victor.teams.errors import TeamError as TeamError
    from victor.teams.failure import OnFailure as OnFailure
    from victor.teams.journal import Journal as Journal
    from victor.teams.limits import TeamLimits as TeamLimits
    from victor.teams.member import AgentMember as AgentMember
    from victor.teams.member import Ask as Ask
    from victor.teams.member import FunctionMember as FunctionMember
    from victor.teams.member import Human as Human
    from victor.teams.member import Left as Left
    from victor.teams.member import Member as Member
    from victor.teams.member import Reply as Reply
    from victor.teams.member import Waiting as Waiting
    from victor.teams.member import as_member as as_member
    from victor.teams.memory import MemoryView as MemoryView
    from victor.teams.memory import SharedMemory as SharedMemory
    from victor.teams.negotiation.negotiation_protocol import NegotiationProtocol as NegotiationProtocol
    from victor.teams.negotiation.result import NegotiationResult as NegotiationResult
    from victor.teams.negotiation.result import NegotiationStop as NegotiationStop
    from victor.teams.negotiation.result import Proposal as Proposal
    from victor.teams.negotiation.result import Vote as Vote
    from victor.teams.pattern import Pattern as Pattern
    from victor.teams.patterns.adaptive import Adaptive as Adaptive
    from victor.teams.patterns.blackboard import Blackboard as Blackboard
    from victor.teams.patterns.blackboard import Offer as Offer
    from victor.teams.patterns.consensus import Consensus as Consensus
    from victor.teams.patterns.contract_net import Bid as Bid
    from victor.teams.patterns.contract_net import ContractNet as ContractNet
    from victor.teams.patterns.debate import Debate as Debate
    from victor.teams.patterns.hierarchical import Assignment as Assignment
    from victor.teams.patterns.hierarchical import Decision as Decision
    from victor.teams.patterns.hierarchical import Hierarchical as Hierarchical
    from victor.teams.patterns.magentic import Ledger as Ledger
    from victor.teams.patterns.magentic import Magentic as Magentic
    from victor.teams.patterns.magentic import Progress as Progress
    from victor.teams.patterns.map_reduce import MapReduce as MapReduce
    from victor.teams.patterns.parallel import Parallel as Parallel
    from victor.teams.patterns.pipeline import Pipeline as Pipeline
    from victor.teams.patterns.reflection import Reflection as Reflection
    from victor.teams.patterns.reflection import Review as Review
    from victor.teams.patterns.round_robin import RoundRobin as RoundRobin
    from victor.teams.patterns.router import Router as Router
    from victor.teams.patterns.selector import Selector as Selector
    from victor.teams.patterns.sequential import Sequential as Sequential
    from victor.teams.patterns.swarm import Swarm as Swarm
    from victor.teams.remote import RemoteMember as RemoteMember
    from victor.teams.remote import serve_member as serve_member
    from victor.teams.result import Question as Question
    from victor.teams.result import StopReason as StopReason
    from victor.teams.result import TeamResult as TeamResult
    from victor.teams.result import Turn as Turn
    from victor.teams.session import Session as Session
    from victor.teams.session import Stop as Stop
    from victor.teams.subteam import SubTeam as SubTeam
    from victor.teams.team import Team as Team
    from victor.teams.team_events import MemberEvent as MemberEvent
    from victor.teams.team_events import TeamEvent as TeamEvent
    from victor.teams.team_events import TeamFinished as TeamFinished
    from victor.teams.team_events import TurnFinished as TurnFinished
    from victor.teams.team_events import TurnStarted as TurnStarted
    from victor.teams.termination import Condition as Condition
    from victor.teams.termination import External as External
    from victor.teams.termination import Handoff as Handoff
    from victor.teams.termination import MaxTokens as MaxTokens
    from victor.teams.termination import MaxTurns as MaxTurns
    from victor.teams.termination import Said as Said
    from victor.teams.termination import SpokenBy as SpokenBy
    from victor.teams.termination import TextMention as TextMention
    from victor.teams.termination import Timeout as Timeout
    from victor.teams.termination import When as When
    from victor.teams.voting.ballot import Ballot as Ballot
    from victor.teams.voting.poll import Poll as Poll
    from victor.teams.voting.result import VoteResult as VoteResult
    from victor.teams.voting.tally import vote as vote
    from victor.teams.yaml.load import TeamFileError as TeamFileError
    from victor.teams.yaml.load import load_team as load_team
    from victor.teams.yaml.load import load_teams as load_teams

__version__ = "0.1.0"

__all__ = [
    "Adaptive",
    "AgentMember",
    "AgentMessage",
    "Aggregate",
    "Ask",
    "Assignment",
    "Ballot",
    "Bid",
    "Blackboard",
    "Candidate",
    "Condition",
    "Consensus",
    "ContractNet",
    "Debate",
    "Decision",
    "DynamicTeam",
    "Endpoint",
    "External",
    "FunctionMember",
    "Handoff",
    "Hierarchical",
    "Human",
    "IncompleteTeamRunError",
    "Journal",
    "JournalError",
    "Ledger",
    "Left",
    "Magentic",
    "MapReduce",
    "MaxTokens",
    "MaxTurns",
    "Member",
    "MemberError",
    "MemberEvent",
    "MemoryView",
    "MessageBus",
    "MessageType",
    "NegotiationProtocol",
    "NegotiationResult",
    "NegotiationStop",
    "Offer",
    "OnFailure",
    "Parallel",
    "Pattern",
    "Pipeline",
    "Poll",
    "Progress",
    "Proposal",
    "Question",
    "Reflection",
    "RemoteMember",
    "Reply",
    "Requirement",
    "Review",
    "RoundRobin",
    "Router",
    "Said",
    "Selector",
    "Sequential",
    "Session",
    "SharedMemory",
    "SpokenBy",
    "Stop",
    "StopReason",
    "SubTeam",
    "Swarm",
    "Task",
    "Team",
    "TeamError",
    "TeamEvent",
    "TeamFileError",
    "TeamFinished",
    "TeamLimits",
    "TeamResult",
    "TextMention",
    "Timeout",
    "Turn",
    "TurnFinished",
    "TurnStarted",
    "Vote",
    "VoteResult",
    "Waiting",
    "When",
    "as_member",
    "load_team",
    "load_teams",
    "open_bus",
    "serve_member",
    "vote",
]

_MODULES = {
    "Adaptive": "patterns.adaptive",
    "AgentMember": "member",
    "AgentMessage": "communication.message",
    "Aggregate": "aggregation",
    "Ask": "member",
    "Assignment": "patterns.hierarchical",
    "Ballot": "voting.ballot",
    "Bid": "patterns.contract_net",
    "Blackboard": "patterns.blackboard",
    "Candidate": "dynamic.capability",
    "Condition": "termination",
    "Consensus": "patterns.consensus",
    "ContractNet": "patterns.contract_net",
    "Debate": "patterns.debate",
    "Decision": "patterns.hierarchical",
    "DynamicTeam": "dynamic.team_formation",
    "Endpoint": "communication.endpoint",
    "External": "termination",
    "FunctionMember": "member",
    "Handoff": "termination",
    "Hierarchical": "patterns.hierarchical",
    "Human": "member",
    "IncompleteTeamRunError": "errors",
    "Journal": "journal",
    "JournalError": "errors",
    "Ledger": "patterns.magentic",
    "Left": "member",
    "Magentic": "patterns.magentic",
    "MapReduce": "patterns.map_reduce",
    "MaxTokens": "termination",
    "MaxTurns": "termination",
    "Member": "member",
    "MemberError": "errors",
    "MemberEvent": "team_events",
    "MemoryView": "memory",
    "MessageBus": "communication.message_bus",
    "MessageType": "communication.message",
    "NegotiationProtocol": "negotiation.negotiation_protocol",
    "NegotiationResult": "negotiation.result",
    "NegotiationStop": "negotiation.result",
    "Offer": "patterns.blackboard",
    "OnFailure": "failure",
    "Parallel": "patterns.parallel",
    "Pattern": "pattern",
    "Pipeline": "patterns.pipeline",
    "Poll": "voting.poll",
    "Progress": "patterns.magentic",
    "Proposal": "negotiation.result",
    "Question": "result",
    "Reflection": "patterns.reflection",
    "RemoteMember": "remote",
    "Reply": "member",
    "Requirement": "dynamic.capability",
    "Review": "patterns.reflection",
    "RoundRobin": "patterns.round_robin",
    "Router": "patterns.router",
    "Said": "termination",
    "Selector": "patterns.selector",
    "Sequential": "patterns.sequential",
    "Session": "session",
    "SharedMemory": "memory",
    "SpokenBy": "termination",
    "Stop": "session",
    "StopReason": "result",
    "SubTeam": "subteam",
    "Swarm": "patterns.swarm",
    "Task": "dynamic.capability",
    "Team": "team",
    "TeamError": "errors",
    "TeamEvent": "team_events",
    "TeamFileError": "yaml.load",
    "TeamFinished": "team_events",
    "TeamLimits": "limits",
    "TeamResult": "result",
    "TextMention": "termination",
    "Timeout": "termination",
    "Turn": "result",
    "TurnFinished": "team_events",
    "TurnStarted": "team_events",
    "Vote": "negotiation.result",
    "VoteResult": "voting.result",
    "Waiting": "member",
    "When": "termination",
    "as_member": "member",
    "load_team": "yaml.load",
    "load_teams": "yaml.load",
    "open_bus": "communication.bus",
    "serve_member": "remote",
    "vote": "voting.tally",
}
"""Public name -> the module below ``victor.teams`` that has it."""


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
