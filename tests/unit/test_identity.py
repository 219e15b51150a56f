"""What a page says of its address, and what is believed of it."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.index.identity import Because, claims, same_article, shows
from pipelines.urls import is_home, same_site
from schemas.records import Article
from tests.arrivals import SITE, TEXTS, TITLES, arrival


def claimed(**fields: Any) -> list[tuple[str, Because]]:
    one = arrival(**fields)
    assert one.article is not None
    return [tuple(claim) for claim in claims(one.entry, one.facts, one.article)]  # type: ignore[misc]


def test_a_page_at_its_own_address_claims_no_other() -> None:
    assert claimed() == claimed(landed="/a") == claimed(canonical="/a") == claimed(landed="/a", canonical="/a") == []
    assert claimed(path="http://gazette.example.org/a", canonical="/a") == []


def test_redirect_and_canonical_are_two_claims() -> None:
    view, own = (f"{SITE}/a?view=1", Because.REDIRECT), (f"{SITE}/a", Because.CANONICAL)
    assert claimed(path="https://proxy.example/x", landed="/a?view=1", canonical="/a") == [view, own]
    assert claimed(path="https://proxy.example/x", landed="/a", canonical="/a") == [(own[0], Because.REDIRECT)]
    assert claimed(path="/a?view=1", canonical="/a") == [own]


@pytest.mark.parametrize("home", ["/", "/#top", "/?utm_source=rss"])
def test_a_home_page_is_nobodys_address(home: str) -> None:
    assert claimed(landed=home) == claimed(landed=home, canonical="/") == []


@pytest.mark.parametrize(
    ("title", "landed", "count"),
    [
        (TITLES[0], "/b", 1),
        (TITLES[1], "/b", 0),  # led to another page than was announced
        ("", "/b", 0),  # nobody knows what was announced
        ("", "", 1),
        ("Ferry to Aldermere back after storm", "/b", 1),
    ],
)
def test_only_a_page_that_shows_what_was_announced_is_believed(title: str, landed: str, count: int) -> None:
    assert len(claimed(title=title, landed=landed, canonical="/c" if not landed else "")) == count


def article(title: str, body: str) -> Article:
    one = arrival().article
    assert one is not None
    return one.model_copy(update={"title": title, "body": body})


@pytest.mark.parametrize(
    ("announced", "title", "body"),
    [
        ("Nach dem Sturm: Fähre fährt wieder", "Fähre fährt wieder", "Nach dem Sturm ist sie zurück."),
        ("暴風雨の後、フェリー再開", "フェリー再開", "暴風雨の後、運航を再開した。"),
        ("العبّارة تعود إلى مسارها", "العبارة تعود إلى مسارها", "بعد العاصفة"),
        ("เรือข้ามฟากกลับมา", "เรือข้ามฟากกลับมาแล้ว", "หลังพายุ"),
        ("Up", "Prices go up", "They do."),
    ],
)
def test_titles_in_any_script(announced: str, title: str, body: str) -> None:
    assert shows(announced, article(title, body), otherwise=False)
    assert not shows(announced, article("Log in", "Please log in to read on."), otherwise=True)


REPORT = (
    "Shares of {0} closed {1} per cent higher on Tuesday after a quiet day of trading in thin volume. Analysts had "
    "expected less. The market as a whole rose slightly, and the pound was little changed against the dollar."
)

BACK = "暴風雨の後、渡し船は元の航路に戻った。"


def stored(title: str, body: str) -> dict[str, Any]:
    return {"title": title, "body": body}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (stored("Ferry", TEXTS[0]), stored("Ferry", TEXTS[0]), True),
        (stored("Ferry", TEXTS[0]), stored("FERRY", f"{TEXTS[0]} It sails at noon."), True),
        (stored("Ferry", TEXTS[0]), stored("Ferry is back", TEXTS[0].replace(" ", "\n")), True),
        (stored("Ferry", TEXTS[0]), stored("Ferry", TEXTS[1]), False),
        (stored("Ferry up", REPORT.format("Ferry", 2)), stored("Bridge up", REPORT.format("Bridge", 3)), False),
        (stored("Ferry", ""), stored("Ferry", ""), False),
        (stored("Ferry", ""), stored("Ferry", TEXTS[0]), False),
        (
            stored("渡し船", "暴風雨の後、渡し船は元の航路に戻った。"),
            stored("渡し船", "暴風雨の後、渡し船は元の航路に戻った。続報。"),
            True,
        ),
        (
            stored("渡し船", "暴風雨の後、渡し船は元の航路に戻った。"),
            stored("渡し船", "日曜日に新しい学校について投票が行われる。"),
            False,
        ),
    ],
)
def test_one_article_or_two(one: dict[str, Any], other: dict[str, Any], *, same: bool) -> None:
    assert same_article(one, other) is same_article(other, one) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("gazette.example.org", "gazette.example.org", True),
        ("www.gazette.example", "gazette.example", True),
        ("m.gazette.example", "amp.gazette.example", True),
        ("gazette.example:8443", "www.gazette.example", True),
        ("sport.gazette.example", "www.gazette.example", True),
        ("gazette.example", "herald.example", False),
        ("notgazette.example", "gazette.example", False),
        ("www.example", "m.example", False),
        ("[::1]:8080", "[::1]", False),
        ("127.0.0.1:80", "127.0.0.1:81", True),
    ],
)
def test_hosts_of_one_site(one: str, other: str, *, same: bool) -> None:
    assert same_site(one, other) is same_site(other, one) is same


def test_first_pages() -> None:
    assert [is_home(f"{SITE}{path}") for path in ("/", "", "/?page=2", "/a")] == [True, True, False, False]
