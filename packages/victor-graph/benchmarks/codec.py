"""What the checkpoint codec costs beside msgspec alone (the floor), pickle and JSON: a plain state, messages, nesting.

Medians of CPU time in microseconds, and ratios to the floor of the same run. msgspec alone loses types (a tuple comes
back as a list, an object as a dict), so it is a floor and not a peer.
"""

from __future__ import annotations

import json
import pickle
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec
from _results import record

from victor.core.message import Message
from victor.graph.checkpoint.codec import Codec

ROUNDS = 60
TIMES = 400

PLAIN: dict[str, Any] = {
    "topic": "x" * 300, "count": 3, "done": False, "score": 0.5, "items": list(range(20)),
    "messages": [{"role": "user", "content": "hello " * 20, "n": n} for n in range(4)],
    "meta": {"a": None, "b": "c" * 60, "tags": ["x", "y", "z"]},
}  # fmt: skip
VALUES: dict[str, Any] = {
    "plain state, 1 KB": PLAIN,
    "20 messages": [Message.user("hello " * 10) for _ in range(20)],
    "1,000 numbers": list(range(1000)),
    "tuples and sets": {"pairs": [(n, str(n)) for n in range(20)], "seen": set(range(20))},
}


def measure(run: Callable[[], object]) -> float:
    """Median CPU microseconds of one call."""
    samples = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(TIMES):
            run()
        samples.append((time.process_time() - began) * 1e6 / TIMES)
    return statistics.median(samples)


def main() -> None:
    """Print the table."""
    codec = Codec()
    heads = ("bytes", "floor", "encode", "ratio", "decode", "ratio", "pickle", "json")
    print(f"{'':20}" + "".join(f"{head:>9}" for head in heads))
    for name, value in VALUES.items():
        data = codec.encode(value)
        assert codec.decode(data) == value
        plain = msgspec.msgpack.encode(value)
        floor_in = measure(lambda value=value: msgspec.msgpack.encode(value))
        floor_out = measure(lambda plain=plain: msgspec.msgpack.decode(plain))
        encode = measure(lambda value=value: codec.encode(value))
        decode = measure(lambda data=data: codec.decode(data))
        pickled = measure(lambda value=value: pickle.dumps(value))
        jsoned = measure(lambda: json.dumps(PLAIN)) if value is PLAIN else float("nan")
        figures = (floor_in, encode, encode / floor_in, decode, decode / floor_out, pickled, jsoned)
        theirs = {"pickle": pickled} if value is not PLAIN else {"pickle": pickled, "json": jsoned}
        alone = "msgspec alone, which loses types"
        record(f"encode, {name}", f"encoding: {name}", encode, "us", floor=floor_in, floor_name=alone, peers=theirs)
        record(f"decode, {name}", f"decoding: {name}", decode, "us", floor=floor_out, floor_name=alone)
        print(f"{name:20}{len(data):9}" + "".join(f"{figure:9.2f}" for figure in figures))


if __name__ == "__main__":
    main()
