"""`newsriver status`: what the river holds and what is waiting where."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from pipelines.cli.console import line, out, print_json, styled
from pipelines.cli.context import Context
from pipelines.errors import ServiceError
from pipelines.printable import span

if TYPE_CHECKING:
    from pipelines.status import Status, TopicStatus, WorkerStatus
    from schemas.records import BreakerState


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """Show topics with what waits in them, the processes, articles, and the ledger by kind and reason.

    Says when `process` has stopped because most sites' pages die by a fault of ours (`newsriver dead resume`).

    When Elasticsearch is away, what Kafka knows is shown all the same: which processes wait for it, and since when.
    """
    from pipelines.status import stopped, stopped_as_json, topic_status, with_documents, worker_status

    topics, workers = topic_status(context.settings), worker_status(context.settings)
    stop = stopped(context.settings)
    try:
        found = with_documents(context.settings, topics, workers, stop)
    except ServiceError:
        if as_json:
            known: dict[str, Any] = {"topics": [asdict(each) for each in topics]}
            known["workers"] = [asdict(each) for each in workers]
            print_json(known | {"stopped": stopped_as_json(stop)})
        else:
            _show_flow(topics, workers, stop)
        raise
    if as_json:
        print_json(found.as_json())
    else:
        _show_flow(topics, workers, stop)
        _show_documents(found)


def _show_flow(topics: list[TopicStatus], workers: list[WorkerStatus], stop: BreakerState | None) -> None:
    table = Table("topic", "partitions", "records", "waiting", box=None, pad_edge=False)
    for topic in topics:
        waiting = ", ".join(f"{count:,} for {role}" for role, count in topic.waiting.items())
        table.add_row(topic.topic, f"{topic.partitions or 'missing'}", f"{topic.records:,}", waiting)
    out.print(table)
    if stop is not None:
        from pipelines.breaker.state import tripped_error

        why, at = line(str(tripped_error(stop))), f"{stop.at:%m-%d %H:%M:%S}"
        out.print(styled("\n[bold red]stopped[/] {}: {}", at, why))
    if not workers:
        return
    table = Table("process", "pid", "state", "since", "what", box=None, pad_edge=False)
    now = datetime.now(UTC)
    for worker in workers:
        why = f"{worker.waits_for}: {worker.detail}" if worker.waits_for else _feeds(worker, now)
        table.add_row(line(worker.name), f"{worker.pid}", worker.state, f"{worker.since:%m-%d %H:%M:%S}", line(why))
    out.print("", table)


def _feeds(worker: WorkerStatus, now: datetime) -> str:
    """Say what a `poll` does where it does not wait."""
    if worker.feeds is None or worker.state == "silent":
        return ""
    due = worker.next_poll_at
    parts = [f"{worker.feeds:,} feeds"]
    parts += [f"{worker.failing:,} failing"] if worker.failing else []
    parts += ["next poll " + ("now" if due <= now else f"in {span(due - now)}")] if due else []
    return ", ".join(parts)


def _show_documents(found: Status) -> None:
    out.print(styled("\n[bold]{:,}[/] articles", found.articles))
    for title, counts in (
        ("by language", found.languages),
        ("by topic", found.subjects),
        ("outcomes", found.outcomes),
        ("reasons", found.reasons),
    ):
        if counts:
            out.print(f"{title}: " + line(", ".join(f"{name} {count:,}" for name, count in counts.items())))
    alerts = found.alerts
    if alerts.searches:
        parts = [f"{alerts.searches:,} saved searches", f"{alerts.waiting:,} articles wait"]
        if alerts.p50_ms is not None and alerts.p95_ms is not None:
            times = f"p50 {alerts.p50_ms / 1000:.1f} s, p95 {alerts.p95_ms / 1000:.1f} s after they were indexed"
            parts.append(f"{alerts.delivered:,} delivered in 24 h, {times}")
        out.print("alerts: " + ", ".join(parts))
