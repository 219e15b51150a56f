"""What stands in an article's place is refused by its name; articles about the same things are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.clean import clean
from pipelines.clean.head import Head
from pipelines.clean.interstitials import interstitial
from pipelines.errors import Rejected
from pipelines.settings import CleanSettings
from schemas.records import Article, Entry, PageFacts
from tests.unit.pages import FETCHED, URL

FEED_TITLE = "Harbour board votes to rebuild the northern pier"
SORRY = (
    "<p>We looked everywhere and there is nothing at this address. Perhaps it has moved, or there is a slip in the "
    "spelling. Go to the front page, or ask us by the form at the foot of this page.</p>"
)
PROSE = "<p>{}</p>".format(
    "The board met on Monday evening and heard four speakers before it voted by eleven to two for the plan. Work "
    "begins in March and is to take two years, during which the ferry will land at the southern quay."
)


def page(title: str, inside: str, *, h1: str | None = None, head: str = "") -> str:
    heading = f"<h1>{title.partition(' | ')[0] if h1 is None else h1}</h1>" if h1 != "" else ""
    return f"<html><head><title>{title}</title>{head}</head><body><main>{heading}{inside}</main></body></html>"


def read(html: str, feed_title: str = FEED_TITLE) -> Article:
    entry = Entry(
        id="0" * 32, url=URL, link=URL, feed_url="https://quay.example/feed", source="quay", title=feed_title,
        first_seen=FETCHED,
    )  # fmt: skip
    facts = PageFacts(url=URL, status=200, content_type="text/html; charset=utf-8", fetched_at=FETCHED)
    return clean(html.encode(), entry, facts, CleanSettings(min_words=5))


def reason(html: str, feed_title: str = FEED_TITLE) -> str:
    with pytest.raises(Rejected) as caught:
        read(html, feed_title)
    return caught.value.reason


@pytest.mark.parametrize("feed_title", [FEED_TITLE, ""])
@pytest.mark.parametrize(
    ("title", "why"),
    [
        ("Page not found | Quay Post", "not-found-page"),
        ("404 - Page Not Found", "not-found-page"),
        ("Oops! | Quay Post", "not-found-page"),
        ("Seite nicht gefunden – Kai-Bote", "not-found-page"),
        ("Page introuvable | Le Quai", "not-found-page"),
        ("Página no encontrada - El Muelle", "not-found-page"),
        ("Página não encontrada", "not-found-page"),
        ("Pagina non trovata | Il Molo", "not-found-page"),
        ("Pagina niet gevonden", "not-found-page"),
        ("Sidan hittades inte", "not-found-page"),
        ("Nie znaleziono strony", "not-found-page"),
        ("Страница не найдена — Причал", "not-found-page"),
        ("Сторінку не знайдено", "not-found-page"),
        ("Sayfa bulunamadı", "not-found-page"),
        ("ページが見つかりません｜港新聞", "not-found-page"),
        ("页面不存在", "not-found-page"),
        ("페이지를 찾을 수 없습니다", "not-found-page"),
        ("الصفحة غير موجودة", "not-found-page"),
        ("Before you continue to Quay Post", "consent-page"),
        ("We value your privacy", "consent-page"),
        ("Bevor Sie fortfahren", "consent-page"),
        ("Wir brauchen Ihre Zustimmung | Kai-Bote", "consent-page"),
        ("Avant de continuer", "consent-page"),
        ("Antes de continuar", "consent-page"),
        ("Cookie-instellingen", "consent-page"),
        ("Zanim przejdziesz dalej", "consent-page"),
        ("Just a moment...", "bot-check"),
        ("Attention Required! | Cloudflare", "bot-check"),
        ("Access denied", "bot-check"),
        ("Einen Moment, bitte …", "bot-check"),
        ("Un instant…", "bot-check"),
        ("Вы робот?", "bot-check"),
    ],
)
def test_a_page_in_an_articles_place_is_refused_by_name(title: str, why: str, feed_title: str) -> None:
    assert reason(page(title, SORRY), feed_title) == why


SAYS_NOTHING_ELSE = {
    "needs-javascript": [
        "You need to enable JavaScript to run this app. Please change the settings of your browser.",
        "JavaScript is disabled in your browser. Please turn it on and load this page again.",
        "Bitte aktivieren Sie JavaScript in Ihrem Browser, um diese Seite zu sehen.",
        "Veuillez activer JavaScript dans votre navigateur pour lire cette page.",
        "Para ver esta página es necesario activar JavaScript en su navegador.",
        "Для просмотра страницы включите JavaScript в вашем браузере.",
    ],
    "bot-check": [
        "Checking if the site connection is secure. quay.example needs to verify you are human.",
        "Our systems have detected unusual traffic from your network. Complete the captcha to go on.",
    ],
    "consent-page": [
        (
            "We and our 312 partners store and access cookies on your device. Accept all or manage your choices. "
            "You can withdraw your consent at any time."
        ),
        (
            "Wir und unsere Partner speichern Cookies auf Ihrem Gerät. Alle akzeptieren oder alle ablehnen. "
            "Sie können Ihre Einwilligung jederzeit widerrufen."
        ),
        (
            "Nous et nos partenaires utilisons des cookies sur votre appareil. Tout accepter ou tout refuser. "
            "Vous pouvez retirer votre consentement."
        ),
    ],
}


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in SAYS_NOTHING_ELSE.items() for text in texts])
def test_a_page_that_says_nothing_else_is_refused_whatever_its_title(why: str, text: str) -> None:
    assert reason(page("Quay Post", f"<p>{text}</p>")) == why


def cards(markup: str, number: int = 9) -> str:
    return "".join(
        markup.format(at=at, text=f"The {at} boats of the northern fleet went out again although the wind had turned.")
        for at in range(number)
    )


CARDS = [
    '<article><h2><a href="/{at}">Story {at} of the harbour</a></h2><p>{text}</p><time>20 Nov 2026</time></article>',
    '<div class="card"><a href="/{at}"><h3>Story {at} of the harbour</h3></a><p>{text}</p></div>',
    '<li><h3><a href="/{at}">Story {at} of the harbour</a></h3><p>{text}</p></li>',
    '<section><div><h2><a href="/{at}">Story {at} of the harbour</a></h2></div><div><p>{text}</p></div></section>',
]


@pytest.mark.parametrize("markup", CARDS)
@pytest.mark.parametrize("title", ["Innovation | Quay Post", "Quay Post", "Latest news"])
def test_a_list_of_teasers_is_no_article(markup: str, title: str) -> None:
    assert reason(page(title, cards(markup))) == "index-page"
    assert reason(page(title, cards(markup)), feed_title="") == "index-page"


HONEST = [
    # articles about walls, checks and missing pages, short ones too
    ("Page not found: why every tenth link in court rulings is dead", PROSE),
    ("Just a moment: how bot checks slow the web down", PROSE),
    ("Before you continue: regulator fines search engine over consent wall", PROSE),
    ("Your privacy matters, says minister, and buys a tracker", PROSE),
    ("404", "<p>The band’s album 404 is out on Friday, and the ferry company has named a ship after it.</p>" + PROSE),
    ("Browsers to disable JavaScript on slow machines", "<p>Two browsers will disable JavaScript on machines with "
     "little memory from March, their makers said on Monday. Readers can enable it again.</p>" + PROSE),
    ("Publishers told to drop cookie walls", "<p>Sites may no longer say that they use cookies and ask readers to "
     "accept all, the court ruled on Tuesday. “Your consent must be free,” the judge said.</p>" + PROSE),
    ("Access denied", "<p>Reporters were kept out of the harbour board’s meeting, the union said.</p>" + PROSE),
]  # fmt: skip


@pytest.mark.parametrize(("title", "inside"), HONEST)
def test_an_article_about_these_things_is_an_article(title: str, inside: str) -> None:
    assert read(page(f"{title} | Quay Post", inside), feed_title=title).title == title


@pytest.mark.parametrize(("title", "inside"), [pair for pair in HONEST if len(pair[0].split()) > 2])
def test_it_is_one_without_a_feed_too(title: str, inside: str) -> None:
    assert read(page(f"{title} | Quay Post", inside), feed_title="").title == title


def test_what_calls_itself_news_is_believed() -> None:
    said = '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Not found"}</script>'
    assert read(page("Not found", PROSE, head=said), feed_title="Divers give up the search").body.startswith(
        "The board"
    )


@pytest.mark.parametrize("markup", CARDS)
def test_an_article_above_teasers_is_an_article(markup: str) -> None:
    story = page(FEED_TITLE, PROSE * 4 + "<h2>More stories</h2>" + cards(markup))
    assert read(story).title == FEED_TITLE
    assert read(story, feed_title="").title == FEED_TITLE


def test_a_digest_of_linked_items_under_its_own_headline_is_an_article() -> None:
    digest = page("Five things to know this Monday morning", cards(CARDS[0], 5))
    assert "boats" in read(digest, feed_title="Five things to know this Monday morning").body
    assert "boats" in read(digest, feed_title="").body


def test_a_banner_beside_an_article_changes_nothing() -> None:
    banner = "<p>We and our partners use cookies. Accept all or manage your choices.</p><button>Accept all</button>"
    assert "eleven to two" in read(page(FEED_TITLE, f"<div>{banner}</div>{PROSE * 2}")).body


@given(st.text(max_size=60), st.lists(st.text(max_size=80), max_size=6), st.text(max_size=40))
def test_any_words_are_judged(title: str, lines: list[str], feed_title: str) -> None:
    found = interstitial(Head(title=title), lines, None, feed_title)
    assert found is None or found[1]
