"""Names of members and topics: what may be one, and how it is a part of a subject on a NATS server."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from victor.core.errors import ConfigurationError

__all__ = ["LONGEST", "PLAIN", "checked_name", "token_of"]

LONGEST: Final = 120
"""Characters of a name, so that subjects made of it stay below what a server takes."""

_LONG: Final = 60
PLAIN: Final = re.compile(r"(?![hx]-)[A-Za-z0-9_-]{1,64}")
"""What may stand in a subject as it is."""


def checked_name(name: object, what: str = "who joins a bus has a name") -> str:
    """A name that may be one.

    Raises:
        ConfigurationError: It is no text, empty, too long, or has something in it that cannot be shown.
    """
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"{what}, not {name!r}")
    if len(name) > LONGEST or not name.isprintable():
        shown = repr(name[:40]) + ("..." if len(name) > 40 else "")
        raise ConfigurationError(f"{what} of at most {LONGEST} characters that can be shown, not {shown}")
    return name


def token_of(name: str) -> str:
    """A name as a part of a subject: as it is where it may stand there, else in hexadecimal, a long one hashed.

    Example:
        >>> token_of("ann"), token_of("a.b")
        ('ann', 'x-612e62')
    """
    if PLAIN.fullmatch(name):
        return name
    # Whatever stands in a text, a half of a pair of surrogates too; a server takes no subject that is very long.
    data = name.encode("utf-8", "surrogatepass")
    return "x-" + data.hex() if len(data) <= _LONG else "h-" + hashlib.sha256(data).hexdigest()[:48]
