"""Attributes of spans, from what an event or a stored span says. Live export and replay share it: both agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from victor.core.redact import MARK, Redactor
from victor.observability.otel.semconv import (
    ATTRIBUTES,
    IDS,
    OPERATION,
    SpanForm,
    Version,
    attribute_names,
    provider_name,
    span_form,
)
from victor.observability.sound_text import sound_text

__all__ = ["KindForm", "Speaker", "Value"]

Value: TypeAlias = str | bool | int | float | tuple[str, ...]
"""What an attribute of a span can be."""

_REMEMBERED: Final = 4096
_TEXT: Final = 2000
_PLAIN: Final = frozenset({bool, int, float})
_NOTHING: Final[Mapping[str, Any]] = {}
_INT64: Final = 1 << 63


class Speaker:
    """Puts values of events into values of spans, without secrets.

    Names of tools, models and the like come again and again: what was redacted once is remembered.

    Args:
        redactor: Removes secrets.
        version: Of the conventions.
    """

    def __init__(self, redactor: Redactor, version: Version = "1.41") -> None:
        self.redactor = redactor
        self.version = version
        self._known: dict[str, str] = {}
        self._forms: dict[str, KindForm] = {}

    def form(self, kind: str) -> KindForm:
        """How spans of a kind are made; worked out once."""
        form = self._forms.get(kind)
        if form is None:
            form = KindForm(kind, self)
            if len(self._forms) < _REMEMBERED:
                self._forms[kind] = form
        return form

    def text(self, text: str) -> str:
        """A text without secrets, cut where it is long."""
        known = self._known.get(text)
        if known is None:
            known = self.redactor.text(sound_text(text))
            if len(known) > _TEXT:
                known = known[: _TEXT - 1] + "…"
            if len(text) <= 200:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[text] = known
        return known

    def value(self, value: Any) -> Value:
        """A value that a span can have; what is not plain data is put into words."""
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, (list, tuple, set, frozenset)):
            return tuple(self.text(item if isinstance(item, str) else str(item)) for item in value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int):  # perhaps of a class of its own, as members of an IntEnum are
            return int(value) if -_INT64 <= value < _INT64 else str(value)
        if isinstance(value, float):
            return float(value)
        return self.text(str(self.redactor(value)))

    def plan(self, kind: str, key: str) -> _Plan:
        """How one attribute of events of a kind is written."""
        names = attribute_names(kind, key, self.version)
        if self.redactor.is_secret(key):
            return names, _hide
        if key == "provider":
            return names, lambda value: provider_name(str(self.value(value)))
        if key == "finish_reason":
            return names, lambda value: (self.text(str(value)),)
        return names, _id if key in IDS and kind in ATTRIBUTES else None


_Plan: TypeAlias = tuple[tuple[str, ...], Callable[[Any], Value] | None]


def _hide(value: Any) -> Value:
    return MARK


def _id(value: Any) -> Value:
    return sound_text(str(value))[:_TEXT]


class KindForm:
    """How spans of one kind are named and described.

    Args:
        kind: Of the event.
        speaker: Puts values into values of spans.
    """

    __slots__ = ("_fixed", "_plans", "_speaker", "_titles", "form", "kind")

    def __init__(self, kind: str, speaker: Speaker) -> None:
        self.kind: str = kind
        self.form: SpanForm = span_form(kind)
        self._speaker = speaker
        self._fixed: dict[str, Value] = dict(self.form.fixed)
        if self.form.operation:
            self._fixed[OPERATION] = self.form.operation
        else:
            self._fixed["victor.kind"] = kind
        self._plans: dict[str, _Plan] = {}
        self._titles: dict[str, tuple[str, dict[str, Value]]] = {}

    def begin(self, name: str, given: Mapping[str, Any]) -> tuple[str, dict[str, Value]]:
        """What a span is called, and the attributes it begins with, which samplers see."""
        known = self._titles.get(name)
        if known is None:
            said = self._speaker.text(name)
            fixed = {**self._fixed, self.form.named: said} if self.form.named and said else self._fixed
            known = self.form.title(said), fixed
            if len(self._titles) < _REMEMBERED and len(name) <= 200:
                self._titles[name] = known
        out = known[1].copy()
        self.write(out, given)
        return known[0], out

    def write(self, out: dict[str, Value], given: Mapping[str, Any], before: Mapping[str, Any] = _NOTHING) -> None:
        """Add what an event says.

        Args:
            out: Where to.
            given: Attributes of the event.
            before: Attributes that are there already; only what differs from them is added.
        """
        for key, value in given.items():
            if value is None or value == "" or before.get(key) is value:
                continue
            plan = self._plans.get(key)
            if plan is None:
                plan = self._speaker.plan(self.kind, key)
                if len(self._plans) < _REMEMBERED:
                    self._plans[key] = plan
            names, how = plan
            if how is not None:
                value = how(value)
            elif type(value) not in _PLAIN:
                value = self._speaker.value(value)
            for name in names:
                out[name] = value
