"""Connections into the public network only.

Workers read addresses that people type, so none may lead into the network that the worker stands in. The decision is
made at the connection: a name is resolved here, and the connection goes to the very IP that was found public.
"""

import ipaddress
import os
import socket
from collections.abc import Iterable
from typing import Any

import httpcore

from tasks.core.errors import Temporary, UserFixable

_ALLOWED_VARIABLE = "DRUPAL_TICKETS_ALLOWED_ADDRESSES"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PublicNetwork(httpcore.NetworkBackend):
    """Opens connections to public IPs, and to those that the operator allows."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._allowed = [
            entry.strip() for entry in os.environ.get(_ALLOWED_VARIABLE, "").split(",") if entry.strip()
        ]

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first IP of a host, if all of them may be reached."""
        addresses = _resolve(host, port)
        for address in addresses:
            if not is_public(address) and not self._is_allowed(host, address):
                raise UserFixable(
                    f"“{host}” is {address}, which is not a public address.",
                    actions=["Give a public address, or upload the files."],
                    code="address-refused",
                )
        return self._inner.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)

    def _is_allowed(self, host: str, address: Address) -> bool:
        return any(entry == host or _holds(entry, address) for entry in self._allowed)


def is_public(address: Address) -> bool:
    """Whether an IP is reached over the public network, the one within an IPv6 address included."""
    if isinstance(address, ipaddress.IPv6Address):
        within = address.ipv4_mapped or address.sixtofour
        if within is None and address in _NAT64:
            within = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if within is not None:
            return is_public(within)
    return address.is_global and not address.is_multicast


def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Temporary(
            f"The name “{host}” is not known.",
            actions=["Check the address, or try again later."],
            code="address-away",
        ) from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _holds(entry: str, address: Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # a name
        return False
