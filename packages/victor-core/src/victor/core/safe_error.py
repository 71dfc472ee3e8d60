"""An exception that may be shown: the same type and traceback, the text and the details without secrets.

Exceptions carry what their program was doing: the URL with the password, the arguments of the command. What listens to
events gets this likeness instead, so that nothing it stores or sends holds more than `Event.error_text` does.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.core.redact import Redactor

__all__ = ["safe_error"]

_DEPTH = 8
_PLAIN = (str, int, float, bool, bytes, list, tuple, dict, type(None))


def safe_error(error: BaseException, redactor: Redactor) -> BaseException:
    """A likeness of an exception that holds no secrets.

    ``isinstance`` and the name of the type answer as for the original, ``str`` gives its redacted text, the traceback
    is the same; plain attributes (``status``, ``errno``), notes, causes and the members of a group are redacted
    likewise. What is no plain value is left out. The frames of the traceback are those of the original: a tool
    that prints their local variables shows what was in them.

    Args:
        error: What was raised.
        redactor: Removes the secrets.

    Example:
        >>> from victor.core.redact import redact
        >>> safe = safe_error(ValueError("no access with password=hunter2"), redact)
        >>> isinstance(safe, ValueError), safe
        (True, ValueError('no access with password=[redacted]'))
    """
    return _safe(error, redactor, {}, 0)


def _safe(error: BaseException, redactor: Redactor, known: dict[int, BaseException], depth: int) -> BaseException:
    if id(error) in known:
        return known[id(error)]
    if getattr(type(error), "_victor_safe", False):
        return error
    text = redactor.error(error)
    members: list[BaseException] = []
    if isinstance(error, BaseExceptionGroup) and depth < _DEPTH:
        members = [_safe(member, redactor, known, depth + 1) for member in error.exceptions]
    made = known[id(error)] = _made(type(error), text, members)
    details = {key: value for key, value in getattr(error, "__dict__", {}).items() if isinstance(value, _PLAIN)}
    if isinstance(error, OSError):
        made.errno = error.errno  # type: ignore[attr-defined]
    made.__dict__.update(redactor(details))
    made.__traceback__ = error.__traceback__
    if depth < _DEPTH:
        if error.__cause__ is not None:
            made.__cause__ = _safe(error.__cause__, redactor, known, depth + 1)
        if error.__context__ is not None:
            made.__context__ = _safe(error.__context__, redactor, known, depth + 1)
    made.__suppress_context__ = error.__suppress_context__
    return made


def _made(kind: type[BaseException], text: str, members: list[BaseException]) -> BaseException:
    made: Any = None
    for base in kind.__mro__:
        if not issubclass(base, BaseException):
            continue
        try:
            named = () if base is kind else (kind.__name__, kind.__module__)
            likeness = _likeness(base, *named)  # type: ignore[arg-type]
            made = likeness.__new__(likeness, text, members) if members else likeness.__new__(likeness)
            break
        except Exception:  # noqa: BLE001, S112 - it insists on arguments, or lets nothing be made from it
            continue  # as a class written in Rust may; then its nearest base, which every error has one of
    made.args = (text,) if text else ()
    result: BaseException = made
    return result


@lru_cache(maxsize=256)
def _likeness(kind: type[BaseException], name: str = "", module: str = "") -> type[BaseException]:
    return type(
        name or kind.__name__,
        (kind,),
        {
            "__module__": module or kind.__module__,
            "__qualname__": name or kind.__qualname__,
            "__str__": _text,
            "__repr__": _representation,
            "__reduce__": _reduce,
            "_victor_safe": True,
        },
    )


def _text(error: BaseException) -> str:
    return str(error.args[0]) if error.args else ""


def _representation(error: BaseException) -> str:
    return f"{type(error).__name__}({_text(error)!r})" if error.args else f"{type(error).__name__}()"


def _reduce(error: BaseException) -> tuple[Any, ...]:
    members = list(error.exceptions) if isinstance(error, BaseExceptionGroup) else []
    return _made, (type(error).__mro__[1], _text(error), members), error.__dict__
