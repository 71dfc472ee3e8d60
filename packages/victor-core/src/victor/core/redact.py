"""Removes secrets from what leaves the process: contents of events, error texts, logs.

A secret is found by the *name* it goes by (``api_key=``, ``Authorization:``, ``DB_PASSWORD``, ``--password``, the first
of a pair of header name and value), by the *place* it stands in (user info and query of a URL, ``curl -u``) or by its
*shape* (keys of well-known issuers, JSON web tokens, PEM private keys). All three are found inside longer text, and
in JSON inside text, however often it was encoded. Images in ``data:`` URLs are cut short.

What cannot be found is a secret that looks like an ordinary word and stands where nothing names it.

Example:
    >>> redact({"url": "https://ann:hunter2@example.org/?token=abc", "Authorization": "Bearer abc", "page": 3})
    {'url': 'https://[redacted]@example.org/?token=[redacted]', 'Authorization': '[redacted]', 'page': 3}
    >>> redact([["X-Auth-Token", "abc"], ["Accept", "*/*"]])
    [['X-Auth-Token', '[redacted]'], ['Accept', '*/*']]
    >>> redact.text("mysqldump --password hunter2 -h db")
    'mysqldump --password [redacted] -h db'
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any, Final

__all__ = ["MARK", "Redactor", "redact"]

MARK: Final = "[redacted]"
"""What stands in the place of a secret."""

_DEPTH: Final = 12
_KNOWN: Final = 4096
_NAMES: Final = frozenset({"name", "key", "header", "field", "k", "variable", "env"})
_VALUES: Final = frozenset({"value", "val", "v", "content", "data", "default"})


class Redactor:
    """Returns a copy of a value with secrets replaced by ``[redacted]``; the value itself is not changed.

    Args:
        names: More names whose values are secret, as regular expressions matched anywhere in the name.
        patterns: More shapes of secrets, as regular expressions searched in every text.
        values: Secrets that are known as they are, hidden wherever they stand; shorter than four characters they
            are passed over.

    Example:
        >>> Redactor(names=["^iban$"], values=["s3cr3t"])({"iban": "DE00", "town": "Ulm", "x": "a s3cr3t word"})
        {'iban': '[redacted]', 'town': 'Ulm', 'x': 'a [redacted] word'}
    """

    def __init__(self, *, names: Iterable[str] = (), patterns: Iterable[str] = (), values: Iterable[str] = ()) -> None:
        self._names = [re.compile(name, re.IGNORECASE) for name in names]
        self._own = [re.compile(pattern) for pattern in patterns]
        self._values = sorted({value for value in values if len(value) >= 4}, key=len, reverse=True)
        self._known: dict[str, bool] = {}

    def __call__(self, value: Any) -> Any:
        """A redacted copy: mappings become dicts, other containers lists or tuples, others their redacted ``str``."""
        return self._value(value, 0)

    def is_secret(self, name: str) -> bool:
        """True when a value that goes by this name is to be hidden.

        Example:
            >>> [redact.is_secret(name) for name in ("OPENAI_API_KEY", "dbPassword", "max_tokens", "author")]
            [True, True, False, False]
        """
        known = self._known.get(name)
        if known is None:
            known = _rules().is_secret_name(name[-200:]) or any(own.search(name) for own in self._names)
            if len(self._known) < _KNOWN and len(name) <= 64:
                self._known[name] = known
        return known

    def text(self, text: str) -> str:
        """The text with every secret in it replaced."""
        return self._text(text, 0)

    def error(self, error: BaseException) -> str:
        """The redacted text of an exception; ``""`` where it has none to give.

        Example:
            >>> redact.error(ValueError("no such host: https://ann:hunter2@db/"))
            'no such host: https://[redacted]@db/'
        """
        try:
            said = str(error)
        except Exception:  # noqa: BLE001 - an exception may be unable to say what it is
            return "(it cannot say why)"
        return self._text(said, 0)

    def _text(self, text: str, depth: int) -> str:
        if len(text) < 4 or (len(text) < 15 and text.isalnum() and not (self._own or self._values)):
            return text  # a short word gives nothing away by itself
        rules = _rules()
        decoded = None
        if (
            text[0] in '{["'
            and depth < _DEPTH
            and text.rstrip()[-1:] in '}]"'
            and (self._names or rules.could_name(text))
        ):
            decoded = self._json(text, depth, rules)
        text = rules.hide(text, self.is_secret, own_names=bool(self._names)) if decoded is None else decoded
        for value in self._values:
            text = text.replace(value, MARK)
        for pattern in self._own:
            text = pattern.sub(MARK, text)
        return text

    def _json(self, text: str, depth: int, rules: ModuleType) -> str | None:
        """The text of JSON without its secrets, as it was where it has none; None where it is no JSON."""
        import msgspec

        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None
        kept = self._value(value, depth + 1)
        if kept == value:
            return text
        spaced = '": ' in text  # close to how it was written, for those who read it
        made = msgspec.json.encode(kept)
        if "\n" in text.strip():
            made = msgspec.json.format(made, indent=2)
        elif spaced:
            made = msgspec.json.format(made, indent=0)
        return made.decode()

    def _value(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self._text(value, depth)
        if depth >= _DEPTH:
            return MARK
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, (list, tuple)):
            kept = self._sequence(value, depth)
            return tuple(kept) if isinstance(value, tuple) else kept
        if isinstance(value, (set, frozenset)):
            return [self._value(item, depth + 1) for item in value]
        if isinstance(value, (bytes, bytearray)):
            return self._text(bytes(value).decode("utf-8", "replace"), depth)
        if isinstance(value, memoryview):
            return self._text(value.tobytes().decode("utf-8", "replace"), depth)
        if isinstance(value, BaseException):
            return self.error(value)
        return self._text(str(value), depth)

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        kept: dict[Any, Any] = {}
        named = None  # the name that a {"name": ..., "value": ...} gives
        for key, item in value.items():
            name = _name(key)
            shown: Any = self._text(key, depth) if isinstance(key, str) else key
            if name is not None and shown is not name and shown != name:
                shown = _free(shown, kept)  # a secret was the key; two of them stay two
            elif not isinstance(key, (str, int, float, bool, type(None))):
                shown = self._key(key, depth, kept)
            if name is not None and item is not None and self.is_secret(name):
                kept[shown] = MARK
            else:
                kept[shown] = self._value(item, depth + 1)
            if name is not None and name.lower() in _NAMES and (given := _name(item)) and self.is_secret(given):
                named = given
        if named is not None:
            for key, item in kept.items():
                if isinstance(key, str) and key.lower() in _VALUES and item is not None:
                    kept[key] = MARK
        return kept

    def _key(self, key: Any, depth: int, kept: Mapping[Any, Any]) -> Any:
        made = self._value(key, depth + 1)
        return _free(made if isinstance(made, str) else str(made), kept) if made != key else key

    def _sequence(self, value: Sequence[Any], depth: int) -> list[Any]:
        kept = [self._value(item, depth + 1) for item in value]
        if len(value) == 2 and (name := _name(value[0])) and self._pairs(name, value[1]):
            kept[1] = MARK
        if len(value) > 1 and all(isinstance(item, (list, tuple)) and len(item) == 2 for item in value):
            self._hide_pairs(value, kept)
        if any(isinstance(item, str) and item[:1] == "-" for item in value):
            self._hide_arguments(value, kept)
        return kept

    def _pairs(self, name: str, item: Any) -> bool:
        """A pair of a name and its secret, rather than two words of a list."""
        if item is None or isinstance(item, (bool, Mapping)) or not self.is_secret(name):
            return False
        return not (isinstance(item, str) and item.isalpha() and item.islower())

    def _hide_pairs(self, value: Sequence[Any], kept: list[Any]) -> None:
        for at, item in enumerate(value):
            name = _name(item[0])
            if name is not None and item[1] is not None and self.is_secret(name):
                pair = [kept[at][0], MARK]
                kept[at] = tuple(pair) if isinstance(item, tuple) else pair

    def _hide_arguments(self, value: Sequence[Any], kept: list[Any]) -> None:
        rules = _rules()
        program, before = str(value[0]), ""
        for at, item in enumerate(value):
            if not isinstance(item, str):
                before = ""
                continue
            if rules.flag_hides(before, item, program, self.is_secret):
                kept[at] = MARK
            elif kept[at] == item:
                kept[at] = rules.hide_element_of_command(item, before, program)
            before = item


def _name(value: Any) -> str | None:
    """A name, also where it is written in bytes, as servers have their headers."""
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) and len(value) <= 200 else None


def _free(name: str, taken: Mapping[Any, Any]) -> str:
    made, number = name, 2
    while made in taken:
        made = f"{name} {number}"
        number += 1
    return made


@cache
def _rules() -> ModuleType:
    """What searches texts; compiling its expressions takes longer than importing all the rest of a program's agent."""
    from victor.core import secret_text

    return secret_text


redact: Final = Redactor()
"""The redactor with Victor's own rules."""
