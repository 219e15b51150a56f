"""Page -> article, the function that the river is about: cleaned, then tagged.

Everything that makes an article of a page calls `make_article`: the Beam job and `newsriver extract` in the sandbox,
the dry run of dead letters, the benchmarks and the quality suites.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import NewsriverError, Poison
from pipelines.sandbox import Limits, Sandbox
from pipelines.sandbox.protocol import UNEXPECTED

if TYPE_CHECKING:
    from pipelines.settings import CleanSettings
    from schemas.records import Article, Entry, PageFacts


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was fetched.

    Attributes:
        body: the answer's body, decoded from its content coding alone.
        entry: what was announced.
        facts: what is known of the fetch.
    """

    body: bytes
    entry: Entry
    facts: PageFacts


@dataclass(frozen=True, slots=True)
class ArticleContext:
    """What an article depends on beside its page.

    Attributes:
        clean: what is kept of a page, and the limits.
    """

    clean: CleanSettings


class TaggingFault(Poison):
    """The page was cleaned, and tagging the article failed."""


def make_article(page: Page, context: ArticleContext) -> Article:
    """Make an article of a page.

    Raises:
        Rejected: the page holds no article.
        Skipped: the settings say not to keep it.
        TaggingFault: the tagger failed, which no article should make it do.
        Poison: the page cannot be worked on.
    """
    from pipelines.clean import clean  # here, for a process that leaves the work to a child needs none of it
    from pipelines.topics.tagger import tag

    article = clean(page.body, page.entry, page.facts, context.clean)
    try:
        topics = tag(article.title, article.body, article.language)
    except (NewsriverError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told from a fault of the page
        fault = TaggingFault(f"{type(error).__name__}: {error}"[:1000], reason=UNEXPECTED, resource=article.url)
        fault.add_note("".join(traceback.format_exception(error))[-8000:])
        raise fault from None
    return article.model_copy(update={"topics": topics})


def article_sandbox(settings: CleanSettings) -> Sandbox:
    """Give a sandbox for `make_article`, with the settings' limits; no child is started yet."""
    limits = Limits(settings.cpu_seconds, settings.memory_mb, settings.wall_seconds)
    return Sandbox(limits, preload=("pipelines.clean", "pipelines.topics.tagger"))
