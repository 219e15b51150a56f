"""DateWords of dates in every language of `schemas/calendar/words.json`, and what stands between them. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pipelines.dates.moment import Order

_MARKS = re.compile("[\u0300-\u036f]")
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\u061c\u00ad\ufeff]")
_SPACES = re.compile(r"[\s-]+")

# Persian months, which CLDR's table of Gregorian names does not hold: Iran's names, then Afghanistan's.
_PERSIAN = (
    ("فروردین", "حمل"), ("اردیبهشت", "ثور"), ("خرداد", "جوزا"), ("تیر", "سرطان"), ("مرداد", "اسد"), ("شهریور", "سنبله"),
    ("مهر", "میزان"), ("آبان", "عقرب"), ("آذر", "قوس"), ("دی", "جدی"), ("بهمن", "دلو"), ("اسفند", "حوت"),
)  # fmt: skip
# Usual short forms and spellings that CLDR leaves out, by language.
_MORE = {
    "en": {"sept": 9},
    "nl": {"mrt": 3},
    "it": {"sett": 9},
    "pt": {"septembro": 9},
    "es": {"setiembre": 9, "set": 9},
    "he": {"מרס": 3, "אוגסט": 8},
    "fa": {"می": 5, "جون": 6, "جولای": 7, "آگوست": 8, "اگست": 8, "سپتمبر": 9, "نومبر": 11},
}
# DateWords that stand in dates and say nothing of them: prepositions, articles, "year", "day", "o'clock".
_FILLERS = """
    the of on at and a as à de del d di da do des du den der det el la las le les em en il alle alla dalle al um am uhr
    kl klo kello kloc klukkan kell plkst lkl pkl pukul jam tanggal tgl ore ora orele oras hora horas h hs hrs hr heures
    uur om op dnia godz godzina roku r dne v ve o ob u saat tarihinde gun gunu ngay nam luc gio m d g ko ren ta
    ta’ թ ж د gada gads év ano año año an año anno jaar jahr aar år kello vuonna st nd rd th er
    г гг год года р рік року в во у о об к час
    години година ч ώρα στις την του baje को बजे तारीख़ তারিখ সাল เวลา น วันที่ พ.ศ ค.ศ ปี ساعت در روز تاريخ
    الساعة عام سنة يوم ה ב של בשעה שעה ב- את
""".split()  # noqa: SIM905 - a list of words is easier to read so


@dataclass(frozen=True, slots=True)
class DateWords:
    """What the words of some languages mean in a date, by `key_of` the word.

    Attributes:
        months: numbers of the months that a word may name.
        days: names of weekdays.
        halves: 0 before noon, 12 after it.
        stems: full names of months, which inflected words begin with.
    """

    months: Mapping[str, frozenset[int]]
    days: frozenset[str]
    halves: Mapping[str, int]
    stems: Mapping[str, int]


def normalised(text: str) -> str:
    """Give text as dates are read: one case, ASCII digits, no accents, no marks of direction, one kind of space."""
    if text.isascii():
        return " ".join(text.lower().split())
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    text = unicodedata.normalize("NFC", _MARKS.sub("", _UNSEEN.sub("", text))).replace("ı", "i")
    digits = "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() and not sign.isascii() else sign for sign in text
    )
    return " ".join(digits.replace("،", ",").replace("−", "-").split())


def key_of(word: str) -> str:
    """Give a normalised word as it is looked up: without dots, hyphens as spaces."""
    return _SPACES.sub(" ", word.replace(".", "")).strip(" '’")


FILLERS = frozenset(key_of(normalised(word)) for word in _FILLERS)
PERSIAN_MONTHS = {key_of(normalised(name)): at for at, names in enumerate(_PERSIAN, 1) for name in names}


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = json.loads(
        files("schemas").joinpath("calendar/words.json").read_text(encoding="utf-8")
    )
    return table


@lru_cache(maxsize=128)
def words_of(languages: tuple[str, ...]) -> DateWords:
    """Give the words of some languages, or with none given of all."""
    table = _table()["languages"]
    chosen = [code for code in languages if code in table] or ([] if languages else list(table))
    months: dict[str, set[int]] = {}
    days: set[str] = set()
    halves: dict[str, int] = {}
    stems: dict[str, int] = {}
    for code in chosen:
        for number, names in enumerate(table[code]["months"], 1):
            for name in map(_key, names):
                months.setdefault(name, set()).add(number)
                stems.setdefault(name, number)
        for name, number in _MORE.get(code, {}).items():
            months.setdefault(_key(name), set()).add(number)
        days |= set(map(_key, table[code]["days"]))
        halves |= dict.fromkeys(map(_key, table[code]["am"]), 0) | dict.fromkeys(map(_key, table[code]["pm"]), 12)
    return DateWords(
        months={name: frozenset(numbers) for name, numbers in months.items()},
        days=frozenset(days),
        halves=halves,
        stems={name: number for name, number in stems.items() if len(name) >= 4 and len(months[name]) == 1},
    )


def order_of(tags: Sequence[str]) -> Order | None:
    """Give the order of numbers in dates of the first language that is known; English without a region has none."""
    for tag in tags:
        code, _, region = tag.replace("_", "-").partition("-")
        code = code.lower()
        row = _table()["languages"].get(code)
        if row is None:
            continue
        if code == "en" and not region:
            return None  # 3/4 is in March in the United States and in April nearly everywhere else
        return Order(_table()["regions"].get(f"{code}-{region.upper()}", row["order"]))
    return None


def languages_of(tags: Iterable[str]) -> tuple[str, ...]:
    """Give the language codes of some tags, English behind them."""
    alias = {"no": "nb", "iw": "he", "in": "id", "tl": "fil"}
    codes = (tag.replace("_", "-").partition("-")[0].lower() for tag in tags if tag)
    return tuple(dict.fromkeys([*(alias.get(code, code) for code in codes), "en"]))


def _key(word: str) -> str:
    return key_of(normalised(word))
