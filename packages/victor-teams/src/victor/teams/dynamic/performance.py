"""How well agents have done, and what that says of the next time.

Two ways to count, stated by whoever makes the tracker: a moving average that forgets (EWMA), which follows changes; or
Thompson sampling, which draws from what is believed of each agent (Beta distributions), so that those of whom little is
known are tried as well. The draws come from a seed: the same observations give the same decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import define, field, frozen

from victor.core.errors import ConfigurationError

__all__ = ["Performance", "Record"]


@frozen
class Record:
    """What is known of one agent at one capability (``""`` for everything).

    Args:
        quality: The estimate, from 0 to 1.
        observations: How many there were.
        good: Of Thompson sampling: the sum of qualities, and one.
        bad: The sum of what was missing, and one.
    """

    quality: float
    observations: int = 0
    good: float = 1.0
    bad: float = 1.0


@define
class Performance:
    """What was observed of agents.

    Args:
        method: ``"ewma"`` or ``"thompson"``.
        weight: Of EWMA: how much the last observation counts, above 0 and up to 1.
        start: The quality of somebody of whom nothing is known.
        seed: For the draws of Thompson sampling.

    Example:
        >>> seen = Performance(weight=0.5)
        >>> seen.observe("ann", 1.0).quality
        0.75
    """

    method: Literal["ewma", "thompson"] = "ewma"
    weight: float = 0.3
    start: float = 0.5
    seed: int = 0
    _records: dict[tuple[str, str], Record] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        if self.method not in {"ewma", "thompson"}:
            raise ConfigurationError(f"performance is tracked by 'ewma' or 'thompson', not {self.method!r}")
        if not 0 < self.weight <= 1 or not 0 <= self.start <= 1:
            raise ConfigurationError("the weight lies above 0 and up to 1, the start between 0 and 1")

    def observe(self, agent: str, quality: float, capability: str = "") -> Record:
        """Note how well an agent did.

        Args:
            agent: Its name.
            quality: From 0 (failed) to 1.
            capability: At what; an observation counts for everything too.

        Raises:
            ConfigurationError: The quality is out of its range.
        """
        if not 0 <= quality <= 1:
            raise ConfigurationError(f"a quality lies between 0 and 1, not {quality!r}")
        if capability:
            self._note(agent, "", quality)
        return self._note(agent, capability, quality)

    def _note(self, agent: str, capability: str, quality: float) -> Record:
        was = self.record(agent, capability)
        if self.method == "ewma":
            now = was.quality + self.weight * (quality - was.quality)
            record = Record(now, was.observations + 1)
        else:
            good, bad = was.good + quality, was.bad + 1 - quality
            record = Record(good / (good + bad), was.observations + 1, good, bad)
        self._records[agent, capability] = record
        return record

    def record(self, agent: str, capability: str = "") -> Record:
        """What is known of an agent; where nothing is known of it at this capability, what is known in general."""
        found = self._records.get((agent, capability)) or self._records.get((agent, ""))
        return found or Record(self.start)

    def quality(self, agent: str, capability: str = "") -> float:
        """The estimate, without any chance in it."""
        return self.record(agent, capability).quality

    def draw(self, agent: str, capability: str = "") -> float:
        """What to reckon with in a decision: the estimate, or with Thompson sampling a draw around it."""
        record = self.record(agent, capability)
        if self.method == "ewma":
            return record.quality
        from random import Random

        made = sum(known.observations for known in self._records.values())
        chance = Random(f"{self.seed}/{made}/{agent}/{capability}")  # noqa: S311 - chance, not secrecy
        return chance.betavariate(record.good, record.bad)

    def save(self) -> dict[str, Any]:
        """Everything as plain data, for `load`."""
        return {
            "method": self.method, "weight": self.weight, "start": self.start, "seed": self.seed,
            "records": [[agent, capability, r.quality, r.observations, r.good, r.bad]
                        for (agent, capability), r in self._records.items()],
        }  # fmt: skip

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Performance:
        """What `save` gave."""
        made = cls(data["method"], data["weight"], data["start"], data["seed"])
        made._records = {(agent, capability): Record(*rest) for agent, capability, *rest in data["records"]}
        return made
