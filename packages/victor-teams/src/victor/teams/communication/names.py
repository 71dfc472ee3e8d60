"""Names of members as parts of subjects on a NATS server."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["PLAIN", "token_of"]

PLAIN: Final = re.compile(r"(?!x-)[A-Za-z0-9_-]{1,64}")
"""What may stand in a subject as it is."""


def token_of(name: str) -> str:
    """A name as a part of a subject: as it is where it may stand there, else in hexadecimal.

    Example:
        >>> token_of("ann"), token_of("a.b")
        ('ann', 'x-612e62')
    """
    return name if PLAIN.fullmatch(name) else "x-" + name.encode().hex()
