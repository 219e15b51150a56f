"""`newsriver alerts`: saved searches, and where their new articles are delivered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click
from rich.table import Table

from pipelines.cli.console import err, line, out, print_json, styled, write
from pipelines.cli.context import Context
from pipelines.cli.queries import QueryCommand, answered, as_json, query_of, say_understood, takes_query
from pipelines.errors import FetchFault

if TYPE_CHECKING:
    from pipelines.alerts.operations import Alerts, SavedSearchStatus

T = TypeVar("T")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class _Seconds(click.ParamType[int]):
    """A time such as 30s, 15m, 1h or 1d, as seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        text = str(value)
        number, unit = text[:-1], text[-1:]
        if isinstance(value, int) or text.isdigit():
            return int(text)
        if not number.isdigit() or unit not in _UNITS:
            self.fail(f"{text!r} is no time; write it as 30s, 15m, 1h or 1d", param, ctx)
        return int(number) * _UNITS[unit]


@click.group()
def alerts() -> None:
    """Saved searches: run on what is newly indexed, delivered to webhooks, by e-mail or as lines.

    `newsriver serve` runs them (and `newsriver run` with it), or `newsriver alerts run` where alerts.with_serve is off.
    """


@alerts.command(cls=QueryCommand)
@takes_query()
@click.option("--name", default="", help="Its name; by default the query.")
@click.option("--webhook", metavar="URL", help="Send new articles to this address, signed.")
@click.option("--email", metavar="ADDRESS", help="Send them by e-mail; several addresses with commas between them.")
@click.option("--stdout", is_flag=True, help="Let `newsriver alerts run` print them as lines of JSON.")
@click.option("--every", type=_Seconds(), default=0, metavar="TIME", help="At most one message in this time, e.g. 1h.")
@as_json
@click.pass_obj
def add(
    context: Context,
    /,
    query: str,
    name: str,
    webhook: str | None,
    email: str | None,
    every: int,
    *,
    stdout: bool,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Save the search QUERY; without a target it has a feed of its own.

    A webhook's secret is shown once: receivers check the signature with it (docs/alerts.md).
    """
    from pipelines.alerts.saved_searches import SavedSearchDraft
    from schemas.records import AlertChannel

    given = {AlertChannel.WEBHOOK: webhook, AlertChannel.EMAIL: email, AlertChannel.STDOUT: "-" if stdout else None}
    wanted = {channel: target for channel, target in given.items() if target is not None}
    if len(wanted) > 1:
        raise click.UsageError("give one of --webhook, --email and --stdout")
    channel, target = next(iter(wanted.items()), (AlertChannel.FEED, ""))
    read = query_of(query, asked)
    say_understood(read.understood)
    text = str(read) if any(asked.values()) else query
    draft = SavedSearchDraft(text, name, channel, "" if target == "-" else target, every)
    made = _asked(context, lambda them: them.add(draft))
    if as_json:
        print_json(made.to_json(secret=True))
        return
    out.print(styled("saved as [bold]{}[/]: {}", made.search.id, line(made.search.name)))
    serve = context.settings.serve
    out.print(f"feed: {serve.public_url or f'http://{serve.host}:{serve.port}'}/saved/{made.search.id}.rss")
    if secret := made.search.secret.get_secret_value():
        write(f"secret: {secret}\n")
        err.print("The secret is shown once; `newsriver alerts test` sends a message now.")


@alerts.command(name="list")
@as_json
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """List the saved searches with what waits for each, and its trouble."""
    found = _asked(context, lambda them: them.list())
    if as_json:
        print_json([one.to_json() for one in found])
        return
    table = Table("id", "name", "query", "to", "state", box=None, pad_edge=False)
    for one in found:
        saved = one.search
        table.add_row(saved.id, line(saved.name), line(saved.query), line(saved.target or saved.channel), _state(one))
    out.print(table if found else "no saved searches; `newsriver alerts add QUERY` makes one")


def _state(found: SavedSearchStatus) -> str:
    parts = ["paused"] if found.search.paused else []
    parts += [f"{found.waiting:,} waiting"] if found.waiting else []
    parts += [f"last {found.delivered_at:%m-%d %H:%M}"] if found.delivered_at else []
    return line("; ".join([*parts, found.search.trouble] if found.search.trouble else parts))


@alerts.command()
@click.argument("name")
@click.pass_obj
def test(context: Context, name: str) -> None:
    """Deliver the newest articles that fit NAME (or id) now, at most three, marked as a test."""
    count = _asked(context, lambda them: them.test(name, write))
    err.print(f"delivered: a test with {count} article{'' if count == 1 else 's'}")


@alerts.command()
@click.argument("name")
@click.pass_obj
def pause(context: Context, name: str) -> None:
    """Stop NAME (or id); what is indexed until it is resumed is never delivered."""
    found = _asked(context, lambda them: them.pause(name))
    err.print(styled("{} is paused", found.name))


@alerts.command()
@click.argument("name")
@click.pass_obj
def resume(context: Context, name: str) -> None:
    """Let NAME (or id) go on, with what is indexed from now on."""
    found = _asked(context, lambda them: them.resume(name))
    err.print(styled("{} goes on", found.name))


@alerts.command()
@click.argument("name")
@click.pass_obj
def remove(context: Context, name: str) -> None:
    """Remove NAME (or id), and what waits for it."""
    found = _asked(context, lambda them: them.remove(name))
    err.print(styled("{} is removed", found.name))


@alerts.command()
@click.pass_obj
def run(context: Context) -> None:
    """Run the saved searches until Ctrl-C; those of the kind --stdout are printed, a line of JSON for each article.

    Any number of processes may do so, `serve` among them: one works at a time, another takes its place when it dies.
    """
    from pipelines.alerts.service import AlertService
    from pipelines.http.client import Client
    from pipelines.runtime.signals import drain_on_signals
    from pipelines.search.client import connect_async

    settings = context.settings
    context.start_logging("alerts")
    stop = drain_on_signals(threading.Event())

    def lines(text: str) -> None:
        try:
            write(text)
        except BrokenPipeError:
            stop.set()
            raise FetchFault("nobody reads stdout any more", reason="stdout", retryable=True) from None

    async def work() -> None:
        client = connect_async(settings)
        try:
            async with Client(settings) as http:
                await AlertService(client, settings, http, lines).run(stop.is_set)
        finally:
            await client.close()

    asyncio.run(work())


def _asked(context: Context, ask: Callable[[Alerts], Awaitable[T]]) -> T:
    from pipelines.alerts.operations import Alerts

    return answered(context, lambda search: ask(Alerts(search)))
