"""Writes runs to a store until it is killed; says after each batch how much it has written.

python writer_program.py URL FIRST_NUMBER
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any


def _happenings() -> Any:
    spec = importlib.util.spec_from_file_location("happenings", Path(__file__).with_name("happenings.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["happenings"] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Write."""
    from victor.observability.store import open_store

    happenings = _happenings()
    url, number = sys.argv[1], int(sys.argv[2])
    writer = os.urandom(8).hex()
    store = open_store(url)
    begin = time.time()
    seen: list[Any] = []
    part, before = 0, 0
    while True:
        records = happenings.make_run(number, begin)
        number += 1
        seen += records
        batch = happenings.batch(records)
        # As a recorder does: the figures are those of all that was seen in their minutes.
        batch.rollups = happenings.rollups(seen, writer, part)
        store.write(batch)
        print(number, flush=True)
        before += 1
        if before % 20 == 0:
            seen, part = [], part + 1


if __name__ == "__main__":
    main()
