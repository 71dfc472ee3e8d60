"""The listener ``otel``, switched on by the setting ``listeners = ["otel"]``. Its settings are ``[listener.otel]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.events import Listener

__all__ = ["make_listener"]

_SETTINGS: Final[dict[str, tuple[type, ...]]] = {
    "service_name": (str,),
    "endpoint": (str,),
    "protocol": (str,),
    "headers": (dict,),
    "timeout_s": (int, float),
    "resource": (dict,),
    "capture_content": (bool,),
    "content_chars": (int,),
    "semconv": (str,),
}


def make_listener(**settings: Any) -> Listener:
    """Live spans, set up from settings and the standard ``OTEL_*`` variables.

    Contents are on spans where ``capture_content`` is set here and in Victor's settings, too.

    Args:
        **settings: ``service_name``, ``endpoint``, ``protocol``, ``headers``, ``timeout_s``, ``resource``,
            ``capture_content``, ``content_chars``, ``semconv``: as of `OpenTelemetryIntegration`.

    Raises:
        ConfigurationError: There is no such setting, or it has the wrong type.
    """
    for name, value in settings.items():
        if name not in _SETTINGS:
            from victor.core.catalog import near_matches

            near = near_matches(name, _SETTINGS)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"[listener.otel] has no setting {name!r}{hint} There are: {', '.join(_SETTINGS)}")
        if not isinstance(value, _SETTINGS[name]) or (isinstance(value, bool) and bool not in _SETTINGS[name]):
            wanted = " or ".join(kind.__name__ for kind in _SETTINGS[name])
            raise ConfigurationError(f"[listener.otel] {name} is of type {wanted}, not {value!r}")
    from victor.observability.otel.exporting import need_sdk
    from victor.observability.otel.integration import OpenTelemetryIntegration

    need_sdk()
    return OpenTelemetryIntegration(**settings).listener
