"""Tools written for something else, used here without a change: `adapt` takes them all."""

from victor.tools.bridges.adapt import adapt
from victor.tools.bridges.schemas import from_schema, to_schema

__all__ = ["adapt", "from_schema", "to_schema"]
