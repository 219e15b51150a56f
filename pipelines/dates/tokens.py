"""The parts of a date, told from each other by their form. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from pipelines.dates.calendars import ERAS


class TokenKind(Enum):
    """What a token is by its form alone."""

    DATE = auto()  # three numbers in one: year first, or last
    CLOCK = auto()
    DOTTED = auto()  # 18.30: a time where a date stands beside it
    OFFSET = auto()
    NOTE = auto()  # in parentheses or brackets
    MONTH = auto()  # a month by its number
    NUMBER = auto()
    WORD = auto()
    COMMA = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a date.

    Attributes:
        kind: its form.
        text: as it stands there; of a note without its parentheses.
        numbers: of a date its three numbers in their order, of a time hours, minutes, seconds, of a number itself.
        mark: of a date what parts its numbers, or the era's name.
    """

    kind: TokenKind
    text: str
    numbers: tuple[int, ...] = ()
    mark: str = ""


_YEAR = r"(?:\d{1,4}|元)"
_CLOCK_WORDS = "kl|klo|kello|klokka|klockan|pukul|pkl|jam|um|alle|ore|om|ob|o godz|godz|at|เวลา"


def _date(found: re.Match[str]) -> Token:
    return Token(TokenKind.DATE, found[0], (int(found[1]), int(found[3]), int(found[4])), found[2])


def _in_era(found: re.Match[str]) -> Token:
    year, month, day = (1 if part == "元" else int(part) for part in found.groups()[1:])
    return Token(TokenKind.DATE, found[0], (year, month, day), found[1] or "年")


def _clock(found: re.Match[str]) -> Token:
    return Token(TokenKind.CLOCK, found[0], tuple(int(part or 0) for part in (*found.groups(), None, None)[:3]))


def _dotted(found: re.Match[str]) -> Token:
    return Token(TokenKind.DOTTED, found[0], (int(found[1]), int(found[2]), 0))


def _number(found: re.Match[str]) -> Token:
    return Token(TokenKind.NUMBER, found[1], (int(found[1]),))


def _month(found: re.Match[str]) -> Token:
    return Token(TokenKind.MONTH, found[0], (int(found[1]),))


def _as(kind: TokenKind) -> Callable[[re.Match[str]], Token]:
    return lambda found: Token(kind, found[1])


# In the order in which they are tried.
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Token]], ...] = tuple(
    (re.compile(form), make)
    for form, make in (
        (r"[(\[]([^()\[\]]{0,60})[)\]]", _as(TokenKind.NOTE)),
        (r"(\d{4})([-/.])\s?(\d{1,2})\2\s?(\d{1,2})\.?(?![\d/-])", _date),
        (
            rf"({'|'.join(ERAS)})?\s?({_YEAR})\s?[年년]\s?(\d{{1,2}})\s?[月월]\s?(\d{{1,2}})\s?[日일号號]",
            _in_era,
        ),
        (r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})\.?(?![\d/:-])", _date),
        (r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(?![\d:])", _clock),
        (r"(\d{1,2})\s?[時时點点시](?:\s?(\d{1,2})\s?[分분](?:\s?(\d{1,2})\s?[秒초])?)?", _clock),
        (r"(\d{1,2})\s?h(?:\s?(\d{2}))?(?:\s?min)?(?![a-z\d])", _clock),
        (rf"(?:{_CLOCK_WORDS})\.?\s(\d{{1,2}})(?:[.:](\d{{2}}))?(?![\d.:])(?!\.?\s[^\W\d]*\s?\d{{4}})", _clock),
        (r"(\d{1,2})(?:[.:](\d{2}))?\s?(?:uhr|uur|hs|hrs|godz|น)\b\.?", _clock),
        (r"(\d{1,2})(?:[.:](\d{2}))?(?=\s?[ap]\.?\s?m\b)", _clock),
        (r"(\d{1,2})\.(\d{2})(?![\d.])", _dotted),
        (r"(?:thang|thg)\s?(\d{1,2})(?!\d)", _month),
        (r"(\d{1,4})(?:st|nd|rd|th|er|re|o|a|e|e?ko|го|е|й)?(?![^\W_])\.?", _number),
        (r"([^\s\d,;:()\[\]|·•+–—/-]+)", _as(TokenKind.WORD)),
        (r"([,;|·•–—/-])", _as(TokenKind.COMMA)),
    )
)
_OFFSET = re.compile(r"\s?([+-])(\d{1,2})(?::?(\d{2}))?(?![\d./:])")
_ZONE_WORDS = frozenset({"z", "utc", "gmt", "ut"})
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})[t ]?(?:(\d{2}):?(\d{2})(?::?(\d{2}))?)?(?![\d])")
_OPTIONAL = re.compile(r"(?<=[^\W_])\(([^\W\d_])\)")  # `2026(e)ko azaroaren 28(a)`
_TIME_MARK = re.compile(r"(?<=\d)t(?=\d)")


def tokens_of(text: str) -> list[Token] | None:
    """Take a normalised text apart, or give None where something in it is no part of a date."""
    text = _TIME_MARK.sub(" ", _COMPACT.sub(_spread, text, count=1) if _COMPACT.match(text) else text)
    text = _OPTIONAL.sub(r"\1", text)
    found: list[Token] = []
    place = 0
    while place < len(text):
        token, end = _next(text, place, found[-1] if found else None)
        if end == place:
            return None
        place = end
        if token:
            found.append(token)
    return found


def _next(text: str, place: int, before: Token | None) -> tuple[Token | None, int]:
    """Give the token at a place and where it ends; none for a space, and no progress where nothing fits."""
    if before and _before_offset(before) and (offset := _OFFSET.match(text, place)):
        minutes = 60 * int(offset[2]) + int(offset[3] or 0)
        return Token(TokenKind.OFFSET, offset[0], (-minutes if offset[1] == "-" else minutes,)), offset.end()
    if text[place] == " ":
        return None, place + 1
    for form, make in _FORMS:
        if match := form.match(text, place):
            return make(match), match.end()
    return None, place


def _spread(match: re.Match[str]) -> str:
    """Write ISO 8601's basic form as its extended one."""
    year, month, day, hour, minute, second = match.groups()
    return f"{year}-{month}-{day}" + (f" {hour}:{minute}:{second or '00'}" if hour else "")


def _before_offset(token: Token) -> bool:
    return token.kind in (TokenKind.CLOCK, TokenKind.DOTTED) or token.text in {"am", "pm", "a.m.", "p.m.", *_ZONE_WORDS}
