"""Articles as CSV, RSS, Atom, JSON Feed and NDJSON: read back by other readers, and harmless to them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pipelines.feed_formats.read import parse_feed
from pipelines.search.formats import CSV_COLUMNS, FeedFacts, atom, csv_lines, defused, jsonfeed, ndjson_line, rss

FACTS = FeedFacts("bridge & <ferry>", "https://r.example/search?q=a&b", "https://r.example/v1/search?q=a&format=rss",
                  datetime(2026, 11, 29, 12, tzinfo=UTC))  # fmt: skip
WRITERS = [rss, atom, jsonfeed]


def article(**fields: Any) -> dict[str, Any]:
    return {
        "id": "a" * 32,
        "url": "https://news.example/1?a=1&b=2",
        "source": "news.example",
        "title": "Bridge <b>opens</b> & closes",
        "summary": "",
        "body": "The bridge opened on Monday.\nIt closed on Tuesday.",
        "authors": ["Ida Torrance"],
        "language": "en",
        "published_at": "2026-11-29T08:00:00+01:00",
        "first_seen": "2026-11-29T07:05:00Z",
        "fetched_at": "2026-11-29T09:00:00Z",
        "topics": [{"id": "medtop:11000000", "label": "politics", "score": 0.5, "evidence": ["council"]}],
        "words": 8,
        "rights": ["noai"],
        "free": True,
    } | fields


@pytest.mark.parametrize("write", WRITERS)
def test_a_feed_is_read_back_by_our_own_reader(write: Any) -> None:
    found = parse_feed(write(FACTS, [article()]), url=FACTS.address)
    [entry] = found.entries
    assert (entry.title, entry.link) == ("Bridge <b>opens</b> & closes", "https://news.example/1?a=1&b=2")
    assert entry.published_at == datetime(2026, 11, 29, 7, tzinfo=UTC)


@pytest.mark.parametrize("write", [rss, atom])
def test_no_text_breaks_the_xml(write: Any) -> None:
    odd = "]]> <script>alert(1)</script> \x00\x0b\ud800\uffff &amp; \u202e"
    root = etree.fromstring(write(FACTS, [article(title=odd, summary=odd, authors=[odd])]))
    assert [each.tag for each in root.iter() if each.tag == "script"] == []


def test_an_answer_without_articles_is_a_feed() -> None:
    assert etree.fromstring(rss(FACTS, [])).findtext("channel/title") == FACTS.title
    assert b"2026-11-29T12:00:00+00:00" in atom(FACTS, [])
    assert json.loads(jsonfeed(FACTS, []))["items"] == []


def test_rss_descriptions_hold_no_markup_of_strangers() -> None:
    text = etree.fromstring(rss(FACTS, [article(summary="<img src=x onerror=alert(1)>")])).findtext(
        ".//item/description"
    )
    assert text == "&lt;img src=x onerror=alert(1)&gt;"


def test_csv_has_the_columns_and_joins_lists() -> None:
    header, row = csv.reader(csv_lines([article()]))
    assert tuple(header) == CSV_COLUMNS
    cells = dict(zip(header, row, strict=True))
    assert (cells["topics"], cells["authors"], cells["free"], cells["gone_at"]) == (
        "politics",
        "Ida Torrance",
        "true",
        "",
    )


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "\n=cmd", "＝1", "\t1"])
def test_a_cell_that_a_spreadsheet_would_run_is_defused(cell: str) -> None:
    assert defused(cell) == "'" + cell
    _, row = csv.reader(csv_lines([article(title=cell)]), skipinitialspace=False)
    assert row[CSV_COLUMNS.index("title")].startswith("'")


@pytest.mark.parametrize("cell", ["Bridge opens", "2026-11-29", "'=1", "a=b", ""])
def test_other_cells_stay(cell: str) -> None:
    assert defused(cell) == cell


@given(st.text())
def test_any_text_survives_csv_and_ndjson(text: str) -> None:
    wanted = article(title=text, summary="")
    _, row = csv.reader(csv_lines([wanted]), strict=True)
    assert row[CSV_COLUMNS.index("title")].removeprefix("'") in (text, text.removeprefix("'"))
    line = ndjson_line(wanted)
    assert line.count(b"\n") == 1
    assert json.loads(line)["title"] == text
