"""Connections whose responses are normalized before aiohttp's parser reads them."""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from pipelines.http.lenient import ResponseNormalizer


class LenientConnector(aiohttp.TCPConnector):
    """A pool of connections to servers that do not keep to the grammar of HTTP."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - aiohttp's options
        super().__init__(**options)
        # The one place where aiohttp says which protocol its connections speak; a test notices when it goes.
        self._factory: Any = partial(_Handler, loop=self._loop)


class _Handler(ResponseHandler):
    """aiohttp's protocol with a normalizer of its own for each response."""

    def set_response_params(self, **options: Any) -> None:  # noqa: ANN401 - aiohttp's options
        """Make a parser for the next response; bytes that came early are read by it, too."""
        early, self._tail = self._tail, b""
        super().set_response_params(**options)
        self._parser: Any = _Parser(self._parser)
        self._tail = early
        self._drain_tail()


class _Parser:
    """aiohttp's parser behind a normalizer."""

    def __init__(self, parser: Any) -> None:  # noqa: ANN401 - aiohttp has one in C and one in Python
        self._parser = parser
        self._normalizer = ResponseNormalizer()

    def feed_data(self, data: bytes) -> Any:  # noqa: ANN401 - messages, whether it is upgraded, the rest
        """Parse what came; without data the parser goes on with what it has."""
        ready = self._normalizer.feed(data) if data else data
        return self._parser.feed_data(ready) if ready or not data else ([], False, b"")

    def feed_eof(self) -> Any:  # noqa: ANN401 - what the parser gives
        """Parse what was held back, and the end."""
        if held := self._normalizer.end():
            self._parser.feed_data(held)
        return self._parser.feed_eof()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else aiohttp asks its parser
        return getattr(self._parser, name)
