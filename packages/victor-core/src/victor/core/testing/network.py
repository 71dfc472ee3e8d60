"""Refuses connections to other machines in tests."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from victor.core.errors import VictorError

__all__ = ["NetworkBlockedError", "no_network"]


class NetworkBlockedError(VictorError, OSError):
    """A test under `no_network` tried to reach another machine; the message names it.

    What to do: answer the request from a stand-in on this machine, or take the model from `victor.core.testing`.
    """


@contextmanager
def no_network(*, allow: Collection[str] = ()) -> Iterator[None]:
    """Let nothing reach another machine: what tries fails at once, with the host in the error.

    Loopback addresses and Unix sockets work as ever. Programs that a test starts, and libraries that open
    sockets without Python's `socket` module, are not watched.

    Args:
        allow: Host names and addresses that may be reached all the same.

    Example:
        >>> with no_network():
        ...     socket.create_connection(("example.org", 80))
        Traceback (most recent call last):
        ...
        victor.core.testing.network.NetworkBlockedError: no_network() forbids to reach example.org; ...
    """
    resolve, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex

    def check(host: Any) -> None:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and name not in allow and not _is_here(name):
            raise NetworkBlockedError(
                f"no_network() forbids to reach {name}; test against a server of your own on 127.0.0.1, or let it "
                f"through with no_network(allow=[{name!r}])"
            )

    def checked_resolve(host: Any, *args: Any, **options: Any) -> Any:
        check(host)
        found = resolve(host, *args, **options)
        if isinstance(host, str) and host in allow:
            reachable.update(str(entry[4][0]) for entry in found)
        return found

    def checked_connect(self: socket.socket, address: Any) -> None:
        _check_address(self, address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        _check_address(self, address)
        return connect_ex(self, address)

    def _check_address(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in reachable:
            check(address[0])

    reachable: set[str] = set()  # addresses of hosts that are allowed by name
    socket.getaddrinfo = checked_resolve
    socket.socket.connect = checked_connect  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = checked_connect_ex  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
        socket.socket.connect = connect  # type: ignore[method-assign]
        socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]


def _is_here(host: str) -> bool:
    if host in {"", "localhost", "localhost.localdomain"} or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
