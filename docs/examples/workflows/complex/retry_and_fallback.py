"""The service of ``retry_and_fallback.yaml``, and what is done when it does not answer."""

from __future__ import annotations

import asyncio
from typing import Any

ASKED = {"times": 0}


async def ask(state: dict[str, Any]) -> dict[str, Any]:
    """Refuses two connections, then answers; or waits for ever."""
    if state["hangs"]:
        await asyncio.Event().wait()
    ASKED["times"] += 1
    if ASKED["times"] < 3:
        raise ConnectionRefusedError(f"connection {ASKED['times']} refused")
    return {"rate": 0.94, "note": f"from the service, at attempt {ASKED['times']}"}


def yesterday(state: dict[str, Any], error: Exception) -> dict[str, Any]:
    """What was right yesterday."""
    return {"rate": 0.93, "note": f"of yesterday, because of {type(getattr(error, 'error', error)).__name__}"}
