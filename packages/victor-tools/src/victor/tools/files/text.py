"""Text out of files: what is text at all, and parts of texts too big to hold."""

from __future__ import annotations

from typing import BinaryIO, Final

from attrs import frozen

from victor.core.errors import ToolError

__all__ = ["Part", "decode_text", "is_binary", "read_part"]

_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_MAGIC: Final = {
    b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image", b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive (or an Office document)", b"\x1f\x8b": "gzip data", b"BZh": "bzip2 data",
    b"\x7fELF": "a program", b"MZ": "a Windows program", b"SQLite format 3": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "zstd data", b"\xfd7zXZ": "xz data", b"RIFF": "audio or video",
}  # fmt: skip
_CHUNK: Final = 1 << 16


@frozen
class Part:
    """Some lines of a file.

    Args:
        text: The lines.
        first: Number of the first line, from 1.
        last: Number of the last one.
        lines: How many the file has; None when it is so big that nobody counted.
        cut: Whether the last line is not whole.
    """

    text: str
    first: int
    last: int
    lines: int | None
    cut: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the file."""
        return self.first == 1 and self.lines is not None and self.last >= self.lines and not self.cut


def is_binary(head: bytes) -> bool:
    r"""Whether bytes are something else than text, by their beginning.

    Example:
        >>> is_binary(b"a,b\n"), is_binary(b"a\0b")
        (False, True)
    """
    return b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def kind_of(head: bytes) -> str:
    """What binary data look like, in words."""
    return next((what for magic, what in _MAGIC.items() if head.startswith(magic)), "binary data")


def encoding_of(head: bytes, wanted: str) -> str:
    """The encoding a byte order mark tells, else the one that is wanted.

    Raises:
        ToolError: There is no such encoding.
    """
    import codecs

    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    try:
        if len(wanted) > 50 or not codecs.lookup(wanted)._is_text_encoding:
            raise LookupError
    except (LookupError, ValueError):
        raise ToolError(f"there is no encoding {wanted[:50]!r}; try 'utf-8' or 'latin-1'", retry=True) from None
    return wanted


def decode_text(data: bytes, name: str, encoding: str = "utf-8") -> tuple[str, str]:
    """The text of a file and the encoding it has.

    Raises:
        ToolError: It is binary, or in another encoding.
    """
    if is_binary(data[:8192]):
        raise ToolError(f"{name!r} is no text but {kind_of(data)} of {len(data):,} bytes")
    found = encoding_of(data, encoding)
    try:
        return data.decode(found), found
    except UnicodeDecodeError as error:
        raise ToolError(
            f"{name!r} is not {found}: byte {error.start:,} is {data[error.start]:#04x}; try encoding='latin-1'",
            retry=True,
        ) from error


def read_part(
    file: BinaryIO,
    name: str,
    size: int,
    *,
    start: int,
    lines: int | None,
    most_chars: int,
    encoding: str,
    count_to: int = 64 << 20,
) -> Part:
    """Some lines of a file, however big it is; no more of it is held than is returned.

    Args:
        file: Open at its beginning.
        name: For errors.
        size: Bytes of the file.
        start: First line, from 1.
        lines: Most lines; None for as many as fit.
        most_chars: Most characters.
        encoding: Unless a byte order mark tells another.
        count_to: Lines of bigger files are not counted.

    Raises:
        ToolError: It is binary, in another encoding, or has fewer lines.
    """
    head = file.read(8192)
    if is_binary(head):
        raise ToolError(f"{name!r} is no text but {kind_of(head)} of {size:,} bytes")
    found = encoding_of(head, encoding)
    file.seek(0)
    if found.startswith(("utf-16", "utf-32")):
        return _of_text(decode_text(file.read(count_to), name, found)[0], start, lines, most_chars)
    kept: list[bytes] = []
    held, number, last = 0, 1, start - 1
    cut = full = False
    while chunk := file.readline(_CHUNK):
        ends = chunk.endswith(b"\n")
        if start <= number and not full and (lines is None or number < start + lines):
            room = most_chars - held
            if len(chunk) > room:
                full = True
                if last < start:  # not even one line fits
                    kept.append(chunk[:room])
                    last, cut = number, True
            else:
                kept.append(chunk)
                held += len(chunk)
                last = number
                full = held >= most_chars
        elif start <= number:
            full = True
        number += ends
        if full and size > count_to:
            break
    total = None if full and size > count_to else number if _has_rest(file, chunk, size) else number - 1
    if total is not None and start > max(total, 1):
        raise ToolError(f"{name!r} has {total} lines; there is no line {start}", retry=True)
    data = b"".join(kept)
    try:
        text = data.decode(found, "ignore" if cut else "strict")
    except UnicodeDecodeError as error:
        raise ToolError(
            f"{name!r} is not {found}: it has the byte {data[error.start]:#04x}; try encoding='latin-1'", retry=True
        ) from error
    return Part(text, start, max(last, start - 1), total, cut)


def _has_rest(file: BinaryIO, chunk: bytes, size: int) -> bool:
    """Whether the file ends without a line end, so that what follows the last one is a line too."""
    if size == 0:
        return False
    file.seek(-1, 2)
    return file.read(1) != b"\n"


def _of_text(text: str, start: int, lines: int | None, most_chars: int) -> Part:
    every = text.splitlines(keepends=True)
    if start > max(len(every), 1):
        raise ToolError(f"the file has {len(every)} lines; there is no line {start}", retry=True)
    chosen: list[str] = []
    held = 0
    for line in every[start - 1 : None if lines is None else start - 1 + lines]:
        if held + len(line) > most_chars:
            if not chosen:
                return Part(line[:most_chars], start, start, len(every), True)
            break
        chosen.append(line)
        held += len(line)
    return Part("".join(chosen), start, start - 1 + len(chosen), len(every))
