"""Where the programs of this folder tell what they measured: ``scripts/benchmark_results.py`` of the repository."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

from benchmark_results import record

__all__ = ["record"]
