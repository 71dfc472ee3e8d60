"""The ``victor`` command line. Exit codes: 0 done, 1 an error that was reported, 2 wrong usage, 130 interrupted."""

from __future__ import annotations

from victor.core.cli.root import main

__all__ = ["main"]
