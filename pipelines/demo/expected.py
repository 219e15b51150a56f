"""What must become of everything the sample site announces, so that a report or a test can compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.demo.answers import outlet_named
from pipelines.demo.cases import COURSE, PageCase, course
from pipelines.demo.feed_cases import CUT_SLUGS, FEED_CASES
from pipelines.demo.outlets import Article, Outlet, load_outlets
from pipelines.demo.seed import SEED_OUTLET, SEED_PATH, Seed
from pipelines.demo.timetable import Timetable
from schemas.records import OutcomeKind

NOT_MODIFIED_FEED = "harrow-courier"
"""Outlet whose feed must answer 304 to the second poll."""
_PHRASE_WORDS = 3


@dataclass(frozen=True, kw_only=True)
class ExpectedCase:
    """One thing that must be found in the ledger (a page) or in a feed's state (a feed).

    A page's case holds when one of its terminal outcomes has one of `kinds` and, where `reasons` has any, one of them.
    A feed's case holds when its last failure is one of `reasons`, or empty where `reasons` is.

    Attributes:
        name: what is special about it; `article` for what is not special at all.
        url: the link as announced, trackers included, or the feed's address.
        about: one sentence for people.
        subject: whether `url` is a page or a feed.
        kinds: outcomes any one of which is right; empty for a feed.
        reasons: reasons any one of which is right; empty when the kind says it all.
        holds: texts that the article's body must contain, white space apart.
        lacks: furniture that it must not contain: as a line of its own, and from three words on anywhere.
    """

    name: str
    url: str
    about: str
    subject: Literal["page", "feed"] = "page"
    kinds: tuple[OutcomeKind, ...] = ()
    reasons: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def special(self) -> bool:
        """Whether it is more than an ordinary article."""
        return self.name != "article"

    def faults(self, body: str) -> list[str]:
        """Name what a body lacks of the article or holds of the furniture; an empty list means it is clean."""
        lines = [_spaced(line) for line in body.splitlines()]
        whole = " ".join(lines)
        missing = [f"lost: {text}" for text in self.holds if _spaced(text) not in whole]
        left = [f"left: {text}" for text in self.lacks if _present(_spaced(text), lines, whole)]
        return missing + left


def _present(text: str, lines: list[str], whole: str) -> bool:
    return text in lines or (len(text.split()) >= _PHRASE_WORDS and text in whole)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def expected_cases(times: Timetable, cases: Sequence[PageCase], seed: Seed | None) -> list[ExpectedCase]:
    """Give what must become of everything.

    Args:
        times: addresses and dates of the run.
        cases: the special pages that are served.
        seed: the text from outside, if any.
    """
    found = [
        case
        for outlet in load_outlets()
        if outlet.name != COURSE
        for each in outlet.articles
        for case in _article_cases(outlet, each, times)
    ]
    found += [_page_case(case, times) for case in cases]
    found += [_course_article("announced by a truncated feed", slug, times) for slug in CUT_SLUGS]
    found += [
        ExpectedCase(name=case.name, url=case.url(times), about=case.about, subject="feed", reasons=case.reasons)
        for case in FEED_CASES
    ]
    unchanged = outlet_named(NOT_MODIFIED_FEED)
    found.append(
        ExpectedCase(
            name="feed not modified",
            url=times.url(unchanged, unchanged.feeds[0].path),
            about="Answers 304 to the second poll, because the first one's ETag comes back.",
            subject="feed",
        )
    )
    if seed is not None:
        found.append(_seed_case(times, seed))
    return found


def _article_cases(outlet: Outlet, written: Article, times: Timetable) -> list[ExpectedCase]:
    """Give what an article must become: once for itself, once more for each thing that is special about it."""
    url = times.url(outlet, outlet.article_path(written))
    indexed = (OutcomeKind.INDEXED,)
    kept = tuple(text for text in written.paragraphs if text in written.updated_paragraphs)
    name, about = "article", "An ordinary article: its text whole, none of the page's furniture."
    if written.wire:
        name, about = f"wire story: {written.wire}", "The same agency story in two outlets: both are kept."
    elif outlet.wait_seconds:
        name, about = "slow host", f"Takes {outlet.wait_seconds:g} s to answer."
    found = [ExpectedCase(name=name, url=url, about=about, kinds=indexed, holds=kept, lacks=furniture(outlet))]
    if written.added:
        found.append(
            ExpectedCase(
                name="corrected after publication",
                url=url,
                about="Its second visit finds a correction and a paragraph more.",
                kinds=(OutcomeKind.UPDATED,),
                holds=written.updated_paragraphs,
                lacks=furniture(outlet),
            )
        )
    found += [
        ExpectedCase(
            name="announced by two feeds",
            url=f"{url}?{feed.tracking}",
            about="The same article in a second feed, with tracking parameters: one document.",
            kinds=(OutcomeKind.DUPLICATE_URL,),
        )
        for feed in outlet.feeds
        if feed.tracking and written.slug in feed.only
    ]
    return found


def _page_case(case: PageCase, times: Timetable) -> ExpectedCase:
    texts = case.article.paragraphs if case.article else ()
    # Between two sentences of that page stands what XML forbids; what a cleaner makes of it is left open.
    holds = tuple(s for text in texts for s in text.split(". ")) if case.name == "control characters" else texts
    return ExpectedCase(
        name=case.name,
        url=times.url(course(), case.path),
        about=case.about,
        kinds=case.kinds,
        reasons=case.reasons,
        holds=holds,
        lacks=furniture(course()) if texts else (),
    )


def _course_article(name: str, slug: str, times: Timetable) -> ExpectedCase:
    outlet = course()
    written = outlet.article(slug)
    url = times.url(outlet, outlet.article_path(written))
    kinds = (OutcomeKind.INDEXED,)
    return ExpectedCase(name=name, url=url, about=written.summary, kinds=kinds, holds=written.paragraphs)


def _seed_case(times: Timetable, seed: Seed) -> ExpectedCase:
    return ExpectedCase(
        name="seed article",
        url=times.url(outlet_named(SEED_OUTLET), SEED_PATH),
        about="A text with bare furniture lines above and below it.",
        kinds=(OutcomeKind.INDEXED,),
        holds=seed.paragraphs,
        lacks=seed.furniture,
    )


def furniture(outlet: Outlet) -> tuple[str, ...]:
    """Give what a clean article of the outlet must not hold: labels, menus as one line, captions, other headlines."""
    labels = outlet.labels
    menu = (" ".join(labels.nav), " | ".join(labels.nav))
    captions = (each.caption for each in outlet.articles if each.caption)
    return (*labels.furniture(), *menu, *captions)
