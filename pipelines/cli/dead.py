"""`newsriver dead`: what could not be processed: seen, tried again, parked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from pipelines.cli.console import err, line, out, plain, print_json, write_bytes
from pipelines.cli.context import Context
from pipelines.cli.resume import current_user, resume
from pipelines.errors import UsageError
from pipelines.ledger.dead_letter_rules import (
    DeadLetterState,
    DeadLetterView,
    Forecast,
    Group,
    Selection,
    groups,
    unknown_names,
)
from pipelines.search.qualifiers import parse_time
from schemas.records import Stage

if TYPE_CHECKING:
    from pipelines.kafka import Message

Command = TypeVar("Command", bound=Callable[..., Any])

_SHOWN = 4000
"""Characters of a payload that `show` prints."""


_FILTERS = (
    click.option("--stage", type=click.Choice([stage.value for stage in Stage]), help="Only what died at this stage."),
    click.option("--reason", metavar="REASON", help="Only what died for this reason, such as too-large."),
    click.option("--since", metavar="TIME", help="Only what died since: 24h, 2d, or a date."),
)


def filters(command: Command) -> Command:
    """Add the options that say which letters are meant."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group()
def dead() -> None:
    """What could not be processed: list, show, replay, park, resume.

    A letter is open until it is replayed or parked. A replayed record that dies again is a new letter.
    """


dead.add_command(resume)


@dead.command("list")
@filters
@click.option("--all", "everything", is_flag=True, help="Replayed and parked ones too.")
@click.option("--each", is_flag=True, help="One line for each letter.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(context: Context, /, everything: bool, each: bool, as_json: bool, **asked: str | None) -> None:
    """Show the open dead letters by stage and reason."""
    states = frozenset(DeadLetterState) if everything else frozenset({DeadLetterState.OPEN})
    found, letters = _chosen(context, (), states, asked)
    if as_json:
        shown = [letter.as_json() for letter in letters] if each else [group.as_json() for group in groups(letters)]
        print_json({"letters" if each else "groups": shown, "total": len(letters), "states": _states(found)})
        return
    for text in map(_letter_line, letters) if each else map(_group_lines, groups(letters)):
        out.print(text)
    hidden = [f"{n:,} {state}" for state, n in _states(found).items() if state not in states and n]
    err.print(f"{len(letters):,} dead letters" + (f"; not shown: {', '.join(hidden)} (--all)" if hidden else ""))


@dead.command()
@click.argument("name", metavar="ID|ORIGIN|URL")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--raw", is_flag=True, help="Write the payload's bytes to stdout, nothing else.")
@click.pass_obj
def show(context: Context, name: str, as_json: bool, raw: bool) -> None:
    """Show one letter: the last of an article, or the one with these Kafka coordinates."""
    from pipelines.ledger.dead_letters import payloads
    from pipelines.tap import headers_as_json

    _, letters = _chosen(context, (name,), frozenset(DeadLetterState), {})
    letter, message = next(payloads(context.settings, letters[-1:]))
    if raw:
        write_bytes(message.value or b"")
    elif as_json:
        text = (message.value or b"").decode("utf-8", "replace")
        print_json({**letter.as_json(), "headers": headers_as_json(message.headers), "payload": text})
    else:
        out.print(_describe(letter, message))
        if len(letters) > 1:
            err.print(f"{len(letters) - 1} older letters of the same name: `newsriver dead list --all --each`")


@dead.command()
@click.argument("names", metavar="[ID|ORIGIN|URL]...", nargs=-1)
@filters
@click.option("--dry-run", is_flag=True, help="Run today's code on them and say what would happen; sends nothing.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), default=50.0, show_default=True, help="Most a second.")
@click.option("--again", is_flag=True, help="Also those that were replayed or parked before.")
@click.option("--by", default=current_user, help="Who does it (default: your user name).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replay(
    context: Context,
    /,
    names: tuple[str, ...],
    dry_run: bool,
    rate: float,
    again: bool,
    by: str,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Send letters through the river again; doing it twice changes nothing more.

    Try --dry-run first: what dies again by a fault of ours, for most sites, stops `process`.
    """
    from pipelines.ledger import dead_letters as store

    states = frozenset(DeadLetterState) if again else frozenset({DeadLetterState.OPEN})
    found, letters = _chosen(context, names, states, asked, needed=True)
    if dry_run:
        with _bar("trying", len(letters)) as step:
            _show_forecasts(store.forecast(context.settings, letters, step), as_json)
        return
    with _bar("replaying", len(letters)) as step:
        sent = store.replay(context.settings, letters, rate, by, step)
    if as_json:
        print_json({"sent": sent, "chosen": len(letters), "groups": [group.as_json() for group in groups(letters)]})
        return
    out.print(f"sent {sent:,} of {len(letters):,} letters")
    _hint_at_others(found, letters, "--again sends them too")


@dead.command()
@click.argument("names", metavar="[ID|ORIGIN|URL]...", nargs=-1)
@filters
@click.option("--note", default="", metavar="TEXT", help="Why.")
@click.option("--by", default=current_user, help="Who does it (default: your user name).")
@click.option("--undo", is_flag=True, help="Open parked letters again.")
@click.pass_obj
def park(context: Context, /, names: tuple[str, ...], note: str, by: str, undo: bool, **asked: str | None) -> None:
    """Take letters out of the list for good, or back with --undo; their payload stays until Kafka drops it."""
    from pipelines.ledger import dead_letters as store

    found, letters = _chosen(
        context, names, frozenset({DeadLetterState.PARKED if undo else DeadLetterState.OPEN}), asked, needed=True
    )
    if undo:
        store.unpark(context.settings, letters)
    else:
        store.park(context.settings, letters, by, note)
    out.print(f"{'opened' if undo else 'parked'} {len(letters):,} letters")
    _hint_at_others(found, letters, "`newsriver dead list --all --each` shows them")


def _chosen(
    context: Context,
    names: tuple[str, ...],
    states: frozenset[DeadLetterState],
    asked: dict[str, str | None],
    *,
    needed: bool = False,
) -> tuple[list[DeadLetterView], list[DeadLetterView]]:
    """Read the letters that the options and names mean, in any state and in the states wanted.

    Raises:
        UsageError: a selection is needed and none given, or a name is unknown.
    """
    from pipelines.ledger.dead_letters import find

    if needed and not names and not any(asked.values()):
        raise UsageError("no letters named", hint="name them, or give --reason, --stage or --since")
    stage, reason, since = (asked.get(name) or "" for name in ("stage", "reason", "since"))
    wanted = Selection(
        stage=Stage(stage) if stage else None,
        reason=reason,
        since=parse_time(since, datetime.now(UTC)) if since else None,
        names=frozenset(names),
        states=frozenset(DeadLetterState),
    )
    letters = find(context.settings, wanted.since)
    if unknown := unknown_names(names, letters):
        raise UsageError(
            f"no dead letter {unknown[0]}", hint="`newsriver dead list --all --each` shows all", resource=unknown[0]
        )
    found = [letter for letter in letters if wanted.picks(letter)]
    return found, [letter for letter in found if letter.state in states]


def _states(letters: list[DeadLetterView]) -> dict[str, int]:
    counts = Counter(letter.state for letter in letters)
    return {str(state): counts[state] for state in DeadLetterState}


def _hint_at_others(found: list[DeadLetterView], letters: list[DeadLetterView], hint: str) -> None:
    others = Counter(letter.state for letter in found) - Counter(letter.state for letter in letters)
    if others:
        err.print(f"left out: {', '.join(f'{count:,} {state}' for state, count in others.items())}; {hint}")


def _group_lines(group: Group) -> Text:
    facts = group.sample.facts
    text = Text(f"{group.count:>7,} {line(f'{group.stage}: {group.reason}')}", style="bold")
    text.append(f"   {group.first:%Y-%m-%d %H:%M:%S} to {group.last:%Y-%m-%d %H:%M:%S} UTC", style="not bold dim")
    text.append(f"\n        {line(facts.message)}", style="not bold")
    return text.append(f"\n        {line(group.sample.url)}  {facts.origin}", style="not bold cyan")


def _letter_line(letter: DeadLetterView) -> Text:
    facts = letter.facts
    mark = letter.mark
    note = f"({mark.by}: {mark.note})" if mark and mark.note else ""
    parts = [f"{facts.at:%Y-%m-%d %H:%M:%S}", facts.origin, letter.state, f"{facts.stage}: {facts.reason}", letter.url]
    return Text("  ".join(line(part) for part in [*parts, note] if part))


def _describe(letter: DeadLetterView, message: Message) -> Text:
    """Give a letter as people read it; nothing of it can control the terminal."""
    from pipelines.tap import headers_as_json

    facts = letter.facts
    text = Text(line(f"{facts.stage}: {facts.reason}"), style="bold")
    text.append(f"\n{line(facts.error)}: {line(facts.message)}\n", style="not bold")
    mark = letter.mark
    done = f"{mark.kind} {mark.at:%Y-%m-%d %H:%M:%S} UTC by {mark.by or 'nobody named'}" if mark else ""
    rows = {
        "url": letter.url,
        "article": facts.article_id,
        "origin": facts.origin,
        "letter": letter.place,
        "died": f"{facts.at:%Y-%m-%d %H:%M:%S} UTC",
        "state": str(letter.state),
        "mark": f"{done}{': ' if done and mark and mark.note else ''}{mark.note if mark else ''}",
    }
    headers = {name: value for name, value in headers_as_json(message.headers).items() if name != "dead-letter"}
    for name, value in {**rows, **headers}.items():
        if value:
            text.append(f"\n{line(name):<8} ", style="not bold dim")
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text.append(line(shown), style="not bold")
    if facts.stack:
        text.append(f"\n\n{plain(facts.stack).rstrip()}", style="not bold dim")
    payload = (message.value or b"").decode("utf-8", "replace")
    text.append(f"\n\n{plain(payload[:_SHOWN])}", style="not bold")
    if len(payload) > _SHOWN:
        text.append(f"\n... {letter.size:,} bytes in all; --raw writes them", style="not bold dim")
    return text


def _show_forecasts(found: list[tuple[DeadLetterView, Forecast]], as_json: bool) -> None:
    """Say for each group what would become of its letters."""
    counts = Counter((letter.facts.stage, letter.facts.reason, forecast) for letter, forecast in found)
    rows = sorted(counts.items(), key=lambda row: (row[0][0], row[0][1], -row[1], row[0][2]))
    if as_json:
        print_json(
            [
                {
                    "stage": stage,
                    "reason": reason,
                    "count": count,
                    "then": forecast.kind,
                    "then_reason": forecast.reason,
                }
                for (stage, reason, forecast), count in rows
            ]
        )
        return
    for (stage, reason, forecast), count in rows:
        out.print(f"{count:>7,} {line(f'{stage}: {reason} -> {forecast}')}")
    if any(stage is Stage.INDEX for (stage, _, _) in counts):
        err.print("Elasticsearch is not asked: what it refused before it may refuse again")
    err.print(f"dry run: {len(found):,} letters tried, nothing sent")


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], object]]:
    """Give what to call after each letter: on a terminal it moves a bar."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)
