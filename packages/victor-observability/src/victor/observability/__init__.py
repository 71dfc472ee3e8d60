"""Everything a run did: measured, kept, queried and exported.

It listens to the event stream of `victor.core`; nothing that is watched knows of it. Everything public is here, and
nothing is loaded before it is used.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

__all__: list[str] = []

_MODULES: dict[str, str] = {}
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
