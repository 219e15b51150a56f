"""Articles for the benchmark of searches: invented words of seven languages as often as words are (Zipf). Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from pipelines.urls import article_id
from schemas.media_topics import TOP_TOPICS
from schemas.records import Article, TopicTag

VOCABULARY = 30_000
"""Different words of a language; the n-th is as frequent as 1/n (Zipf's law)."""
DAYS = 60
"""Days that the articles are spread over."""
SOURCES = 200

_MEDIAN_WORDS, _SPREAD, _LONGEST = 420, 0.6, 4000
_SHARES = {"en": 40, "de": 15, "fr": 12, "es": 12, "ru": 9, "it": 7, "ar": 5}
_SYLLABLES = {
    "en": "an be co den er fin gra hol in ker lo mer nit or pan ques ri sta ther un ver wil yor zen",
    "de": "auf ber che dorf ein feld gen haus ig jahr kel land mit nen ober pfer rat schaft tung und wer zeit",
    "fr": "ai bon ci dre eau fran gne heu il jour ket lle mont neu ou pré quoi ri ser tion un ville yeu",
    "es": "al ba ción do es fue gran ha in jo ki la mie no ón pre que ra so tad un via ya zo",
    "ru": "ан бе во гра до ер жи за ин ко ло мо на об пре ра сто тер ул фи хо цен ча ше",
    "it": "al bel che del ente fio glia ha il ki lo men non ora pre qua ra sco tto uno vi zia",
    "ar": "ال بر تم جا حد خر در رس زم سل شر صن طر عم فق قد كل لم من هد وا يو",
}


@dataclass
class SearchCorpus:
    """Makes articles, and words to ask for.

    Args:
        seed: other seeds make other texts.
        now: the newest article's date.
    """

    seed: int
    now: datetime
    words: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        """Invent the words."""
        self.words = {language: _vocabulary(language, self.seed) for language in _SHARES}
        self._weights = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))

    def articles(self, count: int) -> Iterator[Article]:
        """Give articles, each with its number as its text's digest."""
        random = Random(self.seed)  # noqa: S311 - texts, no secrets
        for number in range(count):
            yield self._article(number, random)

    def _article(self, number: int, random: Random) -> Article:
        [language] = random.choices([*_SHARES], [*_SHARES.values()])
        length = min(_LONGEST, max(30, round(random.lognormvariate(math.log(_MEDIAN_WORDS), _SPREAD))))
        text = random.choices(self.words[language], cum_weights=self._weights, k=length)
        source = min(int(random.paretovariate(0.8)) - 1, SOURCES - 1)
        url = f"https://outlet{source}.example.org/news/{number}"
        when = self.now - timedelta(seconds=random.random() * DAYS * 86_400)
        topic = random.choice(TOP_TOPICS)
        return Article(
            id=article_id(url),
            url=url,
            source=f"outlet{source}",
            title=" ".join(random.choices(self.words[language], cum_weights=self._weights, k=9)),
            body="\n".join(" ".join(text[start : start + 60]) for start in range(0, length, 60)),
            language=language,
            published_at=when,
            first_seen=when,
            fetched_at=when,
            topics=[TopicTag(id=topic.id, label=topic.label, score=0.8, evidence=text[:2])],
            words=length,
            content_digest=f"{number:032x}",
        )

    def word(self, random: Random, most_frequent: int = 50, rarest: int = 5000) -> str:
        """Give a word of English of middling frequency, as people ask for."""
        return self.words["en"][random.randrange(most_frequent, rarest)]


def _vocabulary(language: str, seed: int) -> list[str]:
    random = Random(f"{language} {seed}")  # noqa: S311
    found: dict[str, None] = {}
    syllables = _SYLLABLES[language].split()
    while len(found) < VOCABULARY:
        found["".join(random.choices(syllables, k=random.choice((1, 2, 2, 3, 3, 4))))] = None
    return [*found]
