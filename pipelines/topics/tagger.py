"""Give an article its topics: the top classes of IPTC Media Topics, each with the words that speak for it.

A lexicon per language (`lexicon/<language>.toml`) lists cues per class in three strengths. The text is cut into words,
cues are looked up from the left, the longest first, and every class is weighed twice: over the whole article, and in
the best of the paragraphs that it leads or nearly leads, since a protest paragraph in an article on diplomacy vanishes
in the whole.

The notation of cues is explained in `pipelines/topics/cues.py`. The list `mask` holds phrases that contain a cue and do
not mean it.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from pipelines.topics.cues import Cue, CueMatcher, cue_matcher, lower_case
from schemas.media_topics import BY_ID
from schemas.records import TopicTag

MAX_TOPICS = 4
MAX_EVIDENCE = 8
WEIGHTS = {"strong": 2.0, "normal": 1.0, "weak": 0.35}
"""What one cue of each list adds."""

_LEAST_SCORE = 0.5
"""Strength equals threshold."""
_TITLE, _LEAD, _REST = 2.5, 1.5, 1.0
"""What a cue's place is worth: news says first what matters."""
_FIRM = WEIGHTS["normal"]
"""A class needs one cue of this weight at least: weak ones only add."""
_SEGMENT_WORDS = 40
"""Short paragraphs are read together until they have this many words."""
_WHOLE_WORDS = 100
"""Shorter texts are weighed as if they had this many words, so that one cue in a headline does not decide."""
_THRESHOLD = 4.0
"""Strength at which a topic is given, where its class has no `threshold` of its own."""
_SHORT_WORDS = 80
"""A shorter text has the lexicon's `short_threshold`, since it has no room to say the same twice."""
_PARAGRAPH = 1.25
"""The best paragraph alone must reach this many times the threshold."""
_NEAR = 0.55
"""A topic is given only when it has this part of the strongest one's strength, in the whole or in its paragraph."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The cues of one language, ready to be looked up.

    Attributes:
        cues: what finds the cues.
        thresholds: strength at which a topic is given, by topic id.
        short: the same in short texts, at most.
    """

    cues: CueMatcher
    thresholds: dict[str, float]
    short: float


def compile_lexicon(document: dict[str, Any]) -> Lexicon:
    """Make a lexicon from its TOML document: `language`, `mask` and one table per topic id."""
    votes: dict[str, dict[str, float]] = {phrase: {} for phrase in document.get("mask", ())}
    for topic in BY_ID:
        for strength, weight in WEIGHTS.items():
            for cue in document.get(topic, {}).get(strength, ()):
                votes.setdefault(cue, {})[topic] = weight
    usual = document.get("threshold", _THRESHOLD)
    matcher = cue_matcher(document.get("language", ""), votes)
    thresholds = {topic: document.get(topic, {}).get("threshold", usual) for topic in BY_ID}
    return Lexicon(matcher, thresholds, document.get("short_threshold", usual))


@cache
def languages() -> frozenset[str]:
    """Give the languages that have a lexicon, as ISO 639 codes."""
    return frozenset(item.name.removesuffix(".toml") for item in _folder().iterdir() if item.name.endswith(".toml"))


def _folder() -> Traversable:
    return files("pipelines.topics").joinpath("lexicon")


@cache
def _lexicon(language: str) -> Lexicon | None:
    if language not in languages():
        return None
    return compile_lexicon(tomllib.loads(_folder().joinpath(f"{language}.toml").read_text(encoding="utf-8")))


def _segments(body: str, length: Callable[[str], int]) -> Iterator[tuple[str, int]]:
    """Cut a body at its lines into pieces of `_SEGMENT_WORDS` or more, each with its number of words."""
    held: list[str] = []
    words = 0
    for line in body.split("\n"):
        held.append(line)
        words += length(line)
        if words >= _SEGMENT_WORDS:
            yield "\n".join(held), words
            held, words = [], 0
    if held:
        yield "\n".join(held), words


@dataclass(slots=True)
class _Tally:
    """What was found so far.

    Attributes:
        places: worth of each cue's first place.
        counts: occurrences of each cue.
        shown: each cue as it first occurred.
        best: strength in the best of the segments that it leads or nearly leads, by topic id.
        firm: topics with a cue that is not weak.
        words: words read.
    """

    places: dict[Cue, float] = field(default_factory=dict)
    counts: dict[Cue, int] = field(default_factory=dict)
    shown: dict[Cue, str] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    firm: set[str] = field(default_factory=set)
    words: int = 0

    def read(self, cues: CueMatcher, text: str, place: float, length: int) -> None:
        here: set[Cue] = set()
        mass: dict[str, float] = {}
        for cue, shown in cues.find(text):
            self.counts[cue] = self.counts.get(cue, 0) + 1
            if cue not in self.shown:
                self.places[cue], self.shown[cue] = place, shown
            if cue not in here:
                here.add(cue)
                for topic, weight in cue.votes:
                    mass[topic] = mass.get(topic, 0.0) + weight
                    if weight >= _FIRM:
                        self.firm.add(topic)
        self.words += length
        if not length:
            return
        scale = math.sqrt(_SEGMENT_WORDS / max(length, _SEGMENT_WORDS))
        near = _NEAR * max(mass.values(), default=0.0)
        for topic, value in mass.items():
            if value < near:
                continue
            self.best[topic] = max(self.best.get(topic, 0.0), value * scale)

    def contributions(self) -> dict[str, list[tuple[float, str]]]:
        """Give what each cue adds to each topic, strongest first."""
        found: dict[str, list[tuple[float, str]]] = {}
        for cue, count in self.counts.items():
            worth = self.places[cue] * (1 + math.log(count))
            for topic, weight in cue.votes:
                found.setdefault(topic, []).append((weight * worth, self.shown[cue]))
        for cues in found.values():
            cues.sort(key=lambda pair: -pair[0])
        return found


def tag(title: str, body: str, language: str) -> list[TopicTag]:
    """Give the topics of an article, best first, at most `MAX_TOPICS`.

    Args:
        title: the headline.
        body: clean text, one paragraph a line.
        language: ISO 639; a language without a lexicon gives no topics.

    Returns:
        Topics with score 0.5 or more: the strength s against the class's threshold t as s / (s + t). Evidence is words
        of title and body in lower case and Unicode form NFC, up to `MAX_EVIDENCE`; no topic is without.
    """
    lexicon = _lexicon(language)
    if lexicon is None:
        return []
    tally = _Tally()
    tally.read(lexicon.cues, lower_case(title, language), _TITLE, 0)
    for i, (text, length) in enumerate(_segments(lower_case(body, language), lexicon.cues.length)):
        tally.read(lexicon.cues, text, _REST if i else _LEAD, length)
    return _choose(lexicon, tally)


def _choose(lexicon: Lexicon, tally: _Tally) -> list[TopicTag]:
    found = {topic: cues for topic, cues in tally.contributions().items() if topic in tally.firm}
    scale = math.sqrt(_WHOLE_WORDS / max(tally.words, _WHOLE_WORDS))
    whole = {topic: scale * sum(worth for worth, _ in cues) for topic, cues in found.items()}
    part = {topic: tally.best.get(topic, 0.0) / _PARAGRAPH for topic in found}
    near = _NEAR * max(whole.values(), default=0.0)
    most = lexicon.short if tally.words < _SHORT_WORDS else math.inf
    scored: list[tuple[float, str]] = []
    for topic in found:
        strength = max(whole[topic] if whole[topic] >= near else 0.0, part[topic])
        score = round(strength / (strength + min(most, lexicon.thresholds[topic])), 4)
        if score >= _LEAST_SCORE:
            scored.append((-score, topic))
    return [
        TopicTag(id=topic, label=BY_ID[topic].label, score=-negative, evidence=_evidence(found[topic]))
        for negative, topic in sorted(scored)[:MAX_TOPICS]
    ]


def _evidence(cues: list[tuple[float, str]]) -> list[str]:
    return list(dict.fromkeys(shown for _, shown in cues))[:MAX_EVIDENCE]
