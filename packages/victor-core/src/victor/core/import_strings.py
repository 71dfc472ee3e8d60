"""Import strings in files that people write: ``"package.module:name"``, or ``"./file.py:name"`` beside the file.

What plugins register is looked up by `victor.core.catalog.load_target`, which knows no files.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from victor.core.errors import PluginError

__all__ = ["FILE_MODULES", "load_object", "look_here"]

FILE_MODULES: Final = "victor_file_"
"""How the names of modules begin that were loaded from a file."""


def load_object(name: str, folder: Path | None = None) -> Any:
    """What an import string stands for. A file is loaded once.

    Args:
        name: ``"package.module:name"`` or ``"file.py:name"``; the name may have dots.
        folder: Against which the path of a file goes; the working directory by default.

    Raises:
        PluginError: There is none, or it does not import.

    Example:
        >>> load_object("pathlib:Path.exists").__name__
        'exists'
    """
    from victor.core.catalog import load_target, near_matches

    place, _, attribute = name.partition(":")
    if not place.endswith(".py"):
        return load_target(name)
    found = _load_file((folder or Path()) / place)
    for part in attribute.split("."):
        if not hasattr(found, part):
            near = near_matches(part, dir(found))
            raise PluginError(f"{place} has no {attribute!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        found = getattr(found, part)
    return found


def look_here() -> None:
    """Let modules of the working directory be imported, as ``python -m`` does: for commands, not for libraries."""
    if "" not in sys.path:
        sys.path.insert(0, "")


def _load_file(path: Path) -> Any:
    import importlib.util

    path = path.resolve()
    name = f"{FILE_MODULES}{abs(hash(path))}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise PluginError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise PluginError(f"{path} does not import: {type(error).__name__}: {error}") from error
    return module
