"""Which addresses on the network a tool may connect to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

__all__ = ["is_denied", "is_public", "is_this_machine"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_REFUSED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "240.0.0.0/4", "fec0::/10", "fc00::/7", "fe80::/10", "100::/64", "2001::/23", "5f00::/16",
    )
)  # fmt: skip


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also when it only wraps another one.

    Loopback, private, link-local (where clouds keep their metadata), shared, reserved and multicast addresses are
    not, nor are IPv6 addresses that stand for such an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64).

    Example:
        >>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:127.0.0.1")
        (True, False, False)
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(found)


def is_this_machine(host: str) -> bool:
    """Whether the host of a URL is this machine by the very words of it: a loopback address, or ``localhost``.

    Example:
        >>> [is_this_machine(host) for host in ("127.0.0.1", "[::1]", "localhost", "localhost.example.org")]
        [True, True, True, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_denied(address: str, patterns: Iterable[str]) -> str | None:
    """The first pattern that means an IP address, whichever way either is written, or None.

    Args:
        address: What a host's name resolved to.
        patterns: Addresses, networks such as ``10.0.0.0/8``, texts with ``*``, and ``localhost``, which is every
            loopback address; names of other hosts mean no address.

    Example:
        >>> is_denied("::ffff:127.0.0.1", ["example.org", "127.0.0.1"]), is_denied("10.1.2.3", ["10.0.0.0/8"])
        ('127.0.0.1', '10.0.0.0/8')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    inner = _inner(found) if isinstance(found, ipaddress.IPv6Address) else None
    forms: list[_Address] = [found] if inner is None else [found, inner]
    if found.is_unspecified:  # which connects to this machine
        forms += [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    for pattern in patterns:
        if pattern.rstrip(".") == "localhost":
            if any(form.is_loopback for form in forms):
                return pattern
            continue
        try:
            network = ipaddress.ip_network(pattern.strip("[]"), strict=False)
        except ValueError:
            if any(fnmatchcase(str(form), pattern) for form in forms):
                return pattern
            continue
        if any(form.version == network.version and form in network for form in forms):
            return pattern
    return None


def _inner(found: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address an IPv6 address only wraps."""
    inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
    if inner is None and (any(found in network for network in _NAT64) or 1 < int(found) < 1 << 32):
        inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return inner


def _is_public(found: _Address) -> bool:
    if any(found in network for network in _REFUSED if network.version == found.version):
        return False
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _inner(found)
        if inner is not None:
            return _is_public(inner)
    return True
