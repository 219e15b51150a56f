"""`newsriver feeds`: find feeds, look at one, and keep the list on Kafka."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
from rich.text import Text

from pipelines.cli.console import err, line, out, print_json, write
from pipelines.cli.context import Context

if TYPE_CHECKING:
    from pipelines.discovery.site_survey import Survey
    from pipelines.feeds.duplicates import Duplicate
    from pipelines.settings import Settings
    from schemas.records import Feed

_JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group()
def feeds() -> None:
    """Find and check feeds; list, add, remove, pause, import and export those the river reads."""


@feeds.command()
@click.argument("site")
@_JSON
@click.option("--add", is_flag=True, help="Add what was found to the list on Kafka: feeds with news, or else sitemaps.")
@click.pass_obj
def discover(context: Context, site: str, as_json: bool, add: bool) -> int:
    """Look for the feeds of a site: on its page, in its robots.txt, at the usual paths; needs no server.

    It asks politely, one request after the other, and reads each feed before it shows it.
    """
    from pipelines.cli import feed_views
    from pipelines.discovery.site_survey import discover as look_round

    with err.status("") as status:  # shown only where somebody watches
        survey = look_round(context.settings, site, lambda url: status.update(Text(f"asking {line(url)}")))
    if as_json:
        print_json(feed_views.survey_as_json(survey))
    elif survey.feeds:
        feed_views.show_survey(survey, datetime.now(UTC))
    if not survey.feeds:
        err.print(f"newsriver: {line(feed_views.nothing_found(survey))}")
        return 1
    if survey.stopped:
        err.print(f"stopped after {survey.requests} requests: there may be more")
    if add:
        _add_found(context.settings, survey)
    return 0


@feeds.command()
@click.argument("url")
@_JSON
@click.pass_obj
def check(context: Context, url: str, as_json: bool) -> None:
    """Ask one feed and show what the river would do with it, and what is odd about it; needs no server."""
    from pipelines.cli import feed_views
    from pipelines.discovery.check import check_feed

    found = check_feed(context.settings, url)
    if as_json:
        print_json(feed_views.checked_as_json(found))
    else:
        feed_views.show_checked(found)


@feeds.command("list")
@click.option("--failing", is_flag=True, help="Only feeds whose last poll failed, the longest failing first.")
@_JSON
@click.pass_obj
def list_(context: Context, failing: bool, as_json: bool) -> None:
    """Show the feeds in the list on Kafka, how each is doing and when it is asked next."""
    from pipelines.cli import feed_views
    from pipelines.feeds.duplicates import duplicates
    from pipelines.feeds.feed_status import standings
    from pipelines.feeds.store import stored_feeds, stored_states

    listed, states = stored_feeds(context.settings), stored_states(context.settings)
    rows = standings(listed, states, failing=failing)
    if as_json:
        print_json([row.as_json() for row in rows])
        return
    if rows:
        feed_views.show_standings(rows, datetime.now(UTC))
    everything = standings(listed, states)
    counts = [f"{len(listed)} feeds"]
    counts += [f"{count} failing"] if (count := sum(row.failing for row in everything)) else []
    counts += [f"{count} paused"] if (count := sum(feed.paused for feed in listed)) else []
    err.print(", ".join(counts))
    feed_views.tell_duplicates(duplicates([feed.url for feed in listed], states))


@feeds.command("duplicates")
@_JSON
@click.pass_obj
def duplicates_(context: Context, as_json: bool) -> None:
    """Show which feeds in the list are the same under several addresses, and why."""
    from pipelines.cli import feed_views
    from pipelines.feeds.store import stored_feeds

    listed = [feed.url for feed in stored_feeds(context.settings)]
    found = _duplicates(context.settings, listed)
    if as_json:
        print_json([{"urls": list(each.urls), "why": list(each.why)} for each in found])
        return
    for each in found:
        out.print("; ".join(feed_views.reasons(each.why)) + ":")
        for url in each.urls:
            out.print(f"  {line(url)}")
    err.print(f"{len(listed)} feeds, {len(found)} of them under several addresses")


@feeds.command()
@click.argument("url")
@click.option("--title", default="", help="Name for people.")
@click.option("--source", default="", help="Short name of the outlet; default: the feed's host.")
@click.option("--language", help="Language the outlet writes in, ISO 639.")
@click.option(
    "--credentials",
    "secret",
    type=click.File(encoding="utf-8"),
    help="File with user:password for the feed, - for stdin; all users of a machine see what is in the address.",
)
@click.pass_obj
def add(context: Context, url: str, title: str, source: str, language: str | None, secret: TextIO | None) -> None:
    """Add a feed to the list on Kafka, or change its entry; says when the list has it under another address.

    Credentials that the list has of the feed stay, unless others are given.
    """
    from pipelines.feeds.lists import feed_of
    from pipelines.feeds.store import store_feeds, stored_feeds
    from pipelines.feeds.sync import with_known_credentials
    from pipelines.redaction import with_credentials

    url = with_credentials(url, secret.read().strip()) if secret else url
    values = {"url": url, "title": title, "source": source, "language": language}
    feed = feed_of({key: value for key, value in values.items() if value})
    before = {each.url: each for each in stored_feeds(context.settings)}
    store_feeds(context.settings, with_known_credentials([feed], before))
    err.print(f"{'changed' if feed.url in before else 'added'} {line(feed.url)}")
    _tell_duplicates(context.settings, set(before), {feed.url})


@feeds.command()
@click.argument("urls", metavar="URL|PATTERN...", nargs=-1, required=True)
@click.pass_obj
def remove(context: Context, urls: tuple[str, ...]) -> None:
    """Take feeds out of the list on Kafka; `*` in a pattern stands for anything."""
    from pipelines.feeds.selection import select
    from pipelines.feeds.store import remove_feeds, stored_feeds

    chosen = select(urls, {feed.url for feed in stored_feeds(context.settings)})
    remove_feeds(context.settings, chosen)
    err.print(f"removed {_named(chosen)}")


@feeds.command()
@click.argument("urls", metavar="[URL|PATTERN]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All feeds of the list.")
@click.pass_obj
def pause(context: Context, urls: tuple[str, ...], everything: bool) -> None:
    """Keep feeds in the list but do not ask them; `*` in a pattern stands for anything."""
    _set_paused(context.settings, urls, everything=everything, paused=True)


@feeds.command()
@click.argument("urls", metavar="[URL|PATTERN]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All feeds of the list.")
@click.pass_obj
def resume(context: Context, urls: tuple[str, ...], everything: bool) -> None:
    """Ask feeds again that were paused; one that is overdue is asked at once."""
    _set_paused(context.settings, urls, everything=everything, paused=False)


@feeds.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_(context: Context, files: tuple[Path, ...]) -> None:
    """Add the feeds of TOML or OPML files to the list on Kafka, and say which are the same feed."""
    from pipelines.cli.feed_files import listed_feeds
    from pipelines.feeds.store import store_feeds, stored_feeds
    from pipelines.feeds.sync import with_known_credentials

    found = listed_feeds(files)
    stored = {feed.url: feed for feed in stored_feeds(context.settings)}
    store_feeds(context.settings, with_known_credentials(found, stored))
    before, imported = set(stored), {feed.url for feed in found}
    err.print(f"imported {len(found)} feeds" + (f", {count} of them new" if (count := len(imported - before)) else ""))
    _tell_duplicates(context.settings, before, imported)


@feeds.command()
@click.option("--opml", "form", flag_value="opml", help="As OPML, for feed readers.")
@click.option("--toml", "form", flag_value="toml", default=True, help="As TOML (default).")
@click.option("--secrets", is_flag=True, help="With the feeds' credentials, in their addresses.")
@click.pass_obj
def export(context: Context, form: str, secrets: bool) -> None:
    """Write the list on Kafka to stdout, without the feeds' credentials."""
    from pipelines.feeds.lists import to_opml, to_toml
    from pipelines.feeds.store import stored_feeds

    found = stored_feeds(context.settings)
    write(to_opml(found, secrets=secrets) if form == "opml" else to_toml(found, secrets=secrets))
    if (left_out := sum(feed.credentials is not None for feed in found)) and not secrets:
        err.print(f"credentials of {left_out} feeds are left out; --secrets writes them")


def _duplicates(settings: Settings, urls: Collection[str]) -> list[Duplicate]:
    from pipelines.feeds.duplicates import duplicates
    from pipelines.feeds.store import stored_states

    return duplicates(urls, stored_states(settings))


def _tell_duplicates(settings: Settings, before: set[str], added: set[str]) -> None:
    """Say which of the feeds that were added are in the list, or were added, under another address."""
    from pipelines.cli.feed_views import tell_duplicates

    groups = _duplicates(settings, before | added)
    tell_duplicates([group for group in groups if added & set(group.urls)])


def _add_found(settings: Settings, survey: Survey) -> None:
    """Add the feeds of a survey that bring news, unless the list has them under some address."""
    from pipelines.discovery.candidates import worth_adding
    from pipelines.feeds.duplicates import address_key
    from pipelines.feeds.lists import feed_of
    from pipelines.feeds.store import store_feeds, stored_feeds

    known = {address_key(feed.url) for feed in stored_feeds(settings)}
    chosen = worth_adding(survey.feeds, datetime.now(UTC))
    if not chosen:
        err.print("added nothing: none of them brought news of late; `newsriver feeds add URL` adds one all the same")
        return
    new = [feed for feed in chosen if known.isdisjoint(map(address_key, (feed.url, *feed.others)))]
    store_feeds(settings, [feed_of({"url": feed.url, "title": feed.title}) for feed in new])
    known_before = f"; {count} in the list already" if (count := len(chosen) - len(new)) else ""
    err.print(f"added {_named([feed.url for feed in new])}{known_before}")


def _set_paused(settings: Settings, names: tuple[str, ...], *, everything: bool, paused: bool) -> None:
    from pipelines.errors import UsageError
    from pipelines.feeds.selection import select
    from pipelines.feeds.store import store_feeds, stored_feeds

    if bool(names) == everything:
        raise UsageError("name the feeds, or give --all, not both", hint="`newsriver feeds list` shows them")
    listed = {feed.url: feed for feed in stored_feeds(settings)}
    chosen = sorted(listed) if everything else select(names, listed)
    changed: list[Feed] = [
        listed[url].model_copy(update={"paused": paused}) for url in chosen if listed[url].paused != paused
    ]
    store_feeds(settings, changed)
    same = len(chosen) - len(changed)
    before = f"; {same} {'were paused already' if paused else 'were not paused'}" if same else ""
    err.print(f"{'paused' if paused else 'resumed'} {_named([feed.url for feed in changed])}{before}")


def _named(urls: list[str]) -> str:
    """Name one feed, or count several."""
    return line(urls[0]) if len(urls) == 1 else f"{len(urls)} feeds"
