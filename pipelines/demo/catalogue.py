"""Everything the sample site serves, announces and expects in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime

from pipelines.demo.answers import Responder, SampleAnswer, SampleVisit, article, fixed, page, robots, validated
from pipelines.demo.cases import COURSE, DISALLOWED, PAGE_CASES, PageCase, course
from pipelines.demo.expected import ExpectedCase, expected_cases
from pipelines.demo.feed_cases import FEED_CASES, item
from pipelines.demo.feeds import CONTENT_TYPES, SampleItem, render
from pipelines.demo.outlets import FeedSpec, Outlet, load_outlets
from pipelines.demo.seed import SEED_OUTLET, SEED_PATH, Seed, seed_item
from pipelines.demo.templates import front_page, lines_page, picture
from pipelines.demo.timetable import Timetable
from schemas.records import Feed

COURSE_FEED = FeedSpec(path="/feeds/rocks.xml", format="rss", title="Rough Water: mind the rocks")


@dataclass(frozen=True)
class Catalogue:
    """One run's site.

    Attributes:
        answers: responders by the last number of the address, then by path with query.
        feeds: every feed to poll, the broken ones too.
        expected: what must become of every page and feed.
    """

    answers: dict[int, dict[str, Responder]]
    feeds: list[Feed]
    expected: list[ExpectedCase]


def build(times: Timetable, seed: Seed | None = None) -> Catalogue:
    """Put the site together.

    Args:
        times: addresses and dates of the run.
        seed: a text to be served as one page more.
    """
    cases = [case for case in PAGE_CASES if times.apart or not case.apart_only]
    answers = {outlet.address: _outlet_answers(outlet, times, seed) for outlet in load_outlets()}
    rocks = answers[course().address]
    for special in cases:
        rocks.update(special.answers(times))
    for broken in FEED_CASES:
        rocks.update(broken.answers(times))
    rocks[COURSE_FEED.path] = _feed(course(), COURSE_FEED, times, [_case_item(case, times) for case in cases])
    return Catalogue(answers=answers, feeds=_feed_list(times), expected=expected_cases(times, cases, seed))


def _outlet_answers(outlet: Outlet, times: Timetable, seed: Seed | None) -> dict[str, Responder]:
    answers = {
        "/": fixed(page(front_page(outlet))),
        "/robots.txt": robots(outlet, (DISALLOWED,) if outlet.name == COURSE else ()),
    }
    for written in outlet.articles:
        answers[f"/picture/{written.number}.svg"] = fixed(page(picture(written.number), "image/svg+xml"))
        if outlet.name != COURSE:  # the course's pages come from their cases
            answers[outlet.article_path(written)] = article(outlet, written, times)
    extra = []
    if seed is not None and outlet.name == SEED_OUTLET:
        answers[SEED_PATH] = fixed(page(lines_page(outlet, title=seed.title, lines=seed.lines)))
        extra = [seed_item(outlet, seed, times)]
    for feed in outlet.feeds:
        announced = [each for each in outlet.articles if not feed.only or each.slug in feed.only]
        items = [item(outlet, each, times, feed.tracking) for each in announced]
        answers[feed.path] = _feed(outlet, feed, times, [*extra, *items])
    return answers


def _feed(outlet: Outlet, feed: FeedSpec, times: Timetable, items: Sequence[SampleItem]) -> Responder:
    newest_first = sorted(items, key=lambda each: each.published, reverse=True)
    body = render(
        feed.format,
        url=times.url(outlet, feed.path),
        home=times.base(outlet.address),
        title=feed.title,
        language=outlet.language,
        items=newest_first,
    )
    answer = page(body, CONTENT_TYPES[feed.format])
    newest = format_datetime(newest_first[0].published, usegmt=True)

    def respond(visit: SampleVisit) -> SampleAnswer:
        return validated(answer, visit, outlet.validator, newest)

    return respond


def _case_item(case: PageCase, times: Timetable) -> SampleItem:
    """Give a special page as the course's feed announces it: by its own path, which may not be its article's."""
    outlet = course()
    url = times.url(outlet, case.path)
    place = PAGE_CASES.index(case)
    return SampleItem(
        link=url,
        url=url,
        title=case.article.title if case.article else case.title,
        summary=case.about,
        author=case.article.author if case.article else "",
        section=case.name,
        published=(times.start - timedelta(hours=1 + place)).replace(microsecond=0),
    )


def _feed_list(times: Timetable) -> list[Feed]:
    found = [
        Feed(url=times.url(outlet, feed.path), title=feed.title, source=outlet.name, language=outlet.language)
        for outlet in load_outlets()
        for feed in (*outlet.feeds, *((COURSE_FEED,) if outlet.name == COURSE else ()))
    ]
    return found + [Feed(url=case.url(times), title=case.name, source=COURSE, language="en") for case in FEED_CASES]


def site_index(feeds: Sequence[Feed]) -> str:
    """Give the feeds as lines for people, the address first."""
    return "\n".join(f"{feed.url}  {feed.title}" for feed in feeds)
