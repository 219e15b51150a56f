"""Which network addresses may be fetched: public ones, and those the settings allow by name. Pure.

Sources: the IANA special-purpose address registries (RFC 6890) as Python's `ipaddress` knows them; the forms of
IPv4 addresses that `inet_aton` reads; the addresses where clouds serve credentials.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from pipelines.errors import AddressRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SPECIAL = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # IETF protocol assignments, only in part known to Python before 3.13
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure's metadata server, which sits on a public address
)


class AddressGuard:
    """Refuses addresses that a page from outside has no business to point at.

    Args:
        allow_networks: networks that may be fetched from although they are private or loopback.
    """

    def __init__(self, allow_networks: Iterable[str] = ()) -> None:
        self._allowed = [ipaddress.ip_network(network) for network in allow_networks]

    def allows(self, text: str) -> bool:
        """Tell whether an address, as text in its usual form, may be connected to; what is no address may not."""
        try:
            address: Address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        address = _same_address(address)
        relayed = _relayed(address)
        if any(each in network for network in self._allowed for each in {address, relayed}):
            return True
        return _public(address) and _public(relayed)

    def check(self, text: str, url: str = "") -> None:
        """Let an address pass or not.

        Raises:
            AddressRefused: it is private, loopback, link-local, multicast, reserved or a cloud's metadata server.
        """
        if not self.allows(text):
            raise AddressRefused(
                f"address {text} is not public and fetch.allow_networks does not name it", resource=url
            )

    def check_host(self, host: str, url: str = "") -> None:
        """Let a URL's host pass or not where it is an address in any form; a name passes, to be checked when resolved.

        Raises:
            AddressRefused: as `check`.
        """
        address = literal_address(host)
        if address is not None:
            self.check(str(address), url)


def literal_address(host: str) -> Address | None:
    """Read a host that is an address: IPv6 with or without brackets, IPv4 in every form that `inet_aton` reads.

    Those are one to four parts, each decimal, octal (`0177`) or hexadecimal (`0x7f`); the last part fills the rest,
    so that `127.1`, `0x7f000001` and `2130706433` all are 127.0.0.1. Gives None for a name.
    """
    bare = host.strip("[]").rstrip(".").partition("%")[0]
    if ":" in bare:
        try:
            return ipaddress.IPv6Address(bare)
        except ValueError:
            return None
    parts = bare.split(".")
    numbers = [_number(part) for part in parts]
    if len(parts) > 4 or any(number is None for number in numbers):
        return None
    *head, tail = [number for number in numbers if number is not None]
    if any(number > 0xFF for number in head) or tail >= 256 ** (4 - len(head)):
        return None
    value = tail
    for place, number in enumerate(head):
        value += number << (8 * (3 - place))
    return ipaddress.IPv4Address(value)


def _number(part: str) -> int | None:
    """Read one part of an IPv4 address as C does; None where it is none."""
    lower = part.lower()
    if not lower.isascii() or not lower.isalnum():
        return None
    try:
        if lower.startswith("0x"):
            return int(lower[2:] or "0", 16)
        return int(lower, 8 if lower.startswith("0") else 10)
    except ValueError:
        return None


def _same_address(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 address is another spelling of: mapped, or NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _relayed(address: Address) -> Address:
    """Give the IPv4 address behind the relay that an IPv6 address leads to (6to4, Teredo), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    teredo = address.teredo
    return address.sixtofour or (teredo[1] if teredo else None) or address


def _public(address: Address) -> bool:
    special = address.is_private or address.is_multicast or address.is_reserved
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not special and not site_local and not any(address in each for each in _SPECIAL)
