"""Credentials in addresses: taken out of a URL, and masked in any text. Pure.

A user name and password may stand in a URL before its host (RFC 3986, 3.2.1). They are no part of what the URL
names, so identities, keys and requests are made without them; `redacted` is the last net, in the texts of errors, in
the log and on the terminal.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

MASK = "***"

# First what RFC 3986 allows, up to the last @ before the path. Then what people write without escaping it: a password
# with a slash or the like, told by a colon that no port follows; no longer than 512 characters, or a text of many
# such beginnings would take quadratic time.
_USERINFO = re.compile(
    r"(?<=//)(?:"
    r"[^\s/?#\"'<>]+(?=@)|"
    r"[^\s/?#@:\"'<>]{1,512}:(?!\d{1,5}(?:[/?#\s\"'<>]|$))[^\s@\"'<>]{0,512}(?=@)"
    r")@"
)


def redacted(text: str) -> str:
    """Give a text with the credentials of all addresses in it masked, as in `https://***@example.org/feed`."""
    return _USERINFO.sub(f"{MASK}@", text) if "@" in text else text


def without_credentials(url: str) -> str:
    """Give a URL without user name and password."""
    return split_credentials(url)[0]


def split_credentials(url: str) -> tuple[str, str]:
    """Take the credentials out of a URL.

    Returns:
        The URL without them, and them as `user:password` with escapes resolved; empty where there are none.
    """
    start = url.find("//")
    if start < 0:
        return url, ""
    start += 2
    ends = [at for mark in "/?#" if (at := url.find(mark, start)) >= 0]
    userinfo, found, host = url[start : min(ends, default=len(url))].rpartition("@")
    if not found:
        return url, ""
    bare = url[:start] + host + url[min(ends, default=len(url)) :]
    return bare, unquote(userinfo) if userinfo.strip(":") else ""


def with_credentials(url: str, credentials: str) -> str:
    """Put credentials into a URL, escaped; `split_credentials` takes them out again."""
    user, colon, password = credentials.partition(":")
    scheme, slashes, rest = url.partition("//")
    return f"{scheme}{slashes}{quote(user, safe='')}{colon}{quote(password, safe='')}@{rest}"


def same_origin(one: str, other: str) -> bool:
    """Tell whether two URLs have the same scheme, host and port (RFC 6454, 5); False where one cannot be read."""
    try:
        return _origin(one) == _origin(other)
    except ValueError:
        return False


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").rstrip("."), port
