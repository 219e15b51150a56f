"""Tests of `pipelines.search.query`: any text is understood, and says how."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.search.query import MOST_CHARACTERS, MOST_DEPTH, MOST_TERMS, parse_query
from pipelines.search.tree import AUTO, All, Either, Filter, Not, Period, Phrase, Word

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLITICS = "medtop:11000000"


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("", ()),
        ("*", ()),
        ("bridge vote", (Word("bridge"), Word("vote"))),
        ('"early counting"', (Phrase("early counting"),)),
        ("“early counting”", (Phrase("early counting"),)),
        ('"near words"~5', (Phrase("near words", slop=5),)),
        ('="Polish Bank"', (Phrase("Polish Bank", exact=True),)),
        ("=Polish", (Word("Polish", exact=True),)),
        ("brid*", (Word("brid", prefix=True),)),
        ("東*", (Word("東", prefix=True),)),
        ("brige~", (Word("brige", fuzzy=AUTO),)),
        ("brige~1", (Word("brige", fuzzy=1),)),
        ("-ferry bridge", (Not(Word("ferry")), Word("bridge"))),
        ("NOT ferry bridge", (Not(Word("ferry")), Word("bridge"))),
        ("bridge AND ferry", (Word("bridge"), Word("ferry"))),
        ("bridge london OR paris", (Word("bridge"), Either((Word("london"), Word("paris"))))),
        ("a|b|c", (Either((Word("a"), Word("b"), Word("c"))),)),
        ("(a b) OR c", (Either((All((Word("a"), Word("b"))), Word("c"))),)),
        ("-(a OR b)", (Not(Either((Word("a"), Word("b")))),)),
        ("source:bbc,cnn", (Filter("source", ("bbc", "cnn")),)),
        ('SOURCE:"The Times",-cnn', (Filter("source", ("The Times",), ("cnn",)),)),
        ("-source:bbc", (Not(Filter("source", ("bbc",))),)),
        ("lang:en-GB", (Filter("lang", ("en",)),)),
        ("lang:german", (Filter("lang", ("de",)),)),
        ("topic:politics", (Filter("topic", (POLITICS,)),)),
        ("site:https://www.bbc.co.uk/news", (Filter("site", ("bbc.co.uk",)),)),
        ("rights:-noai", (Filter("rights", (), ("noai",)),)),
        (
            "url:https://a.example/1,2,https://b.example/",
            (Filter("url", ("https://a.example/1,2", "https://b.example/")),),
        ),
        ("https://a.example/x?y=1", (Filter("url", ("https://a.example/x?y=1",)),)),
        ("gone:only", (Filter("gone", ("only",)),)),
        ("last:7d", (Period("last", "7d", since=NOW - timedelta(days=7)),)),
        ("before:2026-11-01", (Period("before", "2026-11-01", until=datetime(2026, 11, 1, tzinfo=UTC)),)),
        ("after:2026", (Period("after", "2026", since=datetime(2026, 1, 1, tzinfo=UTC)),)),
        ("after:2026-11", (Period("after", "2026-11", since=datetime(2026, 11, 1, tzinfo=UTC)),)),
        ("source:a OR source:b", (Either((Filter("source", ("a",)), Filter("source", ("b",)))),)),
        ("12:30", (All((Word("12"), Word("30"))),)),
        ("O’Brien", (Word("O’Brien"),)),
        ("🙂", (Word("🙂"),)),
    ],
)
def test_what_is_understood(text: str, nodes: tuple[object, ...]) -> None:
    assert parse_query(text, NOW).nodes == nodes


@pytest.mark.parametrize(
    ("text", "kind", "shown", "note"),
    [
        ("sorce:bbc", "group", "sorce bbc", "did you mean source:?"),
        ("lang:e5", "lang", "lang:e5", "no language code"),
        ("topic:politcs", "topic", "topic:politics", "understood as 'politics'"),
        ("topic:zzzz", "topic", "topic:zzzz", "searched as a topic's label"),
        ("rights:noia", "rights", "rights:noai", "understood as 'noai'"),
        ("after:soon", "ignored", "after:soon", "no time"),
        ("last:2026-11-01", "ignored", "last:2026-11-01", "no span of time"),
        ("last:7d", "last", "since 2026-11-17 12:00 UTC", ""),
        ("source:", "ignored", "source:", "has no value"),
        ('"open', "phrase", '"open"', "quotation mark was missing"),
        ("(a OR b", "any", "a OR b", "closing ) was missing"),
        ("*bridge", "word", "bridge", "at the end of a word only"),
        ("b*", "word", "b", "a beginning needs 2 letters"),
        ("a)", "ignored", ")", "nothing was open"),
        ("—", "", "", ""),
    ],
)
def test_what_was_corrected_is_said(text: str, kind: str, shown: str, note: str) -> None:
    parts = parse_query(text, NOW).understood
    if not kind:
        assert parts == ()
        return
    [part] = [part for part in parts if part.kind == kind]
    assert part.text == shown
    assert note in part.note
    assert bool(note) == bool(part.note)


def test_each_part_can_be_taken_away() -> None:
    parts = parse_query('bridge london OR paris -"late ferry" source:bbc', NOW).understood
    assert [(part.kind, part.without) for part in parts] == [
        ("word", 'london OR paris -"late ferry" source:bbc'),
        ("any", 'bridge -"late ferry" source:bbc'),
        ("not", "bridge london OR paris source:bbc"),
        ("source", 'bridge london OR paris -"late ferry"'),
    ]


def test_what_is_beyond_the_bounds_is_said() -> None:
    long = parse_query("x" * 9000, NOW)
    assert any(f"first {MOST_CHARACTERS} characters" in part.note for part in long.understood)
    many = parse_query(" ".join(f"w{n}" for n in range(200)), NOW)
    assert len(many.nodes) == MOST_TERMS
    assert sum("only the first 64" in part.note for part in many.understood) == 200 - MOST_TERMS
    deep = parse_query("(" * 500 + "a" + ")" * 500 + " b", NOW)
    assert deep.nodes == (Word("a"), Word("b"))
    assert f"at most {MOST_DEPTH} deep" in deep.understood[0].note
    values = parse_query("source:" + ",".join(f"s{n}" for n in range(300)), NOW)
    assert isinstance(values.nodes[0], Filter)
    assert len(values.nodes[0].values) == 100


_PIECES = st.sampled_from(
    [*'"()|*~=:,-+ ', "OR", "AND", "NOT", "source:", "last:", "7d", "topic:", "a", "é", "東京", "https://a.example/"]
)
QUERIES = st.one_of(st.text(max_size=80), st.lists(_PIECES, max_size=25).map("".join), st.lists(_PIECES).map(" ".join))


@settings(max_examples=2000, deadline=None)
@given(QUERIES)
@example("x:OR")
@example('-"')
@example("\ud800")
def test_any_text_is_understood_the_same_way_again(text: str) -> None:
    query = parse_query(text, NOW)
    again = parse_query(str(query), NOW)
    assert again.root == query.root
    assert str(again) == str(query)
    str(query).encode()
    for part in query.understood:
        assert len(part.without) <= MOST_CHARACTERS
        parse_query(part.without, NOW)
