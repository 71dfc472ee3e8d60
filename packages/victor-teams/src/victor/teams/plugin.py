"""What victor-teams contributes, by the same hooks as any plugin."""

from __future__ import annotations

from victor.core.hookspecs import Register, hookimpl

__all__ = [
    "victor_register_commands", "victor_register_coordination_protocols", "victor_register_node_types",
]  # fmt: skip

_PATTERNS = {
    "adaptive": ("adaptive:Adaptive", "one of several patterns, and the next when it does not serve"),
    "blackboard": ("blackboard:Blackboard", "whoever can add most writes on a board that all can read"),
    "consensus": ("consensus:Consensus", "all propose, all vote, until enough agree"),
    "contract_net": ("contract_net:ContractNet", "the task is announced, the best bid gets it"),
    "debate": ("debate:Debate", "argue and answer, then a judge decides"),
    "hierarchical": ("hierarchical:Hierarchical", "a manager gives out work and judges what comes of it"),
    "magentic": ("magentic:Magentic", "a planner with a ledger of facts, plan and progress"),
    "map_reduce": ("map_reduce:MapReduce", "split, work on the parts side by side, put together"),
    "parallel": ("parallel:Parallel", "all answer by themselves, then one answer is made"),
    "pipeline": ("pipeline:Pipeline", "what one makes is all the next one gets"),
    "reflection": ("reflection:Reflection", "draft, review, improve"),
    "round_robin": ("round_robin:RoundRobin", "in turn, again and again"),
    "router": ("router:Router", "the task goes to the one member that fits"),
    "selector": ("selector:Selector", "a member or a function chooses who speaks next"),
    "sequential": ("sequential:Sequential", "one after the other, each building on what was said"),
    "swarm": ("swarm:Swarm", "members hand the work over themselves"),
}


@hookimpl
def victor_register_coordination_protocols(register: Register) -> None:
    """The patterns."""
    for name, (target, help) in _PATTERNS.items():
        register(name, f"victor.teams.patterns.{target}", help=help)


@hookimpl
def victor_register_node_types(register: Register) -> None:
    """``type: team`` in workflow files."""
    register("team", "victor.teams.node:TeamNode", help="a team as one step")


@hookimpl
def victor_register_commands(register: Register) -> None:
    """``victor team``."""
    register("team", "victor.teams.cli.main:app", help="run teams of agents, count votes, form teams")
