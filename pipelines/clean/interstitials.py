"""Pages that stand in an article's place: consent walls, bot checks, "page not found", lists of teasers. Pure.

Articles write about all of these, so one sign is never enough. A page whose title is the feed's headline, or that calls
itself news, is believed by its title; what is left must be short and be about nothing else. The words are in
`interstitials.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from importlib.resources import files

from lxml import html as lxml_html

from pipelines.clean.decode import normal
from pipelines.clean.head import Head
from pipelines.clean.reasons import CleanReason
from pipelines.clean.titles import same_headline, title_parts
from pipelines.language import word_count

MOST_WORDS = 150
"""Words of a page that can be a wall or "not found" by its title; short news has them, too, so the title decides."""
FEW_WORDS = 100
"""Words of a page that can be a wall by its sentences."""
MOST_SHARE = 0.5
"""Share of the words that must stand in sentences of a wall."""
CARDS, CARD_SHARE, CARD_WORDS = 5, 0.7, 80
"""Teasers that make a list, the share of the words that they hold, and the most words of one."""
SECTION_WORDS = 4
"""Most words in the title of a front page or section; a headline has more."""

_TABLE: dict[str, dict[str, list[str]]] = tomllib.loads(
    files("pipelines.clean").joinpath("interstitials.toml").read_text(encoding="utf-8")
)
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n")
_LINKED_HEADING = "//h2[.//a[@href] or ancestor::a[@href]] | //h3[.//a[@href] or ancestor::a[@href]]"
_MOST_HEADINGS = 500


def _any(kind: str, part: str = "") -> re.Pattern[str]:
    rows = [_TABLE[kind][part]] if part else list(_TABLE[kind].values())
    return re.compile("|".join(f"(?:{phrase})" for phrases in rows for phrase in phrases), re.IGNORECASE)


_TITLES = (
    (CleanReason.NOT_FOUND, _any("not_found")),
    (CleanReason.BOT_CHECK, _any("bot_check")),
    (CleanReason.CONSENT_PAGE, _any("consent")),
)
_SENTENCES = (
    (CleanReason.BOT_CHECK, _any("bot_sentences"), None),
    (CleanReason.NEEDS_JAVASCRIPT, _any("javascript_sentences", "all"), _any("javascript_sentences", "address")),
    (CleanReason.CONSENT_PAGE, _any("consent_sentences"), None),
)


def interstitial(
    head: Head, lines: list[str], tree: lxml_html.HtmlElement | None, entry_title: str
) -> tuple[CleanReason, str] | None:
    """Tell what stands in the article's place, with what says so, or None for an article.

    Args:
        head: the page's own claims.
        lines: its text.
        tree: the page; None for plain text and for monsters.
        entry_title: the feed's headline; empty where there is none.
    """
    titles = [title for title in (head.title, head.meta("og:title"), *head.headings[:3]) if title]
    words = word_count("\n".join(lines))
    believed = any(same_headline(title, entry_title) for title in titles) or head.news
    if not believed and words <= MOST_WORDS:
        for title in titles:
            for part in title_parts(title):
                for reason, pattern in _TITLES:
                    if pattern.fullmatch(part):
                        return reason, part
    if words <= (FEW_WORDS // 2 if believed else FEW_WORDS) and (found := _by_sentences(lines, words)):
        return found
    if not believed and tree is not None and head.meta("og:type").lower() != "article":
        return _index(titles, lines, words, tree)
    return None


def _by_sentences(lines: list[str], words: int) -> tuple[CleanReason, str] | None:
    text = "\n".join(lines)
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if sentence]
    for reason, pattern, address in _SENTENCES:
        matching = [sentence for sentence in sentences if pattern.search(sentence)]
        if not matching or (address is not None and not address.search(text)):
            continue
        addressed = [each for each in sentences if address and address.search(each) and each not in matching]
        if sum(map(word_count, matching + addressed)) >= MOST_SHARE * words:
            return reason, matching[0][:80]
    return None


def _index(
    titles: list[str], lines: list[str], words: int, tree: lxml_html.HtmlElement
) -> tuple[CleanReason, str] | None:
    """Recognise a list of teasers: headings that lead elsewhere, with little below each, hold most of the text."""
    if any(word_count(title) > SECTION_WORDS for title in titles[-1:]):
        return None
    headings = tree.xpath(_LINKED_HEADING)[:_MOST_HEADINGS]
    if len(headings) < CARDS:
        return None
    within = Counter(ancestor for heading in headings for ancestor in heading.iterancestors())
    cards: list[str] = []
    for heading in headings:
        card = heading
        for ancestor in heading.iterancestors():
            if within[ancestor] > 1:
                break
            card = ancestor
        text = normal(card.text_content())
        if word_count(text) <= CARD_WORDS:
            cards.append(text)
    held = "\n".join(cards)
    share = sum(word_count(line) for line in lines if normal(line) in held)
    if len(cards) >= CARDS and share >= CARD_SHARE * words:
        return CleanReason.INDEX_PAGE, f"{len(cards)} teasers"
    return None
