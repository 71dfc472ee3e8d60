"""The suite every checkpoint store has to pass; it is public, so that stores elsewhere can be tested with it too."""

from __future__ import annotations

from victor.graph.testing import CheckpointerConformance

__all__ = ["CheckpointerConformance"]
