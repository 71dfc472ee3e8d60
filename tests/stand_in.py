"""Environments and wheels for tests that need an installation which lacks something or has it wrong.

`Environment` is a virtual environment that holds the distributions it is told and what these require, and nothing else:
links to what is installed here, so that making one takes a fraction of a second and needs no network.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import os
import subprocess
import textwrap
import venv
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workspace import packages

OURS = {one.name: one for one in packages()}
LIMIT_S = 60
SCRIPT = """\
#!{python}
import sys
from {module} import main
sys.exit(main())
"""


class Environment:
    """A virtual environment made of links.

    Args:
        folder: Where it is made.
        requirements: What it holds, as requirements: ``"victor-core"``, ``"victor-graph[postgres]"``, ``"pip"``.
    """

    def __init__(self, folder: Path, requirements: Iterable[str]) -> None:
        self.folder = folder
        venv.EnvBuilder(symlinks=True).create(folder)
        self.bin = folder / "bin"
        self.python = self.bin / "python"
        self.site_packages = next(folder.glob("lib/python3*/site-packages"))
        self._seen: set[tuple[str, str]] = set()
        for one in requirements:
            self._add(Requirement(one))

    def _add(self, wanted: Requirement) -> None:
        name = canonicalize_name(wanted.name)
        new = {(name, extra) for extra in {"", *wanted.extras}} - self._seen
        if not new:
            return
        first = not any(seen == name for seen, _ in self._seen)
        self._seen |= new
        if name == "pip":
            self._add_pip()
            return
        if first:
            self._add_own(name) if name in OURS else self._link(importlib.metadata.distribution(name))
        for text in requires(name):
            one = Requirement(text)
            if any(one.marker is None or one.marker.evaluate({"extra": extra}) for _, extra in new):
                self._add(one)

    def _add_own(self, name: str) -> None:
        package = OURS[name]
        link(package.source, self.site_packages / "victor" / package.source.name)
        install_metadata(self.site_packages, name, package.version, requires(name), package.project["entry-points"])
        for script, target in package.project.get("scripts", {}).items():
            self.add_script(script, target.partition(":")[0])

    def _add_pip(self) -> None:
        spec = importlib.util.find_spec("pip")
        if spec is None or spec.origin is None:
            subprocess.run([self.python, "-Im", "ensurepip"], check=True, capture_output=True)
        else:
            link(Path(spec.origin).parent, self.site_packages / "pip")
        self.add_script("pip", "pip._internal.cli.main")

    def _link(self, distribution: importlib.metadata.Distribution) -> None:
        files = [PurePosixPath(str(file)) for file in distribution.files or []]
        packages = {file.parent for file in files if file.name == "__init__.py" or file.parent.suffix == ".dist-info"}
        for file in files:
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            part = next((folder for folder in reversed(file.parents) if folder in packages), file)
            link(Path(str(distribution.locate_file(str(part)))), self.site_packages / part)

    def add_script(self, name: str, module: str) -> None:
        """Add a command that calls ``main()`` of a module."""
        file = self.bin / name
        file.write_text(SCRIPT.format(python=self.python, module=module))
        file.chmod(0o755)

    def add_distribution(
        self, name: str, modules: Mapping[str, str], *, version: str = "0.1.0", plugins: Mapping[str, str] | None = None
    ) -> None:
        """Add somebody's distribution.

        Args:
            name: Its name.
            modules: Text of its modules, by their path.
            version: Its version.
            plugins: Its entry points in the group ``victor``.
        """
        for path, text in modules.items():
            file = self.site_packages / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        install_metadata(self.site_packages, name, version, [], {"victor": dict(plugins or {})})


def requires(name: str) -> list[str]:
    """The requirements of a distribution, with markers for its extras."""
    if name not in OURS:
        return importlib.metadata.requires(name) or []
    project = OURS[name].project
    extras = project.get("optional-dependencies", {})
    return [*project["dependencies"]] + [
        f'{one}; extra == "{extra}"' for extra, several in extras.items() for one in several
    ]


def link(source: Path, target: Path) -> None:
    """Make a link to a file or folder, unless it is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(source)


def metadata_of(name: str, version: str, requirements: Iterable[str]) -> str:
    """The text of METADATA."""
    lines = [f"Requires-Dist: {one}\n" for one in requirements]
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.11\n{''.join(lines)}"


def install_metadata(
    site_packages: Path,
    name: str,
    version: str,
    requirements: Iterable[str],
    groups: Mapping[str, Mapping[str, str]],
) -> None:
    """Write what pip writes about a distribution that it installed."""
    folder = site_packages / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(metadata_of(name, version, requirements))
    points = "".join(
        f"[{group}]\n" + "".join(f"{point} = {target}\n" for point, target in entries.items())
        for group, entries in groups.items()
    )
    (folder / "entry_points.txt").write_text(points)
    (folder / "INSTALLER").write_text("pip\n")
    (folder / "RECORD").write_text("")


def make_wheel(
    folder: Path, name: str, version: str = "0.1.0", *, requirements: Iterable[str] = (), tag: str = "py3-none-any"
) -> Path:
    """A wheel that pip takes, with one empty module in it."""
    stem = f"{name.replace('-', '_')}-{version}"
    contents = {
        f"{name.replace('-', '_')}_stand_in.py": "",
        f"{stem}.dist-info/METADATA": metadata_of(name, version, requirements),
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: stand-in\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = f"{stem}.dist-info/RECORD"
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}"
        for path, text in contents.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in {**contents, record: "\n".join([*rows, f"{record},,\n"])}.items():
            archive.writestr(path, text)
    return file


def run(command: str, folder: Path, path: Iterable[Path], variables: Mapping[str, str]) -> str:
    """Run a line of shell as somebody would who has configured nothing; return what it prints, errors included."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.pathsep.join([*map(str, path), "/usr/bin", "/bin"]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "0",
        **variables,
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_S,
        text=True,
        check=False,
    )
    return done.stdout
