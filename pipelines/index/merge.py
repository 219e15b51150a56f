"""Two documents of one article -> one: what stays of the first, what comes from the newest, what adds up. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pipelines.urls import identity_url

Source = Mapping[str, Any]
"""A document as Elasticsearch stores it; times are text (ISO 8601) or aware datetimes."""

FROZEN = ("id", "url", "source", "first_seen")
"""Fields that name the article and its index: the first document's stay for ever."""

MOST_ADDRESSES = 50
"""Further addresses that are kept; a site that gives a new link at every poll would add to them without end."""


def merged(older: Source, newer: Source) -> dict[str, Any]:
    """Make one document of two.

    Merging again with either of them changes nothing, so that whoever is interrupted may begin again.

    Args:
        older: the document that was there first; its id, address, outlet and time of discovery stay.
        newer: the other one.

    Returns:
        The text and all that was read with it from the one fetched last, of two fetched at once from `older`; the
        feeds and addresses of both; `gone_at` where the site has removed the article and not shown it since.
    """
    last = newer if moment(newer["fetched_at"]) > moment(older["fetched_at"]) else older
    found = {**last, **{field: older[field] for field in FROZEN}}
    found["feeds"] = united(older.get("feeds", ()), newer.get("feeds", ()))
    addresses = further(older["url"], [*older.get("addresses", ()), newer["url"], *newer.get("addresses", ())])
    gone = [one["gone_at"] for one in (older, newer) if one.get("gone_at")]
    found.pop("gone_at", None)
    found.pop("addresses", None)
    if addresses:
        found["addresses"] = addresses
    if gone and moment(latest := max(gone, key=moment)) > moment(last["fetched_at"]):
        found["gone_at"] = latest
    if found.get("dated_at"):  # a document of Elasticsearch's; an undated one counts as from its discovery
        found["dated_at"] = found.get("published_at") or found["first_seen"]
    return found


def united(*lists: Iterable[str]) -> list[str]:
    """Give what any of some lists holds, in their order, each once."""
    return list(dict.fromkeys(one for each in lists for one in each))


def further(url: str, addresses: Iterable[str]) -> list[str]:
    """Give canonical URLs that are other addresses than `url` and than one another, whatever their scheme."""
    found = {identity_url(url): url}
    for address in addresses:
        found.setdefault(identity_url(address), address)
    return list(found.values())[1 : MOST_ADDRESSES + 1]


def moment(value: str | datetime) -> datetime:
    """Read a time of a document."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
