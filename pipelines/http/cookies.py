"""Cookies of one walk of redirects: some sites answer nothing but a redirect until one of theirs comes back."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

import aiohttp
from yarl import URL

_MOST_BYTES = 8192
"""Bytes of cookies that are sent with a request; with more of them none is."""


class WalkCookies:
    """Keeps the cookies that redirects set, for the hosts and paths they are meant for, until the walk ends."""

    def __init__(self) -> None:
        self._jar: aiohttp.CookieJar | None = None

    def take(self, set_by: SimpleCookie, url: str) -> None:
        """Keep what an answer sets; none are made before a redirect sets some."""
        if set_by:
            self._jar = self._jar or aiohttp.CookieJar(unsafe=True)  # hosts that are addresses may set some, too
            self._jar.update_cookies(set_by, URL(url, encoded=True))

    def header(self, url: str) -> str:
        """Give the Cookie header of a request, or nothing."""
        if self._jar is None:
            return ""
        try:
            held = self._jar.filter_cookies(URL(url, encoded=True))
        except (CookieError, ValueError):
            return ""
        text = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in held.items())
        return text if len(text.encode()) <= _MOST_BYTES and text.isprintable() else ""
