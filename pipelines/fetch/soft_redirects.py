"""Where a request really landed: consent pages, pages that only send on, the AMP copy that a page names. Pure.

Sources: the HTML standard, 4.2.5.3 (`http-equiv=refresh`); AMP's `rel=amphtml`; the redirects of consent services as
the large sites use them.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

from pipelines.errors import FeedFault
from pipelines.urls import canonical_url, fetchable_url, host_of, is_home, same_site

_HEAD_BYTES = 131_072
_SMALL_BYTES = 16_384
_LONGEST_TAG = 4000
_MOST_MENTIONS = 8
_FEW_CHARACTERS = 200
_LONGEST_REFRESH = 30.0
"""Seconds; a page that refreshes later than that is one to be read."""

_HOST_MARKS = frozenset({"consent", "guce", "cmp", "myprivacy", "cookiewall", "cookie-wall", "gdpr", "zustimmung"})
_PATH_MARKS = frozenset(
    {
        "consent",
        "collectconsent",
        "cookie-consent",
        "cookieconsent",
        "cookie-wall",
        "cookiewall",
        "cookie_wall",
        "consent-wall",
        "consentwall",
        "consent-gate",
        "privacy-gate",
        "privacy-wall",
        "pur-abo",
        "zustimmung",
    }
)
_SHORTEST_PATH = 4
_MOST_FIELDS = 1000
_TAG = re.compile(rb"<(meta|link)\b([^<>]{0,4000})>", re.IGNORECASE)
# A value that is never closed runs to the end, so that nothing is read twice.
_ATTRIBUTE = re.compile(
    r"([a-z-]{1,20})\s{0,9}=\s{0,9}(?:\"([^\"]*+)(?:\"|\Z)|'([^']*+)(?:'|\Z)|([^\s\"'>]+))", re.IGNORECASE
)
_PACKED = re.compile(r"[\w+/-]{16,4000}={0,2}", re.ASCII)
_REFRESH = re.compile(r"\s*(\d{1,9}(?:\.\d{0,9})?|\.\d{0,9})\s*[;,]?\s*(?:url\s*=\s*)?(.*)", re.IGNORECASE | re.DOTALL)
_RAW = re.compile(rb"<(script|style|title|template|noframes)\b")


def consent_page(asked: str, passed: Sequence[str], landed: str) -> bool:
    """Tell whether a request for an article was led to a page that asks for consent instead.

    Such a page has a mark in its host or path that what was asked for has not, and either carries in its query where
    to go afterwards, or has marks in both. A slug such as `/news/consent-law` is no mark: only a whole part counts.

    Args:
        asked: the URL that was asked for.
        passed: the URLs passed on the way, oldest first.
        landed: the URL that answered.
    """
    try:
        there = urlsplit(landed)
        starts = [urlsplit(url) for url in (asked, *passed) if url != landed]
        host = _marks(there)[0] - {mark for start in starts[:1] for mark in _marks(start)[0]}
        path = _marks(there)[1] - {mark for start in starts[:1] for mark in _marks(start)[1]}
    except ValueError:
        return False
    if not starts or not (host or path):
        return False
    values = [*_values(there), unquote(there.path)]
    return bool(host and path) or any(_leads_back(value, starts) for value in values)


def refresh_target(body: bytes, url: str) -> str | None:
    """Give where a page that does nothing else sends on to, or None for a page that is to be read itself.

    Args:
        body: the page.
        url: its address.

    Returns:
        The target as it can be fetched; empty when it leads to no other page.
    """
    if len(body) > _SMALL_BYTES or b"http-equiv" not in body.lower():
        return None
    found = next(_refreshes(body), None)
    if found is None or _text_bytes(body) > _FEW_CHARACTERS:
        return None
    seconds, target = found
    if seconds > _LONGEST_REFRESH:
        return None
    address = _fetchable(_joined(url, target)) if target else ""
    return "" if address == _fetchable(url) else address


def amp_link(body: bytes, url: str) -> str:
    """Give the address of the AMP copy that a page names in its head, or nothing.

    Args:
        body: the page.
        url: its address.
    """
    if body.find(b"amphtml", 0, _HEAD_BYTES) < 0:
        return ""
    for attributes in _tags(body[:_HEAD_BYTES], b"link"):
        if "amphtml" in attributes.get("rel", "").lower().split() and attributes.get("href"):
            return _fetchable(_joined(url, attributes["href"]))
    return ""


def canonical_link(body: bytes, url: str) -> str:
    """Give the address that a page gives itself (rel=canonical, RFC 6596), in canonical form.

    Nothing where it names none, or one that cannot be an article's: another site's, or a first page. Whether the
    address is the article's is not known here.

    Args:
        body: the page.
        url: its address.
    """
    head = body[:_HEAD_BYTES]
    folded, at = head.lower(), -1
    for _ in range(_MOST_MENTIONS):
        at = folded.find(b"canonical", at + 1)
        if at < 0:
            return ""
        begin = folded.rfind(b"<", max(0, at - _LONGEST_TAG), at)
        end = folded.find(b">", at, at + _LONGEST_TAG)
        for attributes in _tags(head[begin : end + 1], b"link") if 0 <= begin < end else ():
            if "canonical" in attributes.get("rel", "").lower().split() and attributes.get("href"):
                return _of_the_site(_joined(url, attributes["href"]), url)
    return ""


def _of_the_site(link: str, url: str) -> str:
    """Give a link in canonical form; nothing for a first page or one of another site."""
    try:
        canonical = canonical_url(link)
        return canonical if same_site(host_of(canonical), host_of(url)) and not is_home(canonical) else ""
    except FeedFault:
        return ""


def _joined(base: str, link: str) -> str:
    """Resolve a link; nothing for one that is none."""
    try:
        return urljoin(base, link.strip())
    except ValueError:
        return ""


def _refreshes(body: bytes) -> Iterator[tuple[float, str]]:
    for attributes in _tags(body, b"meta"):
        match = _REFRESH.fullmatch(attributes.get("content", ""))
        if attributes.get("http-equiv", "").lower() != "refresh" or match is None:
            continue
        seconds, target = match[1], match[2].strip()
        if target[:1] in ("'", '"'):
            target = target[1:].partition(target[0])[0]
        yield (float(seconds) if seconds.strip(".") else 0.0), target


def _tags(body: bytes, name: bytes) -> Iterator[dict[str, str]]:
    """Give the attributes of each tag of one name, the names in lower case."""
    for match in _TAG.finditer(body):
        if match[1].lower() == name:
            text = match[2].decode("utf-8", "replace")
            yield {
                found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "")
                for found in _ATTRIBUTE.finditer(text)
            }


def _text_bytes(body: bytes) -> int:
    """Count the bytes outside tags, comments, scripts, styles and the title, without the white space around them."""
    lower, at, count = body.lower(), 0, 0
    while (tag := lower.find(b"<", at)) >= 0:
        count += len(body[at:tag].strip())
        close, raw = tag, _RAW.match(lower, tag)
        if lower.startswith(b"<!--", tag):
            close = lower.find(b"-->", tag + 4)
        elif raw is not None:
            close = lower.find(b"</" + raw[1], tag)
        end = lower.find(b">", close) if close >= 0 else -1
        if end < 0:
            return count
        at = end + 1
    return count + len(body[at:].strip())


def _fetchable(url: str) -> str:
    try:
        return fetchable_url(url)
    except FeedFault:
        return ""


def _marks(url: SplitResult) -> tuple[set[str], set[str]]:
    """Give the marks of consent in host and path."""
    labels = set((url.hostname or "").lower().split(".")[:-1])
    parts = {part.lower().partition(".")[0] for part in unquote(url.path).split("/")}
    return labels & _HOST_MARKS, parts & _PATH_MARKS


def _values(url: SplitResult) -> Iterator[str]:
    """Give the values of the query and of the fragment, as they are and decoded once more."""
    for _, value in (*_fields(url.query), *_fields(url.fragment)):
        yield value
        yield unquote(value)
        if _PACKED.fullmatch(value):
            with suppress(ValueError):
                padded = value + "=" * (-len(value) % 4)
                yield base64.b64decode(padded, altchars=b"-_" if "-" in value else None).decode("utf-8", "ignore")


def _fields(query: str) -> list[tuple[str, str]]:
    """Read the first fields of a query; the parser's own limit would be an error."""
    return parse_qsl("&".join(query.split("&", _MOST_FIELDS)[:_MOST_FIELDS]))


def _leads_back(value: str, starts: Sequence[SplitResult]) -> bool:
    """Tell whether a value of a query, or a path, names what was asked for: its site, or its path at the end."""
    try:
        target = urlsplit(value)
        there = _site(target.hostname)
    except ValueError:
        return False
    for start in starts:
        site = _site(start.hostname)
        if there and site and (there == site or there.endswith(f".{site}")):
            return True
        if len(start.path) >= _SHORTEST_PATH and not there and target.path.endswith(start.path):
            return True
    return False


def _site(host: str | None) -> str:
    return (host or "").lower().removeprefix("www.")
