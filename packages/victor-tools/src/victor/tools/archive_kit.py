"""The tools for archives: looking into them without unpacking."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, ClassVar, Final

from attrs import frozen

from victor.core.errors import ToolError
from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.files.root import Root
from victor.tools.files.text import decode_text
from victor.tools.toolkit import Toolkit

__all__ = ["Archive"]

_BROKEN: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
)


@frozen
class Archive(Toolkit):
    """ZIP and tar archives below one directory. Nothing is ever unpacked to disk.

    Args:
        root: The directory; None for the working directory.
        max_entries: Most entries that are listed or looked at.
        max_bytes: Most bytes of one file, unpacked.
        max_unpacked: Most bytes unpacked to list a compressed tar archive.
    """

    section: ClassVar[str] = "archive"

    root: Path | None = None
    max_entries: int = 1_000
    max_bytes: int = 1_000_000
    max_unpacked: int = 500_000_000

    @tool(
        name="list",
        category=ToolCategory.FILESYSTEM,
        idempotent=True,
        keywords=["zip", "tar", "gz", "compressed", "contents", "inside", "tgz", "packed", "bundle", "wheel", "jar"],
    )
    def entries(self, path: str) -> list[dict[str, Any]]:
        """List what is in a ZIP or tar archive, without unpacking it.

        Args:
            path: The archive.
        """
        out: list[dict[str, Any]] = []
        with Root(self.root).open(path) as (file, _):
            try:
                for name, kind, size, when, _ in self._entries(file, path):
                    if len(out) >= self.max_entries:
                        out.append({"name": f"[more than {self.max_entries:,} entries]", "kind": "note"})
                        break
                    out.append({"name": name, "kind": kind, "size": size, "modified": when})
            except _BROKEN as error:
                raise _broken(path, error) from error
        return out

    @tool(
        category=ToolCategory.FILESYSTEM,
        idempotent=True,
        keywords=["zip", "tar", "extract", "inside", "member", "unpack", "unzip", "open", "packed"],
    )
    def read(self, path: str, member: str) -> str:
        """Read one text file inside of a ZIP or tar archive.

        Args:
            path: The archive.
            member: Its name in the archive, as archive_list tells it.
        """
        with Root(self.root).open(path) as (file, _):
            try:
                for name, kind, size, _, opened in self._entries(file, path):
                    if name == member:
                        if kind != "file":
                            raise ToolError(f"{member!r} is a {kind}, not a file", retry=True)
                        if size > self.max_bytes:
                            raise ToolError(f"{member!r} has {size:,} bytes, more than {self.max_bytes:,}")
                        with opened() as inner:
                            data = inner.read(self.max_bytes + 1)
                        if len(data) > self.max_bytes:  # it lied about its size
                            raise ToolError(
                                f"{member!r} has more than {self.max_bytes:,} bytes, and claims {size:,}; refused"
                            )
                        return decode_text(data, member)[0]
            except _BROKEN as error:
                if isinstance(error, ToolError):
                    raise
                raise _broken(path, error) from error
        raise ToolError(f"there is no {member!r} in {path}; archive_list tells what is", retry=True)

    def _entries(self, file: BinaryIO, path: str) -> Iterator[tuple[str, str, int, str, Any]]:
        if zipfile.is_zipfile(file):
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                for info in archive.infolist():
                    when = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*info.date_time)
                    kind = "folder" if info.is_dir() else "file"
                    yield info.filename, kind, info.file_size, when, lambda info=info: archive.open(info)
            return
        file.seek(0)
        limited: Any = _Limited(_unpacked(file), self.max_unpacked, path)
        with tarfile.open(fileobj=limited, mode="r|") as archive:
            for member in archive:
                when = datetime.fromtimestamp(max(0, min(member.mtime, 253402300799)), UTC).strftime(
                    "%Y-%m-%dT%H:%M:%S"
                )
                kind = (
                    "file"
                    if member.isreg()
                    else "folder"
                    if member.isdir()
                    else "link"
                    if member.issym() or member.islnk()
                    else "other"
                )
                yield member.name, kind, member.size, when, lambda member=member: archive.extractfile(member)


class _Limited:
    """A stream that gives up when it has given more than a limit, so that a small archive cannot unpack for ever."""

    def __init__(self, inner: IO[bytes], most: int, name: str) -> None:
        self._inner = inner
        self._left = most
        self._name = name

    def read(self, size: int) -> bytes:
        data = self._inner.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ToolError(f"{self._name!r} unpacks to far more than it should; refused")
        return data


def _unpacked(file: BinaryIO) -> IO[bytes]:
    head = file.read(6)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        import gzip

        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if head.startswith(b"BZh"):
        import bz2

        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ"):
        import lzma

        return lzma.LZMAFile(file)
    return file


def _broken(path: str, error: Exception) -> ToolError:
    return error if isinstance(error, ToolError) else ToolError(f"{path!r} is no archive that can be read: {error}")
