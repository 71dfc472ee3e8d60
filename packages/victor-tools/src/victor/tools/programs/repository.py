"""A Git repository as it is shown to ``git``: its objects, branches and index, but none of the programs it configures.

Git has dozens of settings that run a program (filters, monitors, pagers, signers, text converters, transports), and
more with each release. So none is forbidden by name: git is given a directory made for one call, which links to the
repository's objects, branches and index, and whose ``config`` holds only settings of a list of harmless ones. Settings
of the system and of the user go through the same list. Which repository it is, Python decides and not git: the nearest
``.git`` above; what merely looks like one, such as a directory with ``HEAD``, ``objects`` and ``refs``, is none.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from victor.core.errors import ToolError
from victor.tools.files.root import is_of_version_control

__all__ = ["Repository", "find_repository"]

Git = Callable[[Path, Mapping[str, str], list[str]], Awaitable[str]]
"""Runs ``git`` in a directory with more environment variables: gives what it wrote, or raises a `ToolError`."""

_HARMLESS: Final = frozenset({
    "core.filemode", "core.ignorecase", "core.symlinks", "core.autocrlf", "core.eol", "core.safecrlf", "core.abbrev",
    "core.precomposeunicode", "core.protecthfs", "core.protectntfs", "core.trustctime", "core.checkstat",
    "core.bigfilethreshold", "core.sharedrepository", "core.sparsecheckout", "core.sparsecheckoutcone",
    "core.logallrefupdates", "core.excludesfile", "core.repositoryformatversion", "extensions.objectformat",
    "extensions.compatobjectformat", "extensions.refstorage", "extensions.noop", "extensions.preciousobjects",
    "extensions.relativeworktrees", "user.name", "user.email", "user.useconfigonly", "author.name", "author.email",
    "committer.name", "committer.email", "i18n.commitencoding", "i18n.logoutputencoding", "diff.algorithm",
    "diff.renames", "diff.renamelimit", "diff.context", "diff.interhunkcontext", "status.renames", "index.sparse",
})  # fmt: skip
_HARMLESS_OF: Final = frozenset({("branch", "remote"), ("branch", "merge"), ("remote", "fetch")})
_OURS: Final = (
    ("core.bare", "false"), ("core.fsmonitor", "false"), ("core.hookspath", os.devnull), ("core.pager", "cat"),
    ("core.attributesfile", os.devnull), ("core.quotepath", "false"), ("color.ui", "false"), ("gc.auto", "0"),
    ("maintenance.auto", "false"), ("protocol.allow", "never"), ("submodule.recurse", "false"),
    ("diff.ignoresubmodules", "all"), ("log.showsignature", "false"),
)  # fmt: skip
_SHARED: Final = ("objects", "refs", "packed-refs", "shallow", "reftable", "info/exclude", "logs/refs")
_OWN: Final = ("index", "info/sparse-checkout", "logs/HEAD")
_UNDER_WAY: Final = {
    "MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase", "rebase-apply": "a rebase", "BISECT_LOG": "a bisection",
}  # fmt: skip


@frozen
class Repository:
    """Where a repository is, and the harmless part of its settings.

    Args:
        folder: The directory with the files, which ``.git`` is in.
        own: What git calls the git directory.
        shared: The same, but for a linked worktree: the one of the repository it belongs to.
        settings: Names (in small letters but for what stands between the dots) and values.
    """

    folder: Path
    own: Path
    shared: Path
    settings: tuple[tuple[str, str], ...]

    @property
    def under_way(self) -> str:
        """What is begun and not ended, such as ``"a merge"``; ``""`` if nothing is."""
        return next((what for name, what in _UNDER_WAY.items() if (self.own / name).exists()), "")

    @contextlib.contextmanager
    def shown(self) -> Iterator[dict[str, str]]:
        """The environment variables with which git sees it.

        Raises:
            ToolError: It cannot be shown: no symbolic links can be made here, or its ``HEAD`` cannot be read.
        """
        place = Path(tempfile.mkdtemp(prefix="victor-git-"))
        try:
            try:
                self._link(place)
                (place / "HEAD").write_bytes((self.own / "HEAD").read_bytes())
                (place / "config").write_text(config_text((*self.settings, *_OURS)), encoding="utf-8")
            except OSError as error:
                raise ToolError(f"the repository in {self.folder} cannot be used: {error.strerror or error}") from error
            yield {
                "GIT_DIR": str(place),
                "GIT_WORK_TREE": str(self.folder),
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_ATTR_NOSYSTEM": "1",
                "GIT_ALLOW_PROTOCOL": "none",  # wins over what a setting allows
                "GIT_NO_LAZY_FETCH": "1",
            }
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _link(self, place: Path) -> None:
        for folder in ("info", "logs"):
            (place / folder).mkdir()
        parts = [(self.shared, name) for name in _SHARED] + [(self.own, name) for name in _OWN]
        parts += [(self.own, path.name) for path in self.own.glob("sharedindex.*")]
        for source, name in parts:
            if (source / name).exists() or name == "index":  # the index is written where the link leads
                (place / name).symlink_to(source / name)


async def find_repository(folder: Path, git: Git) -> Repository:
    """The repository a directory is in: the nearest one above it that has a ``.git``.

    Args:
        folder: The directory, resolved.
        git: Runs git.

    Raises:
        ToolError: There is none, or it is not one to trust: its ``.git`` leads to a place that does not lead back, or
            to one that file tools can write, or it belongs to somebody else.
    """
    top, own, shared = _nearest(folder)
    explicit = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.bareRepository", "GIT_CONFIG_VALUE_0": "explicit"}
    said = (await git(top, explicit, ["rev-parse", "--absolute-git-dir"])).strip()  # not if it is somebody else's
    if not _is_same(said, own):
        raise ToolError(f"git takes {said} for the repository, and not {own}; refused")
    listed = await git(top, explicit, ["config", "--list", "-z"])
    return Repository(top, own, shared, harmless(listed))


def _is_same(path: str, known: Path) -> bool:
    try:
        return Path(path).samefile(known)
    except OSError:
        return False


def _nearest(folder: Path) -> tuple[Path, Path, Path]:
    """The directory with the nearest ``.git``, where that leads, and the directory it shares with linked worktrees."""
    top = next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), None)
    if top is None:
        raise ToolError(f"{folder} is in no git repository: neither it nor a directory above has a .git", retry=True)
    own = _own_of(top)
    shared = _shared_of(own, is_linked=own != top / ".git")
    for place in (own, shared):
        if place.is_relative_to(top) and not any(is_of_version_control(p) for p in place.relative_to(top).parts):
            raise ToolError(f"{place} is no place for a repository: file tools can write there; git.* needs a .git")
    _check_borrowed(shared, top)
    return top, own, shared


def harmless(listed: str) -> tuple[tuple[str, str], ...]:
    r"""Of what ``git config --list -z`` wrote, the settings that run nothing and read nothing.

    Example:
        >>> harmless("core.eol\nlf\0filter.x.clean\nevil\0core.filemode\0branch.a.remote\no\0branch.a.x\n1\0")
        (('core.eol', 'lf'), ('core.filemode', 'true'), ('branch.a.remote', 'o'))
    """
    out: list[tuple[str, str]] = []
    for entry in listed.split("\0"):
        key, has_value, value = entry.partition("\n")
        first, dot, rest = key.partition(".")
        last = rest.rpartition(".")[2]
        is_plain = dot and "." not in rest and f"{first}.{rest}".lower() in _HARMLESS
        if is_plain or ("." in rest and (first.lower(), last.lower()) in _HARMLESS_OF):
            out.append((key, value if has_value else "true"))
    return tuple(out)


def config_text(settings: Iterable[tuple[str, str]]) -> str:
    r"""A file of settings as git reads it.

    Example:
        >>> print(config_text([("core.eol", "lf"), ('branch.a"b.merge', "x\ny")]), end="")
        [core]
            eol = "lf"
        [branch "a\"b"]
            merge = "x\ny"
    """
    lines: list[str] = []
    for key, value in settings:
        section, _, rest = key.partition(".")
        between, _, name = rest.rpartition(".")
        if "\n" in key or "\0" in key + value or not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            continue
        quoted = between.replace("\\", "\\\\").replace('"', '\\"')
        text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        lines += [f'[{section} "{quoted}"]' if between else f"[{section}]", f'    {name} = "{text}"']
    return "".join(f"{line}\n" for line in lines)


def _own_of(top: Path) -> Path:
    """Where ``.git`` leads. A file or link that leads elsewhere counts only if that place leads back."""
    at = top / ".git"
    try:
        if not at.is_symlink() and at.is_dir():
            return at
        if at.is_symlink():
            raise ToolError(f"{at} is a link; git.* needs the directory itself")
        with at.open("rb") as file:
            words = file.read(4096).decode("utf-8", "replace").strip()
        if not words.startswith("gitdir:"):
            raise ToolError(f"{at} is no git repository")
        own = (top / words.removeprefix("gitdir:").strip()).resolve(strict=True)
        if _leads_back(own, at):
            return own
    except OSError as error:
        raise ToolError(f"{at} cannot be used: {error.strerror or error}") from error
    raise ToolError(f"{at} leads to {own}, which is not known as this directory's repository; refused")


def _leads_back(own: Path, at: Path) -> bool:
    """Whether it is the git directory of a linked worktree, or of a submodule, whose ``.git`` is this one."""
    if (own / "gitdir").is_file():
        return (own / (own / "gitdir").read_text(encoding="utf-8").strip()).resolve() == at.resolve()
    if not (own / "config").is_file():
        return False
    named = re.search(r"^\s*worktree\s*=\s*(.+?)\s*$", (own / "config").read_text(encoding="utf-8"), re.M | re.I)
    return named is not None and (own / named[1].strip('"')).resolve() == at.parent.resolve()


def _shared_of(own: Path, *, is_linked: bool) -> Path:
    try:
        shared = (own / (own / "commondir").read_text(encoding="utf-8").strip()).resolve(strict=True)
    except FileNotFoundError:
        return own
    except (OSError, ValueError) as error:
        raise ToolError(f"{own / 'commondir'} cannot be used: {error}") from error
    if not is_linked or own.parent.parent != shared:  # SHARED/worktrees/NAME
        raise ToolError(f"{own} says that it belongs to {shared}, which is not where linked worktrees are; refused")
    return shared


def _check_borrowed(shared: Path, top: Path) -> None:
    """Refuse objects borrowed from elsewhere: they would show what another repository holds."""
    known = shared / "objects" / "info" / "alternates"
    links = [shared / "objects", shared / "refs"]
    if any(link.is_symlink() for link in links):
        raise ToolError(f"{shared} keeps its objects or branches behind a link; git.* does not follow it")
    if not known.exists():
        return
    inside = shared.parent if shared.name == ".git" else top
    for line in known.read_text(encoding="utf-8", errors="replace").splitlines():
        place = (shared / "objects" / line.strip('"')).resolve()
        if line.strip() and not line.startswith("#") and not place.is_relative_to(inside):
            raise ToolError(f"the repository borrows objects from {place}, which is outside of it; git.* does not")
