"""What was sent already, so that a replay that was broken off goes on where it stopped and sends nothing twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec
from msgspec import Struct

from victor.core.errors import VictorError

__all__ = ["Journal", "Sent", "journal_path"]

_END: Final = b"\n"


class Sent(Struct, frozen=True):
    """So many spans of a run were taken, of as many as it had then."""

    run: str
    spans: int
    of: int


def journal_path(address: str, folder: str | os.PathLike[str] = ".victor") -> Path:
    """Where the journal for a receiver is.

    Example:
        >>> journal_path("http://localhost:4318/v1/traces").name
        'otlp-sent-b774351d.jsonl'
    """
    return Path(folder) / f"otlp-sent-{hashlib.blake2s(address.encode(), digest_size=4).hexdigest()}.jsonl"


class Journal:
    """A file with a line for what was sent of each run. Open in one process at a time.

    Args:
        path: Of the file; None to remember nothing.

    Raises:
        VictorError: Another process is using it, or it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._file: Any = None
        self._sent: dict[str, Sent] = {}
        if path is None:
            return
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise VictorError(f"the journal of what was sent, {path}, cannot be written: {error}") from error
        try:
            _lock(self._file)
            self._read()
        except OSError as error:
            self._file.close()
            raise VictorError(
                f"another replay uses the journal {path}; let it end, or give this one a journal of its own"
            ) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self) -> None:
        self._file.seek(0)
        content: bytes = self._file.read()
        decode = msgspec.json.Decoder(Sent).decode
        for line in content.splitlines():
            try:
                sent = decode(line)
            except msgspec.DecodeError:  # cut off by the end of the process
                continue
            self._sent[sent.run] = sent
        if content and not content.endswith(_END):
            self._file.write(_END)

    def left(self, run: str, spans: int) -> int:
        """How many of a run's spans were sent: 0 where it has other spans than then, as it went on."""
        sent = self._sent.get(run)
        return sent.spans if sent is not None and sent.of == spans else 0

    def note(self, sent: Iterable[Sent]) -> None:
        """Remember what was sent, also if the machine stops now."""
        lines = b""
        for each in sent:
            self._sent[each.run] = each
            lines += msgspec.json.encode(each) + _END
        if self._file is not None and lines:
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())


def _lock(file: Any) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks on this platform
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
