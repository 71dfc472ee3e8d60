"""OpenTelemetry: live spans by the GenAI conventions, stored runs sent later, and a test of the way to the collector.

The functions `victor.observability.otel.replay.replay` and `victor.observability.otel.selftest.selftest` are in modules
of the same names. The SDK is imported when spans are really made, never before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.observability.otel.exporting import Endpoint, ExportStatus
    from victor.observability.otel.integration import OpenTelemetryIntegration, conversation
    from victor.observability.otel.replay import ReplayError, ReplayResult
    from victor.observability.otel.selftest import SelfTest

__all__ = [
    "Endpoint",
    "ExportStatus",
    "OpenTelemetryIntegration",
    "ReplayError",
    "ReplayResult",
    "SelfTest",
    "conversation",
]

_MODULES = {
    "Endpoint": "exporting",
    "ExportStatus": "exporting",
    "OpenTelemetryIntegration": "integration",
    "ReplayError": "replay",
    "ReplayResult": "replay",
    "SelfTest": "selftest",
    "conversation": "integration",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
