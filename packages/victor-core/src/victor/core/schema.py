"""From types to JSON Schema, and from JSON to values, with everything that is wrong told at once.

Understood are plain types and containers, unions, Literal, Enum, Path, dates, Decimal, UUID, bytes, attrs
classes, dataclasses, TypedDict, NamedTuple, `msgspec.Struct`, pydantic models, and constraints in ``Annotated``.

A value is decoded by msgspec where that means the same as here. Where it fails, or cannot say it, the value is
gone through once more to collect every problem, and what models commonly write is then accepted too: ``"5"``
for 5, ``5.0`` for 5, ``"true"`` for true, an array or object written as a string of JSON, and dates in any form
of ISO 8601.

Example:
    >>> json_schema(dict[str, int])
    {'type': 'object', 'additionalProperties': {'type': 'integer'}}
    >>> decode(list[int], '[1, "2"]', what="the answer")
    [1, 2]
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, Final

import msgspec

from victor.core.errors import SchemaError, ToolArgumentsError, VictorError
from victor.core.shapes import FAILED, Definitions, Problems, Shape, shape_of
from victor.core.shapes.base import Schema
from victor.core.shapes.build import Builder
from victor.core.shapes.records import MISSING, Field, Record

__all__ = ["DecodeProblems", "Parameters", "decode", "decode_object", "json_schema", "parameters_of"]


class DecodeProblems(VictorError):
    """A value does not fit a type; lists every problem at once.

    What to do: correct each value that ``problems`` names.

    Args:
        message: All problems, a line each.
        problems: The same as pairs of JSON path (``"$.limit"``) and text.
    """

    def __init__(self, message: str, *, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[tuple[str, str], ...] = tuple(problems)


def json_schema(type_: Any, *, name: str = "") -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type, with its root written out.

    Args:
        type_: The type.
        name: What it is the type of, for the error.

    Raises:
        SchemaError: The type cannot be described.

    Example:
        >>> from attrs import frozen
        >>> @frozen
        ... class Town:
        ...     "A town."
        ...     name: str
        ...     people: int | None = None
        >>> json_schema(Town)["properties"]["people"]
        {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}
    """
    try:
        return _whole(shape_of(type_))
    except SchemaError as error:
        if not name:
            raise
        raise SchemaError(f"{name}: {error}") from error


def decode(type_: Any, data: Any, *, what: str) -> Any:
    """A value of a type.

    Args:
        type_: The type.
        data: JSON as text or bytes, or a parsed value (anything else).
        what: What it is, for the error: ``"the answer"``.

    Raises:
        DecodeProblems: It does not fit, or is not JSON.
        SchemaError: The type cannot be described.
    """
    problems: Problems = []
    if isinstance(data, (str, bytes, bytearray)):
        data = _parse(data, problems)
        if data is FAILED:
            raise DecodeProblems(_listed(f"{what} is not right:", problems), problems=problems)
    value = shape_of(type_).convert(data, "$", problems, True)
    if value is FAILED:
        raise DecodeProblems(_listed(f"{what} is not right:", problems), problems=problems)
    return value


class Parameters:
    """The parameters of a function: their schema, and keyword arguments out of JSON.

    Args:
        name: Of the function, for errors.
        fields: The parameters.
        context: Name of the parameter that receives the `ToolContext`.
        positional: Names of the parameters that cannot be passed by keyword.
        describe: Gives the descriptions of the parameters, by name; asked when a schema is made.

    Attributes:
        name: Used in errors; may be set to what the model knows the function as.
    """

    def __init__(
        self,
        name: str,
        fields: list[Field],
        context: str | None,
        positional: tuple[str, ...],
        describe: Callable[[], Mapping[str, str]],
    ) -> None:
        self.name = name
        self.context = context
        self.positional = positional
        self._record = Record(dict, dict)
        self._record.fields = fields
        self._describe = describe
        self._defaults = {f.name: f.default for f in fields if not f.required}
        self._schema: Schema | None = None
        self._fast: Callable[[Any], dict[str, Any]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters a caller may give."""
        return tuple(field.name for field in self._record.fields)

    def by_keyword(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, callable with all arguments by keyword, also those it takes by position alone.

        Example:
            >>> def minus(a: int, b: int, /) -> int:
            ...     return a - b
            >>> parameters_of(minus).by_keyword(minus)(b=1, a=3)
            2
        """
        if not self.positional:
            return function
        names = set(self.positional)

        @functools.wraps(function)
        def call(**arguments: Any) -> Any:
            rest = {name: value for name, value in arguments.items() if name not in names}
            return function(*[arguments[name] for name in self.positional], **rest)

        return call

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments: an object. Made at the first question."""
        if self._schema is None:
            described = self._describe()
            self._record.describe = lambda: ("", described)
            self._schema = _whole(self._record)
            self._schema.setdefault("properties", {})
        return self._schema

    def decode(self, arguments: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments for the call, defaults filled in.

        Args:
            arguments: JSON text, as a model wrote it, or a mapping.

        Raises:
            ToolArgumentsError: They do not fit; lists all problems.
        """
        if self._fast is None:
            self._fast = self._make_fast()
        try:
            return self._fast(arguments)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError):
            return self._slow(arguments)

    def _make_fast(self) -> Callable[[Any], dict[str, Any]]:
        """What msgspec can do of it; raises `TypeError` for a mapping, which takes the slow path."""
        fields = self._record.fields
        if any(f.shape.fast is None or f.name.startswith("__") for f in fields):
            return _no_fast_path
        try:
            struct = msgspec.defstruct(
                "Arguments",
                [(f.name, f.shape.fast) if f.required else (f.name, f.shape.fast, _default(f.default)) for f in fields],
                kw_only=True,
                forbid_unknown_fields=True,
            )
            parse = msgspec.json.Decoder(struct, dec_hook=_by_hook).decode
        except (TypeError, ValueError):
            return _no_fast_path
        as_dict = msgspec.structs.asdict
        return lambda arguments: as_dict(parse(arguments))

    def _slow(self, arguments: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
        problems: Problems = []
        given: Any = dict(arguments) if isinstance(arguments, Mapping) else _parse(arguments, problems)
        if given is None:
            given = {}
        if isinstance(given, dict):
            values = self._record.values(given, "$", problems, True)
            if values is not None:
                return {**self._defaults, **values}
        elif given is not FAILED:
            self._record.wrong(given, "$", problems)
        raise ToolArgumentsError(_listed(f"{self.name}: the arguments do not fit:", problems), problems=problems)


def parameters_of(function: Callable[..., Any]) -> Parameters:
    """The parameters of a function a model may call.

    Args:
        function: Any callable. ``*args`` and ``**kwargs`` cannot be described and are refused.

    Raises:
        SchemaError: A parameter cannot be described; the message names the function and the parameter.

    Example:
        >>> def find(pattern: str, limit: int = 10) -> list[str]:
        ...     "Find files."
        ...     return []
        >>> parameters_of(find).decode('{"pattern": "*.py"}')
        {'pattern': '*.py', 'limit': 10}
    """
    target = _written(function)
    name = getattr(target, "__name__", None) or type(target).__name__
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{name}: its signature cannot be read ({error}); write a function around it") from error
    scope = _Scope(target)
    builder = Builder(scope)
    fields: list[Field] = []
    positional: list[str] = []
    context: str | None = None
    for parameter in signature.parameters.values():
        where = f"{name}, parameter {parameter.name!r}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise SchemaError(
                f"{name}: {stars}{parameter.name} has no names a model could use; write its parameters out, "
                f"or take one parameter of type {'list' if stars == '*' else 'dict'}"
            )
        annotation = parameter.annotation
        if type(parameter.default).__name__ == "FieldInfo" and type(parameter.default).__module__.startswith(
            "pydantic"
        ):
            raise SchemaError(f"{where}: Field(...) is no value; write it as Annotated[..., Field(...)] = value")
        try:
            if isinstance(annotation, str):
                if _names_context(annotation) and not scope.knows(annotation):
                    context = parameter.name
                    continue
                annotation = scope.resolve(annotation)
            if _is_context(annotation):
                if context is not None:
                    raise SchemaError(f"only one parameter can receive the ToolContext, and {context!r} does already")
                context = parameter.name
                continue
            shape = _shape(annotation, parameter.default, builder)
        except SchemaError as error:
            raise SchemaError(f"{where}: {error}") from error
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(parameter.name)
        required = parameter.default is parameter.empty
        fields.append(Field(parameter.name, shape, required, default=MISSING if required else parameter.default))
    return Parameters(name, fields, context, tuple(positional), lambda: _descriptions(target))


def decode_object(name: str, schema: Mapping[str, Any], arguments: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for a tool that brought a JSON Schema of its own, checked against its plain parts.

    Checked are types, required and unknown properties, enum, const, bounds, lengths, patterns, items and
    ``anyOf``/``oneOf``/``allOf``; what lies behind other keywords is left to whoever runs the tool.

    Raises:
        ToolArgumentsError: They do not fit; lists all problems.
    """
    from victor.core.shapes.given import check

    problems: Problems = []
    given: Any = dict(arguments) if isinstance(arguments, Mapping) else _parse(arguments, problems)
    if given is None:
        given = {}
    if given is not FAILED and not isinstance(given, dict):
        problems.append(("$", "expected an object with the arguments by name"))
    elif given is not FAILED:
        given = check(given, schema, problems)
    if problems:
        raise ToolArgumentsError(_listed(f"{name}: the arguments do not fit:", problems), problems=problems)
    return dict(given)


def _whole(shape: Shape) -> Schema:
    definitions = Definitions()
    shape.count(definitions)
    root = shape.schema(definitions)
    while set(root) == {"$ref"}:
        root = dict(definitions.schemas[root["$ref"].rpartition("/")[2]])
    named = {name: body for name, body in definitions.schemas.items() if _is_used(name, root, definitions.schemas)}
    return {**root, "$defs": named} if named else root


def _is_used(name: str, root: Schema, schemas: Mapping[str, Schema]) -> bool:
    reference = {"$ref": f"#/$defs/{name}"}
    return _contains(root, reference) or any(_contains(body, reference) for body in schemas.values())


def _contains(at: Any, reference: Schema) -> bool:
    if isinstance(at, dict):
        return at.get("$ref") == reference["$ref"] or any(_contains(below, reference) for below in at.values())
    return isinstance(at, list) and any(_contains(below, reference) for below in at)


def _parse(data: str | bytes | bytearray, problems: Problems) -> Any:
    """Parsed JSON; null for empty text, `FAILED` after adding to ``problems``."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        text = data if isinstance(data, str) else bytes(data).decode("utf-8", "replace")
        inner = text.strip()
        if not inner:
            return None
        if inner.startswith("```") and inner.endswith("```") and len(inner) > 6:
            try:
                return msgspec.json.decode(inner[3:-3].removeprefix("json").strip())
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                pass
        reason = str(error).removeprefix("JSON is malformed: ")
        problems.append(("$", f"not JSON: {reason}; it begins with {inner[:60]!r} and ends with {inner[-20:]!r}"))
    except RecursionError:
        problems.append(("$", "not usable JSON: nested too deep"))
    return FAILED


def _listed(head: str, problems: Problems) -> str:
    shown = [f"- {path}: {text}" for path, text in problems[:50]]
    if len(problems) > 50:
        shown.append(f"- and {len(problems) - 50} more problems")
    return "\n".join([head, *shown])


def _no_fast_path(arguments: Any) -> dict[str, Any]:
    raise TypeError


def _by_hook(kind: type, value: Any) -> Any:
    """Makes what msgspec has no word for; wrong values are gone through again on the slow path."""
    if not isinstance(value, str):
        raise ValueError
    return kind(value)


_PLAIN_DEFAULTS: Final = (str, int, float, bool, bytes, tuple, type(None))


def _default(default: Any) -> Any:
    return default if isinstance(default, _PLAIN_DEFAULTS) else msgspec.field(default_factory=lambda: default)


def _shape(annotation: Any, default: Any, builder: Builder) -> Shape:
    if annotation is inspect.Parameter.empty:
        guessed = type(default) if type(default) in (bool, int, float, str) else Any
        return builder.build(guessed)
    shape = builder.build(annotation)
    return builder.build(annotation | None) if default is None and _is_bare(annotation) else shape


def _is_bare(annotation: Any) -> bool:
    """True for ``x: int = None``, which means ``x: int | None``."""
    return isinstance(annotation, type)


def _is_context(annotation: Any) -> bool:
    tool = sys.modules.get("victor.core.tool")
    wanted = getattr(tool, "ToolContext", None)
    if wanted is None:
        return False
    for part in (annotation, *getattr(annotation, "__args__", ())):
        origin = getattr(part, "__origin__", part)
        if isinstance(origin, type) and issubclass(origin, wanted):
            return True
    return False


def _names_context(annotation: str) -> bool:
    bare = annotation.replace("| None", "").strip().removeprefix("Optional[").removesuffix("]").strip("\"' ")
    return bare.rpartition(".")[2] == "ToolContext"


class _Scope(Mapping[str, Any]):
    """The names a function's annotations may use.

    Those of its closure and module and, for a function made inside another, what that one has at this moment.
    """

    def __init__(self, function: Any) -> None:
        code = getattr(function, "__code__", None)
        if code is None:  # an object with __call__, or a class
            function = vars(type(function)).get("__call__", function)
            code = getattr(function, "__code__", None)
        self._globals: dict[str, Any] = getattr(function, "__globals__", {})
        self._code = code
        self._type_params = {p.__name__: p for p in getattr(function, "__type_params__", ())}
        cells = getattr(function, "__closure__", None) or ()
        self._closure: dict[str, Any] = {}
        for name, cell in zip(getattr(code, "co_freevars", ()), cells, strict=False):
            try:
                self._closure[name] = cell.cell_contents
            except ValueError:  # not set yet
                pass
        self._frame: dict[str, Any] | None = None

    def knows(self, annotation: str) -> bool:
        """Whether the first name of an annotation has a meaning here."""
        return annotation.partition(".")[0].partition("[")[0].partition("|")[0].strip("\"' ") in self

    def resolve(self, text: str) -> Any:
        """What an annotation written as text means."""
        try:
            return self[text]
        except KeyError:
            pass
        try:
            return eval(text, self._globals, self)  # noqa: S307 - the program's own annotation
        except Exception as error:
            hint = "; import it outside of TYPE_CHECKING" if isinstance(error, NameError) else ""
            raise SchemaError(f"the annotation {text!r} cannot be resolved: {error}{hint}") from error

    def _enclosing(self) -> dict[str, Any]:
        """The variables of the function that is defining this one, if it is on the stack."""
        if self._frame is None:
            self._frame = {}
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and self._code not in frame.f_code.co_consts:
                frame = frame.f_back
            if frame is not None and self._code is not None:
                self._frame = dict(frame.f_locals)
        return self._frame

    def __getitem__(self, name: str) -> Any:
        for names in (self._type_params, self._closure, self._globals):
            if name in names:
                return names[name]
        builtins = self._globals.get("__builtins__", {})
        known = builtins if isinstance(builtins, dict) else vars(builtins)
        if name in known:
            return known[name]
        return self._enclosing()[name]

    def __iter__(self) -> Any:
        return iter({**self._enclosing(), **self._globals, **self._closure, **self._type_params})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _written(function: Any) -> Any:
    """The function as it was written, inside of partials, wrappers and bound methods."""
    while True:
        inner = inspect.unwrap(function)
        inner = getattr(inner, "func", inner) if isinstance(inner, functools.partial) else inner
        inner = getattr(inner, "__func__", inner)
        if inner is function:
            return function
        function = inner


def _descriptions(function: Any) -> Mapping[str, str]:
    from victor.core.docstring import parse_docstring

    found = dict(parse_docstring(getattr(function, "__doc__", None)).parameters)
    call = None if inspect.isroutine(function) else vars(type(function)).get("__call__")
    return {**parse_docstring(getattr(call, "__doc__", None)).parameters, **found} if call is not None else found
