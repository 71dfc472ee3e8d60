"""Categories and presets, from YAML: the built-in file and a user's own.

A file has two tables, both optional::

    categories:
      billing:
        description: Invoices and payments
        cost_tier: medium           # for its tools that name none
        requires_approval: true     # for its tools that do not say; "always" for those that say otherwise, too
    presets:
      accounting:
        description: What bookkeeping needs
        categories: [billing, filesystem]
        tools: [maths.evaluate]
        exclude: [files.write]

A user's file is named by ``categories`` in the table ``[tools]`` of ``victor.toml`` and wins over the built-in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import field, frozen

from victor.core.errors import ConfigurationError, UnknownNameError
from victor.core.tool import CostTier, ToolMetadata

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["Categories", "Category", "Preset"]

BUILT_IN: Final = Path(__file__).with_name("tool_categories.yaml")


@frozen
class Category:
    """A category.

    Args:
        name: Its name.
        description: What its tools are for.
        cost_tier: Of its tools that name none themselves; None leaves them FREE.
        requires_approval: Its tools that say nothing of it need approval; ``"always"``: all of them do, at every call.
        origin: File and line it stands in.
    """

    name: str
    description: str = ""
    cost_tier: CostTier | None = None
    requires_approval: bool | Literal["always"] = False
    origin: str = ""


@frozen
class Preset:
    """A named selection of tools.

    Args:
        name: Its name.
        description: What it is for.
        categories: Whose tools are in it; ``"*"`` for all.
        tools: Tools that are in it besides.
        exclude: Categories and tools that are not in it in any case.
        origin: File and line it stands in.
    """

    name: str
    description: str = ""
    categories: tuple[str, ...] = field(default=(), converter=tuple)
    tools: tuple[str, ...] = field(default=(), converter=tuple)
    exclude: tuple[str, ...] = field(default=(), converter=tuple)
    origin: str = ""

    def selects(self, metadata: ToolMetadata, names: Iterable[str] = ()) -> bool:
        """Whether a tool is in it.

        Args:
            metadata: The tool's.
            names: More names it goes by, such as ``"files.read"``.

        Example:
            >>> preset = Preset("p", categories=["web"], exclude=["web.post"])
            >>> [preset.selects(ToolMetadata(name, category="web")) for name in ("fetch", "post")]
            [True, False]
        """
        called = {metadata.id, metadata.name, *names}
        if metadata.category in self.exclude or called & set(self.exclude):
            return False
        return "*" in self.categories or metadata.category in self.categories or bool(called & set(self.tools))


class Categories:
    """All categories and presets.

    Args:
        categories: By name.
        presets: By name.
    """

    def __init__(self, categories: Mapping[str, Category], presets: Mapping[str, Preset]) -> None:
        self._categories = dict(categories)
        self._presets = dict(presets)

    @classmethod
    def load(cls, *files: Path) -> Categories:
        """From files, each winning over those before.

        Raises:
            ConfigurationError: A file cannot be read, or something in it is wrong; all of it is told, with lines.
        """
        from victor.tools.category_file import read_category_file

        categories: dict[str, Category] = {}
        presets: dict[str, Preset] = {}
        for file in files:
            own, chosen = read_category_file(file)
            categories.update(own)
            presets.update(chosen)
        made = cls(categories, presets)
        made._check()
        return made

    @classmethod
    def built_in(cls) -> Categories:
        """Those that come with this package."""
        return cls.load(BUILT_IN)

    @classmethod
    def from_settings(cls) -> Categories:
        """The built-in ones, and those of the file ``victor.toml`` names.

        Raises:
            ConfigurationError: That file is missing or wrong.
        """
        from victor.core.settings import load_settings
        from victor.tools.settings import check_tables

        settings = load_settings()
        check_tables(settings)
        named = settings.section("tools").get("categories")
        if named is None:
            return cls.built_in()
        if not isinstance(named, str):
            raise ConfigurationError(f"{settings.origin('tools.categories')}: tools.categories must be a path")
        path = Path(named).expanduser()
        return cls.load(BUILT_IN, path if settings.project is None else settings.project / path)

    def get(self, name: str) -> Category | None:
        """The category of that name; None for one nobody has described, which is no mistake."""
        return self._categories.get(name)

    def preset(self, name: str) -> Preset:
        """The preset of that name.

        Raises:
            UnknownNameError: There is none.
        """
        try:
            return self._presets[name]
        except KeyError:
            from victor.core.catalog import near_matches

            near = near_matches(name, self._presets)
            hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(sorted(self._presets))
            raise UnknownNameError(f"unknown preset {name!r}; {hint}", name=name, suggestions=near) from None

    @property
    def presets(self) -> list[Preset]:
        """All presets, by name."""
        return [self._presets[name] for name in sorted(self._presets)]

    def __iter__(self) -> Iterator[Category]:
        return iter([self._categories[name] for name in sorted(self._categories)])

    def __len__(self) -> int:
        return len(self._categories)

    def apply(self, made: Tool) -> Tool:
        """The tool with the defaults of its category, where it does not say something itself.

        Approval is added, never taken away. A tool that says it needs none, or decides by its arguments, keeps its
        word, except in a category that asks for it ``always``.
        """
        known = self._categories.get(made.metadata.category)
        if known is None:
            return made
        stated = made.metadata.stated or ()
        changes: dict[str, Any] = {}
        if known.requires_approval and (known.requires_approval == "always" or "requires_approval" not in stated):
            changes["requires_approval"] = True
        if known.cost_tier is not None and "cost_tier" not in stated:
            changes["cost_tier"] = known.cost_tier
        return made.with_(**changes) if changes else made

    def _check(self) -> None:
        """A preset that names a category nobody knows is a typing error, found here."""
        problems = []
        for preset in self._presets.values():
            for name in preset.categories:
                if name != "*" and name not in self._categories:
                    from victor.core.catalog import near_matches

                    near = near_matches(name, self._categories)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    problems.append(
                        f"{preset.origin}: preset {preset.name!r} names the unknown category {name!r}{hint}"
                    )
        if problems:
            raise ConfigurationError("\n".join(problems))
