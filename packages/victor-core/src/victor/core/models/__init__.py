"""The models Victor knows: providers on the network, and models for tests that need none."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from victor.core.models.anthropic import AnthropicModel
    from victor.core.models.function import FunctionModel
    from victor.core.models.openai import OpenAIModel
    from victor.core.models.recording import RecordingModel
    from victor.core.models.scripted import ScriptedModel, Turn
    from victor.core.models.test import TestModel

__all__ = [
    "AnthropicModel",
    "FunctionModel",
    "OpenAIModel",
    "RecordingModel",
    "ScriptedModel",
    "TestModel",
    "Turn",
]

_HOMES: Final = {
    "AnthropicModel": "anthropic",
    "FunctionModel": "function",
    "OpenAIModel": "openai",
    "RecordingModel": "recording",
    "ScriptedModel": "scripted",
    "TestModel": "test",
    "Turn": "scripted",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
