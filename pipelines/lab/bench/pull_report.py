"""The tables of the pulling benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from pipelines.lab.bench import fetch, pull_result
from pipelines.lab.internet.audit import counts

_MIB = 2**20


def pull_tables(result: pull_result.PullResult) -> list[Table]:
    """Show what was asked, how, what was missed, and what it cost."""
    main = _table("pulled from a simulated internet", "")
    for name, value in _rows(result):
        main.add_row(name, value)
    cost = _table("copy", "cores", "MiB at the start", "middle", "end", "most", "processes")
    for name, one in result.costs.items():
        memory = one.memory
        sizes = (memory.start, memory.middle, memory.end, memory.most)
        cost.add_row(name, f"{one.cores:.2f}", *(f"{size / _MIB:,.0f}" for size in sizes), str(one.processes))
    cost.add_row("poll and fetch together", f"{result.cores:.2f}", "", "", "", "", "")
    cost.add_row("the simulated internet", f"{result.site_cores:.2f}", "", "", "", "", "")
    return [main, cost, *_examples(result), _verdict(result)]


def fetch_tables(result: fetch.FetchBenchResult) -> list[Table]:
    """Show pages a second by number of copies, and who used the cores."""
    speed = _table("copies", "pages/s", "MB/s", "ms of CPU a page", "limit")
    for leg in result.legs:
        megabytes = leg.pages_per_second * result.page_bytes / 1e6
        cpu = 1000 * leg.spent.ours / leg.pages
        speed.add_row(str(leg.copies), f"{leg.pages_per_second:,.0f}", f"{megabytes:,.0f}", f"{cpu:.2f}", leg.limit)
    cores = _table("cores used", *(f"{leg.copies} x fetch" for leg in result.legs))
    for name in fetch.SHARES:
        cores.add_row(name, *(f"{leg.shares[name]:.2f}" for leg in result.legs))
    return [speed, cores]


def _rows(result: pull_result.PullResult) -> Iterator[tuple[str, str]]:
    served, found, kept = result.served, result.coverage, result.harvest
    yield "feeds, hosts, speed", f"{result.orders.feeds:,}, {result.orders.hosts:,}, {result.orders.speed:g}"
    yield "copies of poll and of fetch", str(result.copies)
    yield "seconds", f"{result.seconds:,.0f}"
    yield "requests", f"{served.requests:,}"
    yield "polls, a second", f"{served.polls:,}, {served.polls / result.seconds:.1f}"
    yield "of them 304", f"{served.unchanged:,}"
    yield "requests for robots.txt", f"{served.robots:,}"
    yield "requests for pages, a second", f"{served.pages:,}, {served.pages / result.seconds:.1f}"
    yield "entries on Kafka, pages", f"{kept.entries:,}, {kept.pages:,}"
    yield "entries waiting, unaccounted for", f"{kept.waiting:,}, {len(kept.unaccounted):,}"
    for kind, count in counts(result.violations).items():
        yield f"violations: {kind}", f"{count:,}"
    yield "of them between poll and fetch", f"{result.between_roles:,}"
    yield "articles found, pending, out of reach", f"{found.found:,}, {found.pending:,}, {found.out_of_reach:,}"
    yield "articles missed, share", f"{len(found.missed):,}, {found.share:.4%}"
    p50, p95 = found.delay(50), found.delay(95)
    if p50 is not None and p95 is not None:
        yield "seconds from published to discovered, p50, p95", f"{p50:.1f}, {p95:.1f}"
    yield "killed with -9, came or left, ended by itself", f"{len(result.kills)}, {len(result.moves)}, {result.deaths}"
    totals = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in result.books.items())
    yield "reconcile", f"{'balanced' if result.balanced else 'NOT balanced'}: {totals}"


def _examples(result: pull_result.PullResult) -> Iterator[Table]:
    if not result.violations:
        return
    table = _table("violation", "host", "before", "request", "ms too early", "at second")
    for one in result.examples:
        early = f"{1000 * one.early:,.0f}"
        before, request = one.before.path, one.request.path
        table.add_row(str(one.kind), one.request.host, before, request, early, f"{one.request.start:.1f}")
    yield table


def _verdict(result: pull_result.PullResult) -> Table:
    table = _table("verdict")
    for fault in result.faults or ["good: no violation, nothing missed, nothing lost, under one core"]:
        table.add_row(fault)
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    return table
