"""`newsriver demo`: the whole river on the sample news site."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.live import Live
from rich.table import Table

from pipelines.cli.console import err, line, out, styled
from pipelines.cli.context import Context
from pipelines.errors import NewsriverError

if TYPE_CHECKING:
    from pipelines.demo.findings import Ledger
    from pipelines.demo.river import DemoProgress
    from pipelines.demo.site import SampleSite
    from pipelines.index.elastic import Elastic
    from pipelines.runtime.supervisor import Supervisor
    from pipelines.settings import Settings

SEED_ARTICLE = Path(__file__).parents[2].joinpath("../shared/data/seed-article.txt").resolve()

_BAR = 30
_PAGE = (
    "The servers stay up. Search page: {}/  Dashboards: {}/dashboards  API: curl '{}/v1/search?q=bridge'  "
    "`newsriver status` shows the river, `newsriver stack down` stops all of it."
)
_NO_PAGE = "The servers stay up; the search page did not start, {0} says why; `newsriver stack down` stops all of it."


@click.command()
@click.option(
    "--timeout", type=click.FloatRange(min=10), default=240.0, show_default=True, help="Longest wait, seconds."
)
@click.option(
    "--seed-article",
    type=click.Path(path_type=Path),
    default=SEED_ARTICLE,
    help="Text file to serve as one article more; by default the development data's, where they are.",
)
@click.pass_obj
def demo(context: Context, timeout: float, seed_article: Path | None) -> None:
    """Start the local servers, let a sample news site flow through the river, and show what came of it."""
    from pipelines import stack
    from pipelines.cli.stack import console_report
    from pipelines.demo import river
    from pipelines.demo.page import leave_page_running
    from pipelines.demo.site import SampleSite
    from pipelines.index.elastic import connect
    from pipelines.index.provision import provision

    site = SampleSite(seed_article=seed_article)
    context = replace(context, assignments=(*context.assignments, *river.options(site)))
    settings = context.settings
    with console_report() as report:
        stack.up(settings, report)
    provision(settings)
    started = time.monotonic()
    count, name = len(site.feed_list()), settings.river.name
    err.print(styled("{} feeds of the sample news site flow through river [bold]{}[/]", count, name))
    with site, river.flowing(settings, site, settings.stack.directory, context.arguments) as supervisor:
        progress = _watch(settings, site, supervisor, timeout)
    seconds = time.monotonic() - started
    address = leave_page_running(settings, context.assignments, context.file)
    client = connect(settings)
    try:
        wrong = _report(client, settings, site, progress, seconds)
        _what_next(settings, address)
    finally:
        client.close()
    if wrong:
        raise NewsriverError(f"{wrong} pages or feeds did not end as they must", hint="they are listed above")


def _watch(settings: Settings, site: SampleSite, supervisor: Supervisor, seconds: float) -> DemoProgress:
    """Wait until the river has come to rest, with its figures live on a terminal."""
    from pipelines.demo.river import watch

    with Live(console=err, refresh_per_second=4, transient=True) as live:
        return watch(settings, site, supervisor, lambda progress: live.update(_figures(progress)), seconds)


def _figures(progress: DemoProgress) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("feeds asked", f"{progress.feeds_asked} of {progress.feeds}")
    table.add_row("articles announced", f"{progress.discovered}")
    table.add_row("visits ended", f"{progress.ended}")
    table.add_row("articles indexed", styled("[bold]{}[/]", progress.status.articles))
    table.add_row("records waiting on Kafka", f"{progress.waiting}")
    return table


def _report(client: Elastic, settings: Settings, site: SampleSite, progress: DemoProgress, seconds: float) -> int:
    """Print what came of the demonstration; give the number of cases that did not end as they must."""
    from pipelines.demo.findings import read_ledger

    ledger = read_ledger(client, settings)
    _counts("Articles by topic", progress.status.subjects)
    _counts("Articles by language", progress.status.languages)
    _refused(ledger)
    wrong = [(case, faults) for case in site.expected if (faults := ledger.faults(case))]
    for case, faults in wrong:
        out.print(styled("[red]✗[/] {}: {}: {}", case.name, case.url, "; ".join(faults)))
    kinds = ", ".join(f"{count} {kind}" for kind, count in progress.status.outcomes.items())
    out.print(f"\nThe ledger: {kinds}.")
    out.print(f"{len(site.expected) - len(wrong)} of {len(site.expected)} pages and feeds ended as the site expects.")
    shown = _searches(settings)
    figures = progress.status.articles, seconds, shown
    out.print(styled("\n[bold]{} articles indexed[/] in {:.0f} s, {} searches with hits.", *figures))
    return len(wrong)


def _what_next(settings: Settings, address: str) -> None:
    if address:
        out.print(styled(_PAGE, address, address, address.removeprefix("http://")))
    else:
        out.print(styled(_NO_PAGE, str(settings.stack.directory / "serve.log")))


def _counts(title: str, counts: dict[str, int]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False)
    most = max(counts.values(), default=1)
    for name, count in counts.items():
        table.add_row(line(name), f"{count}", "█" * max(1, round(_BAR * count / most)))
    out.print(table, "")


def _refused(ledger: Ledger) -> None:
    table = Table(
        "end", "page or feed", "why", title="Refused, and why", title_justify="left", title_style="bold", box=None
    )
    for refusal in ledger.refusals():
        table.add_row(refusal.end, line(refusal.what), line(refusal.detail[:100]))
    out.print(table)


def _searches(settings: Settings) -> int:
    """Ask the demonstration's questions; give how many found something."""
    from pipelines.cli.queries import describe
    from pipelines.demo.river import SEARCHES, SEARCHES_SHOWN
    from pipelines.search.operations import Search
    from pipelines.search.query import parse_query
    from pipelines.search.results import SearchResult

    async def ask() -> list[SearchResult]:
        async with Search.connect(settings) as search:
            return [await search.search(parse_query(words, datetime.now(UTC)), limit=2) for words in SEARCHES]

    shown = 0
    for words, found in zip(SEARCHES, asyncio.run(ask()), strict=True):
        if found.total and shown < SEARCHES_SHOWN:
            shown += 1
            out.print(styled("\n[bold]$ newsriver search {}[/]  {} found", repr(words), found.total))
            for number, hit in enumerate(found.hits, 1):
                out.print(describe(number, hit))
    return shown
