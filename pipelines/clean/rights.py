"""What a publisher says of the use of a page: robots directives, TDM reservation, licence, paywall.

Read from the response's headers and from what the page says about itself; both were gathered before, so this costs
microseconds. Nothing is fetched: `/.well-known/tdmrep.json` is a matter of the site, not of the page.

Robots meta tag and X-Robots-Tag: https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag
TDM Reservation Protocol, W3C Community Group: https://www.w3.org/2022/tdmrep/
Licence: `rel=license` of the HTML standard, schema.org's `license`; RFC 8288 for the Link header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from pipelines.clean.head import Head
from pipelines.dates import read_moment
from pipelines.errors import Skipped
from schemas.records import PageFacts, Right

AGENTS = frozenset({"*", "robots", "newsriver", "googlebot-news"})
"""Whom a directive may be addressed to so that it is meant for us: everybody, us, readers of news."""
ROBOTS_METAS = ("robots", "newsriver", "googlebot-news", "x-robots-tag")
TDM_RESERVATION, TDM_POLICY = "tdm-reservation", "tdm-policy"
METAS = frozenset({*ROBOTS_METAS, TDM_RESERVATION, TDM_POLICY})
"""Names of the meta tags that are read here."""

MAX_TEXT = 2000
"""Characters of one header or meta tag that are read."""
MAX_CLAIMS = 20
"""Meta tags of one name that are read."""

_DIRECTIVES: dict[str, tuple[Right, ...]] = {
    **{right.value: (right,) for right in Right if right not in (Right.TDM_RESERVATION, Right.UNAVAILABLE)},
    "none": (Right.NOINDEX, Right.NOFOLLOW),
    "nocache": (Right.NOARCHIVE,),
}
_WITH_VALUE = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
_SEPARATOR = re.compile(r"[,;\n]")
# "Fri, 25 Nov 2026": the one comma that ends no directive.
_WEEKDAY = re.compile(r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\s*,", re.IGNORECASE)
_AGENT = re.compile(r"[a-z0-9*._/-]{1,60}")
_LINK = re.compile(r"<([^<>]{1,1000})>((?:\s*;\s*[^;,<>\"]{1,60}(?:\"[^\"]{0,200}\")?){1,10})")
_LICENSE_LINK = re.compile(r"\brel\s*=\s*(?:license\b|\"(?:[^\"]*\s)?license(?:\s[^\"]*)?\")", re.IGNORECASE)
_SAID_FREE = {"true": True, "free": True, "false": False, "locked": False, "metered": False}


@dataclass(frozen=True, slots=True)
class Rights:
    """What is said of the use of a page.

    Attributes:
        reserved: directives, in the order of `Right`, each once.
        tdm_policy: where to ask for what `tdm-reservation` reserves.
        license: address of the licence.
        free: whether the page can be read without paying; None where nothing is said.
    """

    reserved: tuple[Right, ...] = ()
    tdm_policy: str | None = None
    license: str | None = None
    free: bool | None = None

    def claims(self) -> list[str]:
        """Give all that is said as texts, for a digest; empty where nothing is."""
        named = {"tdm-policy": self.tdm_policy, "license": self.license, "free": self.free}
        return [*self.reserved, *(f"{name}={value}" for name, value in named.items() if value is not None)]


def rights_of(head: Head, facts: PageFacts) -> Rights:
    """Gather what headers and page say.

    Directives add up, the stricter one wins, as the search engines do; of TDM reservations the page's own goes before
    the header's, as the protocol says. Relative addresses are resolved; what is no http(s) address is left out.

    Args:
        head: what the page says about itself.
        facts: the headers, the address, and the time of the fetch, before which `unavailable_after` may lie.
    """
    found: set[Right] = set()
    for text in _robots(head, facts.headers):
        found |= directives(text[:MAX_TEXT], facts.fetched_at)
    policy = None
    if _tdm_reserved(head, facts.headers):
        found.add(Right.TDM_RESERVATION)
        policy = _address(head.meta(TDM_POLICY) or facts.headers.get(TDM_POLICY, ""), facts.url)
    ordered = tuple(right for right in Right if right in found) if found else ()
    return Rights(ordered, policy, _license(head, facts), _free(head))


def refuse_reserved(rights: Rights, skip: Sequence[Right], url: str) -> None:
    """Refuse a page that carries a directive for which pages are to be skipped.

    Args:
        rights: what the page says.
        skip: the setting `clean.skip_rights`; the first that the page carries names the reason.
        url: the page, named in the message.

    Raises:
        Skipped: `rights-<directive>`.
    """
    for right in skip:
        if right in rights.reserved:
            raise Skipped(
                f"the publisher says {right}, and clean.skip_rights names it", reason=f"rights-{right}", resource=url
            )


def directives(text: str, at: datetime) -> set[Right]:
    """Read one robots meta tag or X-Robots-Tag header.

    `agent:` before directives addresses them, and all that follow up to the next agent, to that reader. Repeated
    headers come to us joined by commas, which hides where the first one ended: its agent then has the second one too.
    Limits (`max-snippet:50`) and permissions are passed over; `max-snippet:0` is `nosnippet`.

    Args:
        text: the value.
        at: when the page was fetched.
    """
    found: set[Right] = set()
    ours = True
    for piece in _SEPARATOR.split(_WEEKDAY.sub(" ", text.lower())):
        left, colon, value = piece.partition(":")
        words = left.split()
        if colon and words and words[-1] not in _WITH_VALUE:
            if not _AGENT.fullmatch(words[-1]):
                continue
            ours = words[-1] in AGENTS
            left, colon, value = value.partition(":")
            words = left.split()
        if not ours:
            continue
        name = words.pop() if colon and words else ""
        for word in words:
            found.update(_DIRECTIVES.get(word, ()))
        if (name == "max-snippet" and value.strip() == "0") or (name == "unavailable_after" and _past(value, at)):
            found.add(Right.NOSNIPPET if name == "max-snippet" else Right.UNAVAILABLE)
    return found


def _robots(head: Head, headers: Mapping[str, str]) -> Iterator[str]:
    for name in ROBOTS_METAS:
        yield from head.metas.get(name, ())[:MAX_CLAIMS]
    if "x-robots-tag" in headers:
        yield headers["x-robots-tag"]


def _past(text: str, at: datetime) -> bool:
    moment = read_moment(text.strip())
    return moment is not None and moment.at <= at


def _tdm_reserved(head: Head, headers: Mapping[str, str]) -> bool:
    """Tell whether mining is reserved; any value but 0 and 1 says nothing."""
    for claims in (head.metas.get(TDM_RESERVATION, ()), headers.get(TDM_RESERVATION, "").split(",")):
        values = {claim.strip() for claim in claims[:MAX_CLAIMS]} & {"0", "1"}
        if values:
            return "1" in values
    return False


def _license(head: Head, facts: PageFacts) -> str | None:
    """Find the licence: the page's link, its JSON-LD, the Link header."""
    said = next((address for node in head.nodes if (address := _address_in(node.get("license")))), "")
    linked = facts.headers.get("link", "")
    sent = [target for target, parameters in _LINK.findall(linked[:MAX_TEXT]) if _LICENSE_LINK.search(parameters)]
    addresses = (_address(claim, facts.url) for claim in (head.license, said, *sent[:1]))
    return next((address for address in addresses if address), None)


def _address_in(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    """Give the address in a schema.org value: a URL, or a work that has one."""
    for _ in range(3):
        if isinstance(value, list):
            value = value[0] if value else ""
        elif isinstance(value, dict):
            value = value.get("url") or value.get("@id") or value.get("@value")
    return value if isinstance(value, str) else ""


def _address(text: str, base: str) -> str | None:
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        return None
    try:
        address = urljoin(base, text)
    except ValueError:  # brackets that enclose no IPv6 address
        return None
    return address if address.startswith(("http://", "https://")) and not re.search(r"\s", address) else None


def _free(head: Head) -> bool | None:
    """Read schema.org's isAccessibleForFree or else the content tier of Facebook's and Apple's meta tags."""
    claims = [node["isAccessibleForFree"] for node in head.nodes if "isAccessibleForFree" in node]
    for claim in (*claims, *head.metas.get("article:content_tier", ())):
        name = str(claim).rpartition("/")[2].strip().lower() if isinstance(claim, (bool, str)) else ""
        if name in _SAID_FREE:
            return _SAID_FREE[name]
    return None
