"""Feed lists: what is written is read again, and what is wrong is named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import FeedListError
from pipelines.feeds.lists import feed_of, from_opml, from_toml, read_lists, to_opml, to_toml
from schemas.records import Feed

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
    assert from_opml(OPML, "feeds.opml") == [
        Feed(url="https://ferry.example/feed.xml", title="Ferry", language="en"),
        Feed(url="https://berg.example/atom", title="Berg & Tal"),
        Feed(url="https://bare.example/rss"),
    ]


def test_several_lists_become_one_and_the_first_entry_of_a_feed_counts(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_bytes(TOML)
    (tmp_path / "two.xml").write_bytes(b"\xef\xbb\xbf" + OPML)
    found = read_lists([tmp_path / "one.toml", tmp_path / "two.xml"])
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
    (b"<opml><body>", "is no OPML: "),
    (b"<rss version='2.0'><channel/></rss>", "is no OPML but <rss>"),
    (b"<opml><body><outline text='x' xmlUrl='nowhere'/></body></opml>", "entry 1 (nowhere) is no address"),
    (b"<opml><body><outline text='x' xmlUrl=''/></body></opml>", "entry 1 has no url"),
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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedListError, match=r"gone\.toml cannot be read"):
        read_lists([tmp_path / "gone.toml"])


def test_a_list_cannot_make_us_read_files() -> None:
    data = b"<!DOCTYPE opml [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><opml><body><outline text='&x;' xmlUrl='https://a.example/'/></body></opml>"
    try:
        assert from_opml(data, "x") == [Feed(url="https://a.example/")]
    except FeedListError as error:
        assert "is no OPML" in str(error)  # noqa: PT017 - refusing it is as good


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
    assert from_opml(to_opml(listed).encode(), "x") == listed
