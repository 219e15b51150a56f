"""Connections that cannot lead to a private address: the check sits after DNS and before the socket."""

from __future__ import annotations

import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from pipelines.errors import AddressRefused
from pipelines.http.addresses import AddressGuard
from pipelines.runtime.threads import run_in_thread


class GuardedResolver(AbstractResolver):
    """Looks names up beside the event loop and gives only the addresses that may be fetched."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            AddressRefused: it has addresses, none of which may be fetched.
            OSError: it has none.
        """
        found = await run_in_thread(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        allowed = [each for each in found if self._guard.allows(str(each[4][0]))]
        if not allowed:
            raise AddressRefused(
                f"{host} is {found[0][4][0]}, which is not public and fetch.allow_networks does not name it",
                resource=host,
            )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in allowed
        ]

    async def close(self) -> None:
        """Nothing is kept open."""


class GuardedSockets:
    """Makes the socket for one address: the last gate, which an address written in the URL passes too.

    aiohttp asks no resolver about a host that is an address already.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    def __call__(self, info: Any) -> socket.socket:  # noqa: ANN401 - aiohttp's address tuple, as getaddrinfo gives it
        """Make a socket.

        Raises:
            AddressRefused: the address may not be fetched.
        """
        family, kind, protocol, _, address = info
        self._guard.check(str(address[0]))
        return socket.socket(family, kind, protocol)
