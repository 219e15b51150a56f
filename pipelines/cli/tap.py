"""`newsriver tap`: the records of a topic as they come."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from pipelines.cli.console import err, line, out, print_json
from pipelines.cli.context import Context

if TYPE_CHECKING:
    from pipelines.kafka import Message
    from schemas.topics import Topic


@click.command()
@click.argument("topic")
@click.option(
    "--from",
    "start",
    type=click.Choice(["start", "end"]),
    default="end",
    show_default=True,
    help="Begin with the oldest record, or with the next one to come.",
)
@click.option("--count", type=click.IntRange(1), help="End after so many records (default: Ctrl-C).")
@click.option("--grep", "text", metavar="TEXT", help="Only records with this text in key, headers or value, any case.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line.")
@click.pass_obj
def tap(context: Context, topic: str, start: str, count: int | None, text: str | None, as_json: bool) -> None:
    """Show the records of TOPIC (entries, pages, outcomes, ...); reads without a group and commits nothing."""
    from pipelines.kafka import RangeReader
    from pipelines.runtime.endpoints import kafka_bootstrap
    from pipelines.tap import find_topic, holds

    river = context.settings.river.name
    found = find_topic(topic, river)
    with closing(RangeReader(kafka_bootstrap(context.settings), client_id="newsriver-tap")) as reader:
        places = reader.places(found.full_name(river))
        starts = reader.starts(places) if start == "start" else reader.ends(places)
        if start == "end":
            err.print(f"waiting for records of {found.full_name(river)}; Ctrl-C ends")
        messages = reader.follow(starts)
        try:
            wanted = (each for each in messages if not text or holds(text, each.key, each.headers, each.value))
            for message in islice(wanted, count):
                _show(message, found, as_json)
        except KeyboardInterrupt:
            return  # the usual end


def _show(message: Message, topic: Topic, as_json: bool) -> None:
    from pipelines.tap import headers_as_json, time_of, value_as_json

    headers, value = headers_as_json(message.headers), value_as_json(topic, message.value)
    when = time_of(message.timestamp_ms)
    if as_json:
        document = {
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "time": when.isoformat(),
            "key": message.key,
            "headers": headers,
            "value": value,
        }
        print_json(document, indent=None)
        return
    text = Text(f"{message.origin}  {when:%Y-%m-%d %H:%M:%S}  {line(message.key or '')}", style="bold")
    for name, content in headers.items():
        text.append(f"\n  {line(f'{name}: {_text(content)}')}", style="dim")
    out.print(text.append(f"\n  {line(_text(value))}", style="not bold"))


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    if value is None:
        return "removed"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
