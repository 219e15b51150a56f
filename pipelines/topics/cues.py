"""Find the cues of a lexicon in a text: by words, or by characters where a language puts no space between words.

Notation of a cue: words in lower case, separated by blanks that also stand for a hyphen or an apostrophe
(`cease fire` finds "cease-fire"); a star is any ending or beginning (`protest*`, `*minister`). Of several
single-word cues that fit, the one with the most letters counts.

In Chinese and Japanese a cue is two characters or more and is found wherever it stands, the longest first; only
Latin letters and katakana must not go on beside it, unless a star says so (`テロ` is not in "ステロイド").
In Arabic a word is also looked up without the article and the particles that are written to its front, and
without the differences between letters that writers leave out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from pipelines.language import MARKS

WITHOUT_SPACES = frozenset({"zh", "ja"})
"""Languages whose cues are found by characters."""

_LONGEST_WORD = 60
"""Longer words are no words and have no cues."""
_REMEMBERED_WORDS = 100_000
"""Words whose cues are kept in memory, per language; then it starts anew."""
_CHARACTERS_A_WORD = 2
"""What segmenters of Chinese and Japanese find on news text."""
_LEAST_STEM = 3
"""Letters that must be left of an Arabic word when an article is taken off its front."""
_LEAST_BARE_STEM = 4
"""The same for a particle alone: كمال is a name and not "like money"."""

_SEPARATORS = re.compile(r"([\W_]+)")
_SEPARATORS_BUT_MARKS = re.compile(rf"([^\w{MARKS}]+)")
_MARKS = re.compile(f"[{MARKS}\u0640]+")  # with the tatweel, which only stretches a word
_CUE_WORDS = re.compile(r"[^\W_]+\*?|\*[^\W_]+")
_JOINS = frozenset(" \u00a0-\u2010\u2011'\u2019")
"""Characters that may stand between the words of one phrase."""
_RUNS_ON = re.compile("[a-z0-9]|[\u30a1-\u30fa\u30fc]")
_ARABIC_LETTERS = str.maketrans("أإآٱىة", "اااايه")
_ARABIC_ARTICLES = ("وبال", "وال", "فال", "بال", "كال", "ولل", "لل", "ال")
_ARABIC_PARTICLES = ("و", "ف", "ب", "ل", "ك")

Forms = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Cue:
    """One entry of a lexicon, compared by identity.

    Attributes:
        rest: the words after the first, each literal or with a star; empty where cues are found by characters.
        votes: weight by topic id; empty for a mask.
    """

    rest: tuple[str, ...]
    votes: tuple[tuple[str, float], ...]


Candidates = tuple[Cue, ...]


class CueMatcher(Protocol):
    """What finds the cues of one language."""

    def find(self, text: str) -> Iterator[tuple[Cue, str]]:
        """Give the cues of a lower-case text from left to right, each as it is written there; none overlap."""
        ...

    def length(self, line: str) -> int:
        """Give about how many words a line has."""
        ...


def cue_matcher(language: str, votes: dict[str, dict[str, float]]) -> CueMatcher:
    """Make the matcher of a language from the weights by topic of each cue; a mask has none."""
    entries = [(written, tuple(by_topic.items())) for written, by_topic in votes.items()]
    if language in WITHOUT_SPACES:
        return CharacterMatcher((written, Cue((), found)) for written, found in entries)
    forms = _FORMS.get(language)
    cues = []
    for written, found in entries:
        first, *rest = [_cue_word(word, language) for word in _CUE_WORDS.findall(written)]
        cues.append((first, Cue(tuple(rest), found)))
    return WordMatcher(TopicWords(cues, forms), _SEPARATORS_BUT_MARKS if language == "ar" else _SEPARATORS)


def lower_case(text: str, language: str) -> str:
    """Give a text in Unicode form NFC and in the language's lower case: Turkish has a letter for each i."""
    if language == "tr":
        text = unicodedata.normalize("NFC", text).replace("İ", "i").replace("I", "ı")
    return unicodedata.normalize("NFC", text).lower()


class TopicWords(dict[str, Candidates]):
    """The cues that may begin with a word, longest first; what was looked up once is kept."""

    def __init__(self, cues: Iterable[tuple[str, Cue]], forms: Forms | None = None) -> None:
        super().__init__()
        self.forms = forms
        self._by_first: dict[str, list[Cue]] = {}
        for first, cue in cues:
            self._by_first.setdefault(first, []).append(cue)

    def __missing__(self, word: str) -> Candidates:
        if len(word) > _LONGEST_WORD:
            return ()
        if len(self) >= _REMEMBERED_WORDS:
            self.clear()
        forms = self.forms(word) if self.forms else (word,)
        self[word] = result = next((found for found in map(self._candidates, forms) if found), ())
        return result

    def _candidates(self, word: str) -> Candidates:
        patterns = [(len(word) + 1, word)]
        patterns += [(n, f"{word[:n]}*") for n in range(1, len(word) + 1)]
        patterns += [(len(word) - n, f"*{word[n:]}") for n in range(len(word))]
        found = [(letters, cue) for letters, pattern in patterns for cue in self._by_first.get(pattern, ())]
        phrases = sorted((cue for _, cue in found if cue.rest), key=lambda cue: -len(cue.rest))
        singles = sorted(((n, cue) for n, cue in found if not cue.rest), key=lambda pair: -pair[0])
        return (*phrases, *(cue for _, cue in singles[:1]))


@dataclass(frozen=True, slots=True)
class WordMatcher:
    """Finds cues in a language that puts spaces between words."""

    words: TopicWords
    separators: re.Pattern[str]

    def find(self, text: str) -> Iterator[tuple[Cue, str]]:
        """Give the cues of a lower-case text from left to right."""
        parts = self.separators.split(text)  # words at even places, what separates them at odd ones
        words, free = self.words, 0
        for at, candidates in [(2 * i, found) for i, word in enumerate(parts[::2]) if (found := words[word])]:
            if at < free:
                continue
            for cue in candidates:
                end = at + 2 * len(cue.rest)
                if not cue.rest or self._continues(parts, at, cue.rest):
                    if cue.votes:
                        yield cue, "".join(parts[at : end + 1])
                    free = end + 1
                    break

    def length(self, line: str) -> int:
        """Count the blanks."""
        return line.count(" ") + 1

    def _continues(self, parts: list[str], at: int, rest: tuple[str, ...]) -> bool:
        if at + 2 * len(rest) >= len(parts):
            return False
        forms = self.words.forms
        for expected in rest:
            at += 2
            word = parts[at]
            if (
                word != expected
                and not (expected[-1] == "*" and word.startswith(expected[:-1]))
                and not (forms and _fits(forms, word, expected))
            ):
                return False
            if parts[at - 1] not in _JOINS and not _JOINS.issuperset(parts[at - 1]):
                return False
        return True


def _fits(forms: Forms, word: str, expected: str) -> bool:
    if len(word) > _LONGEST_WORD:
        return False
    if expected[-1] == "*":
        return any(form.startswith(expected[:-1]) for form in forms(word))
    return expected in forms(word)


class CharacterMatcher:
    """Finds cues in a language that puts no spaces between words."""

    def __init__(self, cues: Iterable[tuple[str, Cue]]) -> None:
        self._by_head: dict[str, list[tuple[str, bool, bool, Cue]]] = {}
        for written, cue in cues:
            word = written.strip("*")
            before = not written.startswith("*") and _RUNS_ON.match(word[0]) is not None
            after = not written.endswith("*") and _RUNS_ON.match(word[-1]) is not None
            self._by_head.setdefault(word[:2], []).append((word, before, after, cue))
        for found in self._by_head.values():
            found.sort(key=lambda entry: -len(entry[0]))

    def find(self, text: str) -> Iterator[tuple[Cue, str]]:
        """Give the cues of a lower-case text from left to right."""
        heads, free = self._by_head, 0
        for at in [i for i, pair in enumerate(map("".join, pairwise(text))) if pair in heads]:
            if at < free:
                continue
            for word, before, after, cue in heads[text[at : at + 2]]:
                end = at + len(word)
                if not text.startswith(word, at) or (before and at and _one_run(text[at - 1], text[at])):
                    continue
                if after and end < len(text) and _one_run(text[end - 1], text[end]):
                    continue
                if cue.votes:
                    yield cue, word
                free = end
                break

    def length(self, line: str) -> int:
        """Count the characters, two a word."""
        return len(line) // _CHARACTERS_A_WORD + 1


def _one_run(left: str, right: str) -> bool:
    """Tell whether two neighbours are both Latin letters or digits, or both katakana: no word ends between them."""
    return _RUNS_ON.match(left) is not None and _RUNS_ON.match(right) is not None and left.isascii() == right.isascii()


def _arabic_forms(word: str) -> tuple[str, ...]:
    """Give a word as it is looked up, the barest last: as written, then without what is written to its front."""
    word = _MARKS.sub("", word).translate(_ARABIC_LETTERS)
    forms = [word]
    for prefixes, least in ((_ARABIC_PARTICLES, _LEAST_BARE_STEM), (_ARABIC_ARTICLES, _LEAST_STEM)):
        for prefix in prefixes:
            if word.startswith(prefix) and len(word.strip("*")) - len(prefix) >= least:
                forms.append(word[len(prefix) :])
                break
    return tuple(forms)


def _cue_word(word: str, language: str) -> str:
    """Give a word of a cue in the form in which words are looked up: in Arabic without its article."""
    if language not in _FORMS:
        return word
    forms = _FORMS[language](word)
    return forms[-1] if language == "ar" and word.startswith("ال") else forms[0]


def _russian_forms(word: str) -> tuple[str, ...]:
    """Give a word with the letter that print leaves its dots off."""
    return (word.replace("ё", "е"),)


_FORMS: dict[str, Forms] = {"ar": _arabic_forms, "ru": _russian_forms}
