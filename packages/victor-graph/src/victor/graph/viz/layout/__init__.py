"""One layered layout for every picture."""

from victor.graph.viz.layout.picture import Plan, lay_out, plan

__all__ = ["Plan", "lay_out", "plan"]
