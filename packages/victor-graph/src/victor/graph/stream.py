"""What a run tells while it runs."""

from __future__ import annotations
