"""What a release tag means, and whether the package is ready for it: ``python scripts/release.py victor-graph-v0.2.0``.

Prints ``name=``, ``version=`` and ``folder=`` lines (the form of a GitHub Actions output), or says what is not ready:
the tag names no package, the package's ``__version__`` differs, CHANGELOG.md has no entry, fragments are left.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from workspace import ROOT, Package, package, packages

TAG = re.compile(r"^(?:refs/tags/)?(?P<name>victor-[a-z]+)-v(?P<version>\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)$")


class NotReady(Exception):
    """The tag cannot be released."""


def released(tag: str, root: Path = ROOT) -> Package:
    """The package that a tag releases.

    Raises:
        NotReady: With everything that is wrong.
    """
    parts = TAG.match(tag)
    if parts is None:
        raise NotReady(f"{tag!r} is no release tag; one looks like victor-graph-v0.2.0")
    one = next((each for each in packages(root) if each.name == parts["name"]), None)
    if one is None:
        raise NotReady(f"{tag!r}: there is no package {parts['name']!r}")
    problems = []
    if one.version != parts["version"]:
        problems.append(f"the tag says {parts['version']}, {one.name} says {one.version}")
    changelog = (one.folder / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## {re.escape(parts['version'])} \(", changelog, re.MULTILINE):
        problems.append(f"CHANGELOG.md has no entry for {parts['version']}: run `hatch run changelog:build {one.name}`")
    if left := sorted(file.name for file in (one.folder / "changelog.d").glob("*.md")):
        problems.append(f"changelog.d/ still holds {', '.join(left)}")
    if problems:
        raise NotReady(f"{tag}: " + "; ".join(problems))
    return one


def build_changelog(name: str, arguments: list[str]) -> int:
    """Collect the fragments of one package under its version with towncrier."""
    one = package(name)
    command = ["towncrier", "build", "--dir", str(one.folder), "--config", str(one.folder / "towncrier.toml"), "--yes"]
    return subprocess.run([*command, "--version", one.version, *arguments], check=False).returncode


def notes(one: Package) -> str:
    """The changelog's entry of the version at hand."""
    changelog = (one.folder / "CHANGELOG.md").read_text(encoding="utf-8")
    entry = re.search(rf"^## {re.escape(one.version)} \(.*?\)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if entry is None:
        raise NotReady(f"CHANGELOG.md of {one.name} has no entry for {one.version}")
    return entry[1].strip() + "\n"


def main() -> int:
    """Check a tag, build a changelog (``release.py changelog NAME``) or print its newest entry (``notes NAME``)."""
    match sys.argv[1:]:
        case ["notes", name]:
            print(notes(package(name)), end="")
            return 0
        case ["changelog", name, *arguments]:
            return build_changelog(name, arguments)
        case [tag]:
            try:
                one = released(tag)
            except NotReady as error:
                print(f"not ready: {error}", file=sys.stderr)
                return 1
            print(f"name={one.name}\nversion={one.version}\nfolder={one.folder.relative_to(ROOT).as_posix()}")
            return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
