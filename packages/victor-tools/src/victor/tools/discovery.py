"""Finds the tools of a package."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from victor.core.errors import ConfigurationError
from victor.core.tool import Tool
from victor.tools.base_tool import BaseTool

__all__ = ["discover"]

_log: Final = logging.getLogger("victor.tools")


def discover(package: ModuleType | str) -> Iterator[Tool]:
    """The tools defined in a package and its modules, each once, in the order they are written.

    Raises:
        ConfigurationError: Something cannot be imported; names it and says why.
    """
    if not isinstance(package, (str, ModuleType)):
        raise ConfigurationError(f"tools are discovered in a package or its dotted name, not in {package!r}")
    root = _import(package) if isinstance(package, str) else package
    seen: set[int] = set()
    for module in _modules(root):
        for value in list(vars(module).values()):
            made = _tool_in(value, module)
            if made is not None and id(made) not in seen:
                seen.add(id(made))
                yield made


def _modules(root: ModuleType) -> Iterator[ModuleType]:
    yield root
    path = getattr(root, "__path__", None)
    if path is None:
        return
    for info in sorted(pkgutil.walk_packages(path, root.__name__ + ".", onerror=_cannot), key=lambda info: info.name):
        if info.name.rpartition(".")[2] != "__main__":
            yield _import(info.name)


def _cannot(name: str) -> None:
    _import(name)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise ConfigurationError(f"tools cannot be discovered in {name!r}: {type(error).__name__}: {error}") from error


def _tool_in(value: Any, module: ModuleType) -> Tool | None:
    if isinstance(value, Tool):
        return value
    if inspect.isclass(value):
        usable = issubclass(value, BaseTool) and value.__module__ == module.__name__ and not inspect.isabstract(value)
        if not usable:
            return None
        if not _takes_nothing(value):
            _log.info("%s.%s needs arguments: register an object of it", module.__name__, value.__name__)
            return None
        kind: Any = value
        made: Tool = kind().__victor_tool__
        return made
    found = getattr(value, "__victor_tool__", None) if callable(value) or isinstance(value, BaseTool) else None
    if not isinstance(found, Tool):
        return None
    return found if isinstance(value, BaseTool) or getattr(value, "__module__", None) == module.__name__ else None


def _takes_nothing(kind: type) -> bool:
    parameters = inspect.signature(kind).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
