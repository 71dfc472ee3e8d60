"""What plugin authors need to test agents, tools and plugins without a model, a key or a network.

Example:
    >>> from victor.core import Agent
    >>> model = ScriptedModel(["Hello, Ann."])
    >>> Agent("Greet.", model=model).run_sync("I am Ann.").output
    'Hello, Ann.'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from victor.core.models.answers import call
    from victor.core.models.function import FunctionModel
    from victor.core.models.recording import RecordingModel
    from victor.core.models.scripted import ScriptedModel, ScriptError, Turn
    from victor.core.models.test import TestModel
    from victor.core.testing.events import EventList, capture_events
    from victor.core.testing.network import NetworkBlockedError, no_network
    from victor.core.testing.plugins import isolated_plugins
    from victor.core.testing.providers import block_models

__all__ = [
    "EventList",
    "FunctionModel",
    "NetworkBlockedError",
    "RecordingModel",
    "ScriptError",
    "ScriptedModel",
    "TestModel",
    "Turn",
    "block_models",
    "call",
    "capture_events",
    "isolated_plugins",
    "no_network",
]

_HOMES: Final = {
    "EventList": "victor.core.testing.events",
    "FunctionModel": "victor.core.models.function",
    "NetworkBlockedError": "victor.core.testing.network",
    "RecordingModel": "victor.core.models.recording",
    "ScriptError": "victor.core.models.scripted",
    "ScriptedModel": "victor.core.models.scripted",
    "TestModel": "victor.core.models.test",
    "Turn": "victor.core.models.scripted",
    "block_models": "victor.core.testing.providers",
    "call": "victor.core.models.answers",
    "capture_events": "victor.core.testing.events",
    "isolated_plugins": "victor.core.testing.plugins",
    "no_network": "victor.core.testing.network",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
