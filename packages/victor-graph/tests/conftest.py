"""What pytest leaves alone here."""

from __future__ import annotations

collect_ignore = ["compat"]
"""Programs written for LangGraph, which need not be installed; ``test_compat.py`` runs them with changed imports."""
