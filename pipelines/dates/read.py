"""Text to moment: every part of it must be understood, or there is none. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from pipelines.dates.calendars import ERAS, from_buddhist, from_persian
from pipelines.dates.common import read_common
from pipelines.dates.moment import Moment, Order
from pipelines.dates.tokens import Token, TokenKind, tokens_of
from pipelines.dates.words import (
    FILLERS,
    PERSIAN_MONTHS,
    DateWords,
    key_of,
    languages_of,
    normalised,
    order_of,
    words_of,
)
from pipelines.dates.zones import WIDEST, is_zone, offset_of

MAX_LENGTH = 120
"""Longest text that is looked at: a date is shorter in every language."""

_EPOCH = re.compile(r"1\d{9}(?:\d{3})?(?:\.\d{1,9})?")
_OURS = (1600, 2400)
"""Years between which a date in numbers is of our calendar in every language."""
_PHRASE = 3  # most words of one name: `20 de nov.`, `thứ bảy`, `تشرين الثاني`
_THAI = re.compile("[\u0e00-\u0e7f]")


def read_moment(text: str, languages: Sequence[str] = ()) -> Moment | None:
    """Read a date, with its time and zone where they are there.

    ISO 8601 and RFC 3339, RFC 5322 and what passes for it, JavaScript's and Unix's forms, numbers in the language's
    order, words of eighty languages, clocks of twelve hours, Japanese eras, Buddhist and Persian years, seconds and
    milliseconds since 1970. What may be two dates, or holds a word that nobody knows, is none.

    Args:
        text: the whole of what is said, nothing beside it.
        languages: tags of the text's language (`en-GB`, `pt`), the surest first; they decide where words and orders
            differ.
    """
    common = read_common(text.strip())
    if common and _OURS[0] <= common.at.year <= _OURS[1]:
        return common
    value = normalised(text[: MAX_LENGTH + 1])
    if not value or len(text.strip()) > MAX_LENGTH:
        return None
    if _EPOCH.fullmatch(value):
        seconds = int(value[:10])
        return Moment(datetime.fromtimestamp(seconds, UTC), zoned=True, timed=True)
    tokens = tokens_of(value)
    parts = _Parts(tuple(languages), thai=_THAI.search(value) is not None)
    try:
        return parts.moment() if tokens and parts.take(tokens) else None
    except (ValueError, OverflowError):
        return None


@dataclass
class _Parts:
    """The parts of one date, as they are found."""

    tags: tuple[str, ...]
    thai: bool = False
    single: dict[TokenKind, Token] = field(default_factory=dict)  # a date in numbers, a time of day, an offset
    months: list[tuple[frozenset[int], bool]] = field(default_factory=list)  # numbers, may be a weekday
    persian: bool = False
    numbers: list[Token] = field(default_factory=list)
    half: int | None = None
    zone: str = ""

    def __post_init__(self) -> None:
        codes = languages_of(self.tags)
        self.thai = self.thai or "th" in codes
        self._own, self._all = words_of(codes), words_of(())

    def take(self, tokens: list[Token]) -> bool:
        """Sort tokens into parts; False where one is not understood or comes twice."""
        place = 0
        while place < len(tokens):
            token = tokens[place]
            taken = self._phrase(tokens, place) if token.kind is TokenKind.WORD else int(self._put(token))
            if not taken:
                return False
            place += taken
        return True

    def _put(self, token: Token) -> bool:
        kind = TokenKind.CLOCK if token.kind is TokenKind.DOTTED else token.kind
        if kind is TokenKind.DATE and token.mark == "." and _is_short(token) and (kind in self.single or self.numbers):
            kind = TokenKind.CLOCK  # 18.05.00, as Danes and Finns write the time
        if kind is TokenKind.NUMBER:
            self.numbers.append(token)
        elif kind is TokenKind.MONTH:
            self.months.append((frozenset(token.numbers), False))
        elif kind is TokenKind.NOTE:
            return self._note(token.text)
        elif kind is not TokenKind.COMMA:
            return self.single.setdefault(kind, token) is token
        return len(self.numbers) <= 2

    def _note(self, text: str) -> bool:
        """Read what stands in parentheses: a weekday, a zone; a comment where the zone is known without it."""
        if self._day(key_of(text)) or TokenKind.OFFSET in self.single:
            return True
        inner = (tokens_of(f"0:00 {text}") or [])[1:]
        offset = next((token for token in inner if token.kind is TokenKind.OFFSET), None)
        if offset:
            self.single[TokenKind.OFFSET] = offset
            return all(is_zone(token.text) for token in inner if token.kind is TokenKind.WORD)
        if (is_zone(text) or "/" in text) and not self.zone:
            self.zone = text
            return TokenKind.CLOCK in self.single
        return False

    def _phrase(self, tokens: list[Token], place: int) -> int:
        """Take the longest run of words that means something; give how many tokens it is."""
        for length in range(_PHRASE, 0, -1):
            run = tokens[place : place + length]
            # A hyphen within a name is a token of its own: `segunda-feira`.
            if len(run) == length and all(token.kind is TokenKind.WORD or token.text == "-" for token in run):
                key = key_of(" ".join(token.text for token in run if token.kind is TokenKind.WORD))
                if run[-1].kind is TokenKind.WORD and self._word(key, tokens, place, length):
                    return length
        return 0

    def _word(self, key: str, tokens: list[Token], place: int, length: int) -> bool:
        before = tokens[place - 1] if place else None
        behind = tokens[place + length] if place + length < len(tokens) else None
        beside = any(
            token is not None and token.kind in (TokenKind.CLOCK, TokenKind.DOTTED) for token in (before, behind)
        )
        if beside and self.half is None:
            half = self._own.halves.get(key, self._all.halves.get(key) if len(key) > 1 else None)
            if half is not None:
                self.half = half
                return True
        timed = TokenKind.CLOCK in self.single or (behind is not None and behind.kind is TokenKind.CLOCK)
        if timed and is_zone(key) and (not self.zone or self.zone == key):
            self.zone = key
            return True
        return self._month(key) or self._day(key) or key in FILLERS

    def _month(self, key: str) -> bool:
        if key in PERSIAN_MONTHS and key not in self._own.months:
            self.persian = True
            self.months.append((frozenset({PERSIAN_MONTHS[key]}), False))
            return True
        numbers = _month_in(key, self._own) or self._all.months.get(key, frozenset())
        if numbers:
            self.months.append((numbers, self._day(key)))
        return bool(numbers)

    def _day(self, key: str) -> bool:
        bare = key.removesuffix("ที่")
        return bool(bare) and (bare in self._own.days or bare in self._all.days)

    def moment(self) -> Moment:
        """Put the parts together.

        Raises:
            ValueError: they are no date, or more than one.
        """
        day = self._date()
        local = datetime(day.year, day.month, day.day) + self._time()  # noqa: DTZ001 - the zone is told apart
        offset = self._offset(local)
        at = (local - (offset or timedelta())).replace(tzinfo=UTC)
        timed = TokenKind.CLOCK in self.single
        return Moment(at, zoned=offset is not None, timed=timed, offset=offset or timedelta())

    def _offset(self, local: datetime) -> timedelta | None:
        said = self.single.get(TokenKind.OFFSET)
        offset = timedelta(minutes=said.numbers[0]) if said else None
        if self.zone:
            named = offset_of(self.zone, local, self.tags)
            if named is None or (offset is not None and named not in (offset, timedelta())):
                raise ValueError("a zone that nobody knows, or two")
            offset = named if offset is None else offset
        if offset is not None and abs(offset) > WIDEST:
            raise ValueError("no zone is so far from Greenwich")
        return offset

    def _time(self) -> timedelta:
        """Give the time of day; 24:00 is the day's end and second 60 a leap second (ISO 8601, RFC 3339)."""
        clock = self.single.get(TokenKind.CLOCK)
        if clock is None:
            if TokenKind.OFFSET in self.single or self.zone or self.half is not None:
                raise ValueError("a zone without a time")
            return timedelta()
        hours, minutes, seconds = clock.numbers
        if self.half is not None and 1 <= hours <= 12:
            hours = hours % 12 + self.half
        if hours > 24 or minutes > 59 or seconds > 60 or (hours == 24 and minutes + seconds > 0):
            raise ValueError("no time of day")
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def _date(self) -> date:
        if numeric := self.single.get(TokenKind.DATE):
            if self.months or self.numbers:
                raise ValueError("more than one date")
            return self._of_numbers(numeric)
        month = self._one_month()
        if len(self.numbers) != 2:
            raise ValueError("no day and year")
        first, second = self.numbers
        if len(first.text) == len(second.text) == 4:
            raise ValueError("two years")
        day, year = (second, first) if len(first.text) > 2 else (first, second)
        if len(day.text) > 2 or len(year.text) == 3 or (len(year.text) == 1 and not self.thai):
            raise ValueError("no day or no year")
        return self._day_of(self._full(year), month, day.numbers[0])

    def _one_month(self) -> int:
        """Choose among the words that may be the month, those first that can be no weekday (as `mar` may be)."""
        options = [entry for entry in self.months if not entry[1]] or self.months[-1:]
        if len(options) != 1 or len(options[0][0]) != 1:
            raise ValueError("no month, or more than one")
        return next(iter(options[0][0]))

    def _full(self, year: Token) -> int:
        return self._century(year.numbers[0]) if len(year.text) <= 2 else year.numbers[0]

    def _day_of(self, year: int, month: int, day: int) -> date:
        if self.persian or (1300 <= year <= 1500 and {"fa", "ps"} & set(languages_of(self.tags))):
            return from_persian(year, month, day)
        return date(from_buddhist(year) if self.thai else year, month, day)

    def _of_numbers(self, token: Token) -> date:
        first, second, third = token.numbers
        if token.mark in ERAS:
            return date(ERAS[token.mark] + first, second, third)
        if token.mark == "年" or len(token.text.partition(token.mark)[0]) == 4:
            return self._day_of(first, second, third)
        order = order_of(self.tags)
        if _is_short(token):
            return self._of_short(token, order)
        days = {day for pair in ((second, first), (first, second)) if (day := self._valid(third, *pair))}
        if len(days) == 1:
            return days.pop()
        if token.mark == "." or order is Order.DMY:
            return self._day_of(third, second, first)
        if order is Order.MDY:
            return self._day_of(third, first, second)
        raise ValueError("day and month cannot be told apart")

    def _of_short(self, token: Token, order: Order | None) -> date:
        """Read a year of two digits: in the language's order, or where no other order gives a day (`11/28/26`)."""
        first, second, third = token.numbers
        ways = {
            Order.DMY: self._valid(self._century(third), second, first),
            Order.MDY: self._valid(self._century(third), first, second),
            Order.YMD: self._valid(self._century(first), second, third),
        }
        days = {day for day in ways.values() if day}
        day = ways[order] if order in (Order.DMY, Order.MDY) else days.pop() if len(days) == 1 else None
        if day is None:
            raise ValueError("a year of two digits in an unknown place")
        return day

    def _century(self, year: int) -> int:
        return year if self.thai else year + (2000 if year < 50 else 1900)  # RFC 5322, 4.3

    def _valid(self, year: int, month: int, day: int) -> date | None:
        try:
            return self._day_of(year, month, day)
        except ValueError:
            return None


def _is_short(token: Token) -> bool:
    """Tell whether a date's year, at its end, has two digits."""
    first, *_, last = token.text.rstrip(".").split(token.mark)
    return len(first) <= 2 and len(last.strip()) == 2


def _month_in(key: str, words: DateWords) -> frozenset[int]:
    """Find a month's name, one of its beginnings of three letters or more, or one with an ending."""
    if key in words.months:
        return words.months[key]
    bare = key.removeprefix("ב")
    if bare in words.months:
        return words.months[bare]
    if len(key) >= 3:
        begun = {number for name, number in words.stems.items() if name.startswith(key)}
        ended = {number for name, number in words.stems.items() if key.startswith(name) and len(key) <= len(name) + 3}
        if len(begun | ended) == 1:
            return frozenset(begun | ended)
    return frozenset()
