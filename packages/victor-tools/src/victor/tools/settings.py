"""What ``victor.toml`` says about tools: the table ``[tools]`` and one table per toolkit below it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.settings import Settings

__all__ = ["check_tables", "configured"]

T = TypeVar("T")


def configured(kit: type[T]) -> T:
    """An object of an attrs class with the fields its table ``[tools.SECTION]`` gives.

    Relative paths are those of the directory ``victor.toml`` stands in.

    Raises:
        ConfigurationError: A field is unknown or wrong; all of them are told, with file and line.
    """
    import attrs

    from victor.core.schema import DecodeProblems, decode
    from victor.core.settings import load_settings

    settings = load_settings()
    check_tables(settings)
    key = f"tools.{kit.section}"  # type: ignore[attr-defined]
    table = settings.section(key)
    try:
        made: T = decode(kit, table, what=f"[{key}]")
    except DecodeProblems as error:
        lines = [
            f"{settings.origin(key + path.removeprefix('$'))}: {key + path.removeprefix('$')} {text}"
            for path, text in error.problems
        ]
        raise ConfigurationError("\n".join(lines)) from error
    project = settings.project
    if project is None:
        return made
    paths: dict[str, Any] = {}
    for field in attrs.fields(kit):  # type: ignore[arg-type]
        value = getattr(made, field.name)
        if isinstance(value, Path) and field.name in table:
            paths[field.name] = project / value.expanduser()
    return attrs.evolve(made, **paths) if paths else made  # type: ignore[misc]


def check_tables(settings: Settings) -> None:
    """Whether every table and key right below ``[tools]`` is one that somebody reads.

    A table that nobody reads is a limit that does not hold: ``[tools.file]`` with ``read_only = true``.

    Raises:
        ConfigurationError: One is not; says where, and what may be meant.
    """
    from victor.tools.builtin import KITS

    known = {*KITS, "mcp", "categories"}
    unread = {f"tools.{name}": value for name, value in settings.section("tools").items() if name not in known}
    unread = {key: value for key, value in unread.items() if not (isinstance(value, Mapping) and _is_owned(key[6:]))}
    mistaken = settings.section("tool") if isinstance(settings.value("tool"), Mapping) else {}
    problems = [
        f"{settings.origin(_first_leaf(f'tool.{name}', value))}: the table is [tools.{name}], not [tool.{name}]"
        for name, value in mistaken.items()
        if name in known
    ]
    for key, value in unread.items():
        from victor.core.catalog import near_matches

        near = near_matches(key[6:], known, most=1)
        shown = "[tools.{}]" if isinstance(value, Mapping) else "tools.{}"
        meant = f"did you mean {shown.format(near[0])}?" if near else "there are: " + ", ".join(sorted(known))
        problems.append(f"{settings.origin(_first_leaf(key, value))}: nothing reads {shown.format(key[6:])}; {meant}")
    if problems:
        raise ConfigurationError("\n".join(problems))


def _first_leaf(key: str, value: Any) -> str:
    """A key below a table that has an origin: tables themselves have none."""
    while isinstance(value, Mapping) and value:
        name, value = next(iter(value.items()))
        key = f"{key}.{name}"
    return key


def _is_owned(section: str) -> bool:
    """Whether a toolkit or a plugin besides the built-in ones goes by that name."""
    from victor.core.plugins import get_plugins
    from victor.tools.toolkit import Toolkit

    kinds = [*Toolkit.__subclasses__()]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    if any(kind.section == section for kind in kinds):
        return True
    return any(name.startswith(f"{section}.") for name in get_plugins().tools.names)
