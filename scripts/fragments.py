"""Check the changelog fragments of every package: ``hatch run changelog:check [--against origin/main]``.

A fragment is ``packages/victor-X/changelog.d/NAME.TYPE.md``, where TYPE is one of that package's towncrier types and
NAME an issue number or ``+`` and a few words. With ``--against`` a package whose ``src/`` differs from that commit
must also have a new fragment; a commit message with ``[no changelog]`` says that users see nothing of it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib

from workspace import ROOT, Package, packages

NAME = re.compile(r"^(?:\d+|\+[a-z0-9-]+)\.(?P<type>[a-z]+)(?:\.\d+)?\.md$")


def git(*arguments: str) -> str:
    """Output of a git command."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def misnamed(one: Package) -> list[str]:
    """Fragments that towncrier would leave out, and empty ones."""
    config = tomllib.loads((one.folder / "towncrier.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    types = [entry["directory"] for entry in config["type"]]
    found = []
    for file in sorted((one.folder / config["directory"]).iterdir()):
        if file.name == ".gitignore":
            continue
        name = NAME.match(file.name)
        where = file.relative_to(one.folder.parent)
        if name is None or name["type"] not in types:
            found.append(f"{where}: call it NUMBER.TYPE.md or +words.TYPE.md, TYPE being one of {', '.join(types)}")
        elif not file.read_text(encoding="utf-8").strip():
            found.append(f"{where}: is empty")
    return found


def unannounced(one: Package, base: str) -> list[str]:
    """Whether the package changed since ``base`` with no fragment to say so."""
    folder = one.folder.relative_to(ROOT).as_posix()
    changed = git("diff", "--name-only", f"{base}...HEAD", "--", f"{folder}/src").split()
    said = git("diff", "--name-only", f"{base}...HEAD", "--", f"{folder}/changelog.d", f"{folder}/CHANGELOG.md").split()
    if not changed or said or "[no changelog]" in git("log", "--format=%B", f"{base}..HEAD"):
        return []
    return [
        f"{folder}: {len(changed)} source files changed and changelog.d/ has no fragment of it (see CONTRIBUTING.md)"
    ]


def main() -> int:
    """Check every package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--against", metavar="COMMIT", help="the commit that a change is measured from")
    options = parser.parse_args()
    found = [line for one in packages() for line in misnamed(one)]
    if options.against:
        found += [line for one in packages() for line in unannounced(one, options.against)]
    print("\n".join(found) or "changelog fragments are in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
