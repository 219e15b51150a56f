"""`newsriver search`: articles that fit a query."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

import click

from pipelines.cli.article import show_article
from pipelines.cli.console import err, out, print_json
from pipelines.cli.context import Context
from pipelines.cli.queries import (
    QueryCommand,
    answered,
    as_json,
    describe,
    query_of,
    say_understood,
    shown,
    takes_query,
)

if TYPE_CHECKING:
    from pipelines.search.operations import Search
    from pipelines.search.query import Query

_PAUSE_SECONDS = 1.0
_OVERLAP = timedelta(seconds=30)
"""What was written shortly before may have become findable only now."""

_MOST_SEEN = 20_000

SORTS = ("relevance", "newest", "oldest", "updated")


@click.command(cls=QueryCommand)
@takes_query()
@click.option("--sort", type=click.Choice(SORTS), default=SORTS[0], show_default=True, help="Order.")
@click.option("--limit", type=click.IntRange(0, 1000), default=10, show_default=True, help="Most articles shown.")
@click.option("--cursor", help="Go on behind a page: its `next`, with the same query and order.")
@click.option("--explain", is_flag=True, help="Say what each score is made of.")
@click.option("--open", "opened", type=click.IntRange(min=1), metavar="N", help="Show the N-th article whole.")
@click.option("--follow", is_flag=True, help="Show new hits as they come, until Ctrl-C.")
@as_json
@click.pass_obj
def search(
    context: Context,
    /,
    query: str,
    sort: str,
    limit: int,
    cursor: str | None,
    opened: int | None,
    *,
    explain: bool,
    follow: bool,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Search the articles for QUERY.

    All words must occur, in any inflection; "a phrase" as it is; ="As Written" minds accents and case; -word excludes;
    a OR b is one or the other; (groups); pre* begins a word; fuzzy~ allows slips; "near words"~5; * alone finds all.
    source: site: lang: topic: author: title: url: story: rights: gone: after: before: last: filter, e.g. last:7d.
    """
    asked_for = query_of(query, asked)
    if follow:
        answered(context, lambda ask: _follow(ask, asked_for, as_json=as_json))
    most = max(limit, opened or 0)
    found = answered(context, lambda ask: ask.search(asked_for, sort=sort, limit=most, cursor=cursor, explain=explain))
    say_understood(found.understood)
    if opened is not None:
        article = found.hits[shown(opened, len(found.hits))].article
        print_json(article.model_dump(mode="json")) if as_json else show_article(article)
        return
    if as_json:
        print_json(found.to_json())
        return
    if not found.indexed:
        err.print(f"river {context.settings.river.name} has no article yet; `newsriver run` brings some")
    out.print(f"{'' if found.exact else 'more than '}{found.total:,} article{'' if found.total == 1 else 's'}")
    for number, hit in enumerate(found.hits, start=1):
        out.print()
        out.print(describe(number, hit))
    if found.next:
        err.print(f"\nmore: --cursor {found.next}")


async def _follow(ask: Search, query: Query, *, as_json: bool) -> NoReturn:
    """Show each new hit once, as a paragraph or as a line of JSON."""
    say_understood(query.understood)
    seen: dict[tuple[str, datetime], None] = {}
    since, number = datetime.now(UTC), 0
    while True:
        began = datetime.now(UTC)
        for hit in await ask.newly_indexed(query, since - _OVERLAP, limit=1000):
            key = (hit.article.id, hit.article.fetched_at)
            if key in seen:
                continue
            seen[key] = None
            number += 1
            if as_json:
                print_json(hit.to_json(), indent=None)
            else:
                out.print(describe(number, hit), "")
        while len(seen) > _MOST_SEEN:
            seen.pop(next(iter(seen)))
        since = began
        await asyncio.sleep(_PAUSE_SECONDS)
