"""Why a page gives no article: every reason once, with its meaning for people."""

from __future__ import annotations

from enum import StrEnum
from typing import NoReturn

from pipelines.errors import Poison, RecordFault, Rejected


class CleanReason(StrEnum):
    """Names of the reasons, as they stand in outcomes and dead letters; `MEANING` says what each one means."""

    EMPTY_BODY = "empty-body"
    NOT_HTML = "not-html"
    NO_TEXT = "no-text"
    TEXT_LOST = "text-lost"
    TOO_SHORT = "too-short"
    NOT_FOUND = "not-found-page"
    CONSENT_PAGE = "consent-page"
    BOT_CHECK = "bot-check"
    NEEDS_JAVASCRIPT = "needs-javascript"
    INDEX_PAGE = "index-page"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    TOO_MANY_TAGS = "too-many-tags"
    TOO_MANY_ATTRIBUTES = "too-many-attributes"
    UNDECODABLE = "undecodable"


MEANING: dict[CleanReason, tuple[type[RecordFault], str]] = {
    CleanReason.EMPTY_BODY: (Rejected, "the body is empty or white space"),
    CleanReason.NOT_HTML: (Rejected, "the body is neither a web page nor plain text"),
    CleanReason.NO_TEXT: (Rejected, "the page holds no text"),
    CleanReason.TEXT_LOST: (
        Rejected,
        "more than 20 KB of HTML gave no text: a page drawn by scripts, or one we read badly",
    ),
    CleanReason.TOO_SHORT: (Rejected, "the text is shorter than clean.min_words"),
    CleanReason.NOT_FOUND: (Rejected, "the page says that there is no such page"),
    CleanReason.CONSENT_PAGE: (Rejected, "a consent wall stands in the article's place"),
    CleanReason.BOT_CHECK: (Rejected, "a check for bots stands in the article's place"),
    CleanReason.NEEDS_JAVASCRIPT: (Rejected, "the page only asks for JavaScript"),
    CleanReason.INDEX_PAGE: (Rejected, "the page is a list of teasers: a front page or a section"),
    CleanReason.TOO_LARGE: (Poison, "the page is larger than clean.max_html_bytes"),
    CleanReason.TOO_DEEP: (Poison, "the elements are nested deeper than any parser follows in linear time"),
    CleanReason.TOO_MANY_TAGS: (Poison, "the page has more tags than can be read in bounded time"),
    CleanReason.TOO_MANY_ATTRIBUTES: (Poison, "one tag has more attributes than can be read in bounded time"),
    CleanReason.UNDECODABLE: (Poison, "the bytes are text in no known character encoding"),
}
"""For each reason the error it is raised as and its meaning: `Rejected` pages were understood, `Poison` was not."""


def refuse(reason: CleanReason, url: str, detail: str = "") -> NoReturn:
    """Raise the error that belongs to a reason.

    Args:
        reason: one of the reasons above.
        url: the page, named in the message.
        detail: what was found, e.g. `application/pdf` or `3 words`.

    Raises:
        Rejected: the page was understood and holds no article.
        Poison: the page cannot be processed.
    """
    error, meaning = MEANING[reason]
    raise error(f"{meaning} ({detail})" if detail else meaning, reason=reason.value, resource=url)
