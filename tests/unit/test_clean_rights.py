"""What publishers say of the use of their pages, in the forms in which they say it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.clean import clean, guard
from pipelines.clean.head import Head, read_head
from pipelines.clean.html import parse
from pipelines.clean.rights import Rights, directives, rights_of
from pipelines.errors import Skipped
from pipelines.kafka import Message
from pipelines.process.steps import MakeArticle
from pipelines.process.worker import ProcessConfig, WorkerHandle
from pipelines.settings import CleanSettings, load_settings
from schemas.records import Article, Outcome, OutcomeKind, Right, Stage
from tests.rivers import entry as river_entry
from tests.rivers import facts as river_facts
from tests.rivers import page as river_page
from tests.unit.pages import FETCHED, URL, cleaned, entry, facts, page, prose

NAMES = [right.value for right in Right]


def said(head: str = "", headers: dict[str, str] | None = None, inside: str = "") -> Rights:
    tree = parse(page(inside or prose(), head))
    assert tree is not None
    return rights_of(read_head(tree), facts(headers=headers or {}))


@pytest.mark.parametrize(
    ("text", "reserved"),
    [
        ("", ""),
        ("all", ""),
        ("index, follow, max-image-preview:large, max-snippet:-1, max-video-preview:-1", ""),
        ("noindex", "noindex"),
        ("NOINDEX,NOFOLLOW", "noindex nofollow"),
        ("none", "noindex nofollow"),
        ("noarchive, noai , noimageai", "noarchive noai noimageai"),
        ("nocache", "noarchive"),
        ("nosnippet", "nosnippet"),
        ("max-snippet:0", "nosnippet"),
        ("max-snippet: 0, noimageindex", "nosnippet noimageindex"),
        ("max-snippet:50", ""),
        ("notranslate", "notranslate"),
        ("noindex nofollow", "noindex nofollow"),
        ("noindex; noai", "noindex noai"),
        ("noindex max-snippet:0", "noindex nosnippet"),
        ("noodp,noydir,indexifembedded", ""),
        ("newsriver: noindex", "noindex"),
        ("googlebot: noindex", ""),
        ("googlebot-news: noindex, noarchive", "noindex noarchive"),
        ("*: noai", "noai"),
        ("otherbot: noindex, nofollow", ""),
        ("otherbot: noindex, newsriver: nofollow, noai", "nofollow noai"),
        ("noarchive, googlebot: nofollow, otherbot: noindex, nofollow", "noarchive"),
        ("GPTBot: noindex, Newsriver: NoAI", "noai"),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", "unavailable"),
        ("unavailable_after: Fri, 25 Jun 2010 15:00:00 GMT, noai", "noai unavailable"),
        ("noai, unavailable_after: Friday, 25-Jun-10 15:00:00 GMT", "noai unavailable"),
        ("unavailable_after: 2010-06-25", "unavailable"),
        ("unavailable_after:2010-06-25T15:00:00+02:00,nosnippet", "nosnippet unavailable"),
        ("newsriver: unavailable_after: 25 Jun 2010 15:00:00 GMT", "unavailable"),
        ("googlebot: unavailable_after: 25 Jun 2010 15:00:00 GMT", ""),
        ("unavailable_after: 25 Jun 2040 15:00:00 GMT", ""),
        ("unavailable_after: next week", ""),
        ("unavailable_after:", ""),
        ("tdm-reservation", ""),
        ("unavailable", ""),
        (": : ,, ;: noindex", ""),
    ],
)
def test_directives_in_header_and_meta_tag(text: str, reserved: str) -> None:
    expected = tuple(Right(name) for name in reserved.split())
    tag = f'<meta name="robots" content="{text}">'
    assert set(said(headers={"x-robots-tag": text}).reserved) == set(expected)
    assert said(tag) == said(headers={"x-robots-tag": text})


@pytest.mark.parametrize(
    ("head", "reserved"),
    [
        ("<META NAME=ROBOTS CONTENT=NOINDEX>", ["noindex"]),
        ('<meta content="noai" name=" Robots ">', ["noai"]),
        ('<meta name="newsriver" content="noindex">', ["noindex"]),
        ('<meta name="googlebot-news" content="nosnippet">', ["nosnippet"]),
        ('<meta name="googlebot" content="noindex">', []),
        ('<meta http-equiv="X-Robots-Tag" content="noarchive">', ["noarchive"]),
        ('<meta property="robots" content="noimageai">', ["noimageai"]),
        ('<meta name="robots" content="index"><meta name="robots" content="noindex">', ["noindex"]),
        ('<meta name="robots" content="noai"><meta name="newsriver" content="all">', ["noai"]),
        ('<!-- <meta name="robots" content="noindex"> -->', []),
        ('<meta name="robots">', []),
    ],
)
def test_which_meta_tags_are_meant_for_us(head: str, reserved: list[str]) -> None:
    assert list(said(head).reserved) == reserved


def test_directives_of_page_and_header_add_up_in_one_order() -> None:
    found = said('<meta name="robots" content="noai, nofollow">', {"x-robots-tag": "noindex, noai"})
    assert list(found.reserved) == ["noindex", "nofollow", "noai"]


@pytest.mark.parametrize(
    ("head", "headers", "reserved", "policy"),
    [
        ('<meta name="tdm-reservation" content="1">', {}, True, None),
        ('<meta name="TDM-Reservation" content=" 1 ">', {}, True, None),
        ("", {"tdm-reservation": "1"}, True, None),
        ("", {"tdm-reservation": "1, 1"}, True, None),
        ("", {"tdm-reservation": "0"}, False, None),
        ("", {"tdm-reservation": "yes"}, False, None),
        ("", {"tdm-reservation": "2"}, False, None),
        ('<meta name="tdm-reservation" content="0">', {"tdm-reservation": "1"}, False, None),
        ('<meta name="tdm-reservation" content="?">', {"tdm-reservation": "1"}, True, None),
        ("", {"tdm-reservation": "1", "tdm-policy": "https://post.example/p.json"}, True, "https://post.example/p.json"),
        ("", {"tdm-reservation": "1", "tdm-policy": "/p.json"}, True, "https://post.example/p.json"),
        ("", {"tdm-reservation": "0", "tdm-policy": "https://post.example/p.json"}, False, None),
        ("", {"tdm-policy": "https://post.example/p.json"}, False, None),
        ('<meta name="tdm-policy" content="/own">', {"tdm-reservation": "1", "tdm-policy": "/sent"}, True,
         "https://post.example/own"),
        ("", {"tdm-reservation": "1", "tdm-policy": "javascript:alert(1)"}, True, None),
        ("", {"tdm-reservation": "1", "tdm-policy": "http://[bad"}, True, None),
    ],
)  # fmt: skip
def test_reservation_of_mining(head: str, headers: dict[str, str], reserved: bool, policy: str | None) -> None:
    found = said(head, headers)
    assert (Right.TDM_RESERVATION in found.reserved, found.tdm_policy) == (reserved, policy)


def ld(**fields: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle"} | fields)}</script>'


BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("head", "inside", "headers", "license"),
    [
        (f'<link rel="license" href="{BY}">', "", {}, BY),
        (f'<link rel="nofollow License" href="{BY}">', "", {}, BY),
        ('<link rel="license" type="application/rsl+xml" href="/rsl.xml">', "", {}, "https://post.example/rsl.xml"),
        ("", f'{prose()}<a rel="license" href="{BY}">CC BY</a>', {}, BY),
        ("", f'{prose()}<a rel="licensee" href="{BY}">a firm</a>', {}, None),
        (ld(license=BY), "", {}, BY),
        (ld(license={"@type": "CreativeWork", "name": "CC BY", "url": BY}), "", {}, BY),
        (ld(license=[{"@id": BY}]), "", {}, BY),
        (ld(license=["CC BY 4.0"]), "", {}, None),
        (ld(license=5), "", {}, None),
        (ld(license=[]), "", {}, None),
        ('<link rel="license" href="data:text/plain,free">', "", {}, None),
        ("", "", {"link": f'</style.css>; rel=preload; as=style, <{BY}>; rel="license"'}, BY),
        ("", "", {"link": f"<{BY}>; title=x; rel=license"}, BY),
        ("", "", {"link": f'<{BY}>; rel="preload"; title="license"'}, None),
    ],
)
def test_licence(head: str, inside: str, headers: dict[str, str], license: str | None) -> None:  # noqa: A002 - its name
    assert said(head, headers, inside).license == license


@pytest.mark.parametrize(
    ("head", "free"),
    [
        ("", None),
        (ld(isAccessibleForFree=False), False),
        (ld(isAccessibleForFree="False"), False),
        (ld(isAccessibleForFree="http://schema.org/False"), False),
        (ld(isAccessibleForFree=True), True),
        (ld(isAccessibleForFree="true"), True),
        (ld(isAccessibleForFree=None), None),
        (ld(isAccessibleForFree=["False"]), None),
        ('<meta property="article:content_tier" content="metered">', False),
        ('<meta property="article:content_tier" content="free">', True),
        (ld(isAccessibleForFree=True) + '<meta property="article:content_tier" content="locked">', True),
    ],
)
def test_paywall(head: str, free: bool | None) -> None:
    assert said(head).free is free


def test_the_article_carries_what_is_said() -> None:
    head = f'<meta name="robots" content="noarchive"><link rel="license" href="{BY}">{ld(isAccessibleForFree=False)}'
    headers = {"tdm-reservation": "1", "tdm-policy": "/p"}
    article = clean(page(prose(), head).encode(), entry(), facts(headers=headers), CleanSettings())
    assert article.rights == ["noarchive", "tdm-reservation"]
    assert (article.tdm_policy, article.license, article.free) == ("https://post.example/p", BY, False)
    assert Article.from_json(article.to_json()) == article


def test_a_page_that_says_nothing_leaves_no_trace() -> None:
    article = cleaned(page(prose()))
    assert (article.rights, article.tdm_policy, article.license, article.free) == ([], None, None, None)


def test_the_digest_changes_with_the_rights() -> None:
    """Else a revisit would find the same text and leave the old rights in the index."""
    texts = [
        "",
        '<meta name="robots" content="noai">',
        f'<link rel="license" href="{BY}">',
        ld(isAccessibleForFree=True),
    ]
    assert len({cleaned(page(prose(), f"<title>Budget</title>{text}")).content_digest for text in texts}) == len(texts)


def test_plain_text_has_the_headers_only() -> None:
    text = "\n\n".join(["The council passed its budget on Monday evening after a long debate about the harbour."] * 4)
    article = clean(text.encode(), entry(), facts("text/plain", headers={"x-robots-tag": "noai"}), CleanSettings())
    assert article.rights == ["noai"]


def test_a_monster_has_its_meta_tags_read_too() -> None:
    head = '<!-- <meta name="robots" content="noindex"> --><META content="noai" name="robots">'
    monster = page(prose() + "<i></i>" * (guard.MAX_RICH_TAGS // 2 + 1), head)
    assert guard.way(monster, URL) is guard.Way.LINEAR
    assert cleaned(monster).rights == ["noai"]


@pytest.mark.parametrize(
    ("skip", "reason"),
    [
        ([], None),
        (["noindex"], None),
        (["noai"], "rights-noai"),
        (["tdm-reservation", "noai"], "rights-tdm-reservation"),
        (["noindex", "noai", "tdm-reservation"], "rights-noai"),
    ],
)
def test_pages_are_skipped_as_the_setting_says(skip: list[str], reason: str | None) -> None:
    given_facts = facts(headers={"x-robots-tag": "noai", "tdm-reservation": "1"})
    settings = CleanSettings.model_validate({"skip_rights": skip})
    if reason is None:
        assert clean(page(prose()).encode(), entry(), given_facts, settings).rights == ["noai", "tdm-reservation"]
        return
    with pytest.raises(Skipped) as caught:
        clean(page(prose()).encode(), entry(), given_facts, settings)
    assert caught.value.reason == reason
    assert "clean.skip_rights" in str(caught.value)


def test_the_step_ends_a_skipped_page_as_skipped_and_keeps_its_neighbour() -> None:
    set_so = [
        'clean.skip_rights=["noindex"]',
        "kafka.bootstrap_servers=nowhere:9092",
        "elasticsearch.url=http://nowhere:9200",
    ]
    step = MakeArticle(WorkerHandle(ProcessConfig.of(load_settings(assignments=set_so, environment={}))))
    step.setup()
    try:
        done = [one for number, tag in ((1, "index"), (2, "noindex")) for one in step.process(message(number, tag))]
    finally:
        step.worker.sandbox.close()
    [draft, refused] = done
    assert draft.article.url == river_entry(1).url
    assert refused.tag == "refused"
    line: Outcome = refused.value
    assert (line.kind, line.reason, line.stage) == (OutcomeKind.SKIPPED, "rights-noindex", Stage.CLEAN)
    assert (line.terminal, line.url, line.origin) == (True, river_entry(2).url, "news.pages/0/2")


def message(number: int, robots: str) -> Message:
    told = river_facts(number, headers={"x-robots-tag": robots})
    return Message(
        topic="news.pages",
        partition=0,
        offset=number,
        timestamp_ms=int(told.fetched_at.timestamp() * 1000),
        key=river_entry(number).url,
        value=river_page(number),
        headers={"entry": river_entry(number).to_json(), "page": told.to_json()},
    )


WORDS = st.sampled_from(
    [*NAMES, "none", "all", "max-snippet:0", "unavailable_after: 2 Jan 2020", "max-snippet", "Mon,"]
)
GLUE = st.sampled_from([",", ", ", ";", " ", "\n", ": ", "googlebot: ", "newsriver: ", "::"])
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.one_of(WORDS, GLUE), max_size=15).map("".join))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "@id", "@value"]), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.datetimes(timezones=st.just(UTC)))
@example("unavailable_after: 31 Dec 9999 23:59:59 -1200", FETCHED)
@example("unavailable_after: 1 Jan 0001 00:00:00 +1400", FETCHED)
def test_any_value_gives_directives_and_reading_them_again_the_same(text: str, at: datetime) -> None:
    found = directives(text, at)
    plain = found - {Right.UNAVAILABLE}
    assert directives(", ".join(plain), at) == plain
    assert Right.TDM_RESERVATION not in found


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["robots", "newsriver", "tdm-reservation", "tdm-policy"]), st.lists(TEXTS)),
    st.dictionaries(st.sampled_from(["x-robots-tag", "tdm-reservation", "tdm-policy", "link"]), TEXTS),
    JSON,
    TEXTS,
)
def test_whatever_is_said_gives_rights(
    metas: dict[str, list[str]], headers: dict[str, str], value: object, link: str
) -> None:
    node = {"@type": "NewsArticle", "license": value, "isAccessibleForFree": value}
    found = rights_of(Head(metas=metas, nodes=[node], license=link), facts(headers=headers))
    assert list(found.reserved) == [right for right in Right if right in found.reserved]
    for address in (found.tdm_policy, found.license):
        assert address is None or address.startswith(("http://", "https://"))


@given(st.integers(-3_000_000, 3_000_000))
def test_unavailable_is_told_by_the_time_of_the_fetch(seconds: int) -> None:
    limit = FETCHED + timedelta(seconds=seconds)
    found = directives(f"unavailable_after: {limit:%Y-%m-%dT%H:%M:%SZ}", FETCHED)
    assert (Right.UNAVAILABLE in found) is (seconds <= 0)
