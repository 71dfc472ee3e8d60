"""Reads one file of categories and presets; everything that is wrong is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError
from victor.core.tool import CostTier
from victor.tools.categories import Category, Preset

__all__ = ["read_category_file"]


def read_category_file(file: Path) -> tuple[dict[str, Category], dict[str, Preset]]:
    """The categories and presets of a file.

    Raises:
        ConfigurationError: It cannot be read, is no YAML, or holds something else.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: cannot be read: {error}") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{file.name}{line}: not valid YAML: {getattr(error, 'problem', error)}") from error
    reader = _Reader(file.name)
    top = {} if root is None else reader.mapping(root, "the file", {"categories", "presets"})
    categories = {
        name: reader.category(name, node)
        for name, node in (reader.mapping(top["categories"], "categories") if "categories" in top else {}).items()
    }
    presets = {
        name: reader.preset(name, node)
        for name, node in (reader.mapping(top["presets"], "presets") if "presets" in top else {}).items()
    }
    if reader.problems:
        raise ConfigurationError("\n".join(reader.problems))
    return categories, presets


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[str] = []

    def origin(self, node: yaml.Node) -> str:
        return f"{self.file}:{node.start_mark.line + 1}"

    def mapping(self, node: yaml.Node, what: str, known: set[str] | None = None) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            if not (isinstance(node, yaml.ScalarNode) and node.value in {"", "~", "null"}):
                self.problems.append(f"{self.origin(node)}: {what} must be a mapping of names")
            return {}
        out: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in out:
                self.problems.append(f"{self.origin(key)}: {what} has {name!r} twice")
            elif known is not None and name not in known:
                near = near_matches(name, known)
                hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(sorted(known))
                self.problems.append(f"{self.origin(key)}: {what} has no {name!r}; {hint}")
            else:
                out[name] = value
        return out

    def category(self, name: str, node: yaml.Node) -> Category:
        what = f"category {name!r}"
        parts = self.mapping(node, what, {"description", "cost_tier", "requires_approval"})
        tier = self.text(parts, "cost_tier", what)
        if tier and tier.lower() not in set(map(str, CostTier)):
            at = self.origin(parts["cost_tier"])
            self.problems.append(f"{at}: cost_tier of {what} is {tier!r}; it is one of {', '.join(map(str, CostTier))}")
            tier = ""
        approval = self.approval(parts, what)
        return Category(
            name,
            self.text(parts, "description", what),
            CostTier(tier.lower()) if tier else None,
            approval,
            self.origin(node),
        )

    def approval(self, parts: dict[str, yaml.Node], what: str) -> bool | Literal["always"]:
        if "requires_approval" in parts and self.scalar(parts["requires_approval"]) == "always":
            return "always"
        return bool(self.value(parts, "requires_approval", bool, False, what, "true, false or always"))

    @staticmethod
    def scalar(node: yaml.Node) -> str | None:
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def preset(self, name: str, node: yaml.Node) -> Preset:
        what = f"preset {name!r}"
        parts = self.mapping(node, what, {"description", "categories", "tools", "exclude"})
        lists: dict[str, Any] = {key: self.names(parts, key, what) for key in ("categories", "tools", "exclude")}
        return Preset(name, self.text(parts, "description", what), **lists, origin=self.origin(node))

    def names(self, parts: dict[str, yaml.Node], key: str, what: str) -> list[str]:
        found = self.value(parts, key, list, [], what, "a list of names")
        if not all(isinstance(item, str) for item in found):
            self.problems.append(f"{self.origin(parts[key])}: {key} of {what} must be a list of names")
            return []
        return list(found)

    def text(self, parts: dict[str, yaml.Node], key: str, what: str) -> str:
        return str(self.value(parts, key, str, "", what, "text"))

    def value(self, parts: dict[str, yaml.Node], key: str, kind: type, default: Any, what: str, noun: str) -> Any:
        if key not in parts:
            return default
        loader = yaml.SafeLoader("")
        try:
            found = loader.construct_object(parts[key], deep=True)
        finally:
            loader.dispose()
        if not isinstance(found, kind):
            self.problems.append(f"{self.origin(parts[key])}: {key} of {what} must be {noun}, not {found!r}")
            return default
        return found
