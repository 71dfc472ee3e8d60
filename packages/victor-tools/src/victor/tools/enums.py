"""Words of victor-ai for what a tool may do, for modules that still name them. New tools: `victor.tools.tool`."""

from __future__ import annotations

from enum import Enum

__all__ = ["AccessMode", "DangerLevel", "ExecutionCategory", "Priority"]


class AccessMode(Enum):
    """What a tool does to the world; EXECUTE asks for approval, READONLY means idempotent."""

    READONLY = "readonly"
    WRITE = "write"
    EXECUTE = "execute"
    NETWORK = "network"
    MIXED = "mixed"


class DangerLevel(Enum):
    """How dangerous a tool is; HIGH and CRITICAL ask for approval."""

    SAFE = "safe"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class ExecutionCategory(Enum):
    """What kind of work a tool does; READ_ONLY means idempotent."""

    READ_ONLY = "read_only"
    WRITE = "write"
    COMPUTE = "compute"
    NETWORK = "network"
    EXECUTE = "execute"
    MIXED = "mixed"


class Priority(Enum):
    """How early a tool was offered; means nothing here."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4
    CONTEXTUAL = 5
