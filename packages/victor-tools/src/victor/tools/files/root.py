"""A directory nothing leads out of: not ``..``, not an absolute path, not a symbolic link, not a race."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final

from attrs import frozen

from victor.core.errors import ToolError

__all__ = ["Found", "Root", "is_of_version_control"]

_BY_FD: Final = os.open in os.supports_dir_fd and os.scandir in os.supports_fd and hasattr(os, "O_NOFOLLOW")
_FOLDER: Final = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
_FILE: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_LONGEST: Final = 1_000
_KEPT_BY_VERSION_CONTROL: Final = frozenset({".git", ".hg", ".svn", ".jj", "git~1"})
_PARTS_OF_REPOSITORY: Final = ("HEAD", "objects", "refs", "commondir")  # as git looks for them
_UNSEEN: Final = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
_writing: Final = Lock()  # what is looked at before a file is made must still hold when it is there


def is_of_version_control(name: str) -> bool:
    r"""Whether version control keeps its own files in a directory of that name, on any system it may be copied to.

    Example:
        >>> [is_of_version_control(name) for name in (".git", ".GIT ", ".g\u200cit", "git", ".github")]
        [True, True, True, False, False]
    """
    plain = name.translate(_UNSEEN).partition(":")[0].rstrip(". ").lower()
    return plain in _KEPT_BY_VERSION_CONTROL


@frozen
class Found:
    """Something in a directory.

    Args:
        path: Relative to the root, with ``/``.
        kind: ``"file"``, ``"folder"``, ``"link"`` or ``"other"``.
        size: Bytes, of a file.
        modified: Seconds since 1970.
        depth: 0 directly in the directory the walk began with.
    """

    path: str
    kind: str
    size: int
    modified: float
    depth: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class Root:
    """Opens files below one directory, and nothing else.

    A path is first resolved, links and all, and must end below the directory. Then it is opened part by part
    without following any link, so that a link put in its way in between is refused and not followed. (Where the
    system has no such calls, on Windows, only the first check is made.)

    Args:
        folder: The directory; None for the working directory at the time of each call.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """The directory, resolved."""
        folder = Path.cwd() if self._folder is None else self._folder
        try:
            return folder.resolve(strict=True)
        except OSError as error:
            raise ToolError(f"the directory for files, {folder}, cannot be used: {error.strerror}") from error

    def relative(self, path: str | Path) -> Path:
        """Where a path ends, relative to the root, with all links resolved.

        Raises:
            ToolError: It ends outside of the root, or cannot be a path.
        """
        text = str(path)
        if "\0" in text:
            raise ToolError("a path cannot contain a zero character")
        if not text.strip():
            raise ToolError("the path is empty; '.' is the directory itself")
        if len(text) > _LONGEST:
            raise ToolError(f"the path has {len(text):,} characters; at most {_LONGEST:,} are allowed", retry=True)
        folder = self.folder
        try:
            resolved = (folder / text).resolve()
            return resolved.relative_to(folder)
        except ValueError:
            raise ToolError(f"{text!r} leads out of {folder}; only what is below it can be used", retry=True) from None
        except (OSError, RuntimeError) as error:  # a loop of links, or a name that is too long
            raise ToolError(f"{text[:200]!r} cannot be used as a path: {error}") from error

    def writable(self, path: str | Path) -> Path:
        """As `relative`, for writing: not the root itself, and nothing version control keeps its own files in.

        Raises:
            ToolError: It must not be written.
        """
        found = self.relative(path)
        if found == Path():
            raise ToolError(f"{str(path)!r} is the directory itself, not a file in it", retry=True)
        inner = next((part for part in found.parts if is_of_version_control(part)), None)
        if inner is not None:
            raise ToolError(f"{str(path)!r} is inside of {inner}, which only version control may write")
        bare = self._repository_with(found)
        if bare is not None:
            raise ToolError(
                f"with {str(path)!r}, git would take {bare!r} for a repository of its own and run what its config "
                "names; only version control may write there"
            )
        return found

    def _repository_with(self, file: Path) -> str | None:
        """The directory git would take for a repository (HEAD beside objects and refs) once there is that file."""
        for depth in range(len(file.parts)):
            above = self.folder.joinpath(*file.parts[:depth])
            names = {name.lower() for name in _PARTS_OF_REPOSITORY if os.path.lexists(above / name)}
            names.add(file.parts[depth].lower())
            if "head" in names and ({"objects", "refs"} <= names or "commondir" in names):
                return Path(*file.parts[:depth]).as_posix()
        return None

    @contextlib.contextmanager
    def open(self, path: str | Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
        """Open a file for reading, with what is known of it.

        Raises:
            ToolError: There is none, it is no regular file, or it may not be read.
        """
        relative = self.relative(path)
        with _told(path), self._folder_of(relative) as (folder, name):
            descriptor = os.open(name, _FILE, dir_fd=folder) if folder is not None else os.open(name, _FILE)
        try:
            known = os.fstat(descriptor)
            if stat.S_ISDIR(known.st_mode):
                raise ToolError(f"{str(path)!r} is a directory; list it instead", retry=True)
            if not stat.S_ISREG(known.st_mode):
                raise ToolError(f"{str(path)!r} is no regular file (a pipe, socket or device)")
            file = os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise
        with file:
            yield file, known

    def write(self, path: str | Path, data: bytes, *, replace: bool) -> None:
        """Write a whole file at once: it is there complete, or as it was before. Missing directories are made.

        Args:
            path: Which.
            data: All of it.
            replace: Whether one that is there may be replaced.

        Raises:
            ToolError: It must not or cannot be written.
        """
        with _writing:
            self._write(self.writable(path), path, data, replace=replace)

    def _write(self, relative: Path, path: str | Path, data: bytes, *, replace: bool) -> None:
        with _told(path), self._folder_of(relative, make=True) as (folder, name):
            known = _stat(name, folder)
            if known is not None:
                if stat.S_ISDIR(known.st_mode):
                    raise ToolError(f"{str(path)!r} is a directory", retry=True)
                if not stat.S_ISREG(known.st_mode):
                    raise ToolError(f"{str(path)!r} is no regular file")
                if not replace:
                    raise ToolError(f"{str(path)!r} exists; pass overwrite=true to replace it, or edit it", retry=True)
            mode = 0o666 if known is None else stat.S_IMODE(known.st_mode)
            _write_beside(name, folder, data, mode, exists=known is not None)

    def exists(self, path: str | Path) -> bool:
        """Whether there is something of that name."""
        relative = self.relative(path)
        return os.path.lexists(self.folder / relative)

    def walk(
        self, path: str | Path = ".", *, depth: int | None = None, skip: frozenset[str] = frozenset()
    ) -> Iterator[Found]:
        """All that is below a directory, sorted by name; links are told and not followed.

        Args:
            path: The directory.
            depth: How many levels; None for all.
            skip: Names of directories not to go into, nor to tell.

        Raises:
            ToolError: It is no directory, or may not be read.
        """
        relative = self.relative(path)
        with _told(path):
            folder = self._open_folder(relative)
        yield from self._walk(folder, "" if relative == Path() else relative.as_posix() + "/", 0, depth, skip)

    def _walk(
        self, folder: int | Path, prefix: str, level: int, depth: int | None, skip: frozenset[str]
    ) -> Iterator[Found]:
        try:
            with os.scandir(folder) as entries:
                found = [self._seen(entry, prefix, level) for entry in entries if entry.name not in skip]
            for each in sorted(found, key=lambda each: each.name):
                yield each
                if each.kind == "folder" and (depth is None or level + 1 < depth):
                    try:
                        below: int | Path
                        below = (
                            os.open(each.name, _FOLDER, dir_fd=folder)
                            if isinstance(folder, int)
                            else folder / each.name
                        )
                    except OSError:  # gone, a link by now, or closed to us
                        continue
                    yield from self._walk(below, f"{prefix}{each.name}/", level + 1, depth, skip)
        finally:
            if isinstance(folder, int):
                os.close(folder)

    def _seen(self, entry: os.DirEntry[str], prefix: str, level: int) -> Found:
        kind = "link" if entry.is_symlink() else "folder" if entry.is_dir(follow_symlinks=False) else "other"
        size, modified = 0, 0.0
        try:
            known = entry.stat(follow_symlinks=False)
            modified = known.st_mtime
            if stat.S_ISREG(known.st_mode):
                kind, size = "file", known.st_size
        except OSError:
            pass
        return Found(prefix + entry.name, kind, size, modified, level)

    @contextlib.contextmanager
    def _folder_of(self, relative: Path, *, make: bool = False) -> Iterator[tuple[int | None, str]]:
        """The open directory a file is in, and the file's name there; None and the whole path without such calls."""
        if not _BY_FD:
            whole = self.folder / relative
            if make:
                whole.parent.mkdir(parents=True, exist_ok=True)
            yield None, str(whole)
            return
        folder = self._open_folder(relative.parent, make=make)
        assert isinstance(folder, int)
        try:
            yield folder, relative.name or "."
        finally:
            os.close(folder)

    def _open_folder(self, relative: Path, *, make: bool = False) -> int | Path:
        if not _BY_FD:
            return self.folder / relative
        at = os.open(self.folder, _FOLDER)
        try:
            for part in relative.parts:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=at)
                below = os.open(part, _FOLDER, dir_fd=at)
                os.close(at)
                at = below
        except BaseException:
            os.close(at)
            raise
        return at


def _stat(name: str, folder: int | None) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _write_beside(name: str, folder: int | None, data: bytes, mode: int, *, exists: bool) -> None:
    """Write a new file next to it and put it in its place."""
    place = Path(name)
    fresh = str(place.with_name(f".{place.name[:100]}.{secrets.token_hex(6)}.tmp"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(fresh, flags, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if exists and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
        os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh, dir_fd=folder)
        raise


@contextlib.contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """Turns the system's errors into words for the model."""
    try:
        yield
    except FileNotFoundError as error:
        raise ToolError(f"there is no {str(path)!r}", retry=True) from error
    except NotADirectoryError as error:
        raise ToolError(f"{str(path)!r} is no directory, or goes through a file", retry=True) from error
    except IsADirectoryError as error:
        raise ToolError(f"{str(path)!r} is a directory", retry=True) from error
    except PermissionError as error:
        raise ToolError(f"{str(path)!r} may not be used: permission denied") from error
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise ToolError(f"{str(path)!r} became a link while it was opened; refused") from error
        raise ToolError(f"{str(path)[:200]!r} cannot be used: {error.strerror or error}") from error
