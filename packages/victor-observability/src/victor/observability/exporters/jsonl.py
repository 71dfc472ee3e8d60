"""JSON lines: one record per line, in a file that is rotated by size.

What is promised: a batch of records (at most 250 ms old) is written in one call of the system, so lines of several
processes do not mix, and what was written survives the end of the process, also by a kill. A loss of power may take
what the system has not yet brought to the disk; ``fsync = true`` waits for that with every batch. A line that was cut
off by a crash or a full disk is closed by the next process, and passed over by `read_jsonl`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from victor.core.errors import ConfigurationError
from victor.observability.exporters.exporter import ExporterError, Source, log
from victor.observability.exporters.fields import fields_of
from victor.observability.exporters.kinds import kinds_of, wanted
from victor.observability.record import Record, Status
from victor.observability.settings import project_folder

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not POSIX: processes that share a file must not rotate it at the same moment
    fcntl = None

__all__ = ["JsonLinesExporter", "read_jsonl"]

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class JsonLinesExporter:
    """Settings ``[metrics.jsonl]``.

    Args:
        path: The file, below the project's directory.
        max_bytes: When it is larger than this after a batch, it becomes ``path.1``; that one ``path.2``, and so on.
        backups: How many of those are kept.
        fsync: Whether every batch waits until the disk has it.
        kinds: Which kinds of events to write, ``"tool.*"`` for a family; all of them where it is left out.

    Raises:
        ConfigurationError: A setting is not one of those allowed.
    """

    def __init__(
        self,
        *,
        path: str = ".victor/metrics.jsonl",
        max_bytes: int = 100_000_000,
        backups: int = 5,
        fsync: bool = False,
        kinds: Iterable[str] | None = None,
    ) -> None:
        if max_bytes < 1:
            raise ConfigurationError(f"[metrics.jsonl] max_bytes must be 1 or more, not {max_bytes!r}")
        if backups < 0:
            raise ConfigurationError(f"[metrics.jsonl] backups must be 0 or more, not {backups!r}")
        self.path: Path = project_folder() / Path(path).expanduser()
        self.lost: int = 0
        """How many records could not be written."""
        self._max_bytes, self._backups, self._fsync = max_bytes, backups, fsync
        self._kinds = kinds_of(kinds, "jsonl")
        self._file: int | None = None
        self._stop: Callable[[], None] | None = None

    def start(self, recorder: Source) -> None:
        """Open the file and begin to write.

        Raises:
            ExporterError: It cannot be opened.
        """
        try:
            self._open()
        except OSError as error:
            raise ExporterError(f"cannot write to {self.path}: {error.strerror or error}") from error
        self._stop = recorder.add_sink(self.write)

    def write(self, records: list[Record]) -> None:
        """Write records, each in a line. What cannot be written is counted in ``lost``, and reported once."""
        if self._file is None:
            return
        lines = [
            _encode(fields_of(record))
            for record in records
            if record.status is not Status.OPEN and wanted(self._kinds, record.kind)
        ]
        if not lines:
            return
        try:
            self._append(b"\n".join(lines) + b"\n")
        except OSError as error:
            if not self.lost:
                log.warning("cannot write to %s: %s; records are missing there", self.path, error.strerror or error)
            self.lost += len(lines)

    def close(self) -> None:
        """Close the file."""
        if self._stop is not None:
            self._stop()
        self._shut()

    def _shut(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _open(self) -> None:
        self._shut()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)

    def _append(self, data: bytes) -> None:
        if not _is(self._file, self.path):
            self._open()  # another process has rotated it, or somebody has removed it
        assert self._file is not None
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            data = b"\n" + data  # the last line was cut off
        written = os.write(self._file, data)
        if written < len(data):
            os.write(self._file, data[written:])  # says why
        if self._fsync:
            os.fsync(self._file)
        if size + len(data) > self._max_bytes:
            self._rotate()

    def _rotate(self) -> None:
        with _locked(self.path.with_name(f"{self.path.name}.lock")):
            if _is(self._file, self.path):  # and no other process was faster
                for number in range(self._backups, 0, -1):
                    older = _numbered(self.path, number)
                    newer = _numbered(self.path, number - 1)
                    if newer.exists():
                        newer.replace(older)
                if not self._backups:
                    self.path.unlink()
        self._open()


def read_jsonl(path: str | Path, *, broken: Callable[[Path, int], object] | None = None) -> Iterator[dict[str, Any]]:
    r"""What `JsonLinesExporter` has written, oldest first, with the files it was rotated to.

    Args:
        path: Of the newest file.
        broken: Is told of each line that is no JSON, with its file and number; such lines are reported on the logger
            ``victor.observability`` where it is left out.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> file = Path(folder.name, "metrics.jsonl")
        >>> _ = file.write_text('{"kind": "tool.call"}\n{"kind": "tool.c')
        >>> list(read_jsonl(file, broken=lambda file, line: print("broken:", line)))
        broken: 2
        [{'kind': 'tool.call'}]
        >>> folder.cleanup()
    """
    newest = Path(path)
    numbers = sorted(
        (int(file.suffix[1:]) for file in newest.parent.glob(f"{newest.name}.*") if file.suffix[1:].isdigit()),
        reverse=True,
    )
    for file in [_numbered(newest, number) for number in [*numbers, 0]]:
        if not file.exists():
            continue
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield msgspec.json.decode(line, type=dict[str, Any])
                except msgspec.DecodeError:
                    if broken is not None:
                        broken(file, number)
                    else:
                        log.warning("%s, line %d, is no JSON and is passed over", file, number)


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}") if number else path


def _is(file: int | None, path: Path) -> bool:
    if file is None:
        return False
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
