"""robots.txt as RFC 9309 wants it: our group, the longest rule, bounded work, and the same verdicts as Protego."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from pipelines.errors import FetchFault
from pipelines.http.robots import AGENT, LEAST_PATH, MOST_STEPS, ROBOTS_BYTES, Robots, read_robots, robots_after
from tests.unit import hostile_documents as hostile
from tests.unit.linear import operations

HOST = "https://ferry.example"
ROBOTS = b"""
User-agent: *
Disallow: /private/
Crawl-delay: 2

User-agent: Newsriver
Disallow: /no-news/
Allow: /no-news/but-this
Disallow: /*.pdf$
Crawl-delay: 0.5
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private/a", True),  # the group that names us counts, not the one for all
        ("/no-news/a", False),
        ("/no-news/but-this/b", True),
        ("/a.pdf", False),
        ("/a.pdf?x=1", True),
        ("/No-News/a", True),
    ],
)
def test_our_own_group_of_rules_counts(path: str, allowed: bool) -> None:
    robots = read_robots(ROBOTS)
    assert robots.allows(f"{HOST}{path}") is allowed
    assert robots.refusal(f"{HOST}{path}") == (None if allowed else "robots")
    assert robots.delay_seconds == 0.5


def test_rules_for_all_count_where_none_are_ours() -> None:
    robots = read_robots(b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /\r\nCrawl-delay: 3\r\n")
    assert not robots.allows(f"{HOST}/")
    assert robots.delay_seconds == 3


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("newsriver", True),
        ("NewsRiver", True),
        ("newsriver/1.0", True),
        ("newsriver/1.0 (+https://example.org)", True),
        ("newsriver *", True),
        ("newsriver # our reader", True),
        ("newsriver2", False),
        ("newsriver-images", False),
        ("news", False),
        ("othernewsriver", False),
        ("Mozilla/5.0", False),
        ("", False),
    ],
)
def test_our_product_token_is_known_in_all_its_forms(name: str, ours: bool) -> None:
    robots = read_robots(f"User-agent: {name}\nDisallow: /\n\nUser-agent: *\nAllow: /\n".encode())
    assert robots.allows(f"{HOST}/a") is not ours


def test_groups_that_name_us_are_one_group_and_others_between_them_say_nothing() -> None:
    robots = read_robots(
        b"user-agent: newsriver\nuser-agent: other\ndisallow: /a\n\nuser-agent: other\ndisallow: /b\n"
        b"sitemap: https://ferry.example/map.xml\nuser-agent: NEWSRIVER/2\n# a word\n\ndisallow: /c\n"
    )
    assert [robots.allows(f"{HOST}/{name}") for name in "abc"] == [False, True, False]


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        (["Disallow: /a", "Allow: /a"], "/a", True),  # equals: the one that allows
        (["Disallow: /a*", "Allow: /a"], "/a", False),
        (["Disallow: /*/b", "Allow: /a/b"], "/a/b", True),
        (["Disallow: /*/b/c", "Allow: /a/b"], "/a/b/c", False),
        (["Disallow: /a$"], "/a", False),
        (["Disallow: /a$"], "/a/", True),
        (["Disallow: /a$", "Allow: /"], "/a", False),
        (["Disallow: *"], "/", False),
        (["Disallow: /*"], "/a?b", False),
        (["Disallow: /*?"], "/a?b", False),
        (["Disallow: /*?"], "/a", True),
        (["Disallow: /", "Allow: /$"], "/", True),
        (["Disallow: /", "Allow: /news/index.html"], "/news/", True),
        (["Disallow: /ä"], "/%C3%A4/b", False),
        (["Disallow: /%c3%a4"], "/ä", False),
        (["Disallow: /a%2Fb"], "/a/b", True),
        (["Disallow: /a%41"], "/aA", False),
        (["Disallow: /a%2A"], "/a*b", False),
        (["Disallow: /a%2A"], "/ab", True),
        (["Disallow:"], "/a", True),
        (["Disallow: a"], "/a", True),
        (["Disalow: /a"], "/a", False),
        (["Disallow /a"], "/a", False),
        (["Disallow: /a*b*c$"], "/a-b-b-c", False),
        (["Disallow: /a*bc*c$"], "/abc", True),  # nothing of the path serves twice
    ],
)
def test_the_longest_rule_that_fits_decides(rules: list[str], path: str, allowed: bool) -> None:
    robots = read_robots("\n".join(["User-agent: *", *rules]).encode())
    assert robots.allows(HOST + path) is allowed


@pytest.mark.parametrize("body", [b"", b"<html>not here</html>", b"Crawl-delay: soon", b"Disallow: /", b"\0\0\0\0"])
def test_what_is_no_rule_allows_all(body: bytes) -> None:
    robots = read_robots(body)
    assert robots.allows(f"{HOST}/a")
    assert robots.delay_seconds is None


@pytest.mark.parametrize(
    "pack",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: text.encode() + b"\0" * 1000,
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.encode("latin-1"),
    ],
)
def test_every_spelling_of_text_is_read(pack: Callable[[str], bytes]) -> None:
    robots = read_robots(pack("# für alle\nUser-agent: *\nDisallow: /closed\n"))
    assert not robots.allows(f"{HOST}/closed/a")
    assert robots.allows(f"{HOST}/open")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "not-text"),
        (b"\x00\xff\xfe", "not-text"),
        (b"\x1f\x8bno gzip", "bad-encoding"),
        (gzip.compress(ROBOTS, mtime=0)[:60], "truncated"),
    ],
)
def test_what_cannot_be_read_does_not_allow_all(body: bytes, reason: str) -> None:
    with pytest.raises(FetchFault) as caught:
        read_robots(body)
    assert caught.value.reason == reason
    assert not robots_after(caught.value).allows(f"{HOST}/a")


def test_what_stands_behind_the_first_500_kib_is_passed_over() -> None:
    head = b"User-agent: *\nDisallow: /first\n" + b"# much to say\n" * 40_000
    robots = read_robots(head + b"Disallow: /last\n")
    assert len(head) > ROBOTS_BYTES
    assert not robots.allows(f"{HOST}/first")
    assert robots.allows(f"{HOST}/last")
    bomb = gzip.compress(head * 100)
    assert not read_robots(bomb).allows(f"{HOST}/first")


@given(st.binary(), st.text())
def test_any_bytes_are_robots_or_a_named_fault(body: bytes, path: str) -> None:
    robots = reads(body)
    assert robots.fault is None or robots.fault.reason in ("not-text", "bad-encoding", "truncated", "too-large")
    robots.allows(f"{HOST}/{path}")
    assert robots.delay_seconds is None or robots.delay_seconds >= 0


_words = st.sampled_from(["a", "b", "news", "2026", "a-b", "ä", "%C3%A4", "x.html", "c,d", "e;f"])
_paths = st.lists(_words, max_size=4).map(lambda words: "/" + "/".join(words))
_queries = st.sampled_from(["", "?", "?a=b", "?p=%20x"])
_patterns = st.lists(st.one_of(_words, st.just("*")), max_size=4).map(lambda words: "/" + "/".join(words))
_ends = st.sampled_from(["", "*", "$", "*$", "?*"])
_rules = st.tuples(st.sampled_from(["Allow", "Disallow", "allow", "DISALLOW"]), _patterns, _ends).map(
    lambda rule: f"{rule[0]}: {rule[1]}{rule[2]}"
)
_lines = st.one_of(
    _rules,
    st.sampled_from(
        [
            "User-agent: *", f"User-agent: {AGENT}", "user-agent: otherbot", "User-Agent: *  # all", "", "# a word",
            "Sitemap: https://ferry.example/map.xml", "Crawl-delay: 3", "Crawl-delay: x", "Disallow:", "Host: x",
            "Unknown: 1", "nonsense",
        ]
    ),
)  # fmt: skip


@given(st.lists(_lines, max_size=14), _paths, _queries)
def test_verdicts_are_those_of_protego(lines: list[str], path: str, query: str) -> None:
    text = "\n".join(lines)
    robots, theirs = read_robots(text.encode()), Protego.parse(text)
    url = f"{HOST}{path}{query}"
    assert robots.allows(url) is theirs.can_fetch(url, AGENT), text
    assert robots.delay_seconds == theirs.crawl_delay(AGENT)


@pytest.mark.parametrize("name", hostile.ROBOTS)
def test_hostile_files_are_read_in_linear_time_and_kept_small(name: str) -> None:
    make = hostile.ROBOTS[name]
    once, four = (operations(lambda kb=kb: reads(make(kb))) for kb in (20, 80))
    assert four < 6 * once + 5000
    robots = reads(make(500))
    assert robots.size < 20_000_000
    assert robots.burden <= 2 * ROBOTS_BYTES


def reads(body: bytes) -> Robots:
    try:
        return read_robots(body[:ROBOTS_BYTES])
    except FetchFault as fault:
        return robots_after(fault)


@pytest.mark.parametrize("name", hostile.ROBOTS)
def test_a_look_at_hostile_rules_is_bounded(name: str) -> None:
    """A path is matched against few enough characters, or not at all; never step by step with a way back."""
    robots = reads(hostile.ROBOTS[name](500))
    for path in ("/a", "/" + "a" * 4000, "/" + "ab" * 2000, "/" + "é,%41" * 500):
        looked = operations(lambda path=path: robots.refusal(HOST + path))
        assert looked < 60_000
        if robots.burden > MOST_STEPS / LEAST_PATH:
            assert robots.refusal(HOST + path) == "robots-too-complex"


def status(code: int, wait: float | None = None) -> FetchFault:
    return FetchFault("no", reason=f"http-{code}", retryable=code >= 500, status=code, retry_after=wait)


def fault(reason: str) -> FetchFault:
    return FetchFault("no", reason=reason, retryable=True)


@pytest.mark.parametrize("found", [status(401), status(403), status(404), status(410), fault("redirect-loop")])
def test_a_site_without_robots_allows_all(found: FetchFault) -> None:
    assert robots_after(found) == Robots()
    assert robots_after(found).allows(f"{HOST}/")


@pytest.mark.parametrize(
    "found",
    [
        status(429), status(500), status(503), fault("dns"), fault("timeout"), fault("tls"), fault("bad-encoding"),
        fault("truncated"), fault("too-large"), fault("killed-cpu"), fault("not-text"),
    ],
)  # fmt: skip
def test_a_site_whose_robots_cannot_be_had_allows_nothing_for_now(found: FetchFault) -> None:
    robots = robots_after(found)
    assert robots.fault is found
    assert robots.refusal(f"{HOST}/") == found.reason
