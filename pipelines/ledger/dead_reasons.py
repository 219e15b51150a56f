"""Whose fault each dead letter is: every reason for which a record ends as `dead`, declared once. Pure.

What a site sends is the site's fault, however bad it is, and never stops a role. What our own code could not do, or
wrote for itself and cannot read, is ours: when most sites' pages end like that, a deploy is broken
(`pipelines.breaker`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Fault(StrEnum):
    """Who must change something for a record like this one to pass."""

    SITE = "site"
    """The site, or whoever sent it: the bytes, the address or the server's answer."""
    OURS = "ours"
    """This project's code, or the set-up of its own servers."""


DEAD_REASONS: Mapping[str, Fault] = {
    # cleaning: what `pipelines.clean` refuses to read
    "too-large": Fault.SITE,
    "too-deep": Fault.SITE,
    "too-many-tags": Fault.SITE,
    "too-many-attributes": Fault.SITE,
    "undecodable": Fault.SITE,
    # the sandbox: what the kernel ended
    "killed-cpu": Fault.SITE,
    "killed-memory": Fault.SITE,
    "killed-time": Fault.SITE,
    "crashed": Fault.SITE,
    # an exception that nobody foresaw, in cleaning, tagging or in making the document
    "unexpected-error": Fault.OURS,
    # records of our own making that cannot be read
    "bad-entry": Fault.OURS,
    "bad-outcome": Fault.OURS,
    "unreadable-facts": Fault.OURS,
    "impossible-time": Fault.OURS,
    # what Elasticsearch does not take, although our code made the document and the mapping
    "mapping": Fault.OURS,
    "refused": Fault.OURS,
    "server-error": Fault.OURS,
    "unknown-answer": Fault.OURS,
    # addresses that `fetch` cannot ask
    "bad-url": Fault.SITE,
    "no-host": Fault.SITE,
    "no-scheme": Fault.SITE,
    "not-http": Fault.SITE,
    "url-too-long": Fault.SITE,
    "address-refused": Fault.SITE,
    # connections and answers of sites
    "dns": Fault.SITE,
    "connect": Fault.SITE,
    "tls": Fault.SITE,
    "disconnected": Fault.SITE,
    "timeout": Fault.SITE,
    "truncated": Fault.SITE,
    "bad-http": Fault.SITE,
    "bad-encoding": Fault.SITE,
    "not-text": Fault.SITE,
    "bad-redirect": Fault.SITE,
    "redirect-loop": Fault.SITE,
    "too-many-redirects": Fault.SITE,
}
"""Reason -> whose fault it is; reasons with a number or a name of their own are in `FAMILIES`."""

FAMILIES: tuple[tuple[re.Pattern[str], Fault], ...] = (
    (re.compile(r"http-\d{1,3}"), Fault.SITE),
    (re.compile(r"robots-.+"), Fault.SITE),
    (re.compile(r"internal-.+"), Fault.OURS),
)
"""Reasons that are made as they come: the status of an answer, why robots.txt could not be had, our own exception."""


def declared(reason: str) -> Fault | None:
    """Give whose fault a reason is, None where nobody has declared it."""
    if reason in DEAD_REASONS:
        return DEAD_REASONS[reason]
    return next((fault for pattern, fault in FAMILIES if pattern.fullmatch(reason)), None)


def fault_of(reason: str) -> Fault:
    """Give whose fault a reason is; one that nobody has declared is ours, for nobody has thought of it."""
    return declared(reason) or Fault.OURS
