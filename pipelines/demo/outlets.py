"""The invented outlets as data: who they are, how their pages look, what they write; read from `outlets/*.toml`."""

from __future__ import annotations

import tomllib
import zlib
from functools import cache
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FeedFormat = Literal["rss", "rss-content", "rdf", "atom", "json"]
Template = Literal["semantic", "table", "soup", "amp", "blog", "live", "wordpress", "bare", "plain"]
Validator = Literal["etag", "last-modified", "none"]


class OutletPart(BaseModel):
    """Base of what a file of an outlet is made of: a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class FeedSpec(OutletPart):
    """One feed of an outlet."""

    path: str
    """Path on the outlet's address."""
    format: FeedFormat
    """Format it is written in."""
    title: str
    """Title of the feed."""
    only: tuple[str, ...] = ()
    """Slugs of the articles it announces; empty for all."""
    tracking: str = ""
    """Query that it adds to every link, as newsletters and aggregators do."""


class Labels(OutletPart):
    """The furniture around an article, in the outlet's language; none of it belongs to the text."""

    nav: tuple[str, ...]
    """Entries of the menu."""
    related: str
    """Heading of the list of other stories."""
    newsletter: str
    """Prompt to subscribe."""
    share: tuple[str, ...]
    """Labels of the share buttons."""
    cookies: str
    """Cookie notice."""
    advertisement: str
    """Label of an advertisement."""
    footer: str
    """Foot of the page."""
    comments_title: str
    """Heading of the comments."""
    comments: tuple[str, ...]
    """Readers' comments, or the invitation to write one."""
    by: str
    """Byline, with `{author}`."""
    exit: str = ""
    """Left-over of a mobile theme."""

    def furniture(self) -> tuple[str, ...]:
        """Give every text that must not be in a clean article."""
        lines = (self.related, self.newsletter, self.cookies, self.advertisement, self.footer, self.comments_title)
        return tuple(text for text in (*self.nav, *lines, *self.share, *self.comments, self.exit) if text)


class Article(OutletPart):
    """One article as the outlet wrote it."""

    slug: str
    """Its name in URLs, unique in the outlet."""
    section: str
    """Section, part of the URL and the feed's category."""
    title: str
    """Headline."""
    summary: str
    """Standfirst, also the feed's summary."""
    author: str
    """Name in the byline."""
    topics: tuple[str, ...]
    """What it is about: IPTC's top-level classes by name, the main one first."""
    hours: Annotated[float, Field(gt=0)]
    """Age in hours when the site starts."""
    caption: str = ""
    """Caption of its picture; without one it has no picture."""
    wire: str = ""
    """Name of the agency story it is a copy of; copies share it."""
    corrects: tuple[str, str] | None = None
    """Words of the first version and what the second has instead."""
    added: str = ""
    """Paragraph that only the second version has."""
    body: str
    """The text, paragraphs separated by an empty line."""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The text's paragraphs as first published."""
        return tuple(part.strip() for part in self.body.strip().split("\n\n"))

    @property
    def updated_paragraphs(self) -> tuple[str, ...]:
        """The text's paragraphs after its correction; the same as before for an article that has none."""
        wrong, right = self.corrects or ("", "")
        corrected = tuple(part.replace(wrong, right) if wrong else part for part in self.paragraphs)
        return (*corrected, self.added) if self.added else corrected

    @property
    def number(self) -> int:
        """Five digits for URLs that count their articles; a pure function of the slug."""
        return zlib.crc32(self.slug.encode()) % 90_000 + 10_000


class Outlet(OutletPart):
    """One invented outlet with its pages, feeds and articles."""

    name: str
    """Short name: its file's."""
    title: str
    """Name for people."""
    language: str
    """Language it writes in, ISO 639."""
    address: Annotated[int, Field(ge=2, le=254)]
    """Last number of its loopback address."""
    template: Template
    """Page template in `pages/`."""
    path: str
    """Path of an article, with `{section}`, `{slug}` and `{number}`."""
    validator: Validator
    """What its answers carry for conditional requests."""
    date_format: str
    """How it prints dates, for strftime."""
    crawl_delay: int = 0
    """Crawl-delay in its robots.txt, in seconds; 0 for none."""
    wait_seconds: float = 0
    """How long it takes to answer anything but robots.txt."""
    feeds: tuple[FeedSpec, ...] = ()
    """Its feeds."""
    labels: Labels
    """Its furniture."""
    articles: tuple[Article, ...]
    """What it has written, newest first or not."""

    def article_path(self, article: Article) -> str:
        """Give the path, with its query, of an article's page."""
        return self.path.format(section=article.section, slug=article.slug, number=article.number)

    def article(self, slug: str) -> Article:
        """Give the article of that name.

        Raises:
            KeyError: the outlet has none.
        """
        return {article.slug: article for article in self.articles}[slug]


@cache
def load_outlets() -> tuple[Outlet, ...]:
    """Read all outlets, by address.

    Raises:
        pydantic.ValidationError: a file is not as `Outlet` says.
    """
    folder = resources.files(__package__).joinpath("outlets")
    outlets = [
        Outlet.model_validate({"name": file.name.removesuffix(".toml"), **tomllib.loads(file.read_text("utf-8"))})
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(outlets, key=lambda outlet: outlet.address))
