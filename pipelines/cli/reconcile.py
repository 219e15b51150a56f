"""`newsriver reconcile`: the proof that nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from pipelines.cli.console import err, line, out, print_json, styled
from pipelines.cli.context import Context
from pipelines.errors import NewsriverError, UsageError
from pipelines.search.qualifiers import parse_time

if TYPE_CHECKING:
    from pipelines.ledger.accounts import LedgerReport
    from pipelines.ledger.reconcile import Side
    from pipelines.ledger.repair import Repaired

_SHOWN = 20


@click.command()
@click.option("--since", metavar="TIME", help="Articles discovered since: 24h, 7d, or a date; all by default.")
@click.option("--feed", metavar="URL", default="", help="Only what this feed announced.")
@click.option("--ledger-only", is_flag=True, help="Leave out the raw topic of pages, which takes longest to read.")
@click.option("--repair", "mend", is_flag=True, help="Say how what is wrong would be repaired.")
@click.option("--yes", "really", is_flag=True, help="With --repair: do it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def reconcile(
    context: Context, since: str | None, feed: str, ledger_only: bool, mend: bool, really: bool, as_json: bool
) -> None:
    """Balance the ledger: every visit has ended or is in flight, and every article is in the index.

    Ends with 1 when anything is unaccounted for, and names it. It only reads, and the river may flow meanwhile.

    With --repair --yes it announces again what ended nowhere or is missing in the index, writes lost lines of
    discoveries again, and merges documents that exist twice into the oldest one; it ends with 0 when it could do so
    for all, which are in flight then.
    """
    from pipelines.ledger.accounts import MOST_DESCRIBED, audited
    from pipelines.ledger.repair import repair

    if really and not mend:
        raise UsageError("--yes is for --repair", hint="use `newsriver reconcile --repair --yes`")
    begins = parse_time(since, datetime.now(UTC)) if since else None
    repaired = None
    with err.status("reconciling") as status:

        def tell(text: str) -> None:
            status.update(Text(line(text)))

        with audited(context.settings, since=begins, feed=feed, pages=not ledger_only, tell=tell) as (report, findings):
            if mend and not report.balanced:
                repaired = repair(context.settings, findings, really=really, most_named=MOST_DESCRIBED, tell=tell)
    if as_json:
        print_json(report.as_json() | ({} if repaired is None else {"repair": repaired.as_json()}))
    else:
        _show(report)
        if repaired is not None:
            _show_repair(repaired)
    _judge(report, repaired)


def _judge(report: LedgerReport, repaired: Repaired | None) -> None:
    """End with an error unless all is well, or was repaired.

    Raises:
        NewsriverError: something is wrong, and was left so.
    """
    if report.balanced or (repaired is not None and repaired.done and not repaired.left):
        return
    wrong = report.wrong_articles
    hint = "`newsriver trace ID` shows every step of one, `newsriver reconcile --repair` what can be done"
    if repaired is not None:
        hint = "`newsriver reconcile --repair --yes` does it"
        if repaired.done:
            wrong, hint = repaired.left, "`newsriver reconcile` names what is left"
    raise NewsriverError(f"{wrong:,} article{'' if wrong == 1 else 's'} not accounted for", hint=hint)


def _show_repair(repaired: Repaired) -> None:
    from pipelines.ledger.repair_plan import SAYING

    out.print(styled("\n[bold]{}[/]", "Repaired" if repaired.done else "Repair would (--yes does it)"))
    for action, count in sorted(repaired.counts.items()):
        out.print(f"  {count:,} x {SAYING[action]}")
    for step in repaired.steps[:_SHOWN]:
        out.print(f"  {step.action}  {step.article_id}  {line(step.url or 'URL unknown')}")
    if (more := sum(repaired.counts.values()) - _SHOWN) > 0:
        out.print(f"  ... and {more:,} more")
    if repaired.done and repaired.left:
        out.print(f"  {repaired.left:,} left: they changed meanwhile, or nothing can be done")


def _show(report: LedgerReport) -> None:
    from pipelines.ledger.reconcile import Side

    table = Table("", "first visits", "revisits", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for side in (Side.BEGUN, Side.ENDED, Side.IN_FLIGHT):
        _add_side(table, report, side)
    _add(
        table,
        styled("[bold]unaccounted[/]"),
        *(report.balance.total(Side.UNACCOUNTED, again=again) for again in (False, True)),
    )
    out.print(table)
    if report.page_records is not None:
        pages = report.balance.pages
        where = ", ".join(f"{count:,} {name}" for name, count in sorted(pages.items()))
        total = sum(pages.values())
        out.print(f"\n{report.page_records:,} pages on Kafka, of {total:,} articles" + (f": {where}" if where else ""))
    _show_verdict(report)


def _add_side(table: Table, report: LedgerReport, side: Side) -> None:
    first, again = (report.balance.total(side, again=again) for again in (False, True))
    _add(table, styled("[bold]{}[/]", side), first, again)
    rows: dict[tuple[str, str], list[int]] = {}
    for row, count in sorted(report.balance.counts.items()):
        if row.side == side:
            rows.setdefault((row.name, row.reason), [0, 0])[row.again] += count
    for (name, reason), (visits, revisits) in rows.items():
        label = f"{'waits in ' if side == 'in flight' else ''}{name}{f': {reason}' if reason else ''}"
        _add(table, f"  {line(label)}", visits, revisits)


def _add(table: Table, label: str | Text, first: int, again: int) -> None:
    table.add_row(label, f"{first:,}", f"{again:,}")


def _show_verdict(report: LedgerReport) -> None:
    from pipelines.ledger.accounts import MOST_DESCRIBED
    from pipelines.ledger.reconcile import MEANING

    if report.balanced:
        out.print(
            styled("\n[green]Balanced:[/] every visit has ended or is in flight, all articles are where they must be.")
        )
        return
    out.print(styled("\n[red]Not balanced:[/] {:,} found wrong", report.wrong))
    for suspect in report.suspects[:_SHOWN]:
        problem, article_id, visit = suspect.finding
        number = f", visit {visit}" if visit else ""
        when = f" at {suspect.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if suspect.at else ""
        out.print(styled("\n[red]✗[/] {}{}  {}: {}", article_id, number, problem, MEANING[problem]))
        out.print(f"  {line(suspect.url or 'URL unknown')}  last step: {line(suspect.last_step)}{when}")
    if report.wrong > _SHOWN:
        out.print(f"\n... and {report.wrong - _SHOWN:,} more: --json names up to {MOST_DESCRIBED:,}")
