"""Interim answers (RFC 9110, 15.2): a few may come before the answer itself, but not any number."""

from __future__ import annotations

from typing import Self

import aiohttp
from aiohttp.connector import Connection

from pipelines.http.faults import refused

MOST_INTERIM = 20
"""Answers of 1xx that may come before the answer itself; servers send one or two."""


class BoundedResponse(aiohttp.ClientResponse):
    """An answer before which at most `MOST_INTERIM` interim ones may come.

    aiohttp reads any number of them, without giving way to other tasks while more have arrived: an endless run took
    1.1 GB and outlived its own time limit.
    """

    async def start(self, connection: Connection) -> Self:
        """Wait for the answer.

        Raises:
            FetchFault: `bad-http`, too many interim answers.
        """
        protocol = connection.protocol
        if protocol is None:  # the connection is gone: aiohttp says so
            await super().start(connection)
            return self
        read, count = protocol.read, 0

        async def bounded():  # type: ignore[no-untyped-def]  # noqa: ANN202 - aiohttp's own pair
            nonlocal count
            count += 1
            if count > MOST_INTERIM + 1:
                raise refused(str(self.url), "bad-http", f"more than {MOST_INTERIM} interim answers (1xx)")
            return await read()

        protocol.read = bounded  # type: ignore[method-assign]
        try:
            await super().start(connection)
        finally:
            del protocol.read  # the method of its class shows again
        return self
