"""What victor-observability contributes, by the same hooks as any plugin."""

from __future__ import annotations

__all__: list[str] = []
