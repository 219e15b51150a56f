"""Feed lists: what is written is read again, and what is wrong is named in one line."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FeedListError
from pipelines.feeds import lists
from pipelines.feeds.lists import FeedList, feed_of, from_bytes, from_opml, from_toml, read_lists, to_opml, to_toml
from pipelines.sandbox import Limits
from schemas.records import Feed
from tests.unit import hostile_documents
from tests.unit.linear import LINEAR, growth

TOML = b"""
[[feed]]
url = "https://ferry.example/feed.xml"
title = "The Ferry Post"
source = "ferry"
language = "en"

[[feed]]
url = "https://berg.example/atom"
paused = true
interval_seconds = 600
"""
OPML = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0">
  <head><title>My feeds</title></head>
  <body>
    <outline text="Islands">
      <outline type="rss" text="The Ferry Post" title="Ferry" xmlUrl="https://ferry.example/feed.xml"
               language="en-GB"/>
      <outline text="Deeper"><outline type="atom" text="Berg &amp; Tal" xmlUrl=" https://berg.example/atom "/></outline>
    </outline>
    <outline text="only a note"/>
    <outline text="https://bare.example/rss" xmlUrl="https://bare.example/rss"/>
  </body>
</opml>
"""


def test_toml_is_read() -> None:
    assert from_toml(TOML, "feeds.toml") == [
        Feed(url="https://ferry.example/feed.xml", title="The Ferry Post", source="ferry", language="en"),
        Feed(url="https://berg.example/atom", paused=True, interval_seconds=600),
    ]


def test_opml_is_read_through_its_folders() -> None:
    assert from_opml(OPML, "feeds.opml") == FeedList(
        (
            Feed(url="https://ferry.example/feed.xml", title="Ferry", language="en"),
            Feed(url="https://berg.example/atom", title="Berg & Tal"),
            Feed(url="https://bare.example/rss"),
        )
    )


def test_several_lists_become_one_and_the_first_entry_of_a_feed_counts(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_bytes(TOML)
    (tmp_path / "two.xml").write_bytes(b"\xef\xbb\xbf" + OPML)
    found = read_lists([tmp_path / "one.toml", tmp_path / "two.xml"]).feeds
    assert [feed.url for feed in found] == [
        "https://ferry.example/feed.xml",
        "https://berg.example/atom",
        "https://bare.example/rss",
    ]
    assert found[0].source == "ferry"


WRONG = [
    (b"[[feed]]\ntitle = 'x'\n", "entry 1 has no url"),
    (b"[[feed]]\nurl = 'https://a.example'\n[[feed]]\nurl = 'nowhere'\n", "entry 2 (nowhere) is no address of a page"),
    (b"[[feed]]\nurl = 'ftp://a.example/x'\n", "entry 1 (ftp://a.example/x) is no address"),
    (b"[[feed]]\nurl = 'https://a.example'\ntitel = 'x'\n", "unknown key titel; did you mean title?"),
    (b"[[feed]]\nurl = 'https://a.example'\nlanguage = 'English'\n", "language"),
    (b"[[feed]]\nurl = 'https://a.example'\ninterval_seconds = 0\n", "interval_seconds"),
    (b"[[feed]]\nurl = 'https://a.example'\npaused = 'perhaps'\n", "paused"),
    (b"feed = 'https://a.example'\n", "something other than [[feed]] tables"),
    (b"[[feeds]]\nurl = 'https://a.example'\n", "something other than [[feed]] tables"),
    (b"feed = ['https://a.example']\n", "entry 1 has no url"),
    (b"", "something other than [[feed]] tables"),
    (b"not a list", "neither TOML nor OPML"),
    (b"\xff\xfe\x00", "neither TOML nor OPML"),
    (b"<!-- nothing -->", "is no OPML: it has no element"),
    (b"<rss version='2.0'><channel/></rss>", "is no OPML but <rss>"),
    (b"<opml><body><outline text='x' xmlUrl='nowhere'/></body></opml>", "line 1 (nowhere) is no address"),
    (b"<opml><body>\n\n<outline text='x' xmlUrl=''/></body></opml>", "line 3 has no url; no other entry is a feed"),
    (b"<opml><body>\n<outline text='x' xmlUrl='https://a.example/", "line 2: outline without an end"),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_wrong_is_named_with_file_and_entry(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "my-feeds"
    path.write_bytes(data)
    with pytest.raises(FeedListError) as caught:
        read_lists([path])
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


GOOD = ("https://ferry.example/feed.xml", "https://berg.example/atom?a=1&b=2")


def opml(*entries: str, start: str = "", declared: str = "UTF-8") -> str:
    good = f'<outline text="Ferry" xmlUrl="{GOOD[0]}"/>', f'<outline text="Berg" xmlUrl="{GOOD[1]}" />'
    lines = [
        f'{start}<?xml version="1.0" encoding="{declared}"?>',
        '<opml version="2.0"><body>',
        good[0],
        *entries,
        good[1],
    ]
    return "\n".join([*lines, "</body></opml>"])


DAMAGED = [
    ('<outline text="Bad" xmlUrl="nowhere"/>', "line 4 (nowhere) is no address"),
    ('<outline text="Bad" xmlUrl="ftp://a.example/x"/>', "line 4 (ftp://a.example/x) is no address"),
    ('<outline text="Bad" xmlUrl=""/>', "line 4 has no url"),
    ('<outline\n  text="Bad"\n  xmlUrl="mailto:x@a.example"/>', "line 4 (mailto:x@a.example) is no address"),
    ('<outline text="No end" xmlUrl="https://a.example/x\n', "line 4: outline without an end"),
    ('<outline text="Bad" xmlUrl="https://a.example/" intervalx="1" interval_seconds="soon"/>', "interval_seconds"),
    ('<outline xmlUrl="https://a.example/" language="Klingon"/>', "no language 'Klingon'; left out"),
]


@pytest.mark.parametrize(("entry", "problem"), DAMAGED)
def test_one_bad_entry_is_named_with_its_line_and_the_others_come_in(entry: str, problem: str) -> None:
    found = from_bytes(opml(entry).encode(), "my.opml")
    assert {feed.url for feed in found.feeds} >= set(GOOD)
    assert [said for said in found.problems if problem in said] == list(found.problems)
    assert len(found.problems) == 1
    assert found.problems[0].startswith("feed list my.opml ")


@pytest.mark.parametrize(
    ("entry", "title"),
    [
        ('<outline text="Fish & Chips" xmlUrl="https://a.example/x"/>', "Fish & Chips"),
        ('<outline text="AT&T&nbsp;News" xmlUrl="https://a.example/x"/>', "AT&T\u00a0News"),
        ('<outline text="Caf&eacute; &#8211; &quot;Now&quot;" xmlUrl="https://a.example/x"/>', 'Café – "Now"'),
        ('<outline text="a < b > c" xmlUrl="https://a.example/x"/>', "a < b > c"),
        ("<outline title='Say \"hi\"' xmlurl='https://a.example/x'></outline>", 'Say "hi"'),
        ('<OUTLINE TEXT="Loud" XMLURL="https://a.example/x"/>', "Loud"),
        ('<outline text="F" type="rss"><outline text="Inner" xmlUrl = "https://a.example/x" /></outline>', "Inner"),
        ('<outline text="R" xmlUrl="feed://a.example/x"/>', "R"),
        ('<outline text="R" xmlUrl="feed:http://a.example/x"/>', "R"),
        ('<outline text="R" xmlUrl="FEED:https://a.example/x"/>', "R"),
        ('<outline text="R" xmlUrl="feed://https://a.example/x"/>', "R"),
        ('<!-- <outline xmlUrl="https://gone.example/"/> --><outline text="R" xmlUrl="https://a.example/x"/>', "R"),
    ],
)
def test_entries_are_read_as_feed_readers_write_them(entry: str, title: str) -> None:
    found = from_bytes(opml(entry).encode(), "x")
    assert found.problems == ()
    assert [(feed.url.partition(":")[2], feed.title) for feed in found.feeds[1:2]] == [("//a.example/x", title)]
    assert {feed.url for feed in found.feeds} >= set(GOOD)
    assert len(found.feeds) == 3


@pytest.mark.parametrize(
    "data",
    [
        opml('<outline text="Müller" xmlUrl="https://a.example/x"/>').encode("latin-1"),
        opml('<outline text="Müller" xmlUrl="https://a.example/x"/>', declared="ISO-8859-1").encode("latin-1"),
        opml('<outline text="Müller" xmlUrl="https://a.example/x"/>', start="\n \t\n").encode(),
        opml('<outline text="Müller" xmlUrl="https://a.example/x"/>', start="\ufeff\n").encode(),
        opml('<outline text="Müller" xmlUrl="https://a.example/x"/>').encode("utf-16"),
    ],
    ids=["a Latin-1 byte", "Latin-1", "white space first", "mark first", "UTF-16"],
)
def test_a_list_in_any_charset_is_read(data: bytes) -> None:
    found = from_bytes(data, "x")
    assert [feed.title for feed in found.feeds] == ["Ferry", "Müller", "Berg"]
    assert found.problems == ()


@given(st.lists(st.sampled_from(["<outline ", "xmlUrl=", '"', "'", "https://a.example/x", ">", "/>", "&", "<!--", "-->",
                                 "<opml>", "</body>", "\n", "<", "text=", "feed:", "\xfc"]), max_size=60))  # fmt: skip
def test_any_pieces_of_a_list_are_read_or_refused_in_one_line(pieces: list[str]) -> None:
    try:
        found = from_bytes(("<opml>" + "".join(pieces)).encode("latin-1"), "x")
    except FeedListError as error:
        assert "\n" not in str(error)  # noqa: PT017 - a list is as good an end
        return
    assert all(feed.url.startswith("http") for feed in found.feeds)


def test_a_list_without_ends_takes_no_longer_than_its_length() -> None:
    began = time.process_time()
    for piece in ('<outline text="', "<outline '\"", "<!-- <outline ", "<outline x='<", "<outline <", "<!doctype "):
        for start in ("<opml>", ""):
            try:
                from_bytes((start + piece * 40_000).encode(), "x")
            except FeedListError:
                continue
    assert time.process_time() - began < 10


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedListError, match=r"gone\.toml cannot be read"):
        read_lists([tmp_path / "gone.toml"])


def test_a_list_cannot_make_us_read_files() -> None:
    data = b"<!DOCTYPE opml [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><opml><body><outline text='&x;' xmlUrl='https://a.example/'/></body></opml>"
    assert from_opml(data, "x").feeds == (Feed(url="https://a.example/", title="&x;"),)


def test_one_feed_of_the_command_line() -> None:
    assert feed_of({"url": "https://a.example/x", "title": "A"}) == Feed(url="https://a.example/x", title="A")
    with pytest.raises(FeedListError):
        feed_of({"url": "nowhere"})


texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff"), max_size=30)
feeds = st.builds(
    Feed,
    url=st.from_regex(r"https?://[a-z]{1,9}\.example(:8080)?/[a-z0-9?&=/%+-]{0,20}", fullmatch=True),
    title=texts.map(str.strip),
    source=texts,
    language=st.none() | st.sampled_from(["en", "de", "zho"]),
    paused=st.booleans(),
    interval_seconds=st.none() | st.floats(1, 1e6),
)


@given(st.lists(feeds, min_size=1, max_size=5))
def test_what_is_written_is_read_again(listed: list[Feed]) -> None:
    assert from_toml(to_toml(listed).encode(), "x") == listed
    assert from_opml(to_opml(listed).encode(), "x") == FeedList(tuple(listed))


@pytest.mark.parametrize("name", hostile_documents.LISTS)
def test_hostile_lists_take_time_linear_in_their_size(name: str) -> None:
    def read(kb: int) -> None:
        with suppress(FeedListError):
            from_bytes(hostile_documents.LISTS[name](kb), "x")

    assert growth(read, 25) < LINEAR


def test_a_list_that_takes_too_much_is_named_and_the_others_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_LIMITS", Limits(cpu_seconds=0.5, memory_mb=400))
    (tmp_path / "slow.toml").write_bytes(hostile_documents.SLOW_LIST)
    with pytest.raises(FeedListError, match=r"slow\.toml cannot be read: took more than 0\.5 s of CPU time"):
        read_lists([tmp_path / "slow.toml"])


def test_a_file_without_an_end_is_no_list() -> None:
    with pytest.raises(FeedListError, match="larger than 16 MB"):
        read_lists([Path("/dev/zero")])
