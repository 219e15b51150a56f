"""Names of months, weekdays and halves of the day in the languages of the news, and their order of numbers.

Taken from Unicode's CLDR (https://cldr.unicode.org) through Babel when the files are generated; what runs needs only
`schemas/calendar/words.json`. Nothing is left out by hand: names that are numbers, such as `11月`, need no table.
"""

from __future__ import annotations

from typing import Any

LANGUAGES = (  # noqa: SIM905 - easier to read so
    "af am ar ar_DZ ar_IQ ar_LB ar_MA ar_TN az be bg bn bs ca cs cy da de de_AT el en es et eu fa fi fil fo fr ga gl "
    "gu he hi hr hu hy id is it ja ka kk km kn ko ky lb lo lt lv mk ml mn mr ms mt my nb ne nl nn pa pl ps pt ro ru "
    "si sk sl sq sr sr_Latn sv sw ta te th tk tr uk ur uz vi zh zh_Hant zu"
).split()
"""CLDR's names of languages; those of a language's regions and scripts are added to its own."""

_WIDTHS = ("wide", "abbreviated")
_CONTEXTS = ("format", "stand-alone")


def calendar_words() -> dict[str, Any]:
    """Give `languages` (months, days, am, pm, order by ISO 639 code) and `regions` (orders that differ from these)."""
    languages: dict[str, dict[str, Any]] = {}
    for name in LANGUAGES:
        _add(languages, name)
    return {"languages": languages, "regions": _regions(languages)}


def _add(languages: dict[str, dict[str, Any]], name: str) -> None:
    from babel import Locale, localedata

    # Babel 2.18 merges aliases into what it has cached, so that names of one language would reach the next.
    localedata._cache.clear()  # noqa: SLF001
    locale = Locale.parse(name)
    empty: dict[str, Any] = {"order": _order(locale), "months": [[] for _ in range(12)], "days": [], "am": [], "pm": []}
    found = languages.setdefault(locale.language, empty)
    for context in _CONTEXTS:
        for width in _WIDTHS:
            for month, word in locale.months[context][width].items():
                _keep(found["months"][month - 1], word)
        for width in (*_WIDTHS, "short"):
            for word in locale.days[context].get(width, {}).values():
                if len(word.strip(".")) > 1 or word >= "\u0e00":  # a letter alone is no name, a Chinese sign is
                    _keep(found["days"], word)
        for width, periods in locale.day_periods.get(context, {}).items():
            for half in ("am", "pm") if width != "narrow" else ():
                _keep(found[half], periods.get(half, ""))


def _keep(words: list[str], word: str) -> None:
    if word and word not in words and not any(character.isdigit() for character in word):
        words.append(word)


def _order(locale: Any) -> str:  # noqa: ANN401 - Babel is imported only when files are generated
    pattern = str(locale.date_formats["short"].pattern).lower()
    return "".join(sorted("dmy", key=pattern.index))


def _regions(languages: dict[str, dict[str, Any]]) -> dict[str, str]:
    from babel import Locale, localedata

    orders = {}
    for identifier in localedata.locale_identifiers():
        locale = Locale.parse(identifier)
        if locale.territory and locale.script is None and locale.language in languages:
            order = _order(locale)
            if order != languages[locale.language]["order"]:
                orders[f"{locale.language}-{locale.territory}"] = order
    return dict(sorted(orders.items()))
