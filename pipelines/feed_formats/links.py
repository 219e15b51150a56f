"""Links as feeds write them, made absolute; another site's address never becomes a path below the feed's. Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

_BREAKS = re.compile(r"[\t\r\n]+\s*")
# `https://https://host`, `http://https//host`, `https:https://host`.
_DOUBLED = re.compile(r"(?:https?:/*)+(https?):?/{2,}(?=[^/])", re.IGNORECASE)
# `https:/host`, `https:///host`, `https:host`, `https//host`: browsers read the first three so (WHATWG URL, 4.4).
_ODD_SLASHES = re.compile(r"(https?)(?::/?(?!/)|:/{3,}|/{2,})(?=[^/])", re.IGNORECASE)
_HOST = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+([^\W\d_]{2,63}|xn--[a-z0-9-]+)\.?(?::\d{1,5})?", re.IGNORECASE)
_FILES = frozenset(
    (  # noqa: SIM905 - easier to read so
        "html htm xhtml shtml phtml php php3 php4 php5 asp aspx jsp jspx cfm cgi pl py do action xml rss atom json txt "
        "md pdf jpg jpeg png gif webp svg css js ece story article"
    ).split()
)
_RELATION = re.compile(r"https?://www\.iana\.org/assignments/(?:link-)?relations?/", re.IGNORECASE)


def resolved(base: str, link: str) -> str:
    """Give the absolute address that a link means.

    Args:
        base: URL of the document that holds it; empty where links must be absolute.
        link: as written, without spaces at its ends.

    Raises:
        ValueError: it can be no address.
    """
    link = _BREAKS.sub("", link)
    if doubled := _DOUBLED.match(link):
        link = f"{doubled[1]}://{link[doubled.end() :]}"
    odd = _ODD_SLASHES.match(link)
    if odd and _is_host(link[odd.end() :], base):
        return f"{odd[1]}://{link[odd.end() :]}"
    if base and _is_host(link, base):
        return f"{urlsplit(base).scheme}://{link}"
    return urljoin(base, link)


def relation(rel: str) -> str:
    """Give a link relation's registered name, which Atom lets feeds write as an IRI (RFC 4287, 4.2.7.2)."""
    return _RELATION.sub("", rel.strip()).lower()


def _is_host(text: str, base: str) -> bool:
    """Tell whether a text without scheme begins with a host rather than with a folder or a file."""
    first, slash, _ = text.partition("/")
    host = _HOST.fullmatch(first.partition("?")[0])
    if host is None:
        return False
    name, own = first.lower().partition(":")[0], urlsplit(base).hostname or ""
    if name.startswith("www.") or name.removeprefix("www.") == own.removeprefix("www."):
        return True
    return bool(slash) and host[1].lower() not in _FILES
