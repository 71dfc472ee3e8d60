"""Datadog: DogStatsD with tags, over UDP or a Unix socket; or OTLP, to an agent or to the intake.

What Datadog's own libraries read from the environment is read here, too: ``DD_AGENT_HOST``, ``DD_DOGSTATSD_PORT``,
``DD_DOGSTATSD_URL``, and ``DD_ENV``, ``DD_SERVICE``, ``DD_VERSION``, ``DD_ENTITY_ID``, ``DD_TAGS`` as tags. So in a
container it works as the platform has set it up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from victor.core.errors import ConfigurationError
from victor.core.redact import redact
from victor.observability.exporters.statsd import Datagrams, Dialect, StatsdLines, check_max_values

if TYPE_CHECKING:
    from victor.observability.exporters.exporter import Exporter

__all__ = ["DogstatsdExporter", "make_exporter"]

_SOCKET: Final = "/var/run/datadog/dsd.socket"
_TAGS: Final = {
    "DD_ENV": "env",
    "DD_SERVICE": "service",
    "DD_VERSION": "version",
    "DD_ENTITY_ID": "dd.internal.entity_id",
}
_SOCKET_BYTES: Final = 8192
_UDP_BYTES: Final = 1432


def make_exporter(
    *,
    protocol: str = "dogstatsd",
    url: str = "",
    tags: Iterable[str] = (),
    prefix: str = "",
    durations: Literal["distribution", "histogram"] = "distribution",
    interval_s: float = 10,
    max_values: int = 1000,
    headers: Mapping[str, str] | None = None,
    semconv: str = "1.41",
) -> Exporter:
    """Settings ``[metrics.datadog]``.

    Args:
        protocol: ``"dogstatsd"``, or ``"otlp"`` over HTTP, always with differences, as Datadog asks for.
        url: ``udp://host:port`` or ``unix:///path`` of DogStatsD; of OTLP, where metrics are posted, such as
            ``http://localhost:4318/v1/metrics``. Left out, it is taken from the environment, then
            ``/var/run/datadog/dsd.socket`` if that is there, then port 8125 (or 4318) of this machine.
        tags: Such as ``"team:search"``, with everything that is sent.
        prefix: Before every name; DogStatsD only.
        durations: ``"distribution"`` (percentiles over all hosts) or ``"histogram"`` (the agent's own); DogStatsD only.
        interval_s: Seconds between sendings.
        max_values: How many durations of one series are sent in one interval at most; DogStatsD only.
        headers: Such as ``{"dd-api-key": ...}``; OTLP only.
        semconv: The version of OpenTelemetry's GenAI conventions: ``"1.41"``, ``"next"`` or ``"both"``.

    Raises:
        ConfigurationError: A setting is not one of those allowed.
    """
    if isinstance(tags, str):
        raise ConfigurationError(f"[metrics.datadog] tags must be a list, such as [{tags!r}]")
    if protocol == "dogstatsd":
        if headers:
            raise ConfigurationError("[metrics.datadog] headers belong to protocol = 'otlp'")
        return DogstatsdExporter(
            url=url, tags=tags, prefix=prefix, durations=durations, interval_s=interval_s, max_values=max_values,
            semconv=semconv,
        )  # fmt: skip
    if protocol == "otlp":
        from victor.observability.exporters.otlp import OtlpExporter

        pairs = [tag.partition(":") for tag in [*_environment_tags(os.environ), *tags]]
        resource = {_RESOURCE.get(name, name): value for name, _, value in pairs}
        return OtlpExporter(
            endpoint=url, temporality="delta", interval_s=interval_s, headers=headers, resource=resource,
            semconv=semconv,
        )  # fmt: skip
    raise ConfigurationError(f"[metrics.datadog] protocol is 'dogstatsd' or 'otlp', not {protocol!r}")


_RESOURCE: Final = {"env": "deployment.environment.name", "service": "service.name", "version": "service.version"}
"""Tags that Datadog makes of attributes of the resource."""


class DogstatsdExporter(StatsdLines):
    """DogStatsD; see `make_exporter` for the settings."""

    def __init__(
        self,
        *,
        url: str = "",
        tags: Iterable[str] = (),
        prefix: str = "",
        durations: Literal["distribution", "histogram"] = "distribution",
        interval_s: float = 10,
        max_values: int = 1000,
        semconv: str = "1.41",
    ) -> None:
        types: Mapping[str, Literal["d", "h"]] = {"distribution": "d", "histogram": "h"}
        if durations not in types:
            raise ConfigurationError(f"[metrics.datadog] durations is 'distribution' or 'histogram', not {durations!r}")
        check_max_values(max_values, "datadog")
        target = _target(url, os.environ)
        max_bytes = _SOCKET_BYTES if isinstance(target, str) else _UDP_BYTES
        dialect = Dialect(
            labels="tags",
            prefix=prefix,
            duration=types[durations],
            packs="bare",
            tags=tuple(_clean(tag) for tag in [*_environment_tags(os.environ), *tags]),
            max_values=max_values,
            max_bytes=max_bytes,
        )
        super().__init__("datadog", dialect, Datagrams(target, max_bytes), interval_s, semconv)


def _clean(tag: str) -> str:
    return re.sub(r"[,|#\s\x00-\x1f]+", "_", tag)


def _environment_tags(environment: Mapping[str, str]) -> list[str]:
    """Tags as Datadog's libraries take them from the environment."""
    own = [f"{tag}:{environment[name]}" for name, tag in _TAGS.items() if environment.get(name)]
    return own + [tag for tag in re.split(r"[,\s]+", environment.get("DD_TAGS", "")) if tag]


def _target(url: str, environment: Mapping[str, str]) -> tuple[str, int] | str:
    """Where DogStatsD listens: a host and port, or the path of a socket."""
    url = url or environment.get("DD_DOGSTATSD_URL", "")
    if not url:
        if "DD_AGENT_HOST" not in environment and Path(_SOCKET).exists():
            return _SOCKET
        url = f"udp://{environment.get('DD_AGENT_HOST', '127.0.0.1')}:{environment.get('DD_DOGSTATSD_PORT', '8125')}"
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix" and parts.path:
            return parts.path
        if parts.scheme == "udp" and parts.hostname:
            return parts.hostname, parts.port or 8125
    except ValueError:
        pass
    raise ConfigurationError(
        f"DogStatsD is reached by udp://host:port or unix:///path, not by {redact.text(url)!r} "
        "('url' in [metrics.datadog], or the variables DD_DOGSTATSD_URL, DD_AGENT_HOST, DD_DOGSTATSD_PORT)"
    )
