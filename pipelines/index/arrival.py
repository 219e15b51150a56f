"""What becomes of an article that arrives: a new document, a newer version of one, or another address of one. Pure.

The index decides. What it holds of an article stays where it is and keeps its time of discovery, whatever a second
announcement says; feeds and addresses add up; the text is that of the latest visit. The same arrival and the same
index give the same answer, and an arrival that has had its effect has no other, so that anything may be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from pipelines.index.documents import IndexFamily
from pipelines.index.identity import Because, Claim, claims, same_article
from pipelines.index.merge import further, merged, moment
from pipelines.index.stored import MOST_CLAIMANTS, Place, Stored, Wanted
from pipelines.index.verdict import REPLAYED
from pipelines.urls import identity_url
from schemas.records import Article, Entry, OutcomeKind, PageFacts


@dataclass(frozen=True, slots=True)
class Arrival:
    """An article on its way to the index.

    Attributes:
        entry: what was announced.
        facts: what is known of the visit.
        article: what was found; None where the site says that it is removed.
        claims: other addresses at which it may be known.
    """

    entry: Entry
    facts: PageFacts
    article: Article | None
    claims: tuple[Claim, ...]

    @classmethod
    def of(cls, entry: Entry, facts: PageFacts, article: Article | None) -> Self:
        """Take what a visit brought."""
        found = () if article is None else tuple(claims(entry, facts, article))
        return cls(entry, facts, article, found)

    def wanted(self, indices: IndexFamily) -> Wanted:
        """Say what is to be looked up before it is written."""
        place = Place(indices.index(self.entry.first_seen), self.entry.id)
        return Wanted(place, (self.entry.url, *(claim.url for claim in self.claims)))


@dataclass(frozen=True, slots=True)
class WritePlan:
    """What is to be done about an arrival.

    Attributes:
        place: its document.
        version: the version to write, or the one that is there.
        kind: how the visit ends once that is done.
        reason: why, as a short name.
        detail: the same for people.
        source: what to write; None where nothing needs to be written.
        stored: whether there is such a document, before or after.
        former: the document that is there, where what is written has another text.
    """

    place: Place
    version: int
    kind: OutcomeKind
    reason: str = ""
    detail: str = ""
    source: dict[str, Any] | None = None
    stored: bool = True
    former: dict[str, Any] | None = None


def plan(arrival: Arrival, found: Sequence[Stored], indices: IndexFamily) -> WritePlan:
    """Decide what becomes of an arrival.

    Args:
        arrival: the article.
        found: what a lookup gave for it.
        indices: where articles are written.
    """
    found = sorted(found, key=lambda stored: (stored.id != arrival.entry.id, moment(stored.source["first_seen"])))
    place = arrival.wanted(indices).place
    if arrival.article is None:
        return _removed(arrival, found[0] if found else None, place)
    source = arrival.article.model_dump(exclude_none=True) | {"updated_at": arrival.facts.fetched_at}
    others: list[Stored] = []
    for stored in found:
        if stored.id == arrival.entry.id:
            return _into(arrival, stored, source, Claim(arrival.entry.url, Because.KNOWN))
        claim = _matching(arrival, stored)
        if _believed(arrival, stored, source):
            return _into(arrival, stored, source, claim)
        others.append(stored)
    own = [claim.url for claim in arrival.claims if _open(identity_url(claim.url), others)]
    if addresses := further(arrival.entry.url, own):
        source["addresses"] = addresses
    return WritePlan(place, arrival.facts.version, OutcomeKind.INDEXED, source=source)


def _open(address: str, others: Sequence[Stored]) -> bool:
    """Tell whether an article may claim an address that other articles have as well.

    What is announced there refutes it. Others that only claim it may be the ones who are wrong; but no address is
    claimed by more than a few, or a site that gives all its pages one would have them all looked up each time.
    """
    claimants = [stored for stored in others if address in stored.identities]
    owned = any(identity_url(stored.source["url"]) == address for stored in claimants)
    return not owned and len(claimants) < MOST_CLAIMANTS


def _matching(arrival: Arrival, stored: Stored) -> Claim:
    """Give the claim by which a document of another id was found; the own address where that led there before."""
    identities = stored.identities
    named = (claim for claim in arrival.claims if identity_url(claim.url) in identities)
    return next(named, Claim(arrival.entry.url, Because.KNOWN))


def _believed(arrival: Arrival, stored: Stored, source: dict[str, Any]) -> bool:
    """Tell whether a document that was found by an address is the same article.

    Its text says so; one that was rewritten since is still the same while its page claims the address as before.
    """
    identities = stored.identities
    before = identity_url(arrival.entry.url) in identities
    still = any(identity_url(claim.url) in identities for claim in arrival.claims)
    return (before and still) or same_article(stored.source, source)


def _into(arrival: Arrival, stored: Stored, source: dict[str, Any], claim: Claim) -> WritePlan:
    """Bring an arrival into the document that the index has of it."""
    version = arrival.facts.version
    if stored.id != arrival.entry.id:
        source = source | {"addresses": [claim.url for claim in arrival.claims]}
    after = merged(stored.source, source)
    newer = version > stored.version
    joined = any(set(after.get(name, ())) - set(stored.source.get(name, ())) for name in ("feeds", "addresses"))
    other_text = source["content_digest"] != stored.source.get("content_digest")
    compared = arrival.entry.content_digest is not None  # else the page came whole on purpose, and is written
    changed = joined or other_text or not compared or "gone_at" in stored.source
    kind, reason = _end(arrival, stored, claim, newer=newer, changed=changed)
    detail = f"{_WHY[claim.because].format(url=claim.url)}{stored.source['url']}" if reason == claim.because else ""
    # A newer page is written although its text is the same: its time is what tells a late, older page from a newer one.
    if not (joined or newer):
        return WritePlan(stored.place, stored.version, kind, reason, detail)
    if not (newer and other_text):
        after["updated_at"] = stored.source.get("updated_at") or stored.source["fetched_at"]
    former = stored.source if newer and other_text else None
    written = version if newer else stored.version + 1
    return WritePlan(stored.place, written, kind, reason, detail, after, former=former)


_WHY = {
    Because.KNOWN: "the index has it as ",
    Because.REDIRECT: "it led to {url}, which the index has as ",
    Because.CANONICAL: "its page gives itself the address {url}, which the index has as ",
}


def _end(arrival: Arrival, stored: Stored, claim: Claim, *, newer: bool, changed: bool) -> tuple[OutcomeKind, str]:
    """Say how a visit of an article ends that the index has, with a reason.

    A first visit is that of another announcement, unless the document was made of this one's discovery.
    """
    entry, source = arrival.entry, stored.source
    again = stored.id == entry.id and moment(source["first_seen"]) == entry.first_seen
    if not entry.visit and not again:
        return OutcomeKind.DUPLICATE_URL, str(claim.because)
    if moment(source["fetched_at"]) == arrival.facts.fetched_at:
        return (OutcomeKind.UPDATED if entry.visit else OutcomeKind.INDEXED), REPLAYED
    if newer:
        return (OutcomeKind.UPDATED if changed else OutcomeKind.UNCHANGED), ""
    return OutcomeKind.SUPERSEDED, ""


def _removed(arrival: Arrival, stored: Stored | None, place: Place) -> WritePlan:
    """Mark an article as removed by its site, unless a later visit has found it, or another address shows it."""
    version, reason = arrival.facts.version, f"http-{arrival.facts.status}"
    detail = f"the site answered {arrival.facts.status}"
    if stored is None:
        return WritePlan(place, 0, OutcomeKind.GONE, reason, f"{detail}; the index does not have it", stored=False)
    if stored.id != arrival.entry.id:
        return WritePlan(
            stored.place, stored.version, OutcomeKind.GONE, reason, f"{detail}; it is {stored.source['url']}"
        )
    if "gone_at" in stored.source:
        return WritePlan(stored.place, stored.version, OutcomeKind.GONE, reason, detail)
    if version <= stored.version:
        return WritePlan(stored.place, stored.version, OutcomeKind.SUPERSEDED)
    after = stored.source | {"gone_at": arrival.facts.fetched_at}
    return WritePlan(stored.place, version, OutcomeKind.GONE, reason, detail, after)
