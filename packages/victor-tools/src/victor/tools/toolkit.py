"""Several tools that share state: methods of one object, marked with `victor.tools.decorator.tool`."""

from __future__ import annotations

from typing import Any, ClassVar

from victor.core.errors import ConfigurationError
from victor.core.tool import Tool
from victor.tools.spec import ToolSpec

__all__ = ["Toolkit", "tools_of"]


def tools_of(source: Any, *, prefix: str = "", plugin: str = "") -> list[Tool]:
    """The tools of an object: one for each method that is marked, in the order they are written.

    Args:
        source: The object, not its class.
        prefix: Put before each name.
        plugin: Which plugin or server they come from.

    Raises:
        ConfigurationError: It is a class, or no method is marked.

    Example:
        >>> from victor.tools import tool
        >>> class Lamp:
        ...     on = False
        ...     @tool(category="home")
        ...     def switch(self, on: bool) -> str:
        ...         "Switch the lamp."
        ...         self.on = on
        ...         return "on" if on else "off"
        >>> [made.metadata.id for made in tools_of(Lamp())]
        ['home.switch']
    """
    if isinstance(source, type):
        raise ConfigurationError(f"the tools of a class need an object: tools_of({source.__name__}(...))")
    made = [
        spec.build(getattr(source, attribute), name=prefix + (spec.name or attribute), source=plugin)
        for attribute, spec in _marked(source)
    ]
    if not made:
        raise ConfigurationError(f"no method of {type(source).__name__} is marked with @tool")
    return made


def _marked(source: Any) -> list[tuple[str, ToolSpec]]:
    found: dict[str, ToolSpec] = {}
    for base in reversed(type(source).__mro__):
        for attribute, value in vars(base).items():
            function = value.__wrapped__ if isinstance(value, (classmethod, staticmethod)) else value
            spec = getattr(function, "__victor_spec__", None)
            if isinstance(spec, ToolSpec):
                found[attribute] = spec
            elif value is None and attribute in found:  # a subclass takes the tool away
                del found[attribute]
    return list(found.items())


class Toolkit:
    """An object with tools, configured by a table ``[tools.NAME]`` of ``victor.toml``.

    Attributes:
        section: That name.
    """

    section: ClassVar[str] = ""

    def tools(self) -> list[Tool]:
        """Its tools."""
        return tools_of(self, prefix=f"{self.section}." if self.section else "", plugin="tools")

    @classmethod
    def from_settings(cls) -> Toolkit:
        """One as the settings ask for.

        Raises:
            ConfigurationError: A key is unknown or wrong; says which and where.
        """
        from victor.tools.settings import configured

        return configured(cls)
