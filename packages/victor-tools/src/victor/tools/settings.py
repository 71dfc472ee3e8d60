"""What ``victor.toml`` says about tools: the table ``[tools]`` and one table per toolkit below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from victor.core.errors import ConfigurationError

__all__ = ["configured"]

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
