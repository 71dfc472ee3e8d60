"""The settings of victor-observability: the table ``[listener.observability]``.

Example:
    >>> settings = read_settings({"head_rate": 0.1, "retention": {"records_days": 3}})
    >>> settings.head_rate, settings.retention.records_days
    (0.1, 3)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import Attribute, field, fields, frozen

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.observability.store.retention import Retention

__all__ = ["NO_STORE", "Settings", "load_settings", "project_folder", "read_settings"]

NO_STORE: Final = "none"
"""The setting ``store`` where figures stay in memory alone."""

_TABLE: Final = "listener.observability"
_FILE: Final = "metrics.db"


def _fail(attribute: Attribute[Any], wanted: str, value: object) -> None:
    raise ConfigurationError(f"[{_TABLE}] {attribute.name} should be {wanted}, and is {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _above_zero(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not _is_number(value) or value <= 0:
        _fail(attribute, "a number above 0", value)


def _part(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        _fail(attribute, "a number from 0 to 1", value)


def _count(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        _fail(attribute, "a whole number above 0", value)


def _seconds_or_none(_: object, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and (not _is_number(value) or value <= 0):
        _fail(attribute, "a number of seconds above 0", value)


def _text(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        _fail(attribute, "a text", value)


def _names(_: object, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, tuple) or not all(isinstance(one, str) for one in value):
        _fail(attribute, "a list of names", value)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@frozen(kw_only=True)
class Settings:
    """What is recorded, how much of it, and where to.

    Args:
        store: ``sqlite:PATH`` or ``postgresql://...``; ``""`` is ``.victor/metrics.db`` of the project, ``"none"``
            keeps figures in memory alone. A relative path is below the project's directory.
        interval_ms: How often to write. What happened since the last time is lost when the process is killed.
        queue: How many events may wait; those beyond are counted at once and not kept in detail, and how many is shown.
        head_rate: The part of runs whose operations are kept one by one. Figures count all of them in any case.
        slow_s: A run that takes as long is kept whatever the rate; None: one that is slower than 99 of 100 of its kind.
        rows_per_s: How many operations a second are kept one by one at most, over some time; errors always are.
        overhead: The part of one processor's time that recording may take; the rate is lowered to hold it.
        max_names: How many names of one kind are told apart; what comes later is counted as ``other``.
        max_keys: How many combinations of kind, name, agent, model and root are told apart.
        exporters: Names of metrics exporters to start, each with a table ``[metrics.NAME]``.
        retention_table: How long to keep what: the table ``[listener.observability.retention]``.

    Raises:
        ConfigurationError: A value is not of its kind.
    """

    store: str = field(default="", validator=_text)
    interval_ms: float = field(default=250.0, validator=_above_zero)
    queue: int = field(default=100_000, validator=_count)
    head_rate: float = field(default=1.0, validator=_part)
    slow_s: float | None = field(default=None, validator=_seconds_or_none)
    rows_per_s: float = field(default=2_000.0, validator=_above_zero)
    overhead: float = field(default=0.02, validator=_part)
    max_names: int = field(default=200, validator=_count)
    max_keys: int = field(default=5_000, validator=_count)
    exporters: tuple[str, ...] = field(default=(), converter=_as_tuple, validator=_names)
    retention_table: Mapping[str, Any] = field(factory=dict, hash=False)

    @property
    def retention(self) -> Retention:
        """How long a store keeps what.

        Raises:
            ConfigurationError: The table has a wrong value.
        """
        from victor.observability.store.retention import Retention

        known = [one.name for one in fields(Retention)]
        _must_be_known(self.retention_table, known, f"{_TABLE}.retention")
        for name, value in self.retention_table.items():
            if not _is_number(value):
                raise ConfigurationError(f"[{_TABLE}.retention] {name} should be a number, and is {value!r}")
        try:
            return Retention(**self.retention_table)
        except ConfigurationError as error:
            raise ConfigurationError(f"[{_TABLE}.retention] {error}") from None

    def store_url(self, project: Path | None = None) -> str:
        """Where the store is: an absolute path or a URL; ``"none"`` where nothing is stored.

        Args:
            project: The directory that a relative path is below; that of the working directory's project by default.
        """
        if self.store == NO_STORE or self.store.partition(":")[0] in {"postgres", "postgresql"}:
            return self.store
        path = self.store.removeprefix("sqlite:").removeprefix("//") or f".victor/{_FILE}"
        return f"sqlite:{(project or project_folder()) / Path(path).expanduser()}"


def read_settings(table: Mapping[str, Any]) -> Settings:
    """Settings from a table as it is in a file.

    Raises:
        ConfigurationError: A key is unknown, or a value is not of its kind.
    """
    given = dict(table)
    known = [one.name for one in fields(Settings) if one.name != "retention_table"]
    retention = given.pop("retention", {})
    if not isinstance(retention, Mapping):
        raise ConfigurationError(f"[{_TABLE}] retention should be a table, and is {retention!r}")
    _must_be_known(given, [*known, "retention"], _TABLE)
    settings = Settings(**given, retention_table=dict(retention))
    if retention:
        settings.retention  # noqa: B018 - a mistake is told at the start, not when the store is opened
    return settings


def load_settings() -> Settings:
    """The settings of this process, from ``victor.toml`` and the environment (``VICTOR_LISTENER__OBSERVABILITY__...``).

    Raises:
        ConfigurationError: A file cannot be read, a key is unknown, or a value is not of its kind.
    """
    from victor.core.settings import load_settings as of_core

    return read_settings(of_core().section(_TABLE))


def project_folder() -> Path:
    """The project's directory: where ``victor.toml`` is, else ``.git``, upwards; else the working directory."""
    from victor.core.settings import load_settings as of_core

    here = Path.cwd()
    found = of_core().project
    if found is not None:
        return found
    home = Path("~").expanduser()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
        if folder == home:
            break
    return here


def _must_be_known(given: Mapping[str, Any], known: list[str], table: str) -> None:
    for name in given:
        if name not in known:
            from victor.core.catalog import near_matches

            near = near_matches(name, known)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"[{table}] has no setting {name!r}{hint} There are: {', '.join(known)}")
