"""What is kept in detail: which runs, how many rows a second, and how much processor time that may take.

Figures are never sampled: they count everything. Sampling decides whose operations are kept one by one.

**Head**: a part of the runs, chosen by the run's id as OpenTelemetry's ratio sampler chooses by the trace's, so that
both keep the same ones. **Tail**: a run that fails or is slow is kept whatever its id; its operations wait, bounded,
until that is known. **Rows**: a bucket of tokens limits how many operations are kept over some time. **Budget**:
recording measures its own processor time, and lowers the part of runs it keeps while it takes too much.
"""

from __future__ import annotations

from typing import Final

from victor.observability.sketch import Sketch

__all__ = ["Budget", "RowLimit", "SlowRuns", "is_sampled"]

_ALL: Final = 1 << 64
_LOWEST: Final = 1 / 1024
_CREDIT_S: Final = 1.0
_PAUSE_S: Final = 1.0
_STRAINED: Final = 0.25
_STRETCH: Final = 4.0
_BURST_S: Final = 10.0
_ENOUGH: Final = 100


def is_sampled(digits: str, rate: float) -> bool:
    """Whether a run or a span belongs to the part that is kept.

    The same id has the same answer everywhere, and what is kept at a rate is kept at every higher one.

    Args:
        digits: Its id; the last 16 hexadecimal digits count.
        rate: From 0 to 1.

    Example:
        >>> is_sampled("00000000000000000000000000000001", 0.01), is_sampled("f" * 32, 0.99)
        (True, False)
    """
    if rate >= 1.0:
        return True
    try:
        return int(digits[-16:], 16) < int(rate * _ALL)
    except ValueError:  # an id of somebody else's making
        return True


class RowLimit:
    """A bucket of tokens, one for each row.

    Args:
        rows_per_s: How fast it fills. It holds those of 10 seconds, so that a burst is kept whole.
        now_s: Monotonic seconds.
    """

    def __init__(self, rows_per_s: float, now_s: float) -> None:
        self._rate = rows_per_s
        self._tokens = self._most = max(rows_per_s * _BURST_S, 1.0)
        self._last_s = now_s

    def refill(self, now_s: float) -> None:
        """Let time pass."""
        self._tokens = min(self._most, self._tokens + max(now_s - self._last_s, 0.0) * self._rate)
        self._last_s = now_s

    def take(self) -> bool:
        """Take a token; False when there is none."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Budget:
    """Holds recording to a part of one processor's time, by lowering the part of runs that are kept.

    Time that was not used is saved up, to one second of processor time: a short program is recorded whole. When it is
    used up the factor is halved each second, and raised again when there is some.

    Args:
        part: Of one processor's time, such as 0.02.
        now_s: Monotonic seconds.

    Attributes:
        factor: What the head rate is multiplied with, from 1/1024 to 1.
        used_s: Processor time that recording has taken in all.
    """

    def __init__(self, part: float, now_s: float) -> None:
        self.factor: float = 1.0
        self.used_s: float = 0.0
        self._part = part
        self._credit_s = _CREDIT_S
        self._last_s = self._changed_s = now_s

    @property
    def stretch(self) -> float:
        """How many intervals are one while there is little left to save: each batch costs something by itself."""
        return _STRETCH if self.factor < _STRAINED else 1.0

    def spend(self, cpu_s: float, now_s: float) -> None:
        """Account for processor time just used.

        Args:
            cpu_s: How much.
            now_s: Monotonic seconds.
        """
        self.used_s += cpu_s
        earned = max(now_s - self._last_s, 0.0) * self._part
        self._credit_s = max(min(self._credit_s + earned - cpu_s, _CREDIT_S), -_CREDIT_S)
        self._last_s = now_s
        if now_s - self._changed_s < _PAUSE_S:
            return
        if self._credit_s < 0.0:
            self.factor = max(self.factor / 2, _LOWEST)
            self._changed_s = now_s
        elif self.factor < 1.0 and self._credit_s > 0.1 * _CREDIT_S:
            self.factor = min(self.factor * 1.5, 1.0)
            self._changed_s = now_s


class SlowRuns:
    """Tells which runs are slow.

    Args:
        slow_s: From how many seconds on; None: those above the 99th percentile of runs of the same kind and name, once
            100 have ended.
    """

    def __init__(self, slow_s: float | None) -> None:
        self._fixed_ns = None if slow_s is None else int(slow_s * 1e9)
        self._seen: dict[tuple[str, str], Sketch] = {}
        self._limits: dict[tuple[str, str], float] = {}

    def is_slow(self, kind: str, name: str, duration_ns: int) -> bool:
        """Whether a run that has just ended was slow; it is remembered for those that come."""
        if self._fixed_ns is not None:
            return duration_ns >= self._fixed_ns
        seen = self._seen.get((kind, name))
        if seen is None:
            if len(self._seen) >= 1000:
                self._seen.clear()
                self._limits.clear()
            seen = self._seen[kind, name] = Sketch()
        limit = self._limits.get((kind, name))
        seen.add(duration_ns)
        if seen.count % _ENOUGH == 0:
            self._limits[kind, name] = seen.quantile(0.99) or 0.0
        return limit is not None and duration_ns > limit
