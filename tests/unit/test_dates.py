"""Dates as the world writes them: read exactly, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from babel.dates import format_date, format_datetime
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dates import read_moment
from pipelines.dates.calendars import from_persian
from schemas.calendar_words import LANGUAGES

NOVEMBER = datetime(2026, 11, 28, tzinfo=UTC)
TEN, EVENING = NOVEMBER + timedelta(hours=10), NOVEMBER + timedelta(hours=18, minutes=5)
READ = [
    # names of zones
    *((f"Sat, 28 Nov 2026 10:00:00 {name}", "", TEN - timedelta(hours=hours)) for name, hours in [
        ("CET", 1), ("CEST", 2), ("MEZ", 1), ("MESZ", 2), ("EET", 2), ("EEST", 3), ("WEST", 1), ("BST", 1),
        ("MSK", 3),
        ("IST", 5.5), ("PKT", 5), ("NPT", 5.75), ("ICT", 7), ("WIB", 7), ("HKT", 8), ("SGT", 8), ("PHT", 8),
        ("AWST", 8),
        ("JST", 9), ("KST", 9), ("ACST", 9.5), ("AEST", 10), ("AEDT", 11), ("NZST", 12), ("NZDT", 13), ("SAST", 2),
        ("EAT", 3), ("WAT", 1), ("BRT", -3), ("ART", -3), ("COT", -5), ("EST", -5), ("EDT", -4), ("CST", -6),
        ("CDT", -5),
        ("MST", -7), ("PST", -8), ("PDT", -7), ("HST", -10), ("UT", 0), ("GMT", 0), ("Z", 0), ("+0530", 5.5),
    ]),
    ("28 Nov 2026 10:00 IST", "he", TEN - timedelta(hours=2)),
    ("28 Nov 2026 10:00 CST", "zh-TW", TEN - timedelta(hours=8)),
    ("Nov. 28, 2026 5:00 AM ET", "en", TEN),
    ("Jul 28, 2026 6:00 am ET", "en", datetime(2026, 7, 28, 10, tzinfo=UTC)),
    # Unix, JavaScript, Java
    ("Sat Nov 28 10:00:00 2026", "", TEN),
    ("Sat Nov 28 11:00:00 CET 2026", "", TEN),
    ("Sat Nov 28 2026 11:00:00 GMT+0100 (CET)", "", TEN),
    ("Sat Nov 28 2026 11:00:00 GMT+0100 (Mitteleuropäische Normalzeit)", "", TEN),
    ("2026-11-28T11:00:00+01:00[Europe/Berlin]", "", TEN),
    ("2026-11-28 11:00 (Europe/Berlin)", "", TEN),
    ("2026-11-28 10:00:00 UTC", "", TEN),
    ("Saturday, 28-Nov-26 10:00:00 GMT", "", TEN),
    # what passes for RFC 5322
    ("Sat,28 Nov 2026 10:00:00 +0000", "", TEN),
    ("Sat, 28 Nov 2026, 10:00:00 +0000", "", TEN),
    ("Sat, 28 Nov 2026 10:00:00 +0000 (UTC)", "", TEN),
    ("sat, 28 november 2026 10:00 gmt", "", TEN),
    ("Sat., 28 Nov. 2026 10:00:00 -0000", "", TEN),
    ("28 Nov 26 10:00 GMT", "", TEN),
    # ISO 8601 and its neighbours
    ("20261128T100000Z", "", TEN),
    ("20261128T10:00:00Z", "", TEN),
    ("2026-11-28t10:00:00z", "", TEN),
    ("2026/11/28 10:00:00", "", TEN),
    ("2026.11.28 10:00", "", TEN),
    ("2026-11-28T10:00:00.123456789+00", "", TEN),
    ("1795860000", "", TEN),
    ("1795860000000", "", TEN),
    # numbers in the language's order
    ("28.11.2026 10:00", "de", TEN),
    ("28.11.2026, 10:00 Uhr", "de", TEN),
    ("28/11/2026 10:00", "", TEN),
    ("11/28/2026 10:00 AM", "", TEN),
    ("11/28/26 10:00 AM", "en", TEN),
    ("05/11/2026", "fr", datetime(2026, 11, 5, tzinfo=UTC)),
    ("05/11/2026", "en-GB", datetime(2026, 11, 5, tzinfo=UTC)),
    ("05/11/2026", "en_US", datetime(2026, 5, 11, tzinfo=UTC)),
    ("05.11.2026", "", datetime(2026, 11, 5, tzinfo=UTC)),
    ("28. 11. 2026 18:05", "cs", EVENING),
    ("2026. 11. 28. 18:05", "hu", EVENING),
    ("26.11.2026 18.05", "fi", EVENING - timedelta(days=2)),
    # clocks of twelve hours
    ("Nov 28, 2026 6:05 PM", "", EVENING),
    ("Nov 28, 2026 6:05 p.m.", "", EVENING),
    ("November 28th, 2026 at 6:05pm", "", EVENING),
    ("28/11/2026 06:05 μ.μ.", "el", EVENING),
    ("28 de noviembre de 2026 06:05 p. m.", "es", EVENING),
    ("Nov 28, 2026 12:05 AM", "", NOVEMBER + timedelta(minutes=5)),
    # months by name
    *((text, language, NOVEMBER) for language, text in [
        ("de", "Samstag, 28. November 2026"), ("fr", "samedi 28 novembre 2026"), ("fr", "28 nov. 2026"),
        ("es", "sábado, 28 de noviembre de 2026"), ("pt", "28 de nov. de 2026"),
        ("pt", "segunda-feira, 28 de novembro de 2026"),
        ("it", "28 novembre 2026"), ("nl", "28 november 2026"), ("sv", "lördag 28 november 2026"),
        ("da", "28. november 2026"),
        ("nb", "28. nov. 2026"), ("fi", "28. marraskuuta 2026"), ("is", "28. nóvember 2026"),
        ("et", "28. november 2026"),
        ("lv", "2026. gada 28. novembris"), ("lt", "2026 m. lapkričio 28 d."), ("pl", "28 listopada 2026"),
        ("cs", "28. listopadu 2026"), ("sk", "28. novembra 2026"), ("sl", "28. november 2026"),
        ("hr", "28. studenoga 2026."),
        ("sr", "28. новембар 2026."), ("bg", "28 ноември 2026 г."), ("mk", "28 ноември 2026"),
        ("ru", "28 ноября 2026 г."),
        ("uk", "28 листопада 2026 р."), ("be", "28 лістапада 2026"), ("el", "28 Νοεμβρίου 2026"),
        ("ro", "28 noiembrie 2026"),
        ("hu", "2026. november 28."), ("tr", "28 KASIM 2026"), ("az", "28 noyabr 2026"), ("ka", "28 ნოემბერი, 2026"),
        ("hy", "28 նոյեմբերի, 2026"), ("he", "28 בנובמבר 2026"), ("ar", "٢٨ نوفمبر ٢٠٢٦"),
        ("ar", "28 تشرين الثاني 2026"),
        ("fa", "۲۸ نوامبر ۲۰۲۶"), ("hi", "28 नवंबर 2026"), ("bn", "২৮ নভেম্বর ২০২৬"), ("ta", "28 நவம்பர், 2026"),
        ("id", "Sabtu, 28 November 2026"), ("vi", "28 tháng 11, 2026"), ("th", "28 พฤศจิกายน 2026"),
        ("sq", "28 nëntor 2026"),
        ("ca", "28 de novembre de 2026"), ("eu", "2026ko azaroaren 28a"), ("sw", "28 Novemba 2026"),
    ]),
    ("1er décembre 2026", "fr", datetime(2026, 12, 1, tzinfo=UTC)),
    ("mar, 3 mar 2026", "es", datetime(2026, 3, 3, tzinfo=UTC)),
    ("28 listopada 2026", "hr", datetime(2026, 10, 28, tzinfo=UTC)),
    # times of other languages
    ("28 novembre 2026 à 18h05", "fr", EVENING),
    ("28. november 2026 kl. 18.05", "da", EVENING),
    ("28. marraskuuta 2026 klo 18.05", "fi", EVENING),
    ("28 November 2026 pukul 18.05", "id", EVENING),
    ("28. November 2026, 18 Uhr", "de", NOVEMBER + timedelta(hours=18)),
    ("Thứ Bảy, 28/11/2026, 18:05 (GMT+7)", "vi", EVENING - timedelta(hours=7)),
    # other calendars
    ("2026年11月28日(土) 午後6:05", "ja", EVENING),
    ("令和8年11月28日 18時05分", "ja", EVENING),
    ("令和元年5月1日", "ja", datetime(2019, 5, 1, tzinfo=UTC)),
    ("平成31年4月30日", "ja", datetime(2019, 4, 30, tzinfo=UTC)),
    ("2026年11月28日星期六 18:05", "zh", EVENING),
    ("民國115年11月28日", "zh-TW", NOVEMBER),
    ("2026년 11월 28일 오후 6:05", "ko", EVENING),
    ("28 พฤศจิกายน 2569 เวลา 18.05 น.", "th", EVENING),
    ("28 พ.ย. 69", "th", NOVEMBER),
    ("2569-11-28 18:05", "th", EVENING),
    ("۷ آذر ۱۴۰۵ ساعت ۱۸:۰۵", "fa", EVENING),
    ("1405/09/07 18:05", "fa", EVENING),
]  # fmt: skip


@pytest.mark.parametrize(("text", "language", "at"), READ)
def test_dates_are_read_as_they_are_written(text: str, language: str, at: datetime) -> None:
    moment = read_moment(text, [language] if language else [])
    assert moment is not None
    assert moment.at == at


NONE = [
    ("05/11/2026", "en"),  # May or November
    ("05/11/2026", ""),
    ("26-11-28", ""),  # which end is the year
    ("28 listopada 2026", ""),  # November in Poland, October in Croatia
    ("2026-11-28 and more", ""),
    ("28 Nov 2026 10:00:00 XYZ", ""),
    ("Published 28 Nov 2026", ""),
    ("28 Nov 2026 - 29 Nov 2026", ""),
    ("2026-11-28T10:00:00Z2026-11-29", ""),
    ("2026-11-28 10:00 11:00", ""),
    ("Sat, 28 Nov 2026 10:00:00 +0200 CET", ""),  # two zones
    ("28 Nov 2026 25:00", ""),
    ("31 Nov 2026", ""),
    ("30 Feb 2026", ""),
    ("November 2026", ""),
    ("2026-11", ""),
    ("2026", ""),
    ("18:05", ""),
    ("yesterday", ""),
    ("3 hours ago", ""),
    ("12345", ""),
    ("31 اسفند 1404", "fa"),  # has 29 days
    ("2026年13月1日", "ja"),
    ("", ""),
    ("x" * 500, ""),
    ("2026-11-28" + " " * 500 + "x", ""),
]


@pytest.mark.parametrize(("text", "language"), NONE)
def test_what_may_be_two_dates_or_none_is_none(text: str, language: str) -> None:
    assert read_moment(text, [language] if language else []) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_is_read_wrongly_and_its_usual_forms_are_read(language: str) -> None:
    told = (language.replace("_", "-"),)
    texts = 0
    for month in range(1, 13):
        for day in (3, 12, 28):
            at = datetime(2026, month, day, 18, 5, tzinfo=UTC)
            for form in ("full", "long", "medium", "short"):
                for text in (format_date(at.date(), form, locale=language), format_datetime(at, form, locale=language)):
                    moment = read_moment(text, told)
                    assert moment is None or moment.at.date() == at.date(), text
                    assert moment is None or not moment.timed or (moment.at.hour, moment.at.minute) == (18, 5), text
                    texts += moment is not None
    assert texts >= (36 if language in ("eu", "mn") else 150)  # of 288


@given(st.dates(date(1995, 1, 1), date(2060, 12, 31)), st.sampled_from(LANGUAGES))
def test_a_long_date_without_its_language_is_right_or_none(day: date, language: str) -> None:
    moment = read_moment(format_date(day, "long", locale=language))
    assert moment is None or moment.at.date() == day


@given(st.text(max_size=130), st.sampled_from([(), ("th",), ("fa",), ("en-US",), ("de", "fr")]))
def test_any_text_is_a_whole_moment_or_none(text: str, languages: tuple[str, ...]) -> None:
    moment = read_moment(text, languages)
    assert moment is None or (moment.at.utcoffset() == timedelta() and moment.at.microsecond == 0)


PIECES = """
    28 11 2026 26 / - . : , Nov nov. Mar PM am Z +0100 GMT CET ( ) 年 月 日 令和 T de à um Uhr 10:00 18.05
    พ.ย. آذر tháng Sat [Europe/Berlin] 1795860000 元 h
""".split()  # noqa: SIM905 - a list of words is easier to read so


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans())
def test_pieces_of_dates_in_any_order_never_fail(pieces: list[str], spaced: bool) -> None:
    text = (" " if spaced else "").join(pieces)
    moment = read_moment(text)
    assert moment is None or 1 <= moment.at.year <= 9999


@pytest.mark.parametrize(
    ("year", "nowruz"),
    [(1370, "1991-03-21"), (1375, "1996-03-20"), (1379, "2000-03-20"), (1387, "2008-03-20"), (1388, "2009-03-21"),
     (1399, "2020-03-20"), (1400, "2021-03-21"), (1403, "2024-03-20"), (1404, "2025-03-21"), (1405, "2026-03-21"),
     (1408, "2029-03-20")],
)  # fmt: skip
def test_persian_years_begin_at_nowruz(year: int, nowruz: str) -> None:
    begin = date.fromisoformat(nowruz)
    assert from_persian(year, 1, 1) == begin
    assert from_persian(year - 1, 12, 29) in (begin - timedelta(days=1), begin - timedelta(days=2))


@given(st.dates(date(1991, 3, 21), date(2060, 1, 1)))
def test_persian_days_follow_each_other(day: date) -> None:
    days = set()
    for month in range(1, 13):
        for number in range(1, 32):
            try:
                days.add(from_persian(day.year - 621, month, number))
            except ValueError:
                continue
    assert len(days) in (365, 366)
    assert max(days) - min(days) == timedelta(days=len(days) - 1)
