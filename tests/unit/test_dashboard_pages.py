"""The pages of the dashboards on answers in memory: every panel shows its numbers, and foreign text is only text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from lxml import html

from pipelines.dashboards.aggregations import PanelRow, PanelTable
from pipelines.dashboards.answers import DashboardAnswers
from pipelines.dashboards.numbers import key_text, search_of, table_lines, value_text
from pipelines.dashboards.period import ChosenPeriod, step_length
from pipelines.errors import NewsriverError, ServiceError
from pipelines.search.query import parse_query
from pipelines.settings import Settings
from pipelines.web.app import application
from pipelines.web.dashboard_views import now as present
from schemas.dashboards.catalogue import DASHBOARDS
from schemas.dashboards.order import breakdowns
from schemas.dashboards.spec import Measure, Panel, Steps
from tests.contract.test_search import ARTICLES
from tests.memory_search import MemorySearch, StillRiver

EVIL = "\"><script>alert(1)</script>\x00\u202e' onload=x</text></svg>"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WEEK = ChosenPeriod("7d", NOW)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EVERY = [(board, panel) for board in DASHBOARDS for panel in board.panels]


def made_up(panel: Panel, period: ChosenPeriod) -> PanelTable:
    """Answer a panel with rows of our own: hostile names, numbers that tell the rows apart."""
    order = breakdowns(panel)
    if not panel.asks:
        hostile: dict[str, Any] = {"id": "a" * 32, "title": EVIL, "source": EVIL, "language": "en"}
        return PanelTable(panel, (), (), documents=(hostile, {**hostile, "topics": [{"label": EVIL}]}))
    values: list[tuple[Any, ...]] = [()]
    step = ""
    for each in order:
        if isinstance(each, Steps):
            step = period.step(each)
            start = period.since.replace(minute=0)
            keys: list[Any] = [start + number * step_length(step) for number in range(5)]
        else:
            keys = [EVIL, 'with "quotes"', "plain"]
        values = [(*before, key) for before in values for key in keys]
    measures = len(panel.measures)
    rows = [
        PanelRow(keys, tuple(float(at * 10 + number + 1) for number in range(measures)))
        for at, keys in enumerate(values)
    ]
    return PanelTable(panel, order, tuple(rows), step)


class MadeUpAnswers(DashboardAnswers):
    """Answers from memory."""

    def __init__(self) -> None:
        self.away = False
        self.broken = ""
        self.periods: list[ChosenPeriod] = []

    async def tables(self, panels: list[Panel], period: ChosenPeriod) -> dict[str, PanelTable | NewsriverError]:
        if self.away:
            raise ServiceError("Elasticsearch does not answer", resource="http://nowhere")
        self.periods.append(period)
        found: dict[str, PanelTable | NewsriverError] = {p.name: made_up(p, period) for p in panels if p.view}
        if self.broken in found:
            found[self.broken] = NewsriverError(f"cannot answer {EVIL}")
        return found


@pytest.fixture
def answers() -> MadeUpAnswers:
    return MadeUpAnswers()


@pytest.fixture
def client(answers: MadeUpAnswers) -> Iterator[TestClient]:
    app = application(Settings(), dict, MemorySearch(ARTICLES), StillRiver())
    app.state.dashboards = answers
    with TestClient(
        app,
        base_url="http://127.0.0.1:8080",
        client=("127.0.0.1", 5000),
        headers=BROWSER,
        raise_server_exceptions=False,
    ) as client:
        yield client


def tree(client: TestClient, address: str, status: int = 200) -> html.HtmlElement:
    answer = client.get(address)
    assert answer.status_code == status, answer.text[:500]
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    page = html.fromstring(answer.text)
    assert page.xpath("//script|//img|//iframe|//*[@style]|//style") == []
    assert [name for each in page.iter() for name in getattr(each, "attrib", {}) if name.startswith("on")] == []
    return page


def test_the_list_leads_to_every_dashboard(client: TestClient) -> None:
    page = tree(client, "/dashboards")
    for href in page.xpath("//ul[@class='boards']//a/@href"):
        tree(client, href)
    assert len(page.xpath("//ul[@class='boards']//a")) == len(DASHBOARDS) == 3


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.name)
def test_every_panel_is_shown_with_its_numbers(client: TestClient, board: Any) -> None:
    page = tree(client, f"/dashboards/{board.name}")
    assert page.xpath("//*[@role='alert']") == []
    for panel in board.panels:
        [section] = page.xpath(f"//section[@id='{panel.name}']")
        assert section.xpath("string(h2)") == panel.title
        assert section.xpath(".//p[@class='nothing']") == []
        text = section.text_content()
        for measure in panel.measures:
            assert panel.kind in ("heatmap", "ranking", "tags") or measure.label in text
        if panel.asks:
            last = made_up(panel, WEEK).rows[-1]
            shown = f"{last.values[0]:,.0f}"
            assert shown in text or panel.measures[0].unit or panel.measures[0].operation in ("median", "max"), (
                panel.name
            )
        if panel.kind in ("line", "area", "bar", "donut"):
            assert len(section.xpath(".//figure/svg[@aria-hidden='true']//path | .//figure/svg//rect")) >= 3
            assert section.xpath(".//details//table")


def test_foreign_text_is_text_in_charts_and_tables(client: TestClient) -> None:
    for board in DASHBOARDS:
        page = tree(client, f"/dashboards/{board.name}")
        assert "<script>alert(1)</script>" in page.text_content()


def test_a_number_leads_to_its_search_and_the_search_is_understood(client: TestClient) -> None:
    page = tree(client, "/dashboards/newsroom?range=30d")
    hrefs = page.xpath("//section[@id='top-sources']//a[starts-with(@href, '/search')]/@href")
    queries = [parse_qs(urlsplit(href).query)["q"][0] for href in hrefs]
    for query, name in zip(queries, (EVIL, 'with "quotes"', "plain"), strict=True):
        understood = parse_query(query, NOW).understood
        assert {part.kind for part in understood} <= {"source", "after", "before", "filter", "time", "period"}, (
            understood
        )
        assert name.split('"')[0].strip() in query
    assert tree(client, hrefs[2]).xpath("//input[@name='q']")


def test_the_chosen_time_and_refresh_are_kept(client: TestClient, answers: MadeUpAnswers) -> None:
    page = tree(client, "/dashboards/health?range=30d&refresh=60")
    assert page.xpath("//meta[@http-equiv='refresh']/@content") == ["60"]
    assert page.xpath("//select[@name='range']/option[@selected]/text()") == ["30d"]
    assert page.xpath("//select[@name='refresh']/option[@selected]/@value") == ["60"]
    assert answers.periods[-1].until - answers.periods[-1].since == timedelta(days=30)
    assert {href for href in page.xpath("//a[contains(@href, '.csv')]/@href") if "range=30d" not in href} == set()
    assert tree(client, "/dashboards/health").xpath("//meta[@http-equiv='refresh']") == []


@pytest.mark.parametrize("address", ["?range=8d", "?refresh=1", "?range=%22%3E"])
def test_what_cannot_be_chosen_is_refused_with_a_hint(client: TestClient, address: str) -> None:
    assert client.get(f"/dashboards/health{address}").status_code == 400


@pytest.mark.parametrize("address", ["/dashboards/none", "/dashboards/health/none.csv", "/dashboards/health/go.csv"])
def test_what_is_not_there_is_404(client: TestClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_one_panel_that_cannot_be_answered_leaves_the_others(client: TestClient, answers: MadeUpAnswers) -> None:
    answers.broken = "flow"
    page = tree(client, "/dashboards/health")
    assert [each.text_content() for each in page.xpath("//*[@role='alert']")] == [
        f"cannot answer {EVIL}".replace("\x00", "\ufffd")
    ]
    assert page.xpath("//section[@id='ends']//figure/svg")


def test_without_elasticsearch_the_page_says_so(client: TestClient, answers: MadeUpAnswers) -> None:
    answers.away = True
    assert client.get("/dashboards/health").status_code == 503


@pytest.mark.parametrize(("board", "panel"), EVERY, ids=lambda each: each.name)
def test_the_csv_has_the_panels_numbers_and_no_formula(client: TestClient, board: Any, panel: Panel) -> None:
    answer = client.get(f"/dashboards/{board.name}/{panel.name}.csv")
    if panel.view is None:
        assert answer.status_code == 404
        return
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(answer.text)))
    table = made_up(panel, WEEK)
    assert len(lines) == 1 + len(table.rows) + len(table.documents)
    assert len({len(line) for line in lines}) == 1
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "@", "\t"))]


def test_numbers_read_as_their_unit() -> None:
    seconds, time, count = Measure(label="a", unit="s"), Measure(label="b", unit="time"), Measure(label="c")
    ago = (NOW - timedelta(hours=2)).timestamp() * 1000
    assert [value_text(seconds, 90.0, NOW), value_text(time, ago, NOW)] == ["2 min", "2 h ago"]
    assert [value_text(count, each, NOW) for each in (1234.0, 2.5, None, 0.0)] == ["1,234", "2.5", "–", "0"]
    assert [key_text(each, "") for each in ("", True, False, 7)] == ["(none)", "yes", "no", "7"]


def test_a_step_leads_to_its_own_time_and_never_beyond_the_chosen_one() -> None:
    [panel] = [panel for _, panel in EVERY if panel.name == "topics-over-time"]
    first = WEEK.since - timedelta(hours=1)
    table = PanelTable(panel, breakdowns(panel), (PanelRow(("sport", first), (1.0,)),), "3h")
    assert search_of(table, table.rows[0], WEEK) == 'topic:sport after:"2026-11-17T12:00" before:"2026-11-17T14:00"'


def test_a_panel_of_other_documents_leads_to_no_wrong_search() -> None:
    for _, panel in EVERY:
        if panel.asks and panel.filter is not None and panel.source.name == "articles" and panel.name != "removed":
            table = made_up(panel, WEEK)
            assert {search_of(table, row, WEEK) for row in table.rows} == {""}


def test_csv_of_times_is_exact() -> None:
    [panel] = [panel for _, panel in EVERY if panel.name == "waits"]
    at = NOW.timestamp() * 1000
    table = PanelTable(panel, breakdowns(panel), (PanelRow(("poll", ""), (2.0, at)), PanelRow(("x", "y"), (1.0, None))))
    assert list(table_lines(table)) == [
        ["Role", "Waits for", "Processes", "Last word"],
        ["poll", "", "2", NOW.isoformat()],
        ["x", "y", "1", ""],
    ]


def test_the_present_is_the_same_for_all_panels() -> None:
    assert present().microsecond == 0
