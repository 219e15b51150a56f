"""The pages in a real browser, on the demonstration's articles: `./run browser`.

Chromium is driven by Playwright; axe-core judges whether everybody can use the pages (WCAG 2.1, A and AA).
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import ServeSettings, Settings, load_settings
from pipelines.stack.ports import choose
from pipelines.web.app import application
from pipelines.web.listen import listening
from schemas.dashboards.catalogue import DASHBOARDS
from schemas.dashboards.spec import Dashboard, Kind
from tests.contract.test_search import article
from tests.e2e.test_demo import call
from tests.memory_search import MemorySearch, StillRiver
from tests.unit.test_web_pages import HOSTILE

pytestmark = pytest.mark.servers

VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 640}},
}
BOARDS = tuple(f"/dashboards/{board.name}" for board in DASHBOARDS)
PAGES = (
    *("/", "/search?q=bridge", "/search?q=unicorn+zebra", "/sources", "/dashboards", *BOARDS, "/docs"),
    "/nowhere",
)


@pytest.fixture(scope="module")
def address(servers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is that a demonstration has left running."""
    from pipelines.index.provision import remove

    settings: Settings = load_settings(
        assignments=[
            f"river.name=d{uuid.uuid4().hex[:8]}",
            f"kafka.bootstrap_servers={servers[0]}",
            f"elasticsearch.url={servers[1]}",
            "kafka.partitions=2",
            f"stack.directory={tmp_path_factory.mktemp('stack')}",
            f"serve.port={choose()}",
        ],
        environment={},
    )
    done = call(settings, "demo")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    yield f"http://127.0.0.1:{settings.serve.port}"
    call(settings, "stack", "down")
    with suppress(Exception):
        remove(settings)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no Chromium: `./run browser` installs it where apt-get can"
    with sync_playwright() as playwright:
        # Root's Chromium has no sandbox of its own; it is shown nothing but our own pages.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """One window, which notes what leaves our host and what the browser complains of.

    Attributes:
        page: the window.
        strays: requests to others than us.
        complaints: errors in the console, such as what the policy forbids.
    """

    def __init__(self, browser: Any, address: str, **view: Any) -> None:
        self.page = browser.new_page(base_url=address, **view)
        self.strays: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda asked: self._note(asked.url, address))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def _note(self, url: str, address: str) -> None:
        if not url.startswith(f"{address}/"):
            self.strays.append(url)

    def tab_to(self, selector: str) -> None:
        """Go to an element by the tab key alone."""
        for _ in range(120):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
        pytest.fail(f"{selector} cannot be reached by keyboard")


@pytest.fixture
def visitor(chromium: Any, address: str, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    with_us = Visitor(chromium, address, **getattr(request, "param", {}))
    yield with_us
    with_us.page.close()
    assert with_us.strays == []
    assert with_us.complaints == []


SCRIPTLESS = pytest.mark.parametrize("visitor", [{"java_script_enabled": False}], indirect=True, ids=["no script"])


def found(page: Any) -> int:
    [number] = re.findall(r"[\d,]+", page.locator(".summary strong").inner_text())
    return int(number.replace(",", ""))


@SCRIPTLESS
def test_search_narrow_widen_and_read(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/")
    everything = found(page)
    page.get_by_role("searchbox").fill("bridge")
    page.get_by_role("button", name="Search").click()
    bridges = found(page)
    assert 0 < bridges < everything
    assert page.locator("article.hit mark").first.inner_text().lower().startswith("bridge")

    facet = page.locator(".facets li", has_text="en").last
    facet.get_by_role("link").click()
    assert 0 < found(page) <= bridges
    assert page.locator(".chip").count() == 2
    page.locator(".chip a").last.click()
    assert found(page) == bridges

    title = page.locator("article.hit h2").first.inner_text()
    page.locator("article.hit h2 a").first.click()
    assert page.locator("h1").inner_text() == title
    assert page.locator(".text p").count() >= 2
    assert page.get_by_role("heading", name="Its way here").is_visible()
    assert page.locator(".side li", has_text="discovered").count() >= 1


@SCRIPTLESS
def test_a_step_of_the_timeline_and_a_range_of_dates_filter(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/search?q=")
    everything = found(page)
    page.get_by_text("The timeline in numbers").click()
    row = page.locator("figure tbody tr").last
    count = int(row.locator("td.n").inner_text().replace(",", ""))
    row.get_by_role("link").click()
    assert found(page) == count
    page.goto("/search?q=")
    page.get_by_label("before").fill("1999-01-01")
    page.get_by_role("button", name="Apply").click()
    assert page.get_by_role("heading", name="Nothing found").is_visible()
    page.locator(".chip a").click()
    assert found(page) == everything


@SCRIPTLESS
def test_an_answer_as_a_feed_is_one_click_away(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/search?q=bridge")
    link = page.get_by_role("link", name="JSON Feed")
    answer = page.request.get(link.get_attribute("href"))
    assert answer.json()["items"]


def test_keyboard_alone_is_enough(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    visitor.tab_to("input[type=search]")
    page.keyboard.type("bridge")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=bridge")
    visitor.tab_to("article.hit h2 a")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/articles/*")
    visitor.tab_to("nav a[href='/sources']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources")
    assert page.locator("tbody tr").count() > 2


@pytest.mark.parametrize("visitor", [VIEWS["dark"]], indirect=True, ids=["dark"])
def test_dark_is_dark(visitor: Visitor) -> None:
    visitor.page.goto("/")
    colours = visitor.page.evaluate(
        "[getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.body).color]"
    )
    paper, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert paper < 150
    assert ink > 500


@pytest.mark.parametrize("visitor", [VIEWS["narrow"]], indirect=True, ids=["narrow"])
def test_nothing_sticks_out_of_a_narrow_window(visitor: Visitor) -> None:
    page = visitor.page
    for path in PAGES[:-1]:
        page.goto(path)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 320, path
    page.goto("/search?q=bridge")
    page.locator("article.hit h2 a").first.click()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320


@pytest.mark.parametrize("visitor", VIEWS.values(), indirect=True, ids=VIEWS.keys())
def test_axe_finds_no_violation(visitor: Visitor) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = visitor.page
    page.goto("/search?q=bridge")
    one = page.locator("article.hit h2 a").first.get_attribute("href")
    for path in (*PAGES, one):
        page.goto(path)
        assert page.title()
        rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
        answer = Axe().run(page, options=rules)
        assert {"color-contrast", "label"} & {rule["id"] for rule in answer.response["passes"]}, path
        wrong = [
            (violation["id"], [node["html"][:200] for node in violation["nodes"][:3]])
            for violation in answer.response["violations"]
        ]
        assert wrong == [], path
    # That it would find one: a field without a name, pale words on white.
    page.set_content('<html lang=en><body bgcolor="#ffffff"><input><font color="#cccccc">pale words</font></html>')
    assert {each["id"] for each in Axe().run(page).response["violations"]} >= {"label", "color-contrast"}
    visitor.complaints.clear()  # that a page is not there is what was asked for


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.name)
@pytest.mark.parametrize("visitor", [{"java_script_enabled": False}], indirect=True, ids=["no script"])
def test_every_panel_is_shown_and_none_fails(visitor: Visitor, board: Dashboard) -> None:
    page = visitor.page
    page.goto(f"/dashboards/{board.name}")
    assert page.locator("[role=alert]").count() == 0
    for panel in board.panels:
        section = page.locator(f"section#{panel.name}")
        assert section.locator("h2").inner_text() == panel.title
        assert section.is_visible()
        if panel.kind in (Kind.LINE, Kind.AREA, Kind.BAR, Kind.DONUT) and not section.locator(".nothing").count():
            box = section.locator("figure svg.pygal-chart").bounding_box()
            assert box["width"] > 100
            assert box["height"] > 60
    full = board.name == "newsroom"  # of what the demonstration does not have, the others may show nothing
    assert page.locator(".nothing").count() <= (1 if full else len(board.panels) // 2)


def test_a_number_of_a_dashboard_is_a_search_with_as_many_hits(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/dashboards/newsroom?range=1y")
    row = page.locator("#top-sources li").first
    shown = int(row.locator("span").inner_text().replace(",", ""))
    row.locator("a").click()
    assert found(page) == shown


@pytest.fixture(scope="module")
def odd_address() -> Iterator[str]:
    """Where articles are served that no demonstration has: from right to left, and hostile."""
    settings = Settings(serve=ServeSettings(port=choose()))
    articles = [article(1, "الجسر القديم يفتح من جديد", "فتح الجسر يوم الاثنين.", language="ar"), HOSTILE]
    stop, up = threading.Event(), threading.Event()

    async def serve() -> None:
        async with listening(application(settings, dict, MemorySearch(articles), StillRiver()), settings):
            up.set()
            while not stop.is_set():
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(30)
    yield f"http://127.0.0.1:{settings.serve.port}"
    stop.set()
    thread.join(30)


def test_right_to_left_text_runs_so_and_hostile_text_is_text(chromium: Any, odd_address: str) -> None:
    visitor = Visitor(chromium, odd_address)
    page = visitor.page
    page.on("dialog", lambda dialog: visitor.complaints.append(dialog.message))
    page.goto("/search?q=")
    directions = page.locator("article.hit h2").evaluate_all("all => all.map(each => getComputedStyle(each).direction)")
    assert "rtl" in directions
    page.get_by_role("link", name="الجسر القديم يفتح من جديد").click()
    assert page.locator("h1").evaluate("title => getComputedStyle(title).direction") == "rtl"
    page.goto(f"/articles/{HOSTILE.id}")
    assert "<script>alert(1)</script>" in page.locator("h1").inner_text()
    page.close()
    assert (visitor.strays, visitor.complaints) == ([], [])


@pytest.mark.parametrize(
    ("visitor", "path", "name"),
    [
        ({"viewport": {"width": 1100, "height": 760}}, "/search?q=bridge", "search"),
        ({"viewport": {"width": 1100, "height": 760}}, "article", "article"),
        ({"viewport": {"width": 1100, "height": 760}, "color_scheme": "dark"}, "/search?q=storm+OR+flood", "dark"),
        ({"viewport": {"width": 1280, "height": 1000}}, "/dashboards/newsroom", "newsroom"),
    ],
    indirect=["visitor"],
)
def test_a_picture_can_be_taken(visitor: Visitor, path: str, name: str, tmp_path: Path) -> None:
    """With `PICTURES=docs/pictures ./run browser -k picture` these are the README's."""
    page = visitor.page
    page.goto("/search?q=bridge" if path == "article" else path)
    if path == "article":
        page.locator("article.hit h2 a").first.click()
    file = Path(os.environ.get("PICTURES", tmp_path)) / f"{name}.png"
    page.screenshot(path=file)
    assert file.stat().st_size > 10_000
