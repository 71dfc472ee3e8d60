"""Which addresses on the network a tool may connect to."""

from __future__ import annotations

import ipaddress
from typing import Final

__all__ = ["is_public"]

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


def _is_public(found: _Address) -> bool:
    if any(found in network for network in _REFUSED if network.version == found.version):
        return False
    if not found.is_global or found.is_multicast or found.is_reserved or found.is_unspecified:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and (any(found in network for network in _NAT64) or int(found) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return True
