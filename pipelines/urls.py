"""URLs: the canonical form that gives an article its identity, the form to request, the host. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from urllib.parse import urlsplit

from w3lib.url import canonicalize_url, safe_url_string

from pipelines.errors import FeedFault
from pipelines.redaction import without_credentials
from schemas.records.base import MAX_ADDRESS

_EDITIONS = ("www.", "m.", "mobile.", "amp.")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_ESCAPED_TWICE = re.compile(r"&(?:amp;)+")
_LOWER_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
# Only names that no site uses to tell its articles apart. Wider lists (courlan's has cid, eid, uid, source, ref)
# make one article out of many on sites whose article number has such a name.
_TRACKER = re.compile(
    r"utm_\w+|at_(medium|campaign|custom\d|link_\w+|bbc_team|ptr_name|format)|mtm_\w+|pk_(campaign|kwd|source|medium)|"
    r"(fb|g|d|tw|y|ms|tt|li_fat_|ko_)cl(k)?id|(fbc|gc|dc|twc|yc|msclk|ttc)lid|(gbra|wbra)id|igsh(id)?|"
    r"mc_[ce]id|mkt_tok|_hs(enc|mi)|hss_channel|vero_(id|conv)|oly_(anon|enc)_id|oc_ref|ns_(mchannel|source|campaign|linkname)|"
    r"srsltid|gad_(source|campaignid)|_ga|_gl|ga_\w+|ref_(src|url)|cmpid|ito|ocid|srnd|smid|smtyp|xtor|wt(\.|_)mc\w*|s_cid|ic?cid|__twitter_impression|ftag",
    re.IGNORECASE,
)
_TRACKER_PAIRS = {(name, value) for name in ("ref", "from", "source", "src", "cmp", "cid") for value in ("rss", "feed")}


def canonical_url(url: str) -> str:
    """Give the one form of all spellings of an article's address.

    Scheme and host are lower case, the host is in IDNA, credentials, default port, fragment and trackers are gone,
    dot segments are resolved and escapes are upper case (RFC 3986, section 6.2). What may carry meaning stays: the
    scheme, `www.`, a trailing slash, the order of the query. The result is its own canonical form.

    Raises:
        FeedFault: the text is no address of a web page; reason `no-scheme`, `not-http`, `no-host`, `bad-url`,
            or `url-too-long`.
    """
    parts = urlsplit(fetchable_url(url))
    pairs = _ESCAPED_TWICE.sub("&", parts.query).split("&")
    query = "&".join(pair for pair in pairs if pair and not _is_tracker(pair))
    bare = f"{parts.scheme}://{_authority(parts.scheme, parts.netloc)}{parts.path or '/'}"
    try:
        canonical = canonicalize_url(bare)
    except ValueError as error:  # UnicodeError is one
        raise _fault(url, "bad-url", str(error)) from None
    canonical = f"{canonical}?{query}" if query else canonical
    if len(canonical) > MAX_ADDRESS:
        raise _fault(url, "url-too-long", f"{len(canonical)} characters in canonical form")
    return canonical


def fetchable_url(url: str) -> str:
    """Give the form that can be requested: ASCII, without fragment and credentials, otherwise as written.

    Raises:
        FeedFault: as `canonical_url`.
    """
    text = without_credentials(url.strip())
    if len(text) > MAX_ADDRESS:
        raise _fault(url, "url-too-long", f"{len(text)} characters")
    try:
        safe = safe_url_string(text).partition("#")[0]
        parts = urlsplit(safe)
        host, port = parts.hostname, parts.port
    except ValueError:  # its text may repeat a password with a slash in it
        raise _fault(url, "bad-url", "its host or port cannot be read") from None
    if len(safe) > MAX_ADDRESS:
        raise _fault(url, "url-too-long", f"{len(safe)} characters when escaped")
    if not parts.scheme:
        raise _fault(url, "no-scheme", "no http:// or https://")
    if parts.scheme not in _DEFAULT_PORTS:
        raise _fault(url, "not-http", f"scheme {parts.scheme}")
    if not host:
        raise _fault(url, "no-host", "no host")
    if not _HOST.fullmatch(_bracketed(host.rstrip("."))) or port == 0:
        raise _fault(url, "bad-url", f"host {host}")
    # IDNA makes capitals of some letters: of 𝕬, for instance. Credentials behind `http:\\\\` are seen only now.
    safe = safe.replace(parts.netloc, parts.netloc.rpartition("@")[2].lower(), 1)
    return _LOWER_ESCAPE.sub(lambda match: match[0].upper(), safe)


def host_of(url: str) -> str:
    """Give the host of a URL as politeness counts it: lower case, in IDNA, with a port that is not the default.

    Raises:
        FeedFault: as `canonical_url`.
    """
    parts = urlsplit(fetchable_url(url))
    return _authority(parts.scheme, parts.netloc)


def origin_of(url: str) -> str:
    """Give the origin whose robots.txt counts for a URL, e.g. `https://example.org`.

    Raises:
        FeedFault: as `canonical_url`.
    """
    return "{0.scheme}://{0.netloc}".format(urlsplit(fetchable_url(url)))


def identity_url(canonical: str) -> str:
    """Give the form of a canonical URL that names the article: with https whatever the scheme.

    Sites move to https, and feeds give one link now in this scheme and now in that; none shows two articles by them.
    It is for comparing, not for fetching: a site may have no https.
    """
    return f"https://{canonical[7:]}" if canonical.startswith("http://") else canonical


def is_home(canonical: str) -> bool:
    """Tell whether a canonical URL is a site's first page, which is no article's address."""
    parts = urlsplit(canonical)
    return parts.path in ("", "/") and not parts.query


def same_site(one: str, other: str) -> bool:
    """Tell whether two hosts are one site's: equal but for `www.` and the like, or one within the other.

    `news.example.org` and `m.example.org` are; so are `example.org` and `blog.example.org`, which a list of public
    suffixes might tell apart: who must not err compares the texts, too.
    """
    first, second = _site(one), _site(other)
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def article_id(canonical: str) -> str:
    """Give the article's id, 32 hex digits, from its canonical URL but for the scheme, and nothing else."""
    return hashlib.blake2b(identity_url(canonical).encode(), digest_size=16).hexdigest()


def _authority(scheme: str, netloc: str) -> str:
    parts = urlsplit(f"{scheme}://{netloc}")
    host = _bracketed((parts.hostname or "").rstrip("."))
    return host if parts.port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{parts.port}"


def _site(host: str) -> str:
    name = host if host.startswith("[") else host.partition(":")[0]
    edition = next((edition for edition in _EDITIONS if name.startswith(edition)), "")
    bare = name.removeprefix(edition)
    return bare if "." in bare else name


def _bracketed(host: str) -> str:
    if ":" not in host:
        return host
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return f"[{host}]"


def _is_tracker(pair: str) -> bool:
    name, _, value = pair.partition("=")
    return _TRACKER.fullmatch(name) is not None or (name.lower(), value.lower()) in _TRACKER_PAIRS


def _fault(url: str, reason: str, why: str) -> FeedFault:
    return FeedFault(f"no address of a page: {why}", reason=reason, resource=url[:200])
