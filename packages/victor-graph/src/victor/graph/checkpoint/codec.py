"""Values to bytes and back, exactly: typed msgpack with an explicit allowlist, and no pickle.

What comes back has the type and the value of what went in: tuples stay tuples, sets sets, an aware datetime
keeps its zone. Python's own types, `pathlib`, numpy arrays and Victor's messages need no permission; your own
classes (attrs, dataclasses, pydantic models, msgspec structs, named tuples, enums) are allowed one by one, or all
those a state schema mentions, by `types_in`.

Decoding is safe with any bytes: they become allowed values or a `CodecError`. No module is imported and no
class looked up by a name found in them, and objects are put together from their fields without running their
``__init__``, validators or ``__post_init__``.

What is not kept: that two places held the *same* object (each gets its own copy), so a value that contains
itself is an error.

Example:
    >>> from datetime import date
    >>> from attrs import frozen
    >>> @frozen
    ... class Order:
    ...     number: int
    ...     due: date
    >>> codec = Codec(allow=[Order])
    >>> codec.decode(codec.encode({"order": Order(7, date(2030, 1, 2)), "sizes": (1, 2)}))
    {'order': Order(number=7, due=datetime.date(2030, 1, 2)), 'sizes': (1, 2)}
    >>> encode({"x": [0, Order(7, date(2030, 1, 2))]})
    Traceback (most recent call last):
    ...
    victor.graph.checkpoint.codec_reader.CodecError: state['x'][1] is a ...:Order, which is not allowed ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from victor.graph.checkpoint.codec_builtins import CONTAINERS, SCALARS
from victor.graph.checkpoint.codec_lowering import Form, Refused, exactly, find_trouble, lowering
from victor.graph.checkpoint.codec_objects import Converted, Shape, shape_of, type_name
from victor.graph.checkpoint.codec_reader import OBJECT, CodecError, Reader, own_shape
from victor.graph.checkpoint.schema_types import types_in
from victor.graph.checkpoint.schema_version import MARK, Migrations, Unmatched, read_header, unmatched_in, write_header

__all__ = ["Codec", "CodecError", "Unmatched", "decode", "encode", "types_in"]

_BUILTIN = frozenset({type(None), bool, int, float, str, bytes, list, *SCALARS, *CONTAINERS})


class Codec:
    """Encodes and decodes values, with a set of allowed classes and a version of the schema.

    Args:
        allow: Classes whose instances may be stored: attrs, dataclasses, pydantic models, structs, named tuples, enums.
        version: Version of the state's schema, 1 or more. Written with every value.
        migrate: For each older version *n*, a function that turns a value of version *n* into one of *n + 1*.
            It gets what was stored; objects whose class is gone or has other fields now come as `Unmatched`.
        convert: For classes of other kinds, a pair of functions: instance to storable value, and back.

    Raises:
        CodecError: An allowed class is of no kind that can be stored, or two have the same name.

    Example:
        >>> old = Codec().encode({"name": "Ann Lee"})
        >>> codec = Codec(version=2, migrate={1: lambda state: {"names": state["name"].split()}})
        >>> codec.decode(old)
        {'names': ['Ann', 'Lee']}
    """

    def __init__(
        self,
        allow: Iterable[type] = (),
        *,
        version: int = 1,
        migrate: Mapping[int, Callable[[Any], Any]] | None = None,
        convert: Mapping[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] | None = None,
    ) -> None:
        if type(version) is not int or not 1 <= version < 2**32:
            raise CodecError(f"version={version!r}: the version of a schema is a whole number from 1")
        self.version = version
        self._migrations = Migrations(version, dict(migrate or {}))
        self._header = write_header(version)
        self._named: dict[str, Shape] = {}
        self._shapes: dict[type, Shape] = {}
        for kind, (to_plain, from_plain) in (convert or {}).items():
            self._allow(kind, Converted(kind, to_plain, from_plain))
        for kind in allow:
            self._allow(kind, shape_of(kind))
        self._forms: dict[type, Form] = {**SCALARS, **CONTAINERS}
        self._lower = lowering(self._forms, self._adopt, strict=False)
        self._lower_strictly = lowering(self._forms, self._adopt, strict=True)
        self._reader = Reader(self._named, lenient=False)

    def _allow(self, kind: type, shape: Shape | None) -> None:
        if kind in self._shapes or kind in _BUILTIN:
            return
        name = type_name(kind)
        if shape is None:
            raise CodecError(
                f"{name} cannot be allowed as it is: only attrs classes, dataclasses, pydantic models, structs, named "
                "tuples and enums can. Give two functions for it: "
                f"Codec(convert={{{kind.__name__}: (to_plain, from_plain)}})"
            )
        if name in self._named:
            raise CodecError(f"two different classes are called {name}: rename one, or allow only one of them")
        self._named[name] = shape
        self._shapes[kind] = shape

    def allowing(self, types: Iterable[type]) -> Codec:
        """A codec that allows more classes, and is otherwise this one.

        Args:
            types: Classes to allow, such as ``types_in(State)``.
        """
        convert = {k: (s.to_plain, s.from_plain) for k, s in self._shapes.items() if isinstance(s, Converted)}
        allow = [*self._shapes, *types]
        return Codec(allow, version=self.version, migrate=self._migrations.steps, convert=convert)

    @property
    def allowed(self) -> frozenset[type]:
        """The classes that were allowed."""
        return frozenset(self._shapes)

    def encode(self, value: Any, *, root: str = "state") -> bytes:
        """The value as bytes.

        Args:
            value: Anything made of allowed types.
            root: What to call the value in an error message.

        Raises:
            CodecError: Something in it cannot be stored; names the path to it, and how to allow it.
        """
        try:
            data = exactly(value, self._lower, self._lower_strictly)
        except (Refused, RecursionError) as error:
            raise CodecError(find_trouble(value, root, error, self._lower_strictly, self._shape)) from error.__cause__
        return self._header + data if self._header else data

    def decode(self, data: bytes | bytearray | memoryview) -> Any:
        """The value of these bytes, migrated to this version of the schema.

        Args:
            data: What `encode` returned, at this or an earlier version.

        Raises:
            CodecError: They are damaged, hold a class that is not allowed, or are of a newer version.
        """
        version, start = self._version(data)
        if version == self.version:
            return self._reader.read(memoryview(data)[start:] if start else data)
        if missing := self._migrations.missing(version, self.version):
            raise CodecError(missing)
        return self.migrated(Reader(self._named, lenient=True).read(memoryview(data)[start:]), version)

    def decode_all(self, parts: Sequence[bytes]) -> list[Any]:
        """`decode` of each; many small ones of this version take a fraction of the time.

        Raises:
            CodecError: As `decode`.
        """
        header = self._header
        try:
            if header:
                bare = [part[len(header) :] for part in parts if part.startswith(header)]
            else:
                bare = [part for part in parts if part and part[0] != MARK]
            if len(bare) == len(parts):
                whole = self._reader.read(b"".join((b"\xdd", len(bare).to_bytes(4, "big"), *bare)))  # as one array
                return cast("list[Any]", whole)
        except CodecError:
            pass  # one by one, to say which
        return [self.decode(part) for part in parts]

    def decode_unmigrated(self, data: bytes | bytearray | memoryview) -> tuple[Any, int]:
        """The value of these bytes as it was written, and its version; for what is only a part of a state.

        Objects of an older version that fit no class of now come as `Unmatched`; pass the whole to `migrated`.

        Raises:
            CodecError: As `decode`.
        """
        version, start = self._version(data)
        reader = self._reader if version == self.version else Reader(self._named, lenient=True)
        return reader.read(memoryview(data)[start:]), version

    def migrated(self, value: Any, version: int, to: int | None = None) -> Any:
        """A value of an older version, brought to this one.

        Args:
            value: The value.
            version: Its version.
            to: Stop at this version; at the codec's own if None.

        Raises:
            CodecError: A migration is missing or failed, or left an `Unmatched` where it was.
        """
        to = self.version if to is None else to
        if missing := self._migrations.missing(version, to):
            raise CodecError(missing)
        try:
            value = self._migrations.apply(value, version, to)
        except Exception as error:
            raise CodecError(
                f"the migration of a value from version {version} to {to} failed: {type(error).__name__}: {error}"
            ) from error
        if version < to == self.version and (left := unmatched_in(value, "state")) is not None:
            raise CodecError(
                f"{left[0]} {left[1].reason}: the migrations from version {version} to {to} left it as it was"
            )
        return value

    def version_of(self, data: bytes | bytearray | memoryview) -> int:
        """The version of the schema these bytes were written at.

        Raises:
            CodecError: They have no such header, or come from a newer release of victor-graph.
        """
        return self._version(data)[0]

    def _version(self, data: bytes | bytearray | memoryview) -> tuple[int, int]:
        try:
            version, start = read_header(data)
        except ValueError as error:
            raise CodecError(str(error)) from None
        if version > self.version:
            raise CodecError(
                f"written at version {version} of the state's schema; this program knows up to {self.version}: "
                "run a newer release of it, or start a new thread"
            )
        return version, start

    def _shape(self, kind: type) -> Shape | None:
        if (shape := self._shapes.get(kind)) is not None:
            return shape
        own = own_shape(type_name(kind))
        return own[1] if own is not None and own[0] is kind else None

    def _adopt(self, kind: type) -> Form:
        """The form of a type met for the first time."""
        form: Form | None = None
        if (shape := self._shape(kind)) is not None:
            name, dump = type_name(kind), shape.dump
            form = (OBJECT, lambda item: [name, *dump(item)])
        elif kind.__module__.partition(".")[0] == "numpy":
            from victor.graph.checkpoint import codec_numpy

            form = codec_numpy.dump_for(kind)
        if form is None:
            raise Refused
        self._forms[kind] = form
        return form


_default = Codec()


def encode(value: Any) -> bytes:
    """The value as bytes, by a codec that allows Python's own types, numpy and Victor's messages.

    Raises:
        CodecError: Something in it cannot be stored; names the path to it.

    Example:
        >>> decode(encode({"when": (1, 2.5, None)}))
        {'when': (1, 2.5, None)}
    """
    return _default.encode(value)


def decode(data: bytes | bytearray | memoryview) -> Any:
    """The value of bytes that `encode` made.

    Raises:
        CodecError: They are damaged, or hold a class that is not allowed.
    """
    return _default.decode(data)
