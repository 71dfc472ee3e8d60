"""The packages of this workspace, read from ``packages/*/pyproject.toml``: what the other scripts start from.

Run it to list them, or to get one field of each: ``python scripts/workspace.py name``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Package:
    """One folder of ``packages/``.

    Attributes:
        folder: Its path.
        project: The ``[project]`` table of its pyproject.toml.
    """

    folder: Path
    project: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the distribution, such as ``victor-core``."""
        return str(self.project["name"])

    @property
    def source(self) -> Path:
        """Folder of the import package, such as ``packages/victor-core/src/victor/core``."""
        return self.folder / "src" / "victor" / self.name.removeprefix("victor-")

    @property
    def version(self) -> str:
        """The ``__version__`` written in the package, read without importing it.

        Raises:
            SystemExit: The package has none.
        """
        file = self.source / "__init__.py"
        found = re.search(r'^__version__(?:: str)? = "([^"]+)"$', file.read_text(encoding="utf-8"), re.MULTILINE)
        if found is None:
            raise SystemExit(f'{file.relative_to(ROOT)} has no line `__version__ = "..."`')
        return found[1]

    @property
    def extras(self) -> list[str]:
        """Names of the optional dependencies."""
        return list(self.project.get("optional-dependencies", {}))

    def siblings(self, *, extras: bool = False) -> set[str]:
        """Names of the other packages of ours that this one asks for, itself left out.

        Args:
            extras: Whether those of the optional dependencies count.
        """
        requirements = list(self.project.get("dependencies", []))
        if extras:
            for more in self.project.get("optional-dependencies", {}).values():
                requirements += more
        names = {re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0] for requirement in requirements}
        return {name for name in names if name.startswith("victor-")} - {self.name}


def packages(root: Path = ROOT) -> list[Package]:
    """Every package of the workspace, by name."""
    found = []
    for file in sorted(root.glob("packages/*/pyproject.toml")):
        found.append(Package(file.parent, tomllib.loads(file.read_text(encoding="utf-8"))["project"]))
    return found


def package(name: str, root: Path = ROOT) -> Package:
    """The package of that name, with or without the ``victor-`` in front.

    Raises:
        SystemExit: There is none; the text lists those that are there.
    """
    everything = packages(root)
    for one in everything:
        if one.name in {name, f"victor-{name}"}:
            return one
    raise SystemExit(f"no package {name!r}; there are: {', '.join(one.name for one in everything)}")


if __name__ == "__main__":
    field = sys.argv[1] if len(sys.argv) > 1 else "folder"
    for each in packages():
        value = getattr(each, field)
        print(value.relative_to(ROOT).as_posix() if isinstance(value, Path) else value)
