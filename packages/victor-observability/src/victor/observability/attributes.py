"""Redacts attributes of events: as the redactor does, but what comes again and again is looked at once.

Kinds, categories, stop reasons and names of attributes are the same in thousands of events, and searching a text for
secrets takes longer than everything else that is done with an event.

Example:
    >>> from victor.core.redact import redact
    >>> CleanAttributes(redact)({"category": "files", "api_key": "abc", "url": "https://ann:hunter2@example.org/"})
    {'category': 'files', 'api_key': '[redacted]', 'url': 'https://[redacted]@example.org/'}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from victor.core.redact import MARK, Redactor

__all__ = ["CleanAttributes"]

_KNOWN: Final = 4096
_SHORT: Final = 48
_PLAIN: Final = frozenset({bool, int, float, type(None)})
# Where one of these is an attribute, another one's value may be secret because of it.
_TELLING: Final = frozenset({"name", "key", "header", "field", "k", "variable", "env"})


class CleanAttributes:
    """Gives a redacted copy of attributes.

    Args:
        redactor: Says what is secret. It must answer the same to the same text.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._texts: dict[str, str] = {}
        self._secret: dict[str, bool] = {}

    def __call__(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """A redacted copy."""
        kept: dict[str, Any] = {}
        secret = self._secret
        for name, value in attributes.items():
            hidden = secret.get(name)
            if hidden is None:
                hidden = self._look_at(name)
                if hidden is None:
                    cleaned: dict[str, Any] = self._redactor(attributes)
                    return cleaned
            if hidden:
                kept[name] = MARK if value is not None else None
            elif type(value) is str:
                kept[name] = self._text(value)
            elif type(value) in _PLAIN:
                kept[name] = value
            else:
                kept[name] = self._redactor(value)
        return kept

    def _look_at(self, name: object) -> bool | None:
        """Whether what goes by a name is secret; None where the redactor must see the whole."""
        if not isinstance(name, str) or name.lower() in _TELLING or self._redactor.text(name) != name:
            return None
        hidden = self._redactor.is_secret(name)
        if len(self._secret) < _KNOWN and len(name) <= _SHORT:
            self._secret[name] = hidden
        return hidden

    def _text(self, text: str) -> str:
        found = self._texts.get(text)
        if found is None:
            found = self._redactor.text(text)
            if len(text) <= _SHORT:
                if len(self._texts) >= _KNOWN:
                    self._texts.clear()
                self._texts[text] = found
        return found
