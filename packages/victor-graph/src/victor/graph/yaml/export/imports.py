"""The import string of an object: what a workflow file calls a function or class by."""

from __future__ import annotations

import functools
import os
import sys
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from victor.core.errors import VictorError
from victor.core.import_strings import FILE_MODULES

__all__ = ["NotImportableError", "import_string"]


class NotImportableError(VictorError):
    """No import string names an object; says why, and what to do.

    What to do: move the object to the top level of a module, or register it under a name.
    """


def import_string(found: Any, folder: Path) -> str:
    """What names an object in a workflow file.

    Args:
        found: A function, method, class or other object of a module.
        folder: Of the workflow file, against which the paths of files go.

    Returns:
        ``"package.module:name"``, or ``"./file.py:name"`` for what was loaded from a file that is no module.

    Raises:
        NotImportableError: Nothing names it.

    Example:
        >>> import operator
        >>> import_string(operator.add, Path()), import_string(Path.exists, Path())
        ('_operator:add', 'pathlib:Path.exists')
    """
    if isinstance(found, types.MethodType):
        owner = found.__self__
        return f"{import_string(owner, folder)}.{found.__func__.__name__}"
    if isinstance(found, functools.partial):
        inner = getattr(found.func, "__name__", "a function")
        module = _module_with(found)
        if module is None:
            raise NotImportableError(f"a partial of {inner} has no name; write a function that calls it")
        return _in_module(*module, folder)
    name = getattr(found, "__qualname__", None)
    module_name = getattr(found, "__module__", None)
    if isinstance(name, str) and isinstance(module_name, str) and name and _at(module_name, name) is found:
        return _in_module(module_name, name, folder)
    place = _module_with(found)
    if place is not None:
        return _in_module(*place, folder)
    raise NotImportableError(_why(found, name))


def _why(found: Any, name: str | None) -> str:
    if name is not None and name.endswith("<lambda>"):
        return "a lambda has no name; write it as a function (def) of a module"
    if name is not None and "<locals>" in name:
        outer, _, inner = name.partition(".<locals>.")
        what = "class" if isinstance(found, type) else "function"
        inner = inner.replace(".<locals>.", ".")
        return f"the {what} {inner!r} is defined inside {outer!r}; define it in the module itself"
    if isinstance(found, (types.FunctionType, type)):
        return f"{name!r} is not to be found in its module {found.__module__!r} under that name; keep it there"
    return f"the {type(found).__name__} {str(found)[:60]!r} is no object of a module; give it a name there"


def _at(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _module_with(found: Any) -> tuple[str, str] | None:
    """The module that holds an object under a public name of its own, the one it says it is of first."""
    own = getattr(found, "__module__", None)
    for module in _modules(own if isinstance(own, str) else ""):
        try:
            names = list(vars(sys.modules[module]).items())
        except (KeyError, TypeError):
            continue
        for name, value in names:
            if value is found and not name.startswith("__"):
                return module, name
    return None


def _modules(first: str) -> Iterable[str]:
    return dict.fromkeys([*([first] if first in sys.modules else ()), *reversed(list(sys.modules))])


def _in_module(module: str, name: str, folder: Path) -> str:
    if module != "__main__" and not module.startswith(FILE_MODULES):
        return f"{module}:{name}"
    file = getattr(sys.modules[module], "__file__", None)
    if file is None:
        raise NotImportableError(f"{name!r} was defined in no file; put it into a module")
    path = os.path.relpath(Path(file).resolve(), folder.resolve()).replace(os.sep, "/")
    return f"{path if path.startswith('../') else './' + path}:{name}"
