"""Finds secrets inside a text: by the name before them, the place they stand in, or their shape.

Loaded by `victor.core.redact` with the first text that is redacted. Each rule runs only where a cheap look says that
it could find something: most texts hold nothing of interest, and events carry many of them.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from victor.core import secret_patterns as see

__all__ = ["MARK", "could_name", "flag_hides", "hide", "hide_element_of_command", "is_secret_name"]

MARK: Final = "[redacted]"
"""What stands in the place of a secret."""

IsSecret = Callable[[str], bool]

_SCHEMES: Final = ("bearer", "basic", "token")
_NAME_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ANY_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9](?=[A-Za-z0-9_.\-]{1,63}+(?:\\{0,31}[\"'])?\]?[ \t]{0,8}[=:])"
)
_JOINED: Final = re.compile(r"mysql|mariadb|sshpass|7z")


def is_secret_name(name: str) -> bool:
    """True when what goes by this name is to be hidden."""
    split = see.HUMPS.sub("_", name)
    return see.NAME.search(split) is not None and not see.INNOCENT.fullmatch(split)


def could_name(text: str) -> bool:
    """False for most texts: nothing in them can be the name of a secret."""
    lower = text.lower()
    return any(word in lower for word in see.WORDS)


def hide(text: str, is_secret: IsSecret, *, own_names: bool = False) -> str:
    """The text without secrets.

    Args:
        text: Any text.
        is_secret: Tells for a name whether what goes by it is to be hidden.
        own_names: ``is_secret`` knows names beyond Victor's own.
    """
    lower = text.lower()
    if len(lower) != len(text):  # a letter of another alphabet became two: positions must hold in both
        lower = text.translate(_LOWER)
    if "base64," in lower and len(text) > 1000:
        text, lower = _both(see.IMAGE.sub(_shorten, text))
    if "private key" in lower:
        text, lower = _both(see.PEM.sub(MARK, text))
    if "://" in text or ":\\" in text:
        if "@" in text:
            text, lower = _both(see.USERINFO.sub(_hide_user, text))
        if any(known in lower for known in see.WEBHOOKS):
            text, lower = _both(see.WEBHOOK.sub(rf"\g<head>{MARK}", text))
    words = [word for word in see.WORDS if word in lower]
    if words or own_names:
        text = _by_name(text, lower, words, is_secret, own_names)
        if "bearer" in words or "token" in words:
            text = _bearers(text)
    if "basic " in lower or "basic%20" in lower:
        text = _bearers(text)
    if "=" in text and ("?" in text or "&" in text or "#" in text):
        text = see.CODE.sub(lambda found: found[0].removesuffix(found["value"]) + MARK, text)
    if "-p" in text or "-u" in text or "-U" in text or any(command in text for command in see.COMMANDS):
        text = _in_commands(text)
    return _by_shape(text)


def flag_hides(flag: str, value: str, program: str, is_secret: IsSecret) -> bool:
    """Whether a flag of an argument list makes a secret of the argument after it.

    Args:
        flag: Such as ``--password`` or ``-p``.
        value: The next argument.
        program: What the list begins with.
        is_secret: As in `hide`.
    """
    if not flag.startswith("-") or "=" in flag or (value.startswith("-") and value.lstrip("-")[:1].isalpha()):
        return False
    name = flag.lstrip("-")
    if len(name) > 1:
        return is_secret(name)
    if see.COMMAND.search(program):
        return name in {"p", "P", "a", "w"}
    return name == "p" and not _harmless(value, program, strict=False)


def hide_element_of_command(argument: str, before: str, program: str) -> str:
    """An argument that holds its secret itself: ``ann:secret`` after ``-u``, ``-psecret`` of the MySQL programs."""
    if before in {"-u", "-U", "--user", "--proxy-user", "--userpwd"} and ":" in argument:
        user, _, password = argument.partition(":")
        if password and not (user.isdigit() and password.isdigit()) and not password.startswith(("//", "\\")):
            return f"{user}:{MARK}"
    if argument.startswith("-p") and len(argument) > 2 and _JOINED.match(program.rpartition("/")[2]):
        return f"-p{MARK}"
    return argument


def _both(text: str) -> tuple[str, str]:
    lower = text.lower()
    return text, lower if len(lower) == len(text) else text.translate(_LOWER)


def _by_shape(text: str) -> str:
    found = {word for word in text.split() if len(word) >= see.SHORTEST_SHAPE}
    hidden = {word: see.SHAPES.sub(MARK, word) for word in found}
    changed = [word for word, made in hidden.items() if made != word]
    if len(changed) > 8:
        return see.SHAPES.sub(MARK, text)
    for word in changed:
        text = text.replace(word, hidden[word])
    return text


def _by_name(text: str, lower: str, words: list[str], is_secret: IsSecret, own_names: bool) -> str:
    """Hide what follows a telling name."""
    starts: list[int] = []
    for word in words:
        at = lower.find(word)
        while at >= 0:
            starts.append(at)
            at = lower.find(word, at + len(word))
    if own_names:
        starts += [found.start() for found in _ANY_NAME.finditer(text)]
    starts.sort()
    pieces: list[str] = []
    done = 0
    for start in starts:
        if start < done:
            continue
        value = _value_after(text, start, is_secret)
        if value is not None:
            pieces += [text[done : value.start()], _marked(value)]
            done = value.end()
    return "".join([*pieces, text[done:]]) if pieces else text


def _value_after(text: str, start: int, is_secret: IsSecret) -> re.Match[str] | None:
    """The value that a name gives away as secret; the name holds the position ``start``."""
    after = see.AFTER.match(text, start) or see.AFTER_ELEMENT.match(text, start)
    if after is None:
        return None
    kind = next(kind for kind, found in after.groupdict().items() if found is not None)
    first = start
    while first > 0 and start - first < 64 and text[first - 1] in _NAME_LETTERS:
        first -= 1
    if text[first - 1 : first] == "%":
        first += 2  # %5Ftoken
    end = after.start(kind)
    name = text[first:end].lstrip("-._")
    before = text[max(0, end - len(name) - 40) : end - len(name)]
    all_of_it = only_random = False
    pattern: re.Pattern[str] | None = see.VALUE
    if kind == "assign":
        pattern, all_of_it = _assigned(name, before, after, is_secret)
    elif kind == "space" and name.lower() == "identified":  # CREATE USER ann IDENTIFIED BY 'secret'
        by = see.BY.match(text, after.end())
        return None if by is None else see.VALUE.match(text, by.end())
    elif not is_secret(name):
        return None
    elif kind == "pair":
        if see.BEFORE_PAIR.search(before) is None and see.BEFORE_FLAG.search(before) is None:
            return None
    elif kind == "value":
        if see.BEFORE_VALUE.search(before) is None:
            return None
        all_of_it = True
    elif kind == "said":
        only_random = True
    elif kind == "element":
        if not before.endswith("<"):
            return None
        pattern, all_of_it = see.ELEMENT_VALUE, True
    elif see.BEFORE_FLAG.search(before) is None:  # a space: after a flag, or as netrc and SQL have it
        quoted = text[after.end()] == "'" and name.lower() in {"password", "passwd", "passphrase"}
        if not quoted and see.BEFORE_LOGIN.search(before) is None:
            return None
    elif text[after.end()] == "-" and text[after.end() + 1 : after.end() + 2].isalpha():
        return None  # another flag
    taken = None if pattern is None else pattern.match(text, after.end())
    if taken is None:
        return None
    inner = taken[0].strip("\"'`\\ ")
    if len(inner) <= 80:  # longer ones are hidden in any case: looking at them again and again would take long
        if not inner or (inner.startswith(MARK[:-1]) and pattern is see.VALUE):
            return None
        if (not all_of_it and see.PLACEHOLDER.fullmatch(inner)) or (only_random and not _looks_random(inner)):
            return None
    return taken


def _assigned(name: str, before: str, after: re.Match[str], is_secret: IsSecret) -> tuple[re.Pattern[str] | None, bool]:
    """How the value after ``name=`` or ``name:`` is to be read, or None; and whether any value will do."""
    plain = name.lower()
    if plain == "key" and before.lower().endswith(see.KEY_OF):
        return see.VALUE, False
    if not is_secret(name):
        return None, False
    if plain.endswith("authorization"):
        return see.AUTHORIZATION_VALUE, True
    if plain in {"cookie", "set-cookie", "set_cookie"}:
        return (see.LINE_VALUE, True) if after["sign"] == ":" else (see.VALUE, False)
    if name in {"PWD", "OLDPWD"} and after.string.startswith("/", after.end()):
        return None, False  # the working directory
    if before[-1:] in {"?", "&", "#"} and after["sign"] == "=":
        return see.QUERY_VALUE, True
    if after["sign"] == ":" and after["quoted"] is None and is_secret_name(name) and not _is_strong(name):
        # In prose a colon follows many a word; a name that leaves doubt counts only where the value leaves none.
        value = see.VALUE.match(after.string, after.end(), after.end() + 200)
        if value is None or len(value[0]) < 8 or value[0].isdigit() or not _looks_random(value[0]):
            return None, False
    return see.VALUE, False


def _in_commands(text: str) -> str:
    """Hide ``-u user:secret``, and ``-p secret`` where a program means a password by it."""
    text = _after_user(text)
    commands = list(see.COMMAND.finditer(text))
    begins = [command.start() for command in commands]
    pieces: list[str] = []
    done = 0
    for found in see.SHORT_FLAG.finditer(text):
        if found.start() < done:
            continue
        line = max(text.rfind("\n", done, found.start()), found.start() - 300, 0)
        near = bisect_right(begins, found.start()) - 1
        command = commands[near][0] if near >= 0 and begins[near] >= line else ""
        if not (command or (found["flag"] == "p" and found["gap"])):
            continue
        if not found["gap"] and not _JOINED.match(command):
            continue
        value = see.VALUE.match(text, found.end())
        if value is None:
            continue
        inner = value[0].strip("\"'\\")
        if inner.startswith(MARK[:-1]) or (
            not command and _harmless(inner, text[line : found.start() + 1], strict=True)
        ):
            continue
        pieces += [text[done : found.end()], _marked(value)]
        done = value.end()
    return "".join([*pieces, text[done:]]) if pieces else text


def _after_user(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for found in see.USER_FLAG.finditer(text):
        value = see.VALUE.match(text, found.end())
        if value is None or found.start() < done:
            continue
        inner = value[0].strip("\"'")
        numbers = inner.isdigit() and found["user"].isdigit()
        if numbers or inner.startswith(("//", "\\", MARK[:-1])):
            continue
        pieces += [text[done : found.end()], _marked(value)]
        done = value.end()
    return "".join([*pieces, text[done:]]) if pieces else text


def _marked(value: re.Match[str]) -> str:
    groups = value.groupdict()
    return f"{groups.get('start') or ''}{MARK}{groups.get('end') or ''}"


def _is_strong(name: str) -> bool:
    return see.STRONG.search(see.HUMPS.sub("_", name)) is not None


def _hide_user(found: re.Match[str]) -> str:
    return found[0] if found["who"] == MARK else f"{found[0][: found.start('who') - found.start()]}{MARK}@"


def _bearers(text: str) -> str:
    lower = _both(text)[1]
    places: list[tuple[int, int]] = []
    for scheme in _SCHEMES:
        at = lower.find(scheme)
        while at >= 0:
            end = at + len(scheme)
            found = see.BEARER.match(text, end)
            if found is not None and (at == 0 or not lower[at - 1].isalnum()) and _bears_secret(scheme, found["value"]):
                places.append((found.start("value"), found.end("value")))
            at = lower.find(scheme, end)
    made: list[str] = []
    done = 0
    for start, end in sorted(places):
        if start >= done:
            made += [text[done:start], MARK]
            done = end
    return "".join([*made, text[done:]]) if made else text


def _bears_secret(scheme: str, value: str) -> bool:
    if scheme == "basic":
        try:
            return b":" in b64decode(value + "=" * (-len(value) % 4), validate=True)
        except (NotBase64, ValueError):
            return False
    if scheme == "token":
        return len(value) >= 16 and _looks_random(value) and not value.startswith("--")
    return _looks_random(value) or (len(value) >= 16 and not value.islower()) or len(value) >= 24


def _looks_random(value: str) -> bool:
    """Letters and digits, or signs among letters, as no word of a sentence has them."""
    value = value.strip("\"'`.,;:!?()")
    if len(value) < 6 or not any(c.isalpha() for c in value):
        return len(value) >= 4 and value.isdigit()
    return any(c.isdigit() or c in "$%^&*+=_~@#!" for c in value)


_HARMLESS: Final = re.compile(r"[\d.:\-]+(?:/(?:tcp|udp))?|[./~].*|[\w.\-]*/.*|[A-Za-z]:\\.*|\$\w.*|[\w\-]+\.\w{1,5}")
_OTHER_USE: Final = re.compile(
    r"(?:^|[\s;&|/\"'(\[,])(?:mkdir|cp|rm|install|touch|ssh|scp|git|patch|docker|podman|tar|nmap|python[\d.]*|pytest|psql|"
    r"pg_dump|ps|pip|uv|hatch|npm|npx|cargo|tsc|kubectl|make|perl|read|export|declare|test|codex|victor)\b"
)


def _harmless(value: str, before: str, *, strict: bool) -> bool:
    """Whether what follows ``-p`` is a port, a path or a word: most programs mean no password by it."""
    if _HARMLESS.fullmatch(value) or see.PLACEHOLDER.fullmatch(value) or (strict and not _looks_random(value)):
        return True
    return _OTHER_USE.search(before) is not None


def _shorten(found: re.Match[str]) -> str:
    return f"{found['head']}…[{len(found['rest'])} characters]"
