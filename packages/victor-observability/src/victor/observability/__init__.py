"""Everything a run did: measured, kept, queried and exported.

It listens to the event stream of `victor.core`; nothing that is watched knows of it. Everything public is here, and
nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.observability.aggregate import Aggregate as Aggregate
    from victor.observability.aggregate import Key as Key
    from victor.observability.exporters.exporter import Exporter as Exporter
    from victor.observability.exporters.exporter import ExporterError as ExporterError
    from victor.observability.exporters.jsonl import read_jsonl as read_jsonl
    from victor.observability.exporters.prometheus import PrometheusPage as PrometheusPage
    from victor.observability.listener import current_recorder as current_recorder
    from victor.observability.metrics import AgentMetrics as AgentMetrics
    from victor.observability.metrics import MetricsCollector as MetricsCollector
    from victor.observability.metrics import Snapshot as Snapshot
    from victor.observability.otel.integration import OpenTelemetryIntegration as OpenTelemetryIntegration
    from victor.observability.record import Record as Record
    from victor.observability.record import Status as Status
    from victor.observability.recorder import Recorder as Recorder
    from victor.observability.settings import Settings as Settings
    from victor.observability.sketch import Sketch as Sketch
    from victor.observability.store import open_store as open_store
    from victor.observability.store.errors import StoreError as StoreError
    from victor.observability.store.protocol import Store as Store
    from victor.observability.store.retention import Retention as Retention

__version__ = "0.1.0"

__all__ = [
    "AgentMetrics",
    "Aggregate",
    "Exporter",
    "ExporterError",
    "Key",
    "MetricsCollector",
    "OpenTelemetryIntegration",
    "PrometheusPage",
    "Record",
    "Recorder",
    "Retention",
    "Settings",
    "Sketch",
    "Snapshot",
    "Status",
    "Store",
    "StoreError",
    "current_recorder",
    "open_store",
    "read_jsonl",
]

_MODULES: dict[str, str] = {
    "AgentMetrics": "metrics",
    "Aggregate": "aggregate",
    "Exporter": "exporters.exporter",
    "ExporterError": "exporters.exporter",
    "Key": "aggregate",
    "MetricsCollector": "metrics",
    "OpenTelemetryIntegration": "otel.integration",
    "PrometheusPage": "exporters.prometheus",
    "Record": "record",
    "Recorder": "recorder",
    "Retention": "store.retention",
    "Settings": "settings",
    "Sketch": "sketch",
    "Snapshot": "metrics",
    "Status": "record",
    "Store": "store.protocol",
    "StoreError": "store.errors",
    "current_recorder": "listener",
    "open_store": "store",
    "read_jsonl": "exporters.jsonl",
}
"""Public name -> the module below ``victor.observability`` that has it."""


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
